//! An account as the command line shows it, without its secrets.

use std::io;

use serde_json::{Value, json};

use crate::cli::console::{Console, ListRecord, OutputFormat, plain};
use crate::error::Result;
use crate::identity::Core;
use crate::identity::admin::accounts;
use crate::identity::admin::accounts::AccountWithRoles;
use crate::model::Time;
use crate::model::account::{Status, Verification};

/// An account, its status under this instance's policy, and its number of live sessions.
pub struct AccountView<'a> {
    entry: &'a AccountWithRoles,
    status: Status,
    sessions: i64,
}

impl<'a> AccountView<'a> {
    /// Prepares one account for display, under the policy of this core.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn of(core: &Core, entry: &'a AccountWithRoles) -> Result<Self> {
        let sessions = accounts::count_sessions(core, std::slice::from_ref(entry)).await?;
        Ok(Self::under(core.verification(), entry, sessions.first().copied().unwrap_or(0)))
    }

    /// Prepares several accounts for display.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn all(core: &Core, entries: &'a [AccountWithRoles]) -> Result<Vec<Self>> {
        let sessions = accounts::count_sessions(core, entries).await?;
        let both = entries.iter().zip(sessions);
        Ok(both
            .map(|(entry, sessions)| Self::under(core.verification(), entry, sessions))
            .collect())
    }

    fn under(verification: Verification, entry: &'a AccountWithRoles, sessions: i64) -> Self {
        Self { status: entry.account.status(verification), entry, sessions }
    }

    /// Prints all details of the account.
    pub fn whole(&self, console: &mut Console) -> io::Result<()> {
        let account = &self.entry.account;
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let lines = [
            ("id", account.id.to_string()),
            ("number", account.number.to_string()),
            ("email", text(&account.email_text())),
            ("verified", since(account.email_verified_at)),
            ("username", text(&account.username)),
            ("first name", text(&account.first_name)),
            ("last name", text(&account.last_name)),
            ("phone", text(&account.phone)),
            ("status", self.status.as_str().to_owned()),
            ("roles", self.entry.roles.join(", ")),
            ("password", if account.password_hash.is_some() { "set" } else { "none" }.to_owned()),
            ("sessions", self.sessions.to_string()),
            ("last login", since(account.last_login_at)),
            ("created", account.created_at.to_string()),
            ("updated", account.updated_at.to_string()),
            ("suspended", since(account.suspended_at)),
            ("deleted", since(account.deleted_at)),
        ];
        console.details(&lines, &self.json())
    }

    /// Reports a change to the account: one sentence as text, or the whole account as JSON.
    pub fn changed(&self, done: &str, console: &mut Console) -> io::Result<()> {
        let account = &self.entry.account;
        match console.form() {
            OutputFormat::Json => console.json(&self.json()),
            OutputFormat::People => {
                let roles = match self.entry.roles.as_slice() {
                    [] => "no roles".to_owned(),
                    roles => format!("roles: {}", roles.join(", ")),
                };
                let state = self.status.as_str();
                let label = plain(&account.label());
                console.line(&format!(
                    "{done} {label} ({state}, {roles}, id: {})",
                    plain(account.id.as_str())
                ))
            }
        }
    }
}

impl ListRecord for AccountView<'_> {
    const HEADINGS: &'static [&'static str] =
        &["EMAIL", "USERNAME", "STATUS", "ROLES", "SESSIONS", "LAST LOGIN", "CREATED", "ID"];

    fn cells(&self) -> Vec<String> {
        let account = &self.entry.account;
        vec![
            account.email_text().unwrap_or_else(|| "-".to_owned()),
            account.username.clone().unwrap_or_else(|| "-".to_owned()),
            self.status.as_str().to_owned(),
            self.entry.roles.join(","),
            self.sessions.to_string(),
            since(account.last_login_at),
            account.created_at.to_string(),
            account.id.to_string(),
        ]
    }

    fn json(&self) -> Value {
        let account = &self.entry.account;
        let time = |at: Option<Time>| at.map(Time::to_millis_text);
        json!({
            "id": account.id.as_str(),
            "number": account.number,
            "email": account.email_text(),
            "emailVerifiedAt": time(account.email_verified_at),
            "username": account.username,
            "firstName": account.first_name,
            "lastName": account.last_name,
            "phone": account.phone,
            "phoneVerifiedAt": time(account.phone_verified_at),
            "status": self.status.as_str(),
            "roles": self.entry.roles,
            "hasPassword": account.password_hash.is_some(),
            "sessions": self.sessions,
            "lastLoginAt": time(account.last_login_at),
            "createdAt": account.created_at.to_millis_text(),
            "updatedAt": account.updated_at.to_millis_text(),
            "suspendedAt": time(account.suspended_at),
            "deletedAt": time(account.deleted_at),
        })
    }
}

fn since(at: Option<Time>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Account, AccountId, Email};

    fn entry() -> AccountWithRoles {
        let at = Time::from_millis(1_701_421_200_987);
        let email = Email::parse("jane@example.com").unwrap();
        let account = Account {
            number: 7,
            username: Some("jane".to_owned()),
            password_hash: Some("$argon2id$canary".to_owned()),
            ..Account::new(AccountId::new("018c"), email, at)
        };
        AccountWithRoles { account, roles: vec!["admin".to_owned(), "user".to_owned()] }
    }

    #[test]
    fn the_hash_is_never_shown() {
        let entry = entry();
        let shown = AccountView::under(Verification::Required, &entry, 2);
        let said = format!("{} {:?}", shown.json(), shown.cells());
        assert!(!said.contains("canary") && said.contains("\"hasPassword\":true"), "{said}");
    }

    #[test]
    fn the_policy_says_whether_an_unproved_address_waits() {
        let entry = entry();
        assert_eq!(
            AccountView::under(Verification::Required, &entry, 2).json()["status"],
            "pending"
        );
        assert_eq!(
            AccountView::under(Verification::Optional, &entry, 2).json()["status"],
            "active"
        );
    }

    #[test]
    fn there_is_a_cell_for_each_heading() {
        let entry = entry();
        assert_eq!(
            AccountView::under(Verification::Required, &entry, 2).cells().len(),
            AccountView::HEADINGS.len()
        );
    }
}
