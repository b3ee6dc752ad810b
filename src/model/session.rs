//! Why sessions end.

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
    /// A change of address was undone.
    EmailUndone,
    /// Its owner deleted the account.
    Deleted,
    /// An administrator ended it, or its account.
    Admin,
    /// Its owner ended it from another one.
    Revoked,
    /// Its owner said that it was not theirs.
    Disowned,
    /// The keys of its tokens were revoked.
    KeysRevoked,
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
            End::EmailUndone => "email_undone",
            End::Deleted => "deleted",
            End::Admin => "admin",
            End::Revoked => "revoked",
            End::Disowned => "disowned",
            End::KeysRevoked => "keys_revoked",
        }
    }
}
