//! Checking ID tokens (OpenID Connect Core 1.0, section 3.1.3.7).

use serde::Deserialize;
use serde_json::Value;

use super::claims::ProviderClaims;
use super::failure::{ExchangeFailure, ExchangeStep};
use super::keys::{Refetch, algorithm};
use super::{ProviderClient, ProviderMetadata};
use crate::config::{PERSONAL_TENANT, TENANT};
use crate::model::provider::{Provider, Tenants};
use crate::model::secret::{decode, digest};
use crate::model::{Secret, Time};
use std::sync::Arc;
use std::time::Duration;

/// The longest ID token.
const LONGEST: usize = 16 * 1024;
/// How far the clocks of a provider and of this server may differ.
const SKEW: i64 = 60;

/// What the nonce of a token must be.
#[derive(Debug, Clone)]
pub enum ExpectedNonce {
    /// This one: the token answers a request of this server.
    Exactly(String),
    /// This one or its SHA-256 in hexadecimal, as the libraries on phones send it; `None`: the
    /// token must have none.
    OfApp(Option<String>),
}

/// Who got the token from the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdTokenUse {
    /// This server, with its client ID.
    Server,
    /// An app, with the server's client ID or one of its own that the settings list.
    App,
}

/// How long after it was issued an app can log in with a token.
const APP_LIFE: Duration = Duration::from_hours(24);

/// What an ID token of an app is remembered by, so that it counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdTokenMark {
    /// The digest of what is signed: a signature can be written in several ways.
    pub digest: [u8; 32],
    /// How long the token could be sent again.
    pub life: Duration,
}

impl IdTokenMark {
    /// The mark of a token that was checked.
    pub(super) fn of(
        token: &Secret,
        claims: &ProviderClaims,
        wall: Time,
    ) -> Result<Self, ExchangeFailure> {
        let time = |name| claims.seconds(name).map(|at| Time::from_millis(at.saturating_mul(1000)));
        let (Some(expires), Some(issued)) = (time("exp"), time("iat")) else {
            return Err(refused("it has no times"));
        };
        let skew = Duration::from_secs(SKEW.unsigned_abs());
        let end = expires.min(issued + APP_LIFE) + skew;
        if end <= wall {
            return Err(refused("it was issued too long ago"));
        }
        let signed = token.reveal().rsplit_once('.').map_or("", |(signed, _)| signed);
        Ok(Self { digest: digest(signed.as_bytes()), life: end.since(wall) })
    }
}

#[derive(Deserialize)]
struct IdTokenHeader {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// A token in its parts. None of them is trusted yet.
struct IdTokenParts<'a> {
    header: IdTokenHeader,
    signed: &'a str,
    signature: Vec<u8>,
    claims: &'a str,
}

fn take_apart(token: &str) -> Option<IdTokenParts<'_>> {
    if token.len() > LONGEST {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let header: IdTokenHeader = serde_json::from_slice(&decode(header)?).ok()?;
    Some(IdTokenParts { header, signed, signature: decode(signature)?, claims })
}

fn refused(reason: impl Into<String>) -> ExchangeFailure {
    ExchangeFailure::refused(ExchangeStep::IdToken, reason)
}

impl ProviderClient {
    /// Checks an ID token, and returns its issuer and claims.
    pub(super) async fn check_id_token(
        &self,
        provider: &Provider,
        metadata: &Arc<ProviderMetadata>,
        token: &Secret,
        (used_by, nonce): (IdTokenUse, &ExpectedNonce),
    ) -> Result<(String, ProviderClaims), ExchangeFailure> {
        let parts = take_apart(token.reveal()).ok_or_else(|| refused("not a signed token"))?;
        if parts.header.crit.is_some() {
            return Err(refused("it has extensions that are critical"));
        }
        let named = &metadata.id_token_signing_alg_values_supported;
        let alg = algorithm(&parts.header.alg)
            .filter(|_| named.is_empty() || named.contains(&parts.header.alg))
            .ok_or_else(|| {
                refused(format!("the algorithm {} is not accepted", parts.header.alg))
            })?;
        let kid = parts.header.kid.as_deref();
        let mut verified = None;
        for refetch in [Refetch::No, Refetch::UnknownKey] {
            let keys = self.keys(provider, metadata, refetch).await?;
            verified = keys.verify(kid, alg, parts.signed.as_bytes(), &parts.signature);
            if verified.is_some() {
                break;
            }
        }
        match verified {
            Some(true) => {}
            Some(false) => return Err(refused("the signature is wrong")),
            None => return Err(refused("the provider has no key with its key ID")),
        }
        let claims = decode(parts.claims).ok_or_else(|| refused("not a signed token"))?;
        let claims: ProviderClaims = serde_json::from_slice(&claims)
            .map_err(|error| refused(format!("the claims are malformed: {error}")))?;
        let issuer = check_claims(provider, &claims, used_by, nonce, self.env.wall())?;
        Ok((issuer, claims))
    }
}

/// Checks the claims of a token whose signature is right. Returns its issuer.
pub(super) fn check_claims(
    provider: &Provider,
    claims: &ProviderClaims,
    used_by: IdTokenUse,
    nonce: &ExpectedNonce,
    wall: Time,
) -> Result<String, ExchangeFailure> {
    let issuer = check_issuer(provider, claims)?;
    check_audience(provider, claims, used_by)?;
    check_times(claims, wall)?;
    check_nonce(claims, nonce)?;
    Ok(issuer)
}

fn check_issuer(provider: &Provider, claims: &ProviderClaims) -> Result<String, ExchangeFailure> {
    let came = claims.word("iss").ok_or_else(|| refused("it has no issuer"))?;
    let expected = if provider.tenants == Tenants::None {
        provider.issuer.clone()
    } else {
        let tenant = claims.word("tid").ok_or_else(|| refused("it names no tenant"))?;
        let is_id = uuid::Uuid::try_parse(tenant).is_ok_and(|id| id.to_string() == tenant);
        let is_personal = tenant == PERSONAL_TENANT;
        if !is_id || (is_personal && provider.tenants == Tenants::Organizations) {
            return Err(refused("its tenant is not accepted"));
        }
        provider.issuer.replace(TENANT, tenant)
    };
    if came != expected {
        return Err(refused(format!("expected the issuer {expected}, got {came}")));
    }
    Ok(expected)
}

fn check_audience(
    provider: &Provider,
    claims: &ProviderClaims,
    used_by: IdTokenUse,
) -> Result<(), ExchangeFailure> {
    let fits = |client: &str| match used_by {
        IdTokenUse::Server => client == provider.client_id,
        IdTokenUse::App => provider.is_audience(client),
    };
    let audiences: Vec<&str> = match claims.0.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if audiences.is_empty() || !audiences.iter().all(|client| fits(client)) {
        return Err(refused("it was issued to another client (aud)"));
    }
    let party = claims.word("azp");
    if (audiences.len() > 1 && party.is_none()) || party.is_some_and(|client| !fits(client)) {
        return Err(refused("it was issued to another client (azp)"));
    }
    Ok(())
}

fn check_times(claims: &ProviderClaims, wall: Time) -> Result<(), ExchangeFailure> {
    let now = wall.millis().div_euclid(1000);
    let time = |name| claims.seconds(name);
    let (Some(expires), Some(issued)) = (time("exp"), time("iat")) else {
        return Err(refused("it has no times"));
    };
    if expires.saturating_add(SKEW) <= now {
        return Err(refused("it has expired, or the clocks differ"));
    }
    if issued > now + SKEW || time("nbf").is_some_and(|from| from > now + SKEW) {
        return Err(refused("it is from the future: the clocks differ"));
    }
    Ok(())
}

fn check_nonce(claims: &ProviderClaims, expected: &ExpectedNonce) -> Result<(), ExchangeFailure> {
    let is_given = claims.0.contains_key("nonce");
    let came = claims.word("nonce");
    let is_right = match expected {
        ExpectedNonce::Exactly(nonce) => came == Some(nonce),
        ExpectedNonce::OfApp(None) => !is_given,
        ExpectedNonce::OfApp(Some(nonce)) => {
            came.is_some_and(|came| came == nonce || came == hexadecimal(nonce))
        }
    };
    if is_right { Ok(()) } else { Err(refused("the nonce is not that of the request")) }
}

fn hexadecimal(nonce: &str) -> String {
    use std::fmt::Write as _;
    digest(nonce.as_bytes()).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
