//! How the owner of an account proved their identity: the authentication methods of a session.
//!
//! The names are those of RFC 8176 (the `amr` claim) where it has one. It has none for a mailed code
//! and for a backup code; its `kba` means questions about the person.

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
        }
    }
}

impl From<Method> for AuthMethod {
    fn from(method: Method) -> Self {
        match method {
            Method::Factor(FactorKind::Totp) => AuthMethod::Totp,
            Method::Factor(FactorKind::Email) => AuthMethod::Mail,
            Method::Factor(FactorKind::Sms) => AuthMethod::Sms,
            Method::BackupCode => AuthMethod::BackupCode,
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
    pub fn with(mut self, method: AuthMethod) -> Self {
        if self.0.split_whitespace().any(|known| known == method.as_str()) {
            return self;
        }
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(method.as_str());
        self
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_counts_once_and_two_methods_are_the_second_level() {
        let password = AuthMethods::from(AuthMethod::Password);
        assert_eq!((password.as_str(), password.level()), ("pwd", 1));
        assert_eq!(password.clone().with(AuthMethod::Password), password);
        let both = password.with(Method::Factor(FactorKind::Totp).into());
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
