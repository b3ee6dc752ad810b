//! Reads the fields of a posted form (`application/x-www-form-urlencoded`, URL Standard, section
//! 5.1).

use crate::model::percent;

/// The maximum length of a link token.
const MAX_TOKEN: usize = 512;

/// The token in a query or form. Our tokens need no decoding, so a value with escapes is not a
/// token.
pub(in crate::web) fn token_of(pairs: &str) -> Option<&str> {
    let token = pairs.split('&').find_map(|pair| pair.strip_prefix("token="))?;
    let well_formed =
        token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    (well_formed && (1..=MAX_TOKEN).contains(&token.len())).then_some(token)
}

/// The value of a field that occurs exactly once; `None` if it is absent, repeated or malformed.
/// Parsers that replace what they cannot decode would change a password.
pub(in crate::web) fn field(pairs: &str, name: &str) -> Option<String> {
    let mut values =
        pairs.split('&').filter_map(|pair| pair.split_once('=')).filter(|(key, _)| *key == name);
    match (values.next(), values.next()) {
        (Some((_, value)), None) => percent::decode(&value.replace('+', " ")),
        _ => None,
    }
}

/// The values of a field that may occur several times; malformed ones are left out.
pub(in crate::web) fn fields(pairs: &str, name: &str) -> Vec<String> {
    let pairs = pairs.split('&').filter_map(|pair| pair.split_once('='));
    let values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.replace('+', " "));
    values.filter_map(|value| percent::decode(&value)).collect()
}

/// Whether a field occurs at all.
pub(in crate::web) fn has(pairs: &str, name: &str) -> bool {
    pairs.split('&').any(|pair| pair.split_once('=').map_or(pair, |(key, _)| key) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_as_it_is_or_not_at_all() {
        assert_eq!(token_of("token=ab-c_1"), Some("ab-c_1"));
        assert_eq!(token_of("utm=x&token=abc&y=z"), Some("abc"));
        let long = format!("token={}", "a".repeat(513));
        for bad in ["", "token=", "tokens=abc", "token=a%20b", "token=<b>", "token=a+b", &long] {
            assert_eq!(token_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_field_is_decoded_whole_or_not_at_all() {
        let form = "token=abc&newPassword=a+b%2Bc%26%C3%A9%F0%9F%94%91&x=1";
        assert_eq!(field(form, "newPassword").as_deref(), Some("a b+c&é🔑"));
        for bad in [
            "",
            "newPassword",
            "newPassword=%",
            "newPassword=%4",
            "newPassword=%zz",
            "newPassword=%ff",
        ] {
            assert_eq!(field(bad, "newPassword"), None, "{bad}");
        }
        assert_eq!(field("email=a&email=b", "email"), None);
        assert_eq!(field("email=", "email").as_deref(), Some(""));
    }
}
