//! The claims of an access token.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::jwt::present;

/// A checked token.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Auth {
    /// The account's id.
    pub sub: String,
    /// The session's id.
    pub sid: String,
    /// The roles at login or refresh; with a live check, as they are now.
    pub roles: Vec<String>,
    /// With a live check only, like the address and the username.
    pub permissions: Vec<String>,
    pub email: Option<String>,
    pub username: Option<String>,
    /// When the token expires, in seconds since 1970.
    pub exp: i64,
    /// Of a token for a resource: what it was granted.
    pub scope: Option<String>,
    /// All other claims.
    pub other: Map<String, Value>,
}

/// The claims as they are in the token.
#[derive(Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) sub: String,
    pub(crate) sid: String,
    pub(crate) jti: String,
    pub(crate) iat: i64,
    pub(crate) exp: i64,
    #[serde(default, deserialize_with = "present")]
    pub(crate) nbf: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) aud: Option<Value>,
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    pub(crate) scope: Option<String>,
    #[serde(flatten)]
    pub(crate) other: Map<String, Value>,
}

impl Claims {
    /// Whether `aud` names this party. A party that it does not name must refuse the token (RFC
    /// 7519, section 4.1.3).
    pub(crate) fn is_for(&self, audience: Option<&str>) -> bool {
        match (&self.aud, audience) {
            (None, None) => true,
            (Some(Value::String(aud)), Some(us)) => aud == us,
            (Some(Value::Array(all)), Some(us)) => all.iter().any(|aud| aud == us),
            _ => false,
        }
    }

    pub(crate) fn into_auth(self) -> Auth {
        Auth {
            sub: self.sub,
            sid: self.sid,
            roles: self.roles,
            permissions: Vec::new(),
            email: None,
            username: None,
            exp: self.exp,
            scope: self.scope,
            other: self.other,
        }
    }
}
