//! The rules for a new password. Sign-up, reset, change, administrators and the command line all
//! check them here.
//!
//! The rules use only the password and data about its account. For checking an existing password,
//! see `pool`.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use super::blocklist::Guess;
use crate::config::PasswordRules;
use crate::error::{FieldError, Rule};
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

/// Returns every rule that a new password breaks, each with its reason; empty for a good password.
/// `field` is the name of the request field.
#[must_use]
pub fn check(
    rules: &PasswordRules,
    field: &str,
    password: &str,
    personal: &Personal<'_>,
) -> Vec<FieldError> {
    let broken = |rule, message: &'static str, sentence: Cow<'static, str>| {
        FieldError::new(field, rule, message, sentence)
    };
    if is_too_long(rules, password) {
        let sentence = format!("Password must be at most {} characters", rules.max_length);
        return vec![broken(Rule::TooLong, "Too long", sentence.into())];
    }
    let mut found = Vec::new();
    if password.nfc().count() < rules.min_length {
        let sentence = format!("Password must be at least {} characters", rules.min_length);
        found.push(broken(Rule::TooShort, "Too short", sentence.into()));
    }
    if password.chars().any(is_control) {
        let sentence = "Password must not contain control characters";
        found.push(broken(Rule::Format, "Control characters", sentence.into()));
    }
    for (message, sentence) in missing(rules, password) {
        found.push(broken(Rule::PasswordStrength, message, sentence.into()));
    }
    let guess = Guess::of(password);
    if rules.blocklist && guess.is_common() {
        let sentence = "Password is too common or too easy to guess";
        found.push(broken(Rule::PasswordStrength, "Too common", sentence.into()));
    }
    if rules.personal && guess.is_made_of(&own_words(personal)) {
        let sentence = "Password must not be made of your name, your e-mail address or the name of this service";
        found.push(broken(Rule::PasswordStrength, "Too personal", sentence.into()));
    }
    found
}

/// Whether the password is longer than any password can be. Check this before computing anything
/// with it.
#[must_use]
pub fn is_too_long(rules: &PasswordRules, password: &str) -> bool {
    password.chars().nth(rules.max_length).is_some()
}

/// The character kinds that are required and missing.
fn missing(
    rules: &PasswordRules,
    password: &str,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    let has = |kind: fn(char) -> bool| password.chars().any(kind);
    [
        (
            rules.upper && !has(char::is_uppercase),
            "Needs an uppercase letter",
            "Password must include an uppercase letter",
        ),
        (
            rules.lower && !has(char::is_lowercase),
            "Needs a lowercase letter",
            "Password must include a lowercase letter",
        ),
        (rules.digit && !has(char::is_numeric), "Needs a number", "Password must include a number"),
        (
            rules.symbol && !has(|letter| !letter.is_alphanumeric()),
            "Needs a special character",
            "Password must include a special character",
        ),
    ]
    .into_iter()
    .filter_map(|(is_missing, message, sentence)| is_missing.then_some((message, sentence)))
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

    fn messages(rules: &PasswordRules, password: &str) -> Vec<String> {
        check(rules, "password", password, &ALICE)
            .into_iter()
            .map(|error| error.message.into_owned())
            .collect()
    }

    #[test]
    fn a_good_password_breaks_nothing() {
        for good in [
            "correct horse battery",
            "  spaces stay  as typed ",
            "tür zum garten 7",
            "🦀🐙🦑🐚🐌🦞🐡🐠🐟🐬🐳🦭",
        ] {
            assert_eq!(messages(&standard(), good), [""; 0], "{good}");
        }
        assert_eq!(messages(&composed(), "SecurePassword123!"), [""; 0]);
    }

    #[test]
    fn length_is_counted_in_characters_and_the_message_names_it() {
        let errors = check(&standard(), "newPassword", "xkqw7zvtbm🦀", &ALICE);
        assert_eq!(
            errors,
            [FieldError::new(
                "newPassword",
                Rule::TooShort,
                "Too short",
                "Password must be at least 12 characters"
            )]
        );
        assert_eq!(messages(&standard(), "xkqw7zvtbm🦀é"), [""; 0]);
        assert_eq!(
            messages(&standard(), "xkqw7zvtbme\u{301}"),
            ["Too short"],
            "a combining accent is not an extra character"
        );
        let long = "xkqw7zvt".repeat(33);
        let errors = check(&composed(), "password", &long, &ALICE);
        assert_eq!(
            errors,
            [FieldError::new(
                "password",
                Rule::TooLong,
                "Too long",
                "Password must be at most 256 characters"
            )]
        );
        assert!(
            !is_too_long(&standard(), &"🦀".repeat(256))
                && is_too_long(&standard(), &"🦀".repeat(257))
        );
    }

    #[test]
    fn every_missing_kind_is_listed_at_once() {
        let all = [
            "Too short",
            "Needs an uppercase letter",
            "Needs a lowercase letter",
            "Needs a number",
            "Needs a special character",
        ];
        assert_eq!(messages(&composed(), ""), all);
        assert_eq!(messages(&composed(), "lowercaseonly"), [all[1], all[3], all[4]]);
        let errors = check(&composed(), "password", "Abcdefgh!jklm", &ALICE);
        let number = FieldError::new(
            "password",
            Rule::PasswordStrength,
            "Needs a number",
            "Password must include a number",
        );
        assert_eq!(errors, [number]);
    }

    #[test]
    fn control_characters_are_refused() {
        for bad in
            ["correct\0horse battery", "correct horse\tbattery", "correct horse\u{85}battery"]
        {
            let errors = check(&standard(), "password", bad, &ALICE);
            assert_eq!(
                errors.iter().map(|error| error.rule).collect::<Vec<_>>(),
                [Rule::Format],
                "{bad:?}"
            );
        }
    }

    #[test]
    fn common_and_personal_ones_are_refused_with_the_reason() {
        assert_eq!(messages(&standard(), "Password1234"), ["Too common"]);
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
            assert_eq!(messages(&standard(), personal), ["Too personal"], "{personal}");
        }
        assert_eq!(messages(&standard(), "alice saw a grinning cat"), [""; 0]);
    }

    #[test]
    fn rules_that_are_off_are_not_asked() {
        let rules = PasswordRules { blocklist: false, personal: false, ..standard() };
        assert_eq!(messages(&rules, "password1234"), [""; 0]);
        assert_eq!(messages(&rules, "AliceLiddell1"), [""; 0]);
    }

    #[test]
    fn without_personal_words_no_password_is_made_of_them() {
        assert!(
            check(&standard(), "password", "correct horse battery", &Personal::default())
                .is_empty()
        );
    }
}
