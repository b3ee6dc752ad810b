//! An account as the store holds it.

use super::email::Email;
use super::id::AccountId;
use super::language::LanguageTag;
use super::time::Time;

/// The longest phone number that is stored, in characters. The calls that set one may accept less.
pub const LONGEST_PHONE: usize = 32;

/// A row of the `accounts` table.
#[derive(Debug, Clone)]
pub struct Account {
    pub id: AccountId,
    /// The numeric id that some APIs show instead of the text id.
    pub number: i64,
    /// `None`: the account has no address. Its owner logs in by a connected account, a passkey, or a
    /// user name and password, and gets no mail.
    pub email: Option<Email>,
    pub email_verified_at: Option<Time>,
    pub username: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// The full name, for APIs that do not split it into given and family name.
    pub name: Option<String>,
    pub company_name: Option<String>,
    /// As typed; not normalised.
    pub phone: Option<String>,
    pub phone_verified_at: Option<Time>,
    /// The language that the owner reads; it may be one that the server does not have.
    pub locale: Option<LanguageTag>,
    /// The stored hash; `None` until a password is set.
    pub password_hash: Option<String>,
    /// When a sign-up with the unverified address gave another password. Verifying the address then
    /// removes the password, because it may be another party's.
    pub password_contested_at: Option<Time>,
    /// The credential version: raised by every change of password, email address, second factors or
    /// state.
    pub credential_version: i64,
    pub suspended_at: Option<Time>,
    pub deleted_at: Option<Time>,
    /// Who deleted the account.
    pub deleted_by: Option<String>,
    pub last_login_at: Option<Time>,
    pub created_at: Time,
    pub updated_at: Time,
}

/// The account state that the native API shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The address is not verified, and this server requires verification.
    Pending,
    Active,
    Suspended,
    Deleted,
}

impl Status {
    /// The state of an account with these times.
    #[must_use]
    pub fn of(
        deleted_at: Option<Time>,
        suspended_at: Option<Time>,
        address: AddressState,
        verification: Verification,
    ) -> Self {
        if deleted_at.is_some() {
            Self::Deleted
        } else if suspended_at.is_some() {
            Self::Suspended
        } else if address == AddressState::Unverified && verification == Verification::Required {
            Self::Pending
        } else {
            Self::Active
        }
    }

    /// The name that the native API uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Active => "active",
            Status::Suspended => "suspended",
            Status::Deleted => "deleted",
        }
    }
}

impl Account {
    /// The credential version of a new account.
    pub const FIRST_CREDENTIAL_VERSION: i64 = 1;

    /// A new account with nothing but an address that is not verified, or without one. It has no number
    /// yet.
    #[must_use]
    pub fn new(id: AccountId, email: impl Into<Option<Email>>, created_at: Time) -> Self {
        Self {
            id,
            number: 0,
            email: email.into(),
            email_verified_at: None,
            username: None,
            first_name: None,
            last_name: None,
            name: None,
            company_name: None,
            phone: None,
            phone_verified_at: None,
            locale: None,
            password_hash: None,
            password_contested_at: None,
            credential_version: Self::FIRST_CREDENTIAL_VERSION,
            suspended_at: None,
            deleted_at: None,
            deleted_by: None,
            last_login_at: None,
            created_at,
            updated_at: created_at,
        }
    }

    /// The full name: the stored one, or given and family name joined.
    #[must_use]
    pub fn full_name(&self) -> Option<String> {
        Self::whole_name(
            self.name.as_deref(),
            self.first_name.as_deref(),
            self.last_name.as_deref(),
        )
    }

    /// The full name built from these parts: `name` if present, or given and family name joined.
    #[must_use]
    pub fn whole_name(
        name: Option<&str>,
        first: Option<&str>,
        last: Option<&str>,
    ) -> Option<String> {
        let parts: Vec<&str> = [first, last].into_iter().flatten().collect();
        name.map(str::to_owned).or_else(|| (!parts.is_empty()).then(|| parts.join(" ")))
    }

    /// True while the server may send mail about the account: it is neither deleted nor suspended.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        self.deleted_at.is_none() && self.suspended_at.is_none()
    }

    /// Whether it was deleted in one of its own sessions.
    #[must_use]
    pub fn is_deleted_by_itself(&self) -> bool {
        self.deleted_at.is_some() && self.deleted_by.as_deref() == Some(self.id.as_str())
    }

    /// The state; `verification` decides whether an unverified address makes the account pending.
    #[must_use]
    pub fn status(&self, verification: Verification) -> Status {
        Status::of(self.deleted_at, self.suspended_at, self.address_state(), verification)
    }

    /// Whether it has an address, and whether its owner has proved it.
    #[must_use]
    pub fn address_state(&self) -> AddressState {
        AddressState::of(self.email.as_ref(), self.email_verified_at)
    }

    /// Whether it has an address that nobody has proved: the account may be another party's than the
    /// owner of the mailbox.
    #[must_use]
    pub fn is_unproved(&self) -> bool {
        self.address_state() == AddressState::Unverified
    }

    /// Whether this is its address, by the key of the address.
    #[must_use]
    pub fn has_address(&self, email_key: &str) -> bool {
        self.email.as_ref().is_some_and(|email| email.key() == email_key)
    }

    /// The key of its address.
    #[must_use]
    pub fn email_key(&self) -> Option<&str> {
        self.email.as_ref().map(Email::key)
    }

    /// The address as its owner typed it.
    #[must_use]
    pub fn email_text(&self) -> Option<String> {
        self.email.as_ref().map(Email::to_string)
    }

    /// The address for a response that must have one, or an empty text. The configuration keeps accounts
    /// without an address away from such responses, but cannot undo those that are there.
    #[must_use]
    pub fn promised_email(&self) -> String {
        self.email_text().unwrap_or_default()
    }

    /// What tells its owner which account it is: the address, or else a name, or else the ID.
    #[must_use]
    pub fn label(&self) -> String {
        self.email_text()
            .or_else(|| self.username.clone())
            .or_else(|| self.full_name())
            .unwrap_or_else(|| self.id.to_string())
    }
}

/// Whether an account has an address, and whether its owner has proved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressState {
    Absent,
    Unverified,
    Verified,
}

impl AddressState {
    /// The state of this address.
    #[must_use]
    pub fn of(email: Option<&Email>, verified_at: Option<Time>) -> Self {
        match (email, verified_at) {
            (None, _) => Self::Absent,
            (Some(_), None) => Self::Unverified,
            (Some(_), Some(_)) => Self::Verified,
        }
    }
}

/// Whether every new account needs an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressPolicy {
    Required,
    /// A login with a provider that proves no address makes an account without one.
    Optional,
}

/// Whether an address must be verified before its account can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// Required before the first session.
    Required,
    /// Never required.
    Optional,
}
