//! What is told about a token to somebody else than its holder, and how tokens are signed: for services that rely on
//! both.

use std::time::Duration;

use super::quota::Service;
use super::{Caller, Core, caller};
use crate::config::Environment;
use crate::error::{Kind, Result};
use crate::model::{Secret, Time, secret};

/// How many characters of the shared secret are shown at its beginning.
const FIRST: usize = 10;
/// How many at its end.
const LAST: usize = 9;

/// An access token that holds.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Whose it is, as the rows say in this moment.
    pub caller: Caller,
    /// When it was made.
    pub issued_at: Time,
    /// When it is too old.
    pub expires_at: Time,
}

/// Checks an access token for whoever holds it.
///
/// # Errors
/// `TokenInvalid`, `TokenExpired`, `SessionEnded`.
pub async fn verify(core: &Core, token: &str) -> Result<Verified> {
    let caller = caller::authenticate(core, token).await?;
    let claimed = core.tokens.verify(token)?;
    Ok(Verified { caller, issued_at: claimed.issued_at, expires_at: claimed.expires_at })
}

/// What a service is told of a token (RFC 7662): nothing of one that does not hold, whatever is wrong with it.
///
/// # Errors
/// `Unavailable`.
pub async fn introspect(core: &Core, _service: &Service, token: &str) -> Result<Option<Verified>> {
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
    /// The algorithm's name.
    pub algorithm: &'static str,
    /// How long an access token lives.
    pub access: Duration,
    /// How long a session lives without a refresh.
    pub refresh: Duration,
    /// The shared secret, where one is configured.
    pub secret: Option<SharedSecret>,
    /// Development or production.
    pub environment: Environment,
}

/// What is told of a shared secret so that a service can see whether it has the same.
#[derive(Debug, Clone)]
pub struct SharedSecret {
    /// How many characters it has.
    pub length: usize,
    /// Its first characters; never in production.
    pub first: Option<String>,
    /// Its last characters; never in production.
    pub last: Option<String>,
    /// The first 16 hexadecimal digits of its SHA-256.
    pub fingerprint: String,
}

/// Tells a service how tokens are signed.
#[must_use]
pub fn signing(core: &Core, _service: &Service) -> Signing {
    let (tokens, environment) = (&core.config.tokens, core.config.server.environment);
    Signing {
        algorithm: tokens.algorithm.as_str(),
        access: tokens.access,
        refresh: core.config.sessions.idle,
        secret: tokens.secret.as_ref().map(|secret| shared(secret, environment)),
        environment,
    }
}

fn shared(secret: &Secret, environment: Environment) -> SharedSecret {
    let all: Vec<char> = secret.reveal().chars().collect();
    let shows = environment != Environment::Production;
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
