//! Second factors: their kinds, and the ways to complete a login.

use super::id::AccountId;
use super::time::Time;

/// What a factor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactorKind {
    /// An authenticator app (RFC 6238).
    Totp,
    /// A code by e-mail.
    Email,
    /// A code by text message.
    Sms,
}

impl FactorKind {
    /// Every kind.
    pub const ALL: [FactorKind; 3] = [FactorKind::Totp, FactorKind::Email, FactorKind::Sms];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            FactorKind::Totp => "totp",
            FactorKind::Email => "email",
            FactorKind::Sms => "sms",
        }
    }

    /// The kind behind a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// What people call it.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            FactorKind::Totp => "an authenticator app",
            FactorKind::Email => "codes by e-mail",
            FactorKind::Sms => "codes by text message",
        }
    }
}

/// A way to complete a login that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// With a factor of this kind; codes by e-mail need no factor where the policy asks everybody.
    Factor(FactorKind),
    /// With a backup code.
    BackupCode,
}

impl Method {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Factor(kind) => kind.as_str(),
            Method::BackupCode => "backup_code",
        }
    }

    /// The method behind a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        if word == Method::BackupCode.as_str() {
            return Some(Method::BackupCode);
        }
        FactorKind::parse(word).map(Method::Factor)
    }

    /// Methods as one text.
    #[must_use]
    pub fn join(methods: &[Method]) -> String {
        methods.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(",")
    }

    /// The methods of [`Method::join`].
    #[must_use]
    pub fn split(text: &str) -> Vec<Method> {
        text.split(',').filter_map(Method::parse).collect()
    }
}

/// A factor's row.
#[derive(Debug, Clone)]
pub struct Factor {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub account: AccountId,
    /// What it is.
    pub kind: FactorKind,
    /// What its owner calls it.
    pub name: String,
    /// The sealed secret of an authenticator app.
    pub sealed: Option<Vec<u8>>,
    /// The number that text messages go to.
    pub target: Option<String>,
    /// The last time step whose code was taken.
    pub last_step: Option<i64>,
    /// When it was set up.
    pub created_at: Time,
    /// When it was confirmed; it guards nothing before.
    pub confirmed_at: Option<Time>,
    /// When it last completed a login.
    pub last_used_at: Option<Time>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_come_back_from_their_text() {
        let methods = vec![Method::Factor(FactorKind::Totp), Method::Factor(FactorKind::Sms), Method::BackupCode];
        assert_eq!(Method::split(&Method::join(&methods)), methods);
        assert_eq!(Method::split(""), []);
    }
}
