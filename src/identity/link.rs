//! Links in mail: built from the public URL, never from what a request says about itself; kept as digests, bound to
//! account, purpose and address.

use super::Core;
use crate::error::{Error, Kind, Result};
use crate::model::{Account, AccountId, Secret, Time, secret};
use crate::store;
use crate::store::db::Db;

pub use crate::store::links::{Link, Purpose};

/// The link to one of our own pages. Pages are under `/v1` so that a proxy that forwards only that finds them.
#[must_use]
pub fn to_page(core: &Core, page: &str, token: &str) -> Secret {
    Secret::new(format!("{}/v1/{page}?token={token}", core.config.public_url()))
}

/// The link that proves an address: our page, or the app's own.
#[must_use]
pub fn to_verification(core: &Core, token: &str) -> Secret {
    to_own_or_page(core, core.config.links.verify.as_deref(), "verify-email", token)
}

/// The link that sets a new password: our page, or the app's own.
#[must_use]
pub fn to_reset(core: &Core, token: &str) -> Secret {
    to_own_or_page(core, core.config.links.reset.as_deref(), "reset-password", token)
}

/// The link that confirms a new address: our page, or the app's own.
#[must_use]
pub fn to_confirmation(core: &Core, token: &str) -> Secret {
    to_own_or_page(core, core.config.links.confirm_email.as_deref(), "confirm-email", token)
}

fn to_own_or_page(core: &Core, template: Option<&str>, page: &str, token: &str) -> Secret {
    match template {
        Some(template) => Secret::new(template.replace("{token}", token)),
        None => to_page(core, page, token),
    }
}

/// A link on its way into the database.
#[derive(Debug, Clone)]
pub struct NewLink {
    hash: [u8; 32],
    purpose: Purpose,
    row: Link,
}

impl NewLink {
    /// A link for this account and the address that it has now.
    #[must_use]
    pub fn new(account: &Account, token: &str, purpose: Purpose, expires_at: Time) -> Self {
        let row = Link {
            account: account.id.clone(),
            email_key: account.email.key().to_owned(),
            address: None,
            expires_at,
            spent_at: None,
        };
        Self { hash: digest_of(token), purpose, row }
    }

    /// The same, mailed to this address, which it makes the account's own.
    #[must_use]
    pub fn making_own(mut self, email: &crate::model::Email) -> Self {
        email.key().clone_into(&mut self.row.email_key);
        self.row.address = Some(email.as_str().to_owned());
        self
    }

    /// Stores it. A new one that sets a password or confirms an address ends the one before.
    ///
    /// # Errors
    /// What the database says.
    pub fn store(&self, db: &mut dyn Db, now: Time) -> Result<()> {
        if matches!(self.purpose, Purpose::Reset | Purpose::ConfirmEmail) {
            store::links::void(db, &self.row.account, self.purpose)?;
        }
        store::links::insert(db, &self.hash, self.purpose, &self.row, now)
    }
}

/// What the store keeps of a link's token.
#[must_use]
pub fn digest_of(token: &str) -> [u8; 32] {
    secret::digest(token.as_bytes())
}

/// Whether a link would work, without using it: for the page that it opens. A used verification link still says that
/// all is well.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`.
pub async fn look(core: &Core, purpose: Purpose, token: &str) -> Result<()> {
    let (hash, now) = (digest_of(token), core.env.now());
    core.store
        .read(move |db| match purpose {
            Purpose::Verify => find(db, &hash, purpose).and_then(|link| refuse_old(link, now)),
            _ => usable(db, &hash, purpose, now),
        })
        .await
        .map(drop)
}

/// The unused link behind a digest, while it lives.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`.
pub(super) fn usable(db: &mut dyn Db, hash: &[u8; 32], purpose: Purpose, now: Time) -> Result<Link> {
    let link = find(db, hash, purpose)?;
    if link.spent_at.is_some() { Err(Kind::LinkInvalid.into()) } else { refuse_old(link, now) }
}

/// The link behind a digest, used or not.
///
/// # Errors
/// `LinkInvalid`.
pub(super) fn find(db: &mut dyn Db, hash: &[u8; 32], purpose: Purpose) -> Result<Link> {
    store::links::find(db, hash, purpose)?.ok_or_else(|| Error::new(Kind::LinkInvalid))
}

/// A link that lives still.
///
/// # Errors
/// `LinkExpired`.
pub(super) fn refuse_old(link: Link, now: Time) -> Result<Link> {
    if link.expires_at <= now { Err(Kind::LinkExpired.into()) } else { Ok(link) }
}

/// What a use of a link came to. One that was refused for its age stays dead, whatever the clock says later.
///
/// # Errors
/// Those of the use.
pub(super) async fn settle<T>(core: &Core, hash: [u8; 32], outcome: Result<T>) -> Result<T> {
    if outcome.as_ref().is_err_and(|error| error.kind() == Kind::LinkExpired) {
        core.store.write(move |db| store::links::bury(db, &hash)).await?;
    }
    outcome
}

/// Voids what was mailed to an account before its password or address changed: links, and whatever else opens a door.
///
/// # Errors
/// What the database says.
pub fn void_all(db: &mut dyn Db, account: &AccountId) -> Result<()> {
    store::links::void_all(db, account)?;
    store::codes::void_all(db, account)
}
