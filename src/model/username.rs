//! User names: 3 to 50 letters, digits, underscores, hyphens and inner dots, compared without case.

/// A user name. It is kept as typed and compared by its key. It never looks like an email address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username {
    typed: String,
    key: String,
}

/// The minimum length.
pub const MIN_LENGTH: usize = 3;
/// The maximum length.
pub const MAX_LENGTH: usize = 50;

impl Username {
    /// Parses a name. The caller has already checked the length.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        let inside = |b: u8| plain(b) || b == b'.';
        let bytes = text.as_bytes();
        let ends_well =
            bytes.first().is_some_and(|&b| plain(b)) && bytes.last().is_some_and(|&b| plain(b));
        let fits = (MIN_LENGTH..=MAX_LENGTH).contains(&bytes.len());
        (fits && ends_well && bytes.iter().all(|&b| inside(b)))
            .then(|| Self { typed: text.to_owned(), key: text.to_ascii_lowercase() })
    }

    /// The name as its owner typed it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// The lower-case form.
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
        for bad in
            ["", "jo", "jo hn", "jöhn", ".joe", "joe.", "joe@example.com", "joe\n", &"a".repeat(51)]
        {
            assert_eq!(Username::parse(bad), None, "{bad:?}");
        }
        assert_eq!(Username::parse("JoHn").unwrap().key(), "john");
    }
}
