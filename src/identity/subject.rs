//! What a call that an app makes for somebody is counted for: the account behind what it names, or what it names where
//! there is none. So an account has one bucket however it is named, and a name that nobody has is counted alike.

use super::sign_in::Name;
use super::{Caller, Core, link};
use crate::error::Result;
use crate::model::{AccountId, Email, Secret, secret};
use crate::store;
use crate::store::links::Purpose;

/// What a call names.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// The address of an account that is still to be made.
    New(&'a Email),
    /// An address.
    Email(&'a Email),
    /// An address or user name as typed.
    Name(&'a Name),
    /// A login that waits for its second factor, by its token.
    Login(&'a Secret),
    /// A link that sets a password, by its token.
    Reset(&'a Secret),
    /// The caller.
    Caller(&'a Caller),
}

impl Subject<'_> {
    /// What it is counted by.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn key(self, core: &Core) -> Result<String> {
        let (account, otherwise) = match self {
            Subject::New(email) => (None, email.key().to_owned()),
            Subject::Email(email) => (by_email(core, email.key()).await?, email.key().to_owned()),
            Subject::Name(name) => (by_name(core, name).await?, name.key()),
            Subject::Login(token) => {
                let hash = secret::digest(token.reveal().as_bytes());
                let found = core.store.read(move |db| store::challenges::find(db, &hash)).await?;
                (found.map(|challenge| challenge.account), secret::encode(&hash))
            }
            Subject::Reset(token) => {
                let hash = link::digest_of(token.reveal());
                let found = core.store.read(move |db| store::links::find(db, &hash, Purpose::Reset)).await?;
                (found.map(|link| link.account), secret::encode(&hash))
            }
            Subject::Caller(caller) => (Some(caller.account.id.clone()), String::new()),
        };
        Ok(account.map_or_else(|| format!("name:{otherwise}"), |id| format!("account:{id}")))
    }
}

async fn by_name(core: &Core, name: &Name) -> Result<Option<AccountId>> {
    let key = name.key();
    match name {
        Name::Email(_) => by_email(core, &key).await,
        Name::Username(_) => {
            let found = core.store.read(move |db| store::accounts::find_by_username(db, &key)).await?;
            Ok(found.map(|account| account.id))
        }
    }
}

async fn by_email(core: &Core, key: &str) -> Result<Option<AccountId>> {
    let key = key.to_owned();
    let found = core.store.read(move |db| store::accounts::find_by_email(db, &key)).await?;
    Ok(found.map(|account| account.id))
}
