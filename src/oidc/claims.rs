//! Claims: what a provider says of an account.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The claims of a token or of the userinfo endpoint.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ProviderClaims(pub(super) Map<String, Value>);

impl ProviderClaims {
    /// The value at a path of names joined by dots. A name that contains dots comes first.
    pub(super) fn at(&self, path: &str) -> Option<&Value> {
        if let Some(value) = self.0.get(path) {
            return Some(value);
        }
        let mut names = path.split('.');
        let first = self.0.get(names.next()?)?;
        names.try_fold(first, |value, name| value.get(name))
    }

    /// A text, or a number as text: some providers number their accounts.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        match self.at(path)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) if number.is_u64() => Some(number.to_string()),
            _ => None,
        }
    }

    /// Whether a claim is true. Apple writes the word.
    pub(super) fn is_true(&self, path: &str) -> bool {
        match self.at(path) {
            Some(Value::Bool(truth)) => *truth,
            Some(Value::String(word)) => word == "true",
            _ => false,
        }
    }

    /// A text claim at the top.
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A time in seconds. Some libraries write fractions.
    pub(super) fn seconds(&self, name: &str) -> Option<i64> {
        let value = self.0.get(name)?;
        #[allow(clippy::cast_possible_truncation, reason = "a fraction of a second does not count")]
        let whole = |number: f64| (number.abs() < 1e12).then_some(number as i64);
        value.as_i64().or_else(|| whole(value.as_f64()?))
    }
}

/// Refuses duplicate names, because two parsers could each use a different one (RFC 8725).
impl<'de> Deserialize<'de> for ProviderClaims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unique;

        impl<'de> Visitor<'de> for Unique {
            type Value = ProviderClaims;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a claims set")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ProviderClaims, A::Error> {
                let mut claims = Map::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if claims.insert(name, value).is_some() {
                        return Err(A::Error::custom("duplicate claim"));
                    }
                }
                Ok(ProviderClaims(claims))
            }
        }

        deserializer.deserialize_map(Unique)
    }
}
