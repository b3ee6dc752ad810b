//! Second factors: their kinds, and the methods that complete a login.

use super::id::AccountId;
use super::time::Time;

/// The kind of a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactorKind {
    /// An authenticator app (RFC 6238).
    Totp,
    /// A code by email.
    Email,
    /// A code by text message.
    Sms,
}

impl FactorKind {
    /// Every kind.
    pub const ALL: [FactorKind; 3] = [FactorKind::Totp, FactorKind::Email, FactorKind::Sms];

    /// The name used in the database and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            FactorKind::Totp => "totp",
            FactorKind::Email => "email",
            FactorKind::Sms => "sms",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A method that completes a pending login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// A factor of this kind. Email codes need no enrolled factor if the policy requires a second
    /// factor for everyone.
    Factor(FactorKind),
    /// A security key or a passkey.
    Passkey,
    BackupCode,
}

impl Method {
    /// The name used in the database and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Factor(kind) => kind.as_str(),
            Method::Passkey => "passkey",
            Method::BackupCode => "backup_code",
        }
    }

    /// The method with this name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let other = [Method::Passkey, Method::BackupCode];
        let other = other.into_iter().find(|method| method.as_str() == word);
        other.or_else(|| FactorKind::parse(word).map(Method::Factor))
    }

    /// Joins methods into one text.
    #[must_use]
    pub fn join(methods: &[Method]) -> String {
        methods.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(",")
    }

    /// Splits the text that [`Method::join`] made.
    #[must_use]
    pub fn split(text: &str) -> Vec<Method> {
        text.split(',').filter_map(Method::parse).collect()
    }
}

/// A row of the `factors` table.
#[derive(Debug, Clone)]
pub struct Factor {
    pub id: String,
    pub account: AccountId,
    pub kind: FactorKind,
    /// The name that the owner gave it.
    pub name: String,
    /// The sealed secret of an authenticator app.
    pub sealed: Option<Vec<u8>>,
    /// The phone number that receives text messages.
    pub target: Option<String>,
    /// The last time step whose code was accepted.
    pub last_step: Option<i64>,
    pub created_at: Time,
    /// The factor protects nothing until it is confirmed.
    pub confirmed_at: Option<Time>,
    /// When it last completed a login.
    pub last_used_at: Option<Time>,
}

#[cfg(test)]
impl Factor {
    /// A factor for tests.
    pub(crate) fn fixture(kind: FactorKind, confirmed_at: Option<Time>) -> Self {
        Self {
            id: kind.as_str().into(),
            account: AccountId::new("a"),
            kind,
            name: String::new(),
            sealed: None,
            target: None,
            last_step: None,
            created_at: Time::default(),
            confirmed_at,
            last_used_at: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_come_back_from_their_text() {
        let methods = vec![
            Method::Factor(FactorKind::Totp),
            Method::Factor(FactorKind::Sms),
            Method::Passkey,
            Method::BackupCode,
        ];
        assert_eq!(Method::split(&Method::join(&methods)), methods);
        assert_eq!(Method::split(""), []);
    }
}
