//! A language tag (RFC 5646): `de`, `pt-BR`, `zh-Hans`.

use std::fmt;

/// The maximum length of a tag (RFC 5646, section 4.4.1).
pub const LONGEST_TAG: usize = 35;

/// A well-formed language tag in its usual spelling. It may name a language that the server does
/// not have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LanguageTag {
    bytes: [u8; LONGEST_TAG],
    length: u8,
}

impl LanguageTag {
    /// Reads a tag: subtags of one to eight letters and digits, the first of two to eight letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let length = u8::try_from(text.len()).ok()?;
        let mut bytes = [0; LONGEST_TAG];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        let mut at = 0;
        let mut is_private = false;
        for (index, subtag) in text.split('-').enumerate() {
            let is_alphabetic = subtag.bytes().all(|b| b.is_ascii_alphabetic());
            let is_well_formed = (1..=8).contains(&subtag.len())
                && subtag.bytes().all(|b| b.is_ascii_alphanumeric());
            if !is_well_formed || (index == 0 && (subtag.len() < 2 || !is_alphabetic)) {
                return None;
            }
            let written = bytes.get_mut(at..at + subtag.len())?;
            written.make_ascii_lowercase();
            if index > 0 && is_alphabetic && !is_private {
                match written {
                    [_, _] => written.make_ascii_uppercase(),
                    [first, _, _, _] => first.make_ascii_uppercase(),
                    _ => {}
                }
            }
            is_private |= subtag.len() == 1;
            at += subtag.len() + 1;
        }
        Some(Self { bytes, length })
    }

    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_gets_its_usual_spelling() {
        for (given, expected) in [
            ("de", "de"),
            ("DE", "de"),
            ("pt-br", "pt-BR"),
            ("ZH-HANS-CN", "zh-Hans-CN"),
            ("es-419", "es-419"),
            ("de-CH-1996", "de-CH-1996"),
            ("en-x-US", "en-x-us"),
            ("sl-rozaj-BISKE", "sl-rozaj-biske"),
        ] {
            assert_eq!(LanguageTag::parse(given).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        let long = format!("de-{}", "a-".repeat(16) + "b");
        assert_eq!(long.len(), LONGEST_TAG + 1);
        for bad in
            ["", "d", "-", "de-", "-de", "de--AT", "de_DE", "1a", "d1", "de DE", "ß", "*", &long]
        {
            assert_eq!(LanguageTag::parse(bad), None, "{bad}");
        }
    }
}
