//! What a call that an app makes for somebody is counted for. A name that logs in is counted for the account behind it, so
//! that an account has one bucket however it is named, and a name that nobody has is counted alike. An address that
//! something is mailed to is counted as it is, and a token or session for itself: whoever knows the address uses up
//! nothing of who holds those.

use super::sign_in::Name;
use super::{Caller, Core, link};
use crate::error::Result;
use crate::model::{AccountId, Email, Secret, secret};
use crate::store;
use crate::store::links::Purpose;

/// What a call names.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// An address, whether or not anybody has it: nothing is looked up that could tell.
    Email(&'a Email),
    /// An address or user name as typed.
    Name(&'a Name),
    /// A login that waits for its second factor, by its token.
    Login(&'a Secret),
    /// A link that sets a password, by its token.
    Reset(&'a Secret),
    /// The caller, by the session.
    Caller(&'a Caller),
}

impl Subject<'_> {
    /// What it is counted by.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn key(self, core: &Core) -> Result<String> {
        let (account, otherwise) = match self {
            Subject::Email(email) => (None, email.key().to_owned()),
            Subject::Name(name) => (by_name(core, name).await?, name.key()),
            Subject::Reset(token) => {
                let hash = link::digest_of(token.reveal());
                let found = core.store.read(move |db| store::links::find(db, &hash, Purpose::Reset)).await?;
                (found.map(|link| link.account), secret::encode(&hash))
            }
            Subject::Login(token) => {
                return Ok(format!("login:{}", secret::encode(&secret::digest(token.reveal().as_bytes()))));
            }
            Subject::Caller(caller) => return Ok(format!("session:{}", caller.session)),
        };
        Ok(account.map_or_else(|| format!("name:{otherwise}"), |id| format!("account:{id}")))
    }
}

async fn by_name(core: &Core, name: &Name) -> Result<Option<AccountId>> {
    let key = name.key();
    match name {
        Name::Email(_) => {
            let found = core.store.read(move |db| store::accounts::find_by_email(db, &key)).await?;
            Ok(found.map(|account| account.id))
        }
        Name::Username(_) => {
            let found = core.store.read(move |db| store::accounts::find_by_username(db, &key)).await?;
            Ok(found.map(|account| account.id))
        }
    }
}
