//! Why a value of a form was refused, in the reader's language.

use crate::error::{FactorRule, Field, FieldError, Kind, Rule, Weakness};
use crate::identity::passkey::PasskeyName;
use crate::model::text;
use crate::words::{Text, Words};

/// The longest name of a person, device or key, as on the native API.
pub(in crate::web) const MAX_NAME: usize = PasskeyName::MAX;

/// Why this cannot be a name of a person, device or key.
pub(in crate::web) fn bad_name(words: &Words, name: &str) -> Option<String> {
    if text::length(name) > MAX_NAME {
        Some(words.problems.too_long(MAX_NAME))
    } else {
        name.contains(text::is_control).then(|| words.problems.invalid.to_string())
    }
}

/// The title for an error that the visitor can only wait out.
pub(in crate::web) fn title(words: &Words, kind: Kind) -> &Text {
    let text = &words.refusals;
    match kind {
        Kind::PayloadTooLarge => &text.too_large_title,
        Kind::TooMany(_) => &text.too_many_title,
        Kind::Unavailable => &text.unavailable_title,
        _ => &text.failed_title,
    }
}

/// The reason why a value was refused.
pub(in crate::web) fn reason(words: &Words, error: &FieldError) -> String {
    let text = &words.problems;
    let is_password = matches!(error.field, Field::Password | Field::NewPassword);
    let fixed = match &error.rule {
        Rule::TooShort { min } if is_password => return text.password_too_short(min),
        Rule::TooLong { max } if is_password => return text.password_too_long(max),
        Rule::TooShort { min } => return text.too_short(min),
        Rule::TooLong { max } => return text.too_long(max),
        Rule::Required if is_password => &text.password_required,
        Rule::Required => &text.required,
        Rule::ControlCharacters if is_password => &text.password_control_characters,
        Rule::Weak(weakness) => match weakness {
            Weakness::NoUppercase => &text.password_no_uppercase,
            Weakness::NoLowercase => &text.password_no_lowercase,
            Weakness::NoDigit => &text.password_no_number,
            Weakness::NoSymbol => &text.password_no_symbol,
            Weakness::Common => &text.password_common,
            Weakness::Personal => &text.password_personal,
        },
        Rule::Email | Rule::EmailInPath => &text.no_address,
        Rule::Username => &text.username,
        Rule::SameEmail => &text.same_email,
        Rule::Factor(FactorRule::InternationalNumber) => &text.phone,
        Rule::Factor(FactorRule::CountryNotServed) => &text.country_not_served,
        _ => &text.invalid,
    };
    fixed.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::server::error_text::sentence;
    use crate::words::english;

    #[test]
    fn a_name_is_too_long_or_has_a_character_that_no_name_has() {
        let words = english();
        let longest = "ä".repeat(MAX_NAME);
        assert_eq!(bad_name(&words, &longest), None);
        let too_long = bad_name(&words, &format!("{longest}x"));
        assert_eq!(too_long.as_deref(), Some("Too long: at most 100 characters"));
        let with_tab = bad_name(&words, "My\tphone");
        assert_eq!(with_tab.as_deref(), Some("Please check this value."));
    }

    /// Pages and API give the same reasons for a password.
    #[test]
    fn the_reasons_for_a_password_are_those_of_the_api_in_english() {
        let weak = [
            Weakness::NoUppercase,
            Weakness::NoLowercase,
            Weakness::NoDigit,
            Weakness::NoSymbol,
            Weakness::Common,
            Weakness::Personal,
        ]
        .map(Rule::Weak);
        let others = [
            Rule::TooShort { min: 12 },
            Rule::TooLong { max: 256 },
            Rule::Required,
            Rule::ControlCharacters,
        ];
        for rule in weak.into_iter().chain(others) {
            let error = FieldError::new(Field::NewPassword, rule);
            assert_eq!(reason(&english(), &error), sentence(&error));
        }
        let error = FieldError::new("firstName", Rule::TooLong { max: 100 });
        assert_eq!(reason(&english(), &error), "Too long: at most 100 characters");
    }
}
