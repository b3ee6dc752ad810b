//! Token introspection, and how tokens are signed, for services that rely on tokens they did not
//! request themselves.

use std::time::Duration;

use crate::config::{Environment, Server};
use crate::error::{Kind, Result};
use crate::identity::access::caller;
use crate::identity::account::quota::TrustedService;
use crate::identity::{Caller, Core};
use crate::model::{Secret, Time, secret};

/// How many leading characters of the shared secret are shown.
const FIRST: usize = 10;
/// How many trailing characters of the shared secret are shown.
const LAST: usize = 9;

/// A valid access token.
#[derive(Debug, Clone)]
pub struct ActiveToken {
    /// The account and session behind the token, as the database has them now.
    pub caller: Caller,
    pub issued_at: Time,
    pub expires_at: Time,
}

/// Checks an access token, whichever party presents it.
///
/// # Errors
/// `TokenInvalid`, `TokenExpired`, `SessionEnded`.
pub async fn verify(core: &Core, token: &str) -> Result<ActiveToken> {
    let caller = caller::authenticate(core, token).await?;
    let claimed = core.tokens.verify(token)?;
    Ok(ActiveToken { caller, issued_at: claimed.issued_at, expires_at: claimed.expires_at })
}

/// Introspects a token for a service (RFC 7662). Returns `None` for every invalid token, without
/// saying why it is invalid.
///
/// # Errors
/// `Unavailable`.
pub async fn introspect(
    core: &Core,
    _service: &TrustedService,
    token: &str,
) -> Result<Option<ActiveToken>> {
    match verify(core, token).await {
        Ok(verified) => Ok(Some(verified)),
        Err(error) => match error.kind() {
            Kind::TokenInvalid | Kind::TokenExpired | Kind::SessionEnded => Ok(None),
            _ => Err(error),
        },
    }
}

/// How tokens are signed and how long they live.
#[derive(Debug, Clone)]
pub struct Signing {
    pub algorithm: &'static str,
    /// Lifetime of an access token.
    pub access: Duration,
    /// How long a session lives without a refresh.
    pub refresh: Duration,
    pub secret: Option<SharedSecret>,
    pub environment: Environment,
}

/// What a service sees of a shared secret, so that it can check that it has the same one.
#[derive(Debug, Clone)]
pub struct SharedSecret {
    /// Length in characters.
    pub length: usize,
    /// The first characters, if `server.reveal_secret_ends` is set, and never in production.
    pub first: Option<String>,
    /// The last characters, under the same conditions.
    pub last: Option<String>,
    /// The first 16 hexadecimal digits of its SHA-256.
    pub fingerprint: String,
}

/// Describes to a service how tokens are signed.
#[must_use]
pub fn signing(core: &Core, _service: &TrustedService) -> Signing {
    let (tokens, server) = (&core.config.tokens, &core.config.server);
    Signing {
        algorithm: tokens.algorithm.as_str(),
        access: tokens.access,
        refresh: core.config.sessions.idle,
        secret: tokens.secret.as_ref().map(|secret| shared(secret, server)),
        environment: server.environment,
    }
}

fn shared(secret: &Secret, server: &Server) -> SharedSecret {
    let all: Vec<char> = secret.reveal().chars().collect();
    let shows = server.reveal_secret_ends && server.environment != Environment::Production;
    let part = |range: &[char]| shows.then(|| range.iter().collect());
    SharedSecret {
        length: all.len(),
        first: part(&all[..all.len().min(FIRST)]),
        last: part(&all[all.len().saturating_sub(LAST)..]),
        fingerprint: fingerprint(secret),
    }
}

fn fingerprint(shared: &Secret) -> String {
    let digest = secret::digest(shared.reveal().as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    format!("{:016x}", u64::from_be_bytes(first))
}
