//! User names: 3 to 50 letters, digits, underscores, hyphens and inner dots, compared without case.

/// A user name: kept as typed, compared by its key. It never looks like an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username {
    typed: String,
    key: String,
}

/// The fewest characters.
pub const MIN_LENGTH: usize = 3;
/// The most characters.
pub const MAX_LENGTH: usize = 50;

impl Username {
    /// Parses a name whose length the caller has looked at.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        let inside = |b: u8| plain(b) || b == b'.';
        let bytes = text.as_bytes();
        let ends_well = bytes.first().is_some_and(|&b| plain(b)) && bytes.last().is_some_and(|&b| plain(b));
        let fits = (MIN_LENGTH..=MAX_LENGTH).contains(&bytes.len());
        (fits && ends_well && bytes.iter().all(|&b| inside(b)))
            .then(|| Self { typed: text.to_owned(), key: text.to_ascii_lowercase() })
    }

    /// As its owner typed it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// Lower case.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_letters_digits_and_a_few_signs() {
        for good in ["joe", "John_Doe-1", "first.last", &"a".repeat(50)] {
            assert!(Username::parse(good).is_some(), "{good}");
        }
        for bad in ["", "jo", "jo hn", "jöhn", ".joe", "joe.", "joe@example.com", "joe\n", &"a".repeat(51)] {
            assert_eq!(Username::parse(bad), None, "{bad:?}");
        }
        assert_eq!(Username::parse("JoHn").unwrap().key(), "john");
    }
}
