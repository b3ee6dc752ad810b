//! The key that login attempts and refusals are counted by.
//!
//! An account is counted under its address, however the client named it: then nothing changes for a
//! client when an address gets an account. One without an address is counted under its user name.

use crate::model::{Account, AccountId, ClientIp, text};
use crate::seal::MasterKey;

/// The login target that attempts are counted for: an account, or a name that no account has.
#[derive(Debug, Clone)]
pub struct LoginTarget {
    text: String,
    account: Option<AccountId>,
    actor: Option<String>,
}

impl LoginTarget {
    /// The login target of an account, however the client named it.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        let username = account.username.as_deref().map(text::fold);
        let name = account.email_key().map(str::to_owned).or(username);
        match name {
            Some(name) => Self { account: Some(account.id.clone()), ..Self::unknown(&name) },
            None => Self::for_record(&account.id),
        }
    }

    /// The login target of an account whose owner is logged in.
    #[must_use]
    pub fn of_owner(account: &Account) -> Self {
        Self::of(account).tried_by(account.id.as_str())
    }

    /// An account by its id: as a record of a refusal names it, and one that has no name.
    #[must_use]
    pub(in crate::identity) fn for_record(id: &AccountId) -> Self {
        Self { text: format!("account:{id}"), account: Some(id.clone()), actor: None }
    }

    /// The same login target, with the actor that makes the attempt.
    #[must_use]
    pub(in crate::identity) fn tried_by(self, actor: &str) -> Self {
        Self { actor: Some(actor.to_owned()), ..self }
    }

    /// The login target of a name that no account has.
    #[must_use]
    pub fn unknown(folded_name: &str) -> Self {
        Self { text: format!("name:{folded_name}"), account: None, actor: None }
    }

    /// The account, if there is one.
    pub(in crate::identity) fn account(&self) -> Option<&AccountId> {
        self.account.as_ref()
    }

    /// The actor that makes the attempt, if known.
    pub(in crate::identity) fn actor(&self) -> Option<&str> {
        self.actor.as_deref()
    }

    /// The text that attempts are keyed by.
    pub(in crate::identity) fn text(&self) -> &str {
        &self.text
    }

    /// The key of the attempts at this target, from any client IP. The label stays: it keys stored
    /// counters.
    pub(in crate::identity) fn key(&self, master: &MasterKey) -> [u8; 32] {
        master.mac("tries", self.text.as_bytes())
    }

    /// The key of the attempts at this target from one client IP.
    pub(in crate::identity) fn pair_key(&self, master: &MasterKey, client: ClientIp) -> [u8; 32] {
        let mut bytes = client.to_bytes();
        bytes.push(b'|');
        bytes.extend_from_slice(self.text.as_bytes());
        master.mac("tries", &bytes)
    }
}
