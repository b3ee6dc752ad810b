//! The form of an access token: JWS compact serialisation (RFC 7515) of a claims set (RFC 7519), written and read.
//!
//! Reading is strict, after RFC 8725: three parts of canonical base64url, a header with exactly the members that we
//! write, claims of their own types, no member twice. Nothing here decides whether a signature is right.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::model::secret::{decode, encode};

/// No token of ours is longer, and what is longer is refused unread.
pub(super) const LONGEST: usize = 8 * 1024;

/// The claims that only we set; a wire's own claims cannot take their names.
const REGISTERED: [&str; 8] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid"];

/// The header. Any other member is refused: no key and no address of one (`jwk`, `jku`, `x5c`, `x5u`), no extension
/// (`crit`) is ever looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    /// Which algorithm; it must be the key's.
    pub(super) alg: String,
    /// Which key.
    pub(super) kid: String,
    /// `JWT`
    pub(super) typ: String,
}

/// The claims that we read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) sub: String,
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) nbf: Option<i64>,
    pub(super) jti: String,
    pub(super) sid: String,
    pub(super) aud: Option<String>,
}

/// A token taken apart, nothing of it believed yet.
pub(super) struct Parts<'a> {
    pub(super) header: Header,
    /// What the signature covers.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
    claims: &'a str,
}

/// A header as tokens carry it, encoded.
pub(super) fn encode_header(algorithm: &str, kid: &str) -> String {
    encode(serde_json::json!({ "alg": algorithm, "kid": kid, "typ": "JWT" }).to_string().as_bytes())
}

/// What a token's signature covers: our claims, then the wire's own in their order.
pub(super) fn compose(header: &str, claims: &Claims, own: &[(&'static str, Value)]) -> Result<String> {
    let mut all = Map::new();
    all.insert("iss".to_owned(), claims.iss.as_str().into());
    all.insert("sub".to_owned(), claims.sub.as_str().into());
    all.insert("iat".to_owned(), claims.iat.into());
    all.insert("exp".to_owned(), claims.exp.into());
    all.insert("jti".to_owned(), claims.jti.as_str().into());
    all.insert("sid".to_owned(), claims.sid.as_str().into());
    if let Some(aud) = &claims.aud {
        all.insert("aud".to_owned(), aud.as_str().into());
    }
    for (name, value) in own {
        if REGISTERED.contains(name) || all.insert((*name).to_owned(), value.clone()).is_some() {
            return Err(Error::internal(format!("the claim {name} of a wire is set already")));
        }
    }
    Ok(format!("{header}.{}", encode(Value::Object(all).to_string().as_bytes())))
}

/// Takes a token apart; `None` when it is not of our form.
pub(super) fn take_apart(token: &str) -> Option<Parts<'_>> {
    if token.len() > LONGEST {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    // A fourth part leaves a dot in the claims, which base64url does not have.
    let (header, claims) = signed.split_once('.')?;
    let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
    Some(Parts { header, signed, signature: decode(signature)?, claims })
}

impl Parts<'_> {
    /// The claims; to be read only once the signature is known to be right.
    pub(super) fn claims(&self) -> Option<Claims> {
        serde_json::from_slice(&decode(self.claims)?).ok()
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

/// Reads a claims set, refusing a name that comes twice: two readers could each take another one for true.
struct ClaimsVisitor;

/// Claims as they are found.
#[derive(Default)]
struct Found {
    iss: Option<String>,
    sub: Option<String>,
    iat: Option<i64>,
    exp: Option<i64>,
    nbf: Option<i64>,
    jti: Option<String>,
    sid: Option<String>,
    aud: Option<String>,
}

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = Claims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a claims set")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
        let mut names = HashSet::new();
        let mut found = Found::default();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "iss" => found.iss = Some(map.next_value()?),
                "sub" => found.sub = Some(map.next_value()?),
                "iat" => found.iat = Some(map.next_value()?),
                "exp" => found.exp = Some(map.next_value()?),
                "nbf" => found.nbf = Some(map.next_value()?),
                "jti" => found.jti = Some(map.next_value()?),
                "sid" => found.sid = Some(map.next_value()?),
                "aud" => found.aud = Some(map.next_value()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
            if !names.insert(name) {
                return Err(A::Error::custom("a claim comes twice"));
            }
        }
        found.complete().ok_or_else(|| A::Error::custom("a claim is missing"))
    }
}

impl Found {
    fn complete(self) -> Option<Claims> {
        Some(Claims {
            iss: self.iss?,
            sub: self.sub?,
            iat: self.iat?,
            exp: self.exp?,
            nbf: self.nbf,
            jti: self.jti?,
            sid: self.sid?,
            aud: self.aud,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn claims() -> Claims {
        let text = str::to_owned;
        Claims { iss: text("i"), sub: text("a"), iat: 1, exp: 2, nbf: None, jti: text("j"), sid: text("s"), aud: None }
    }

    fn read(json: &str) -> Option<Claims> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn our_claims_come_first_and_the_wires_own_follow_in_their_order() {
        let own = [("zeta", json!(1)), ("alpha", json!(["x"]))];
        let text = compose(&encode_header("ES256", "k"), &claims(), &own).unwrap();
        let (header, body) = text.split_once('.').unwrap();
        assert_eq!(decode(header).unwrap(), br#"{"alg":"ES256","kid":"k","typ":"JWT"}"#);
        let expected = r#"{"iss":"i","sub":"a","iat":1,"exp":2,"jti":"j","sid":"s","zeta":1,"alpha":["x"]}"#;
        assert_eq!(String::from_utf8(decode(body).unwrap()).unwrap(), expected);
        let signed = format!("{text}.AA");
        assert_eq!(take_apart(&signed).unwrap().claims().unwrap(), claims());
    }

    #[test]
    fn a_wire_cannot_set_our_claims() {
        for name in REGISTERED {
            assert!(compose("h", &claims(), &[(name, json!(9))]).is_err(), "{name}");
        }
        assert!(compose("h", &claims(), &[("role", json!(1)), ("role", json!(2))]).is_err());
    }

    #[test]
    fn a_claims_set_is_read_by_type_and_refused_with_a_name_twice() {
        let good = r#"{"iss":"i","sub":"a","iat":1,"exp":2,"jti":"j","sid":"s","x":{"y":[1]}}"#;
        assert_eq!(read(good), Some(claims()));
        for (from, to) in [
            (r#""exp":2"#, r#""exp":2.0"#),
            (r#""exp":2"#, r#""exp":"2""#),
            (r#""exp":2"#, r#""exp":null"#),
            (r#""exp":2"#, r#""exp":1e3"#),
            (r#""exp":2"#, r#""exp":99999999999999999999"#),
            (r#""exp":2,"#, ""),
            (r#""exp":2"#, r#""exp":2,"exp":2"#),
            (r#""exp":2"#, r#""exp":2,"\u0065xp":3"#),
            (r#""exp":2"#, r#""exp":2,"nbf":"1""#),
            (r#""exp":2"#, r#""exp":2,"aud":["a"]"#),
            (r#""iat":1"#, r#""iat":true"#),
            (r#""sub":"a""#, r#""sub":7"#),
            (r#""x":{"y":[1]}"#, r#""x":1,"x":2"#),
            ("{", "[{"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_eq!(read(&bad), None, "{bad}");
        }
        assert_eq!(read(&format!("{good} x")), None);
    }

    proptest! {
        #[test]
        fn taking_apart_never_panics(text in "\\PC{0,80}", parts in "[A-Za-z0-9_-]{0,40}(\\.[A-Za-z0-9_-]{0,40}){0,4}") {
            prop_assert!(take_apart(&text).is_none());
            let _ = take_apart(&parts).and_then(|parts| parts.claims());
        }

        #[test]
        fn reading_claims_never_panics(json in "[{}\\[\\]\":,a-z0-9.\\\\ue+-]{0,80}") {
            let _ = read(&json);
        }
    }
}
