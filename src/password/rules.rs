//! The rules for a new password. Sign-up, reset, change, administrators and the command line all
//! check them here.
//!
//! The rules use only the password and data about its account. For checking an existing password,
//! see `pool`.

use unicode_normalization::UnicodeNormalization;

use super::blocklist::Guess;
use crate::config::PasswordRules;
use crate::error::{Rule, Weakness};
use crate::model::text::{fold, is_control};

/// Shorter names are too common to reject a password for.
const SHORTEST_OWN_WORD: usize = 3;

/// Data about the account and the service that the password is for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Personal<'a> {
    pub email: Option<&'a str>,
    pub username: Option<&'a str>,
    /// Given name, family name and any other name.
    pub names: &'a [&'a str],
    /// Name of the service.
    pub service: &'a str,
}

/// Returns every rule that a new password breaks; empty for a good password.
#[must_use]
pub fn check(rules: &PasswordRules, password: &str, personal: &Personal<'_>) -> Vec<Rule> {
    if is_too_long(rules, password) {
        return vec![Rule::TooLong { max: rules.max_length }];
    }
    let mut broken = Vec::new();
    if password.nfc().count() < rules.min_length {
        broken.push(Rule::TooShort { min: rules.min_length });
    }
    if password.chars().any(is_control) {
        broken.push(Rule::ControlCharacters);
    }
    broken.extend(missing(rules, password).map(Rule::Weak));
    let guess = Guess::of(password);
    if rules.blocklist && guess.is_common() {
        broken.push(Rule::Weak(Weakness::Common));
    }
    if rules.personal && guess.is_made_of(&own_words(personal)) {
        broken.push(Rule::Weak(Weakness::Personal));
    }
    broken
}

/// Whether the password is longer than any password can be. Check this before computing anything
/// with it.
#[must_use]
pub fn is_too_long(rules: &PasswordRules, password: &str) -> bool {
    password.chars().nth(rules.max_length).is_some()
}

/// The character kinds that are required and missing.
fn missing(rules: &PasswordRules, password: &str) -> impl Iterator<Item = Weakness> {
    let has = |kind: fn(char) -> bool| password.chars().any(kind);
    [
        (rules.upper && !has(char::is_uppercase), Weakness::NoUppercase),
        (rules.lower && !has(char::is_lowercase), Weakness::NoLowercase),
        (rules.digit && !has(char::is_numeric), Weakness::NoDigit),
        (rules.symbol && !has(|letter| !letter.is_alphanumeric()), Weakness::NoSymbol),
    ]
    .into_iter()
    .filter_map(|(is_missing, weakness)| is_missing.then_some(weakness))
}

/// The words that a password must not be composed of: each name in full, and each of its parts.
fn own_words(personal: &Personal<'_>) -> Vec<String> {
    let mut words = Vec::new();
    let mut add = |text: &str| {
        let whole = fold(text);
        let parts = whole.split(|letter: char| !letter.is_alphanumeric());
        words.extend(
            parts.chain([whole.as_str()]).filter(|part| tells_something(part)).map(str::to_owned),
        );
    };
    if let Some(email) = personal.email {
        add(email);
        email.split_once('@').into_iter().for_each(|(local, domain)| {
            add(local);
            add(domain);
        });
    }
    personal.username.into_iter().for_each(&mut add);
    personal.names.iter().copied().for_each(&mut add);
    add(personal.service);
    words.sort();
    words.dedup();
    words
}

/// Two-character names count outside ASCII, where one character can be a syllable or a word.
fn tells_something(word: &str) -> bool {
    let shortest = if word.is_ascii() { SHORTEST_OWN_WORD } else { SHORTEST_OWN_WORD - 1 };
    word.chars().nth(shortest - 1).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standard() -> PasswordRules {
        PasswordRules {
            min_length: 12,
            max_length: 256,
            upper: false,
            lower: false,
            digit: false,
            symbol: false,
            blocklist: true,
            personal: true,
            reset_by_code: false,
        }
    }

    fn composed() -> PasswordRules {
        PasswordRules {
            upper: true,
            lower: true,
            digit: true,
            symbol: true,
            blocklist: false,
            personal: false,
            reset_by_code: false,
            ..standard()
        }
    }

    const ALICE: Personal<'_> = Personal {
        email: Some("Alice.Liddell@wonderland.example"),
        username: Some("white_rabbit"),
        names: &["Alice", "Pleasance Liddell"],
        service: "Croquet Club",
    };

    fn broken(rules: &PasswordRules, password: &str) -> Vec<Rule> {
        check(rules, password, &ALICE)
    }

    #[test]
    fn a_good_password_breaks_nothing() {
        for good in [
            "correct horse battery",
            "  spaces stay  as typed ",
            "tür zum garten 7",
            "🦀🐙🦑🐚🐌🦞🐡🐠🐟🐬🐳🦭",
        ] {
            assert_eq!(broken(&standard(), good), [], "{good}");
        }
        assert_eq!(broken(&composed(), "SecurePassword123!"), []);
    }

    #[test]
    fn length_is_counted_in_characters_and_the_rule_has_the_figure() {
        assert_eq!(broken(&standard(), "xkqw7zvtbm🦀"), [Rule::TooShort { min: 12 }]);
        assert_eq!(broken(&standard(), "xkqw7zvtbm🦀é"), []);
        assert_eq!(
            broken(&standard(), "xkqw7zvtbme\u{301}"),
            [Rule::TooShort { min: 12 }],
            "a combining accent is not an extra character"
        );
        let long = "xkqw7zvt".repeat(33);
        assert_eq!(broken(&composed(), &long), [Rule::TooLong { max: 256 }]);
        assert!(
            !is_too_long(&standard(), &"🦀".repeat(256))
                && is_too_long(&standard(), &"🦀".repeat(257))
        );
    }

    #[test]
    fn every_missing_kind_is_listed_at_once() {
        let all = [
            Rule::TooShort { min: 12 },
            Rule::Weak(Weakness::NoUppercase),
            Rule::Weak(Weakness::NoLowercase),
            Rule::Weak(Weakness::NoDigit),
            Rule::Weak(Weakness::NoSymbol),
        ];
        assert_eq!(broken(&composed(), ""), all);
        let but_lowercase = [all[1].clone(), all[3].clone(), all[4].clone()];
        assert_eq!(broken(&composed(), "lowercaseonly"), but_lowercase);
        assert_eq!(broken(&composed(), "Abcdefgh!jklm"), [Rule::Weak(Weakness::NoDigit)]);
    }

    #[test]
    fn control_characters_are_refused() {
        for bad in
            ["correct\0horse battery", "correct horse\tbattery", "correct horse\u{85}battery"]
        {
            assert_eq!(broken(&standard(), bad), [Rule::ControlCharacters], "{bad:?}");
        }
    }

    #[test]
    fn common_and_personal_ones_are_refused_with_the_reason() {
        assert_eq!(broken(&standard(), "Password1234"), [Rule::Weak(Weakness::Common)]);
        for personal in [
            "AliceLiddell1",
            "alice.liddell@wonderland.example",
            "white_rabbit_2024",
            "WhiteRabbit!!!",
            "CroquetClub2024",
            "croquet club 1",
            "L1ddell-Al1ce",
            "wonderland.example",
        ] {
            let expected = [Rule::Weak(Weakness::Personal)];
            assert_eq!(broken(&standard(), personal), expected, "{personal}");
        }
        assert_eq!(broken(&standard(), "alice saw a grinning cat"), []);
    }

    #[test]
    fn rules_that_are_off_are_not_asked() {
        let rules = PasswordRules { blocklist: false, personal: false, ..standard() };
        assert_eq!(broken(&rules, "password1234"), []);
        assert_eq!(broken(&rules, "AliceLiddell1"), []);
    }

    #[test]
    fn without_personal_words_no_password_is_made_of_them() {
        assert!(check(&standard(), "correct horse battery", &Personal::default()).is_empty());
    }
}
