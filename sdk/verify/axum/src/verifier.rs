//! Checks access tokens of authd.

use std::fmt;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, Uri};

use crate::claims::{Auth, Claims};
use crate::clock::Clock;
use crate::fetch::Fetcher;
use crate::jwt::{decode, take_apart};
use crate::keys::Keys;
use crate::live::LiveCheck;
use crate::refusal::Refusal;

/// How far the clocks of authd and of this machine may differ, in seconds.
const SKEW: i64 = 30;
/// Header `typ` of a token for the app itself.
const FIRST_PARTY: &str = "JWT";
/// Header `typ` of a token for another party's resource (RFC 9068).
const FOR_A_RESOURCE: &str = "at+jwt";

/// A configuration that cannot work.
#[derive(Debug)]
pub struct ConfigError(String);

impl ConfigError {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// Whom tokens must be for.
#[derive(Debug, Clone, Default)]
enum Recipient {
    /// The app, whose authd has no `tokens.audience`.
    #[default]
    App,
    /// The app, whose authd has this `tokens.audience`.
    Audience(String),
    /// This resource of RFC 9068.
    Resource(String),
}

/// What a verifier is made of.
#[derive(Debug, Clone)]
#[must_use]
pub struct VerifierBuilder {
    issuer: String,
    url: Option<String>,
    recipient: Recipient,
    is_live: bool,
}

impl VerifierBuilder {
    /// Where authd is reached from here, if that is not the issuer.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// `tokens.audience`, if authd has one. Without it, a token with an `aud` is refused.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.recipient = Recipient::Audience(audience.into());
        self
    }

    /// Accepts tokens for this resource (`at+jwt`, RFC 9068) in place of the app's own.
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.recipient = Recipient::Resource(resource.into());
        self
    }

    /// Asks authd whether the session still exists, at most every ten seconds.
    pub fn live(mut self) -> Self {
        self.is_live = true;
        self
    }

    pub fn build(self) -> Result<Verifier, ConfigError> {
        self.build_with(Clock::default())
    }

    pub(crate) fn build_with(self, clock: Clock) -> Result<Verifier, ConfigError> {
        let url = self.url.unwrap_or_else(|| self.issuer.clone());
        for (name, value) in [("issuer", &self.issuer), ("url", &url)] {
            let is_url = value.parse::<Uri>().is_ok_and(|uri| {
                matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
            });
            if !is_url {
                let error = format!("{name}: expected the URL of authd, got {value}");
                return Err(ConfigError(error));
            }
        }
        let (audience, typ) = match self.recipient {
            Recipient::App => (None, FIRST_PARTY),
            Recipient::Audience(audience) => (Some(audience), FIRST_PARTY),
            Recipient::Resource(resource) => (Some(resource), FOR_A_RESOURCE),
        };
        if self.is_live && typ == FOR_A_RESOURCE {
            let error = "live: authd answers for its own tokens only, not for those of a resource";
            return Err(ConfigError(error.to_owned()));
        }
        let fetcher = Fetcher::new(clock).map_err(|error| ConfigError(error.to_string()))?;
        let (fetcher, base) = (Arc::new(fetcher), url.trim_end_matches('/'));
        let keys = Keys::new(base, Arc::clone(&fetcher));
        let live = self.is_live.then(|| LiveCheck::new(base, Arc::clone(&fetcher)));
        let issuer = self.issuer;
        let shared = Shared { issuer, audience, typ, clock: fetcher.clock.clone(), keys, live };
        Ok(Verifier { shared: Arc::new(shared) })
    }
}

struct Shared {
    issuer: String,
    audience: Option<String>,
    typ: &'static str,
    clock: Clock,
    keys: Keys,
    live: Option<LiveCheck>,
}

/// Checks access tokens. Make one per process and clone it: it holds the keys.
#[derive(Clone)]
pub struct Verifier {
    shared: Arc<Shared>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("issuer", &self.shared.issuer).finish_non_exhaustive()
    }
}

impl Verifier {
    /// For tokens with this `iss`: the public URL of authd, or its `tokens.issuer`.
    pub fn of(issuer: impl Into<String>) -> VerifierBuilder {
        let recipient = Recipient::default();
        VerifierBuilder { issuer: issuer.into(), url: None, recipient, is_live: false }
    }

    /// Whether it asks authd about sessions.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.shared.live.is_some()
    }

    /// Checks a token.
    pub async fn verify(&self, token: &str) -> Result<Auth, Refusal> {
        let parts = take_apart(token)
            .filter(|parts| parts.header.typ == self.shared.typ)
            .ok_or(Refusal::InvalidToken)?;
        let key = self.shared.keys.find(&parts.header.kid).await?.ok_or(Refusal::InvalidToken)?;
        // The key decides the algorithm, and the header must agree.
        let is_signed =
            key.alg == parts.header.alg && key.verifies(parts.signed.as_bytes(), &parts.signature);
        if !is_signed {
            return Err(Refusal::InvalidToken);
        }
        let claims: Claims = decode(parts.payload)
            .and_then(|claims| serde_json::from_slice(&claims).ok())
            .ok_or(Refusal::InvalidToken)?;
        self.check(&claims)?;
        let Some(live) = &self.shared.live else { return Ok(claims.into_auth()) };
        let now = live.account(token, &claims.jti).await?;
        Ok(Auth {
            roles: now.roles,
            permissions: now.permissions,
            email: now.email,
            username: now.username,
            ..claims.into_auth()
        })
    }

    /// Checks the token in the headers of a request.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Auth, Refusal> {
        self.verify(bearer(headers)?).await
    }

    fn check(&self, claims: &Claims) -> Result<(), Refusal> {
        let now = self.shared.clock.wall();
        let is_ours = claims.iss == self.shared.issuer
            && [&claims.sub, &claims.sid, &claims.jti].iter().all(|text| !text.is_empty())
            && claims.is_for(self.shared.audience.as_deref())
            && claims.iat <= now + SKEW
            && claims.nbf.is_none_or(|nbf| nbf <= now + SKEW);
        if !is_ours {
            return Err(Refusal::InvalidToken);
        }
        if now >= claims.exp.saturating_add(SKEW) {
            return Err(Refusal::ExpiredToken);
        }
        Ok(())
    }
}

/// The token in the `Authorization` header.
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Refusal::MissingToken)?;
    // Of two headers another party might read the other one.
    if values.next().is_some() {
        return Err(Refusal::InvalidToken);
    }
    let (scheme, token) =
        value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or(Refusal::InvalidToken)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim_start())
    } else {
        Err(Refusal::InvalidToken)
    }
}
