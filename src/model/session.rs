//! Why sessions end.

/// Why a session ended. The name goes into the store and the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEnd {
    /// The owner logged out.
    Logout,
    /// The owner logged out everywhere.
    LogoutEverywhere,
    /// It was the oldest session when the account reached its session limit.
    Cap,
    /// A used refresh token was used again.
    Reuse,
    /// It exceeded its maximum or idle lifetime.
    Expired,
    /// The password was changed or reset.
    Password,
    /// A change of address was undone.
    EmailUndone,
    /// The owner deleted the account.
    Deleted,
    /// An administrator ended the session, or suspended or deleted the account.
    Admin,
    /// The owner ended it from another session.
    Revoked,
    /// The owner reported that the login was not theirs.
    Disowned,
    /// The keys of its tokens were revoked.
    KeysRevoked,
}

impl SessionEnd {
    /// All reasons.
    pub const ALL: [SessionEnd; 12] = [
        SessionEnd::Logout,
        SessionEnd::LogoutEverywhere,
        SessionEnd::Cap,
        SessionEnd::Reuse,
        SessionEnd::Expired,
        SessionEnd::Password,
        SessionEnd::EmailUndone,
        SessionEnd::Deleted,
        SessionEnd::Admin,
        SessionEnd::Revoked,
        SessionEnd::Disowned,
        SessionEnd::KeysRevoked,
    ];

    /// Whether it ended because another party may have used it: then what was requested in it and
    /// waits for a confirmation is void.
    #[must_use]
    pub fn is_distrust(self) -> bool {
        !matches!(self, SessionEnd::Logout | SessionEnd::Cap | SessionEnd::Expired)
    }

    /// The name used in the store and the audit log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            SessionEnd::Logout => "logout",
            SessionEnd::LogoutEverywhere => "logout_everywhere",
            SessionEnd::Cap => "cap",
            SessionEnd::Reuse => "reuse",
            SessionEnd::Expired => "expired",
            SessionEnd::Password => "password",
            SessionEnd::EmailUndone => "email_undone",
            SessionEnd::Deleted => "deleted",
            SessionEnd::Admin => "admin",
            SessionEnd::Revoked => "revoked",
            SessionEnd::Disowned => "disowned",
            SessionEnd::KeysRevoked => "keys_revoked",
        }
    }
}
