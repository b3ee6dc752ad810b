//! Detects a file's type from its content while it streams in. The ending of its name says which type
//! it must have.

use std::collections::VecDeque;

/// The accepted file types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// Portable Document Format.
    Pdf,
    /// Word before 2007.
    Doc,
    /// Word since 2007.
    Docx,
    Text,
    Jpeg,
    Png,
    Gif,
}

impl Media {
    /// The media type.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Media::Pdf => "application/pdf",
            Media::Doc => "application/msword",
            Media::Docx => {
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
            }
            Media::Text => "text/plain",
            Media::Jpeg => "image/jpeg",
            Media::Png => "image/png",
            Media::Gif => "image/gif",
        }
    }
}

/// The ending of a file name that may be uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileEnding {
    word: &'static str,
    media: Media,
}

/// Declares the endings, so that none can be missing in [`FileEnding::WORDS`].
macro_rules! endings {
    ($first:literal => $media:ident $(, $word:literal => $other:ident)*) => {
        impl FileEnding {
            /// All endings, in words.
            pub const WORDS: &str = concat!($first $(, ", ", $word)*);

            const ALL: &[Self] = &[
                Self { word: $first, media: Media::$media },
                $(Self { word: $word, media: Media::$other },)*
            ];
        }
    };
}

endings!(
    "pdf" => Pdf,
    "doc" => Doc,
    "docx" => Docx,
    "txt" => Text,
    "jpg" => Jpeg,
    "jpeg" => Jpeg,
    "png" => Png,
    "gif" => Gif
);

impl FileEnding {
    /// Reads an ending such as `pdf`, in either case.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|ending| ending.word.eq_ignore_ascii_case(word)).copied()
    }

    /// The ending of a file name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        name.rsplit_once('.').and_then(|(_, word)| Self::parse(word))
    }

    /// The ending without the dot, in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.word
    }

    /// The type that a file with this ending has.
    #[must_use]
    pub fn media(self) -> Media {
        self.media
    }
}

/// The leading bytes that identify each type.
const MAGIC: [(&[u8], Media); 7] = [
    (b"%PDF-", Media::Pdf),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Media::Doc),
    (b"PK\x03\x04", Media::Docx),
    (b"\xff\xd8\xff", Media::Jpeg),
    (b"\x89PNG\r\n\x1a\n", Media::Png),
    (b"GIF87a", Media::Gif),
    (b"GIF89a", Media::Gif),
];

/// The container of old Word documents holds a Word document if it has this stream.
const DOC_STREAM: &[u8] = b"W\0o\0r\0d\0D\0o\0c\0u\0m\0e\0n\0t\0";
/// A ZIP archive is a Word document if it has this entry.
const DOCX_ENTRY: &[u8] = b"word/document.xml";

/// Inspects the bytes of a file as they arrive.
#[derive(Debug)]
pub struct Sniffer {
    head: Vec<u8>,
    is_text: bool,
    wanted: Option<Search>,
}

impl Default for Sniffer {
    fn default() -> Self {
        Self { head: Vec::with_capacity(HEAD), is_text: true, wanted: None }
    }
}

const HEAD: usize = 8;

impl Sniffer {
    /// Inspects the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if self.head.len() < HEAD {
            let taken = rest.len().min(HEAD - self.head.len());
            self.head.extend_from_slice(&rest[..taken]);
            rest = &rest[taken..];
            if self.head.len() == HEAD {
                self.wanted = match self.magic() {
                    Some(Media::Doc) => Some(Search::new(DOC_STREAM)),
                    Some(Media::Docx) => Some(Search::new(DOCX_ENTRY)),
                    _ => None,
                };
            }
        }
        if let Some(search) = &mut self.wanted {
            search.feed(rest);
        }
        self.is_text &=
            bytes.iter().all(|&byte| byte >= b' ' && byte != 0x7f || b"\t\n\r\x0c".contains(&byte));
    }

    fn magic(&self) -> Option<Media> {
        MAGIC.iter().find(|(magic, _)| self.head.starts_with(magic)).map(|(_, media)| *media)
    }

    /// The detected type, or `None` if the file type is not accepted.
    #[must_use]
    pub fn finish(self) -> Option<Media> {
        match (self.magic(), &self.wanted) {
            (Some(media @ (Media::Doc | Media::Docx)), Some(search)) => {
                search.found.then_some(media)
            }
            (Some(Media::Doc | Media::Docx), None) => None,
            (Some(media), _) => Some(media),
            (None, _) => (self.is_text && !self.head.is_empty()).then_some(Media::Text),
        }
    }
}

/// Searches a stream for a byte sequence.
#[derive(Debug)]
struct Search {
    wanted: &'static [u8],
    last: VecDeque<u8>,
    found: bool,
}

impl Search {
    fn new(wanted: &'static [u8]) -> Self {
        Self { wanted, last: VecDeque::with_capacity(wanted.len()), found: false }
    }

    fn feed(&mut self, bytes: &[u8]) {
        if self.found {
            return;
        }
        let joint: Vec<u8> = self.last.iter().chain(bytes).copied().collect();
        self.found = joint.windows(self.wanted.len()).any(|window| window == self.wanted);
        let keep = joint.len().min(self.wanted.len() - 1);
        self.last = joint[joint.len() - keep..].iter().copied().collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(content: &[u8], step: usize) -> Option<Media> {
        let mut sniffer = Sniffer::default();
        content.chunks(step).for_each(|chunk| sniffer.feed(chunk));
        sniffer.finish()
    }

    #[test]
    fn a_file_is_what_it_holds_however_it_comes() {
        let docx =
            [b"PK\x03\x04....[Content_Types].xml....".as_slice(), DOCX_ENTRY, b"..."].concat();
        let zip = b"PK\x03\x04............evil.exe....".as_slice();
        let doc = [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1.....".as_slice(), DOC_STREAM].concat();
        for step in [1, 3, 7, 1000] {
            assert_eq!(kind(b"%PDF-1.7\n...", step), Some(Media::Pdf));
            assert_eq!(kind(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", step), Some(Media::Png));
            assert_eq!(kind(b"\xff\xd8\xff\xe0\0\x10JFIF", step), Some(Media::Jpeg));
            assert_eq!(kind(b"GIF89a\x01\0", step), Some(Media::Gif));
            assert_eq!(kind("Grüße\n\tund mehr\r\n".as_bytes(), step), Some(Media::Text));
            assert_eq!(kind(&docx, step), Some(Media::Docx));
            assert_eq!(kind(zip, step), None);
            assert_eq!(kind(&doc, step), Some(Media::Doc));
            assert_eq!(kind(b"MZ\x90\0\x03\0\0\0", step), None);
            assert_eq!(kind(b"\x7fELF\x02\x01", step), None);
            assert_eq!(kind(b"PK\x03\x04", step), None);
        }
        assert_eq!(kind(b"", 1), None);
        assert_eq!(kind(b"hi", 1), Some(Media::Text));
    }
}
