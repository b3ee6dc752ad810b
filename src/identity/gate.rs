//! The gate: the one place where sessions are issued. Every road to a session ends here.

use std::time::Duration;

use super::Core;
use crate::error::Result;
use crate::model::{Account, Secret, SessionId, Time};
use crate::token::{AccessToken, Grant};

/// How long a session is asked to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remember {
    /// As long as the policy allows.
    Long,
    /// Until the browser closes, 24 hours at most.
    Short,
}

/// A session that has just been issued or refreshed, with what its holder is given.
#[derive(Debug, Clone)]
pub struct Issued {
    /// Whose it is.
    pub account: Account,
    /// Its account's roles, sorted.
    pub roles: Vec<String>,
    /// What they may do, sorted.
    pub permissions: Vec<String>,
    /// The session.
    pub session: SessionId,
    /// When the session ends whatever happens.
    pub session_ends: Option<Time>,
    /// When the refresh token dies if it is not used.
    pub refresh_until: Time,
    /// The refresh token.
    pub refresh: Secret,
    /// The refresh token is another than the one presented.
    pub turned: bool,
    /// How long a cookie with it lives; `None` until the browser closes.
    pub cookie_life: Option<Duration>,
}

/// The access token for an issued session, with the wire's own claims.
///
/// # Errors
/// When no key can sign.
pub fn access_token(
    core: &Core,
    issued: &Issued,
    claims: Vec<(&'static str, serde_json::Value)>,
) -> Result<AccessToken> {
    core.tokens.sign(&Grant {
        account: issued.account.id.clone(),
        session: issued.session.clone(),
        session_ends: issued.session_ends,
        claims,
    })
}
