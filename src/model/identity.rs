//! Accounts at providers that log in to an account here.

use super::email::Email;
use super::id::AccountId;
use super::time::Time;

/// An account at a provider, connected to an account here. Its key is issuer and subject; an address
/// never is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub id: String,
    pub account: AccountId,
    /// The name of the provider when it was connected.
    pub provider: String,
    pub issuer: String,
    pub subject: String,
    /// The address that the provider last stated. It proves nothing.
    pub email: Option<String>,
    /// What its owner is called there.
    pub name: Option<String>,
    pub created_at: Time,
    pub last_used_at: Option<Time>,
}

/// What a person has to do so that a login with a provider can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderStep {
    /// Give an address and prove it by a mailed code. The provider may have stated one.
    Address(Option<Email>),
    /// Prove the existing account with this address: by its login, or by a code that is mailed to it.
    ExistingAccount(Email),
    /// Log in to the existing account, and connect the provider there.
    LogIn(Email),
}

impl ProviderStep {
    /// Its name in the native API.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Address(_) => "email",
            Self::ExistingAccount(_) => "existing_account",
            Self::LogIn(_) => "login",
        }
    }

    /// The address that it is about.
    #[must_use]
    pub fn email(&self) -> Option<&Email> {
        match self {
            Self::Address(email) => email.as_ref(),
            Self::ExistingAccount(email) | Self::LogIn(email) => Some(email),
        }
    }
}
