//! Reads one cookie of a request, strictly. For writing cookies see `refresh_cookie`.

use poem::http::HeaderMap;
use poem::http::header::COOKIE;

use crate::error::{Error, Kind, Result};

/// The value of the cookie with this name, if the request has one.
///
/// # Errors
/// `Validation` if the request has two cookies of that name, or the value has characters that are
/// not allowed in cookies.
pub fn find(headers: &HeaderMap, name: &str) -> Result<Option<String>> {
    let mut found = None;
    let lines = headers.get_all(COOKIE).iter().map(poem::http::HeaderValue::as_bytes);
    for pair in lines.flat_map(|line| line.split(|&b| b == b';')) {
        let pair = pair.trim_ascii();
        let Some(equals) = pair.iter().position(|&b| b == b'=') else { continue };
        let (key, value) = (&pair[..equals], &pair[equals + 1..]);
        if key != name.as_bytes() {
            continue;
        }
        let value = plain(value).ok_or_else(|| refused(name, "contains invalid characters"))?;
        if found.replace(value).is_some() {
            return Err(refused(name, "occurs twice in the request"));
        }
    }
    Ok(found)
}

fn refused(name: &str, why: &str) -> Error {
    Error::with(Kind::Validation, format!("The cookie {name} {why}"))
}

/// A cookie value as RFC 6265, section 4.1.1, defines it, with or without quotes.
fn plain(value: &[u8]) -> Option<String> {
    let value =
        value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(value);
    let is_octet = |&b: &u8| b.is_ascii_graphic() && !b"\",;\\".contains(&b);
    value.iter().all(is_octet).then(|| String::from_utf8_lossy(value).into_owned())
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    fn find_in(lines: &[&str]) -> Result<Option<String>, Kind> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        find(&headers, "token").map_err(|error| error.kind())
    }

    #[test]
    fn one_cookie_is_found_among_others() {
        for lines in [
            vec!["token=abc"],
            vec!["a=1; token=abc; b=\"ü"],
            vec!["a=1", "token=\"abc\""],
            vec![";;token=abc;"],
        ] {
            assert_eq!(find_in(&lines), Ok(Some("abc".into())), "{lines:?}");
        }
        assert_eq!(find_in(&["token=a=b"]), Ok(Some("a=b".into())));
    }

    proptest::proptest! {
        #[test]
        fn no_input_yields_a_cookie_value_with_a_separator(line in "[ -~\\t]{0,80}") {
            if let Ok(Some(value)) = find_in(&[&line, "a=1"]) {
                proptest::prop_assert!(!value.contains([';', ',', '"', ' ', '\t']));
            }
        }
    }

    #[test]
    fn another_name_is_another_cookie() {
        for lines in [
            vec![],
            vec![""],
            vec!["Token=abc"],
            vec!["xtoken=abc"],
            vec!["token"],
            vec!["a=token=abc"],
        ] {
            assert_eq!(find_in(&lines), Ok(None), "{lines:?}");
        }
    }

    #[test]
    fn two_of_one_name_are_refused() {
        assert_eq!(find_in(&["token=a; token=a"]), Err(Kind::Validation));
        assert_eq!(find_in(&["token=a", "token=b"]), Err(Kind::Validation));
    }

    #[test]
    fn a_value_that_no_cookie_may_hold_is_refused() {
        for line in ["token=a b", "token=\"a", "token=ä", "token=a,b", "token=a\\b"] {
            assert_eq!(find_in(&[line]), Err(Kind::Validation), "{line}");
        }
    }
}
