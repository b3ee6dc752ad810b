//! One text of a language, and how its placeholders are filled.

use std::fmt;
use std::ops::Deref;

/// The texts of all built-in languages, which the build script puts into one piece.
const BUILT_IN: &str = include_str!(concat!(env!("OUT_DIR"), "/words.txt"));

/// A text of the catalogue. It may contain placeholders only where [`Words`](super::Words) has a
/// method for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(Kept);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kept {
    /// Where the text is in [`BUILT_IN`].
    BuiltIn { start: u32, length: u32 },
    /// From a file of the operator.
    Own(Box<str>),
}

impl Text {
    pub(super) const fn built_in(start: u32, length: u32) -> Self {
        Self(Kept::BuiltIn { start, length })
    }

    /// A text that is not built in.
    #[must_use]
    pub fn own(text: &str) -> Self {
        Self(Kept::Own(text.into()))
    }

    /// The text, with its placeholders.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Kept::BuiltIn { start, length } => {
                BUILT_IN.get(*start as usize..(*start + *length) as usize).unwrap_or_default()
            }
            Kept::Own(text) => text,
        }
    }

    /// The text with values for its placeholders. Braces inside a value stay.
    #[must_use]
    pub fn fill(&self, values: &[(&str, &dyn fmt::Display)]) -> String {
        let mut out = String::with_capacity(self.len() + 32);
        let mut rest = self.as_str();
        while let Some((before, tail)) = rest.split_once('{') {
            out.push_str(before);
            let (name, after) = tail.split_once('}').unwrap_or((tail, ""));
            if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
                out.push_str(&value.to_string());
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::built_in(0, 0)
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_values_are_left_alone() {
        let text = Text::own("{b}, {a} and {b}");
        assert_eq!(text.fill(&[("a", &1), ("b", &"{a}")]), "{a}, 1 and {a}");
        assert_eq!(Text::own("plain").fill(&[]), "plain");
    }

    #[test]
    fn a_built_in_text_takes_no_more_room_than_a_reference() {
        assert_eq!(size_of::<Text>(), size_of::<&str>());
    }
}
