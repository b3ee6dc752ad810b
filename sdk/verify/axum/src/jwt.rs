//! JWS compact serialisation (RFC 7515), read strictly (RFC 8725). Nothing here checks a signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// authd issues no longer tokens.
const LONGEST_TOKEN: usize = 8 * 1024;

/// The header. The optional members would let a token bring its own key or change how it is read,
/// so it must have none of them.
#[derive(Deserialize)]
pub(crate) struct JoseHeader {
    pub(crate) alg: String,
    pub(crate) kid: String,
    pub(crate) typ: String,
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    jwk: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    jku: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    x5c: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    x5u: Option<IgnoredAny>,
}

/// A token in its parts, none of them trusted yet.
pub(crate) struct TokenParts<'a> {
    pub(crate) header: JoseHeader,
    /// The text that the signature covers.
    pub(crate) signed: &'a str,
    pub(crate) signature: Vec<u8>,
    /// The claims, encoded.
    pub(crate) payload: &'a str,
}

/// Reads a member that is there, so that `null` is not taken for its absence.
pub(crate) fn present<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The bytes of canonical base64url, without padding.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Splits a token; `None` if it does not have the form of one.
pub(crate) fn take_apart(token: &str) -> Option<TokenParts<'_>> {
    if token.len() > LONGEST_TOKEN {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    // A fourth part would leave a dot in the claims, which is not base64url.
    let (header, payload) = signed.split_once('.')?;
    let header: JoseHeader = serde_json::from_slice(&decode(header)?).ok()?;
    let embedded = [&header.crit, &header.jwk, &header.jku, &header.x5c, &header.x5u];
    if embedded.iter().any(|member| member.is_some()) {
        return None;
    }
    let signature = decode(signature).filter(|signature| !signature.is_empty())?;
    Some(TokenParts { header, signed, signature, payload })
}
