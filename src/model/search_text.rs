//! What administrators search accounts by: any part of the address, the user name or the name.

use super::email::Email;
use super::text;

/// A search text. Every character is matched literally, in either case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText {
    text: String,
    /// Whether the name is looked at too.
    has_names: bool,
}

impl SearchText {
    /// Reads a search text; `None` if it is blank.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        let text = fold(typed.trim());
        (!text.is_empty()).then_some(Self { text, has_names: true })
    }

    /// The same search without names.
    #[must_use]
    pub fn without_names(self) -> Self {
        Self { has_names: false, ..self }
    }

    /// The text in the form in which it is compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the address, the user name or the name of an account contains the text.
    #[must_use]
    pub fn is_in(&self, email: Option<&Email>, username: Option<&str>, name: Option<&str>) -> bool {
        let name = name.filter(|_| self.has_names);
        searched(email, username, name).iter().any(|text| text.contains(&self.text))
    }
}

/// The texts of an account that a search looks at: its address, as its owner typed it and with the
/// domain in ASCII, its user name, and its full name.
#[must_use]
pub fn searched(email: Option<&Email>, username: Option<&str>, name: Option<&str>) -> Vec<String> {
    let typed = email.map(|email| fold(email.as_str()));
    let ascii = email.map(|email| email.key().to_owned()).filter(|key| typed.as_ref() != Some(key));
    [typed, ascii, username.map(fold), name.map(fold)].into_iter().flatten().collect()
}

fn fold(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text::fold(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_part_is_found_in_either_case_and_spelling() {
        let email = Email::parse("John.Smith@Bücher.example").unwrap();
        for part in ["smith", "N.SM", "@bücher", "xn--", ".example", " mith@ ", "jsmith", "_99"] {
            let text = SearchText::parse(part).unwrap();
            assert!(text.is_in(Some(&email), Some("JSmith_99"), None), "{part}");
        }
        for other in ["%", "jo_n", "john smith", "example.com"] {
            let text = SearchText::parse(other).unwrap();
            assert!(!text.is_in(Some(&email), Some("JSmith_99"), None), "{other}");
        }
        let by_name = SearchText::parse("smith").unwrap();
        assert!(by_name.is_in(None, Some("JSmith_99"), None) && !by_name.is_in(None, None, None));
        assert!(by_name.is_in(None, None, Some("Ann SMITH")));
        let without = by_name.without_names();
        assert!(without.is_in(None, Some("JSmith"), None));
        assert!(!without.is_in(None, None, Some("Ann SMITH")));
        assert_eq!(SearchText::parse(" \u{3000}"), None);
    }
}
