//! The name that an owner gives to a key.

use crate::error::{Error, Field, Result, Rule};
use crate::model::text;

/// One line of 1 to [`PasskeyName::MAX`] characters, without spaces around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyName(String);

impl PasskeyName {
    /// The most characters of a name.
    pub const MAX: usize = 100;

    /// Checks what was typed. Spaces around it do not count.
    ///
    /// # Errors
    /// `Validation` for [`Field::Name`].
    pub fn parse(typed: &str) -> Result<Self> {
        let name = typed.trim();
        let is_name = (1..=Self::MAX).contains(&name.chars().count());
        if !is_name || name.chars().any(text::is_control) {
            return Err(Error::invalid_field(Field::Name, Rule::OneLine { max: Self::MAX }));
        }
        Ok(Self(name.to_owned()))
    }

    /// The same; nothing typed is no name.
    ///
    /// # Errors
    /// As [`PasskeyName::parse`].
    pub fn optional(typed: Option<&str>) -> Result<Option<Self>> {
        typed.filter(|typed| !typed.trim().is_empty()).map(Self::parse).transpose()
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_limited_length() {
        let longest = "ä".repeat(PasskeyName::MAX);
        for (typed, expected) in
            [(" My phone ", "My phone"), (longest.as_str(), longest.as_str()), ("x", "x")]
        {
            assert_eq!(PasskeyName::parse(typed).unwrap().as_str(), expected);
        }
        let too_long = "x".repeat(PasskeyName::MAX + 1);
        for bad in ["", "  ", "a\nb", "a\u{0}b", too_long.as_str()] {
            assert!(PasskeyName::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(PasskeyName::optional(Some(" ")).unwrap(), None);
        assert!(PasskeyName::optional(Some(&too_long)).is_err());
    }
}
