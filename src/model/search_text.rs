//! What administrators search accounts by: any part of the address or of the user name.

use super::email::Email;
use super::text;

/// A search text. Every character is matched literally, in either case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText(String);

impl SearchText {
    /// Reads a search text; `None` if it is blank.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        let text = fold(typed.trim());
        (!text.is_empty()).then_some(Self(text))
    }

    /// The text in the form in which it is compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the address or the user name of an account contains the text.
    #[must_use]
    pub fn is_in(&self, email: Option<&Email>, username: Option<&str>) -> bool {
        searched(email, username).iter().any(|text| text.contains(&self.0))
    }
}

/// The texts of an account that a search looks at: its address, as its owner typed it and with the
/// domain in ASCII, and its user name.
#[must_use]
pub fn searched(email: Option<&Email>, username: Option<&str>) -> Vec<String> {
    let typed = email.map(|email| fold(email.as_str()));
    let ascii = email.map(|email| email.key().to_owned()).filter(|key| typed.as_ref() != Some(key));
    [typed, ascii, username.map(fold)].into_iter().flatten().collect()
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
            assert!(text.is_in(Some(&email), Some("JSmith_99")), "{part}");
        }
        for other in ["%", "jo_n", "john smith", "example.com"] {
            let text = SearchText::parse(other).unwrap();
            assert!(!text.is_in(Some(&email), Some("JSmith_99")), "{other}");
        }
        let by_name = SearchText::parse("smith").unwrap();
        assert!(by_name.is_in(None, Some("JSmith_99")) && !by_name.is_in(None, None));
        assert_eq!(SearchText::parse(" \u{3000}"), None);
    }
}
