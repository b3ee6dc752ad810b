//! Why a value of a form was refused, in the reader's language.

use crate::error::{FactorRule, Field, FieldError, Rule, Weakness};
use crate::words::Words;

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
