//! A session as the store holds it.

use super::id::{AccountId, SessionId};
use super::time::Time;

/// A session's row.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its id, `sid` in tokens.
    pub id: SessionId,
    /// Whose it is.
    pub account_id: AccountId,
    /// How often its refresh token has turned.
    pub generation: i64,
    /// SHA-256 of the current refresh secret.
    pub secret_hash: Vec<u8>,
    /// When the refresh token last turned.
    pub turned_at: Option<Time>,
    /// When it began.
    pub created_at: Time,
    /// When its owner last proved who they are.
    pub proved_at: Time,
    /// When it ends without a refresh.
    pub idle_until: Time,
    /// When it ends whatever happens.
    pub expires_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
}

/// Why a session ended; the word goes into the store and the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its owner logged out.
    Logout,
    /// Its owner logged out everywhere.
    LogoutEverywhere,
    /// It was the oldest when one more began.
    Cap,
    /// Its refresh token was used again.
    Reuse,
    /// It was too old.
    Expired,
    /// The password was set anew.
    Password,
    /// An administrator ended it, or its account.
    Admin,
    /// Its account's address was proved by somebody else than who began it.
    Proved,
}

impl End {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            End::Logout => "logout",
            End::LogoutEverywhere => "logout_everywhere",
            End::Cap => "cap",
            End::Reuse => "reuse",
            End::Expired => "expired",
            End::Password => "password",
            End::Admin => "admin",
            End::Proved => "proved",
        }
    }
}
