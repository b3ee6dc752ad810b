//! Encoding and parsing of access tokens: JWS compact serialisation (RFC 7515) of a claims set (RFC
//! 7519).
//!
//! Parsing is strict, following RFC 8725: three parts of canonical base64url, a header with exactly
//! the members that authd writes, claims of the right types, no duplicate member. This module does
//! not check signatures.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::model::secret::{decode, encode};

/// Maximum length of a token. authd issues no longer ones, and refuses longer ones without parsing
/// them.
pub(super) const LONGEST: usize = 8 * 1024;

/// Header `typ` of a token for authd and the services of this instance.
pub(super) const FIRST_PARTY: &str = "JWT";
/// Header `typ` of a token for another party's resource server (RFC 9068, section 2.1).
pub(super) const FOR_A_RESOURCE: &str = "at+jwt";

/// Claims that only authd sets; a wire's own claims cannot use these names.
const REGISTERED: [&str; 9] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "scope"];

/// The header. Any other member is refused, so keys and key addresses (`jwk`, `jku`, `x5c`, `x5u`)
/// and extensions (`crit`) never have an effect.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    /// The algorithm; it must match the key's.
    pub(super) alg: String,
    pub(super) kid: String,
    /// `JWT` on every token that authd accepts.
    pub(super) typ: String,
}

/// The claims that authd reads back.
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
    /// Written, never read back: authd takes rights from the database.
    pub(super) scope: Option<String>,
}

/// A token split into its parts. None of them is trusted yet.
pub(super) struct JwtParts<'a> {
    pub(super) header: Header,
    /// The text that the signature covers.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
    claims: &'a str,
}

/// The encoded token header.
pub(super) fn encode_header(algorithm: &str, kid: &str, typ: &str) -> String {
    encode(serde_json::json!({ "alg": algorithm, "kid": kid, "typ": typ }).to_string().as_bytes())
}

/// The text that a token's signature covers: authd's claims, then the wire's own in their order.
pub(super) fn compose(
    header: &str,
    claims: &Claims,
    own: &[(&'static str, Value)],
) -> Result<String> {
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
    if let Some(scope) = &claims.scope {
        all.insert("scope".to_owned(), scope.as_str().into());
    }
    for (name, value) in own {
        if REGISTERED.contains(name) || all.insert((*name).to_owned(), value.clone()).is_some() {
            return Err(Error::internal(format!("the wire's claim {name} is already set")));
        }
    }
    Ok(format!("{header}.{}", encode(Value::Object(all).to_string().as_bytes())))
}

/// Splits a token; `None` if it does not have the expected form.
pub(super) fn take_apart(token: &str) -> Option<JwtParts<'_>> {
    if token.len() > LONGEST {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    // A fourth part would leave a dot in the claims, which is not base64url.
    let (header, claims) = signed.split_once('.')?;
    let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
    Some(JwtParts { header, signed, signature: decode(signature)?, claims })
}

impl JwtParts<'_> {
    /// Parses the claims. Call it only after the signature was verified.
    pub(super) fn claims(&self) -> Option<Claims> {
        serde_json::from_slice(&decode(self.claims)?).ok()
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

/// Reads a claims set and refuses duplicate names, because two parsers could each use a different
/// one.
struct ClaimsVisitor;

/// The claims read so far.
#[derive(Default)]
struct RawClaims {
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
        let mut found = RawClaims::default();
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
                return Err(A::Error::custom("duplicate claim"));
            }
        }
        found.complete().ok_or_else(|| A::Error::custom("missing claim"))
    }
}

impl RawClaims {
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
            scope: None,
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
        Claims {
            iss: text("i"),
            sub: text("a"),
            iat: 1,
            exp: 2,
            nbf: None,
            jti: text("j"),
            sid: text("s"),
            aud: None,
            scope: None,
        }
    }

    fn read(json: &str) -> Option<Claims> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn our_claims_come_first_and_the_wires_own_follow_in_their_order() {
        let own = [("zeta", json!(1)), ("alpha", json!(["x"]))];
        let text = compose(&encode_header("ES256", "k", FIRST_PARTY), &claims(), &own).unwrap();
        let (header, body) = text.split_once('.').unwrap();
        assert_eq!(decode(header).unwrap(), br#"{"alg":"ES256","kid":"k","typ":"JWT"}"#);
        let expected =
            r#"{"iss":"i","sub":"a","iat":1,"exp":2,"jti":"j","sid":"s","zeta":1,"alpha":["x"]}"#;
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
