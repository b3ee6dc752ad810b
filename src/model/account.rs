//! An account as the store holds it.

use super::email::Email;
use super::id::AccountId;
use super::time::Time;

/// An account's row.
#[derive(Debug, Clone)]
pub struct Account {
    /// The text id.
    pub id: AccountId,
    /// The numeric id that some wires show.
    pub number: i64,
    /// The address that mail goes to.
    pub email: Email,
    /// When somebody proved to read it.
    pub email_verified_at: Option<Time>,
    /// The user name, where one was chosen.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The whole name, where a wire does not part it.
    pub name: Option<String>,
    /// The company's name.
    pub company_name: Option<String>,
    /// Telephone number as typed.
    pub phone: Option<String>,
    /// When the number was proved.
    pub phone_verified_at: Option<Time>,
    /// The stored hash; absent until a password is set.
    pub password_hash: Option<String>,
    /// Raised by each change of password, address, factors or state.
    pub stamp: i64,
    /// When an administrator suspended it.
    pub suspended_at: Option<Time>,
    /// When it was deleted.
    pub deleted_at: Option<Time>,
    /// The last completed login.
    pub last_login_at: Option<Time>,
    /// When it was made.
    pub created_at: Time,
    /// When its data last changed.
    pub updated_at: Time,
}

/// The state that the native API shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Nobody has proved the address, and this service asks for it.
    Pending,
    /// All is well.
    Active,
    /// Suspended by an administrator.
    Suspended,
    /// Deleted.
    Deleted,
}

impl Status {
    /// The word for it.
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
    /// The whole name: as given, or put together.
    #[must_use]
    pub fn full_name(&self) -> Option<String> {
        let parts: Vec<&str> = [&self.first_name, &self.last_name].into_iter().flatten().map(String::as_str).collect();
        self.name.clone().or_else(|| (!parts.is_empty()).then(|| parts.join(" ")))
    }

    /// True while mail about it makes sense: neither deleted nor suspended.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        self.deleted_at.is_none() && self.suspended_at.is_none()
    }

    /// The state, where `verification_required` says whether an unproved address keeps the account waiting.
    #[must_use]
    pub fn status(&self, verification: Verification) -> Status {
        if self.deleted_at.is_some() {
            Status::Deleted
        } else if self.suspended_at.is_some() {
            Status::Suspended
        } else if self.email_verified_at.is_none() && verification == Verification::Required {
            Status::Pending
        } else {
            Status::Active
        }
    }
}

/// Whether an address must be proved before its account can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// Before the first session.
    Required,
    /// Never.
    Optional,
}
