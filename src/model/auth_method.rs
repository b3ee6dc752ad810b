//! How the owner of an account proved their identity: the authentication methods of a session.
//!
//! The names are those of RFC 8176 (the `amr` claim) where it has one. It has none for a mailed code
//! and for a backup code; its `kba` means questions about the person. Nor has it one for a check by
//! the authenticator that may have been a PIN or biometrics.

use super::factor::{FactorKind, Method};

/// One method of proving one's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    Password,
    /// A code of an authenticator app.
    Totp,
    /// A code sent by text message.
    Sms,
    /// A code sent by mail.
    Mail,
    BackupCode,
    /// A key that is bound to one device.
    HardwareKey,
    /// A key that can be copied to other devices.
    SoftwareKey,
    /// The authenticator checked who the person is, by PIN or biometrics.
    UserVerification,
}

impl AuthMethod {
    /// The name used in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AuthMethod::Password => "pwd",
            AuthMethod::Totp => "otp",
            AuthMethod::Sms => "sms",
            AuthMethod::Mail => "mail",
            AuthMethod::BackupCode => "backup_code",
            AuthMethod::HardwareKey => "hwk",
            AuthMethod::SoftwareKey => "swk",
            AuthMethod::UserVerification => "uv",
        }
    }
}

impl From<FactorKind> for AuthMethod {
    fn from(kind: FactorKind) -> Self {
        match kind {
            FactorKind::Totp => AuthMethod::Totp,
            FactorKind::Email => AuthMethod::Mail,
            FactorKind::Sms => AuthMethod::Sms,
        }
    }
}

/// The methods by which the owner proved their identity, each once, in the order of their first use.
///
/// Kept as text, so that a method of a newer version is kept too. Empty if no method is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthMethods(String);

impl AuthMethods {
    /// The methods in a text from the database.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The same methods and this one.
    #[must_use]
    pub fn with(self, method: AuthMethod) -> Self {
        self.and(&Self(method.as_str().to_owned()))
    }

    /// These methods, and then those.
    #[must_use]
    pub fn and(self, others: &AuthMethods) -> Self {
        others.0.split_whitespace().fold(self, |mut all, name| {
            if !all.0.split_whitespace().any(|known| known == name) {
                if !all.0.is_empty() {
                    all.0.push(' ');
                }
                all.0.push_str(name);
            }
            all
        })
    }

    /// A login at the provider with this name.
    #[must_use]
    pub fn federated(provider: &str) -> Self {
        Self(format!("fed:{provider}"))
    }

    /// Whether this method is one of them.
    #[must_use]
    pub fn contains(&self, method: AuthMethod) -> bool {
        self.0.split_whitespace().any(|known| known == method.as_str())
    }

    /// The text for the database: names separated by spaces.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// 2 for two different methods or more, otherwise 1.
    #[must_use]
    pub fn level(&self) -> i64 {
        if self.0.split_whitespace().nth(1).is_some() { 2 } else { 1 }
    }
}

impl From<AuthMethod> for AuthMethods {
    fn from(method: AuthMethod) -> Self {
        Self::default().with(method)
    }
}

/// What the right code of a method proves. What a key proves depends on what its authenticator
/// checked.
impl From<Method> for AuthMethods {
    fn from(method: Method) -> Self {
        match method {
            Method::Factor(kind) => AuthMethod::from(kind).into(),
            Method::BackupCode => AuthMethod::BackupCode.into(),
            Method::Passkey => Self::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_counts_once_and_two_methods_are_the_second_level() {
        let password = AuthMethods::from(AuthMethod::Password);
        assert_eq!((password.as_str(), password.level()), ("pwd", 1));
        assert_eq!(password.clone().with(AuthMethod::Password), password);
        let both = password.with(FactorKind::Totp.into());
        assert_eq!((both.as_str(), both.level()), ("pwd otp", 2));
        assert_eq!(both.clone().with(AuthMethod::Totp), both);
    }

    #[test]
    fn unknown_methods_are_kept_and_none_is_the_first_level() {
        assert_eq!(AuthMethods::default().level(), 1);
        let newer = AuthMethods::stored("hwk".to_owned()).with(AuthMethod::Mail);
        assert_eq!((newer.as_str(), newer.level()), ("hwk mail", 2));
    }
}
