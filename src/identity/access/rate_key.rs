//! The rate key: what a call by an API client on a user's behalf is rate-limited by.
//!
//! A user name counts as the address of the account behind it, so all names of an account
//! share one limit. An address counts as itself, so nothing changes when it gets an account. A token
//! or session counts for itself: an attacker who only knows the address cannot use up the limit of a
//! client that holds a token.

use crate::error::Result;
use crate::identity::account::link;
use crate::identity::login::sign_in::Name;
use crate::identity::{Caller, Core};
use crate::model::{Email, Secret, secret};
use crate::store;
use crate::store::tables::links::LinkPurpose;

/// What a call names.
#[derive(Debug, Clone, Copy)]
pub enum RateKey<'a> {
    /// An address. Nothing is looked up that could reveal whether it has an account.
    Email(&'a Email),
    /// An address or user name as typed.
    Name(&'a Name),
    /// A login that waits for its second factor, by its token.
    Login(&'a Secret),
    /// A link that sets a password, by its token.
    Reset(&'a Secret),
    /// A passkey, by its credential ID; empty while none is named.
    Credential(&'a [u8]),
    /// A login with a provider, by what the browser keeps of it; empty before it begins.
    Provider(&'a Secret),
    /// The caller, by its session.
    Caller(&'a Caller),
}

impl RateKey<'_> {
    /// The text that the call is counted under.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn key(self, core: &Core) -> Result<String> {
        let (account, otherwise) = match self {
            RateKey::Email(email) => (None, email.key().to_owned()),
            RateKey::Name(name) => (None, address_of(core, name).await?),
            RateKey::Reset(token) => {
                let hash = link::digest_of(token.reveal());
                let found = core
                    .store
                    .read(move |db| store::tables::links::find(db, &hash, LinkPurpose::Reset))
                    .await?;
                (found.map(|link| link.account), secret::encode(&hash))
            }
            RateKey::Login(token) => {
                return Ok(format!(
                    "login:{}",
                    secret::encode(&secret::digest(token.reveal().as_bytes()))
                ));
            }
            RateKey::Credential(id) => {
                return Ok(format!("passkey:{}", secret::encode(&secret::digest(id))));
            }
            RateKey::Provider(flow) => {
                let digest = secret::digest(flow.reveal().as_bytes());
                return Ok(format!("provider:{}", secret::encode(&digest)));
            }
            RateKey::Caller(caller) => return Ok(format!("session:{}", caller.session())),
        };
        Ok(account.map_or_else(|| format!("name:{otherwise}"), |id| format!("account:{id}")))
    }
}

/// The address of the account with this name, or the name if it is an address or has no account.
async fn address_of(core: &Core, name: &Name) -> Result<String> {
    let key = name.key();
    let Name::Username(_) = name else { return Ok(key) };
    let found =
        core.store.read(move |db| store::tables::accounts::find_by_username(db, &key)).await?;
    Ok(found
        .and_then(|account| account.email_key().map(str::to_owned))
        .unwrap_or_else(|| name.key()))
}
