//! The id of a request: the client's if it is well-formed, a new one otherwise.

use poem::http::{HeaderMap, HeaderName};

use crate::env::Env;

/// The header with the request id, in requests and responses.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

const MAX_LENGTH: usize = 64;

/// Returns the client's id if it consists of 1 to 64 ASCII letters, digits, `.`, `_` or `-`, so
/// that it is safe to log; a new one otherwise.
#[must_use]
pub fn choose(headers: &HeaderMap, env: &Env) -> String {
    let mut sent = headers.get_all(&HEADER).iter();
    match (sent.next().and_then(|value| value.to_str().ok()), sent.next()) {
        (Some(id), None) if is_harmless(id) => id.to_owned(),
        _ => env.new_id().unwrap_or_else(|_| env.now().millis().to_string()),
    }
}

fn is_harmless(id: &str) -> bool {
    (1..=MAX_LENGTH).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_harmless_id_is_kept() {
        let env = Env::real();
        let longest = "a".repeat(64);
        for id in ["7", "req-1_2.3", &longest] {
            assert_eq!(choose(&headers(&[id]), &env), id);
        }
    }

    #[test]
    fn any_other_id_is_replaced() {
        let env = Env::real();
        let too_long = "a".repeat(65);
        for sent in
            [vec![], vec![""], vec!["a b"], vec!["a\"b"], vec![&too_long], vec!["one", "two"]]
        {
            let id = choose(&headers(&sent), &env);
            assert_eq!(id.len(), 36, "{sent:?} gave {id}");
            assert!(!sent.contains(&id.as_str()));
        }
    }
}
