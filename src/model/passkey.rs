//! Passkeys and security keys.

use super::id::AccountId;
use super::time::Time;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasskeyKind {
    /// Logs in without a password. A login with the password does not ask for it.
    Passkey,
    /// A second factor: a login with the password asks for it.
    SecurityKey,
}

impl PasskeyKind {
    /// The name used in the database and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            PasskeyKind::Passkey => "passkey",
            PasskeyKind::SecurityKey => "security_key",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Passkey, Self::SecurityKey].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A row of the `passkeys` table.
#[derive(Debug, Clone)]
pub struct Passkey {
    pub id: String,
    pub account: AccountId,
    pub kind: PasskeyKind,
    /// The ID by which the authenticator knows it.
    pub credential_id: Vec<u8>,
    /// As a `COSE_Key`.
    pub public_key: Vec<u8>,
    /// The name that the owner gave it, or else that of the authenticator.
    pub name: String,
    /// The model of the authenticator.
    pub aaguid: [u8; 16],
    /// How the authenticator can be reached: words separated by spaces.
    pub transports: String,
    /// The authenticator's counter at its last use; 0 if it does not count.
    pub sign_count: i64,
    /// Whether it can be copied to other devices.
    pub backup_eligible: bool,
    pub backed_up: bool,
    /// Whether it can be found without its ID; `None` if the browser did not say.
    pub discoverable: Option<bool>,
    /// Whether the authenticator checked who the person is when it was made.
    pub user_verified: bool,
    /// When its counter first went back: the key may have been copied.
    pub suspect_at: Option<Time>,
    pub created_at: Time,
    pub last_used_at: Option<Time>,
}
