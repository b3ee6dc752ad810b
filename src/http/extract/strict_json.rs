//! A strict JSON parser (RFC 8259, with unique keys as section 4 recommends). It accepts one object
//! with nothing after it, and rejects duplicate keys at any depth, lone surrogates, invalid UTF-8
//! and too deep nesting.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::error::{Error, Kind, Result};

/// Parses one JSON object.
///
/// # Errors
/// `MalformedBody` if the bytes are not one strict JSON object.
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict::deserialize(&mut reader).and_then(|value| reader.end().map(|()| value.0));
    match value {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Error::with(Kind::MalformedBody, "The request body must be a JSON object")),
        // The parser's message may quote the input, such as a password, so it is dropped.
        Err(error) if error.to_string().starts_with(TWICE) => {
            Err(Error::with(Kind::MalformedBody, "The request body contains a duplicate field"))
        }
        Err(_) => Err(Error::new(Kind::MalformedBody)),
    }
}

const TWICE: &str = "duplicate field";

/// A JSON value in which no object has a duplicate key.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let Strict(value) = entries.next_value()?;
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom(TWICE));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_is_read_as_it_is() {
        let text = r#"{"a":1,"b":[true,null,-2,1.5,"\ud83d\ude00"],"c":{"a":"x"}}"#;
        let read = Value::Object(parse_object(text.as_bytes()).unwrap());
        assert_eq!(read, json!({"a":1,"b":[true,null,-2,1.5,"😀"],"c":{"a":"x"}}));
    }

    #[test]
    fn everything_else_is_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
        let cases: &[&[u8]] = &[
            b"",
            b" ",
            b"{",
            b"[]",
            b"\"text\"",
            b"null",
            b"7",
            b"{\"a\":1,}",
            b"{'a':1}",
            b"{\"a\":1} x",
            b"{\"a\":1}{}",
            b"{\"a\":1,\"a\":2}",
            b"{\"a\":1,\"\\u0061\":2}",
            b"{\"x\":{\"a\":1,\"a\":1}}",
            b"{\"x\":[{\"a\":1,\"a\":1}]}",
            b"{\"a\":\"\\ud800\"}",
            b"{\"a\":\"\\udc00x\"}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\xed\xa0\x80\"}",
            b"\xef\xbb\xbf{\"a\":1}",
            b"{\"a\":1e999}",
            b"{\"a\":NaN}",
            b"{\"a\":\"\n\"}",
            b"{\"a\":01}",
            deep.as_bytes(),
        ];
        for case in cases {
            let error = parse_object(case).unwrap_err();
            assert_eq!(
                error.kind(),
                Kind::MalformedBody,
                "{}",
                String::from_utf8_lossy(&case[..case.len().min(40)])
            );
        }
    }

    #[test]
    fn no_message_quotes_what_was_sent() {
        let error = parse_object(b"{\"password\":hush}").unwrap_err();
        assert!(!format!("{error:?}").contains("hush"));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_that_are_accepted_mean_the_same_to_every_parser(bytes in proptest::collection::vec(
            proptest::sample::select(b"{}[]\",:\\ud8a0 1e-.truefalsn\xff\xc3\xa4\0\n".to_vec()), 0..40,
        )) {
            let wrapped = [b"{\"a\":", &bytes[..], b"}"].concat();
            for text in [&bytes, &wrapped] {
                if let Ok(read) = parse_object(text) {
                    proptest::prop_assert_eq!(Value::Object(read), serde_json::from_slice::<Value>(text).unwrap());
                }
            }
        }
    }
}
