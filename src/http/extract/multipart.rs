//! Parses `multipart/form-data` (RFC 7578) while it arrives. Nothing of a field's data is kept, and
//! what belongs to no data is bounded; each byte is looked at no more than twice, however it
//! is divided into pieces.

use hyper::body::{Buf as _, Bytes};

use crate::error::{Error, Kind, Result};

/// Maximum number of bytes of a form that are not data of a field: what precedes the first
/// boundary, the boundaries, and the headers of all parts.
const MAX_OVERHEAD: usize = 16 * 1024;
/// Maximum length of a boundary (RFC 2046, section 5.1.1).
const MAX_BOUNDARY: usize = 70;

/// What a form contains, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormEvent {
    /// A field begins.
    Part(PartHead),
    /// Some bytes of the field, never none.
    Data(Bytes),
    /// The field ends.
    PartEnd,
    /// The form ends.
    End,
}

/// The `Content-Disposition` of a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartHead {
    pub name: Option<String>,
    /// The name of the file, if the field is one.
    pub file_name: Option<String>,
}

/// The state of a form that has arrived in part.
#[derive(Debug)]
pub struct FormParser {
    /// CR LF, two hyphens, and the boundary. CR is nowhere but at its beginning, so that a mismatch
    /// never hides another beginning.
    delimiter: Vec<u8>,
    /// How many bytes of the delimiter came last.
    matched: usize,
    /// How many of these came in earlier pieces.
    held: usize,
    at: FormPosition,
    /// The bytes of the current line or head.
    line: Vec<u8>,
    overhead: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FormPosition {
    /// Before the first boundary.
    Preamble,
    /// Between a boundary and the end of its line.
    Boundary,
    Head,
    Data,
    End,
}

/// The result of a search for the delimiter in a piece, from which it is taken.
enum Found {
    /// Bytes before the next delimiter.
    Before(Bytes),
    Delimiter,
}

impl FormParser {
    /// A parser for the form with this `Content-Type`.
    ///
    /// # Errors
    /// `UnsupportedMediaType`, `MalformedBody` without a valid boundary.
    pub fn new(content_type: &str) -> Result<Self> {
        let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
        if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
            let message = "Unsupported content type, expected multipart/form-data";
            return Err(Error::with(Kind::UnsupportedMediaType, message));
        }
        let is_valid = |boundary: &str| {
            (1..=MAX_BOUNDARY).contains(&boundary.len())
                && boundary.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
        };
        let boundary = parameter(parameters, "boundary").filter(|boundary| is_valid(boundary));
        let Some(boundary) = boundary else {
            let message = "The content type multipart/form-data needs a boundary";
            return Err(Error::with(Kind::MalformedBody, message));
        };
        Ok(Self {
            delimiter: format!("\r\n--{boundary}").into_bytes(),
            // The first boundary may be the first line, without a line break before it.
            matched: 2,
            held: 2,
            at: FormPosition::Preamble,
            line: Vec::new(),
            overhead: 0,
        })
    }

    /// The next event, whose bytes it takes from `piece`; `None` if more bytes are needed.
    ///
    /// # Errors
    /// `MalformedBody`, `PayloadTooLarge` if too many bytes are no data.
    pub fn next(&mut self, piece: &mut Bytes) -> Result<Option<FormEvent>> {
        while !piece.is_empty() {
            let event = match self.at {
                FormPosition::Preamble => self.skip_preamble(piece)?,
                FormPosition::Boundary => self.end_boundary(piece)?,
                FormPosition::Head => self.read_head(piece)?,
                FormPosition::Data => self.read_data(piece)?,
                // An epilogue is ignored.
                FormPosition::End => {
                    piece.clear();
                    None
                }
            };
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(None)
    }

    fn skip_preamble(&mut self, piece: &mut Bytes) -> Result<Option<FormEvent>> {
        let length = piece.len();
        let found = self.find(piece);
        self.spend(length - piece.len())?;
        if let Found::Delimiter = found {
            self.at = FormPosition::Boundary;
        }
        Ok(None)
    }

    fn read_data(&mut self, piece: &mut Bytes) -> Result<Option<FormEvent>> {
        if let Found::Before(data) = self.find(piece) {
            return Ok((!data.is_empty()).then_some(FormEvent::Data(data)));
        }
        self.spend(self.delimiter.len())?;
        self.at = FormPosition::Boundary;
        Ok(Some(FormEvent::PartEnd))
    }

    /// Reads the line of a boundary to its end. Two hyphens there end the form.
    fn end_boundary(&mut self, piece: &mut Bytes) -> Result<Option<FormEvent>> {
        let byte = piece.split_to(1)[0];
        self.spend(1)?;
        self.line.push(byte);
        if self.line == b"--" {
            self.at = FormPosition::End;
            return Ok(Some(FormEvent::End));
        }
        if byte == b'\n' {
            let line = std::mem::take(&mut self.line);
            let is_empty = line
                .strip_suffix(b"\r\n")
                .is_some_and(|padding| padding.iter().all(|byte| matches!(byte, b' ' | b'\t')));
            if !is_empty {
                return Err(malformed());
            }
            self.at = FormPosition::Head;
        }
        Ok(None)
    }

    fn read_head(&mut self, piece: &mut Bytes) -> Result<Option<FormEvent>> {
        let length = piece.iter().position(|&byte| byte == b'\n').map_or(piece.len(), |at| at + 1);
        let line = piece.split_to(length);
        self.spend(length)?;
        self.line.extend_from_slice(&line);
        if self.line != b"\r\n" && !self.line.ends_with(b"\r\n\r\n") {
            return Ok(None);
        }
        let head = String::from_utf8(std::mem::take(&mut self.line)).map_err(|_| malformed())?;
        self.at = FormPosition::Data;
        Ok(Some(FormEvent::Part(part_head(&head)?)))
    }

    /// Counts bytes that are no data.
    fn spend(&mut self, bytes: usize) -> Result<()> {
        self.overhead += bytes;
        if self.overhead <= MAX_OVERHEAD {
            return Ok(());
        }
        let message = "The form has more than 16384 bytes besides the data of its fields";
        Err(Error::with(Kind::PayloadTooLarge, message))
    }

    /// Takes the bytes before the next delimiter from a piece, or the delimiter if it comes first.
    fn find(&mut self, piece: &mut Bytes) -> Found {
        let mut at = 0;
        while at < piece.len() && self.matched < self.delimiter.len() {
            let byte = piece[at];
            if byte == self.delimiter[self.matched] {
                self.matched += 1;
                at += 1;
            } else if self.held > 0 {
                // What looked like a delimiter began in an earlier piece, and is data.
                let data = Bytes::copy_from_slice(&self.delimiter[..self.held]);
                (self.matched, self.held) = (0, 0);
                return Found::Before(data);
            } else if self.matched > 0 {
                self.matched = 0;
            } else {
                let next = piece[at..].iter().position(|&byte| byte == b'\r');
                at = next.map_or(piece.len(), |next| at + next);
            }
        }
        let begin = at + self.held - self.matched;
        if self.matched < self.delimiter.len() {
            self.held = self.matched;
            let whole = std::mem::take(piece);
            return Found::Before(whole.slice(..begin));
        }
        (self.matched, self.held) = (0, 0);
        if begin > 0 {
            // The delimiter stays in the piece, and is found at once by the next call.
            return Found::Before(piece.split_to(begin));
        }
        piece.advance(at);
        Found::Delimiter
    }
}

/// What is wrong with a form that cannot be parsed.
#[must_use]
pub fn malformed() -> Error {
    Error::with(Kind::MalformedBody, "The request body is not a valid form (multipart/form-data)")
}

fn part_head(head: &str) -> Result<PartHead> {
    let mut found = None;
    for line in head.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(malformed)?;
        if !name.eq_ignore_ascii_case("content-disposition") {
            continue;
        }
        let (kind, parameters) = value.split_once(';').unwrap_or((value, ""));
        if !kind.trim().eq_ignore_ascii_case("form-data") || found.is_some() {
            return Err(malformed());
        }
        found = Some(PartHead {
            name: parameter(parameters, "name"),
            file_name: parameter(parameters, "filename"),
        });
    }
    Ok(found.unwrap_or_default())
}

/// The value of a parameter, plain or in quotes. As browsers send it, a backslash stands for itself
/// unless a quote follows.
fn parameter(mut rest: &str, name: &str) -> Option<String> {
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        let (key, after) = rest.split_once('=')?;
        let (value, after) = if let Some(quoted) = after.trim_start().strip_prefix('"') {
            unquoted(quoted)?
        } else {
            let (plain, after) = after.split_once(';').unwrap_or((after, ""));
            (plain.trim().to_owned(), after)
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = after;
    }
}

/// The text up to the closing quote, and what follows it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((value, &text[at + 1..])),
            '\\' if chars.next_if(|(_, next)| *next == '"').is_some() => value.push('"'),
            _ => value.push(char),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=x";
    const FILE: &str = "content-disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n";

    /// The events of a form that comes in pieces of this size; its data is put together.
    fn parse(form: &[u8], size: usize) -> Result<Vec<FormEvent>> {
        let mut parser = FormParser::new(TYPE)?;
        let mut events: Vec<FormEvent> = Vec::new();
        for piece in form.chunks(size) {
            let mut piece = Bytes::copy_from_slice(piece);
            while let Some(event) = parser.next(&mut piece)? {
                match (events.last_mut(), event) {
                    (Some(FormEvent::Data(data)), FormEvent::Data(more)) => {
                        assert!(!more.is_empty());
                        *data = [&data[..], &more].concat().into();
                    }
                    (_, event) => events.push(event),
                }
            }
            assert!(piece.is_empty());
        }
        Ok(events)
    }

    fn form(data: &[u8]) -> Vec<u8> {
        [b"--x\r\n", FILE.as_bytes(), data, b"\r\n--x--\r\n"].concat()
    }

    fn file(data: &[u8]) -> Vec<FormEvent> {
        let head = PartHead { name: Some("file".into()), file_name: Some("a.pdf".into()) };
        let data = (!data.is_empty()).then(|| FormEvent::Data(Bytes::copy_from_slice(data)));
        let events = [Some(FormEvent::Part(head)), data, Some(FormEvent::PartEnd)];
        events.into_iter().flatten().chain([FormEvent::End]).collect()
    }

    #[test]
    fn a_file_is_read_however_it_is_divided_into_pieces() {
        for data in [
            &b""[..],
            b"abc",
            b"\r\r\n\r\n-\r\n--\r\n-\r\r\n--y--x",
            b"\r\n--\r\n\r\n--",
            &vec![b'\r'; 5000],
        ] {
            for size in [1, 2, 3, 5, 64, 100_000] {
                assert_eq!(parse(&form(data), size).unwrap(), file(data), "{data:?} by {size}");
                let before = [b"a preamble\r\n--\r\n", &form(data)[..], b"an epilogue"].concat();
                assert_eq!(parse(&before, size).unwrap(), file(data), "{data:?} by {size}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_data_without_the_boundary_comes_out_as_it_went_in(
            data in "[\r\n\\-x\u{0}]{0,80}", size in 1_usize..40
        ) {
            proptest::prop_assume!(!data.contains("\r\n--x"));
            proptest::prop_assert_eq!(parse(&form(data.as_bytes()), size).unwrap(), file(data.as_bytes()));
        }

        #[test]
        fn any_bytes_are_parsed_or_refused_alike_however_they_are_divided(
            bytes in "(--x|\r\n|a: b|-|\u{e9}|content-disposition: form-data|; ?name=\"?|x){0,30}", size in 1_usize..9
        ) {
            let whole = parse(bytes.as_bytes(), 1000).map_err(|error| error.kind());
            let pieces = parse(bytes.as_bytes(), size).map_err(|error| error.kind());
            proptest::prop_assert_eq!(whole, pieces);
        }
    }

    #[test]
    fn what_is_no_data_is_bounded() {
        let long = "a".repeat(MAX_OVERHEAD + 1);
        let parts = String::from_utf8(form(b"")).unwrap().replace("--x--\r\n", "").repeat(400);
        for (what, form) in [
            ("a preamble", long.clone().into_bytes()),
            ("the padding of a boundary", format!("--x{}", " ".repeat(MAX_OVERHEAD)).into_bytes()),
            ("a head", format!("--x\r\n{long}").into_bytes()),
            ("many lines of a head", format!("--x\r\n{}", "a: b\r\n".repeat(4000)).into_bytes()),
            ("many parts", parts.into_bytes()),
        ] {
            for size in [1, 1000, 100_000] {
                let refused = parse(&form, size).unwrap_err();
                assert_eq!(refused.kind(), Kind::PayloadTooLarge, "{what} by {size}");
            }
        }
    }

    #[test]
    fn a_content_type_needs_the_type_and_a_boundary() {
        for right in [
            TYPE,
            "Multipart/Form-Data; charset=utf-8; Boundary=\"x\"",
            "multipart/form-data;boundary=x",
        ] {
            assert!(FormParser::new(right).is_ok(), "{right}");
        }
        let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
        for (wrong, kind) in [
            ("multipart/mixed; boundary=x", Kind::UnsupportedMediaType),
            ("application/json", Kind::UnsupportedMediaType),
            ("", Kind::UnsupportedMediaType),
            ("multipart/form-data", Kind::MalformedBody),
            ("multipart/form-data; boundary=", Kind::MalformedBody),
            ("multipart/form-data; boundary=\"x", Kind::MalformedBody),
            ("multipart/form-data; boundary=\"a\tb\"", Kind::MalformedBody),
            (&long, Kind::MalformedBody),
        ] {
            assert_eq!(FormParser::new(wrong).unwrap_err().kind(), kind, "{wrong}");
        }
    }

    #[test]
    fn the_names_of_a_field_are_those_that_browsers_send() {
        for (value, name, file_name) in [
            ("form-data; name=file; filename=cv.pdf", Some("file"), Some("cv.pdf")),
            ("form-data; filename=\"a; name=b\"; name=\"c\"", Some("c"), Some("a; name=b")),
            (
                "form-data; name=\"a\\\"b\"; filename=\"C:\\d\\e.txt\"",
                Some("a\"b"),
                Some("C:\\d\\e.txt"),
            ),
            ("form-data; name=\"gr\u{fc}\u{df}e\"", Some("gr\u{fc}\u{df}e"), None),
            ("form-data; filename*=UTF-8''x; name=a", Some("a"), None),
            ("form-data; name=\"a", None, None),
            ("FORM-DATA", None, None),
        ] {
            let head = part_head(&format!("X: y\r\nContent-Disposition: {value}\r\n\r\n")).unwrap();
            assert_eq!(
                (head.name.as_deref(), head.file_name.as_deref()),
                (name, file_name),
                "{value}"
            );
        }
        assert_eq!(part_head("content-type: text/plain\r\n\r\n").unwrap(), PartHead::default());
        for wrong in [
            "no colon\r\n\r\n",
            "content-disposition: attachment; name=file\r\n\r\n",
            "content-disposition: form-data; name=a\r\ncontent-disposition: form-data; name=b\r\n\r\n",
        ] {
            assert_eq!(part_head(wrong).unwrap_err().kind(), Kind::MalformedBody, "{wrong}");
        }
    }
}
