//! Links in mail. They are built from the public URL, never from request headers that a client
//! controls. Only their digest is stored, bound to account, purpose and address, and to the
//! account's credential version: `usable` refuses a link of most purposes after any change of
//! password, address, factors or state.

use crate::error::{Error, Kind, Result};
use crate::identity::Core;
use crate::model::{Account, AccountId, Page, Secret, Time, secret};
use crate::store;
use crate::store::db::Db;
use crate::words::Translation;

use crate::store::tables::links::NewLinkRow;

pub use crate::store::tables::links::{Link, LinkPurpose};

/// The link to one of authd's own pages, which is shown in the language of the letter.
#[must_use]
pub fn to_page(core: &Core, language: Translation<'_>, page: Page, token: &str) -> Secret {
    let is_default = language.tag == core.words.default_language().tag;
    let wish = (!is_default).then_some(language.tag);
    let mount = core.config.links.mount.prefix();
    Secret::new(page.link(&core.config.public_url(), mount, wish, token))
}

/// The link that verifies an address: to authd's page, or to the application's (`links.verify`).
#[must_use]
pub fn to_verification(core: &Core, language: Translation<'_>, token: &str) -> Secret {
    let own = core.config.links.verify.as_deref();
    to_own_or_page(core, language, own, Page::VerifyEmail, token)
}

/// The link that sets a new password: to authd's page, or to the application's (`links.reset`).
#[must_use]
pub fn to_reset(core: &Core, language: Translation<'_>, token: &str) -> Secret {
    let own = core.config.links.reset.as_deref();
    to_own_or_page(core, language, own, Page::ResetPassword, token)
}

/// The link that confirms a new address: to authd's page, or to the application's
/// (`links.confirm_email`).
#[must_use]
pub fn to_confirmation(core: &Core, language: Translation<'_>, token: &str) -> Secret {
    let own = core.config.links.confirm_email.as_deref();
    to_own_or_page(core, language, own, Page::ConfirmEmail, token)
}

fn to_own_or_page(
    core: &Core,
    language: Translation<'_>,
    template: Option<&str>,
    page: Page,
    token: &str,
) -> Secret {
    match template {
        Some(template) => Secret::new(template.replace("{token}", token)),
        None => to_page(core, language, page, token),
    }
}

/// A link that is ready to be stored.
#[derive(Debug, Clone)]
pub struct NewLink {
    hash: [u8; 32],
    purpose: LinkPurpose,
    row: NewLinkRow,
}

impl NewLink {
    /// A link for this account and its current address. Without an address no letter carries it.
    #[must_use]
    pub fn new(account: &Account, token: &str, purpose: LinkPurpose, expires_at: Time) -> Self {
        let row = NewLinkRow {
            account: account.id.clone(),
            email_key: account.email_key().unwrap_or_default().to_owned(),
            address: None,
            expires_at,
            since: None,
        };
        Self { hash: digest_of(token), purpose, row }
    }

    /// The same link, mailed to `email`. Following it makes `email` the account's address.
    #[must_use]
    pub fn making_own(mut self, email: &crate::model::Email) -> Self {
        email.key().clone_into(&mut self.row.email_key);
        self.row.address = Some(email.as_str().to_owned());
        self
    }

    /// The same link, which undoes what was requested in a session that began then.
    #[must_use]
    pub(in crate::identity) fn counting_from(mut self, since: Option<Time>) -> Self {
        self.row.since = since;
        self
    }

    /// The account that the link is for.
    pub(in crate::identity) fn account(&self) -> &AccountId {
        &self.row.account
    }

    /// Stores the link, for the account as it is then. A new reset or address-confirmation link voids the previous one.
    pub fn store(&self, db: &mut dyn Db, now: Time) -> Result<()> {
        if matches!(self.purpose, LinkPurpose::Reset | LinkPurpose::ConfirmEmail) {
            store::tables::links::void(db, &self.row.account, self.purpose)?;
        }
        store::tables::links::insert(db, &self.hash, self.purpose, &self.row, now)
    }
}

/// The digest that the store keeps instead of the token.
#[must_use]
pub fn digest_of(token: &str) -> [u8; 32] {
    secret::digest(token.as_bytes())
}

/// Checks whether a link would work, without using it. Called by the page that the link opens. A
/// verification link that was already used still counts as working.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`.
pub async fn look(core: &Core, purpose: LinkPurpose, token: &str) -> Result<()> {
    let (hash, now) = (digest_of(token), core.env.now());
    core.store.read(move |db| usable(db, &hash, purpose, now)).await.map(drop)
}

/// Finds a link that can be used: unused, not expired, and made for the account's present credential
/// version. A verification link can be followed again, and then reports that the address is
/// verified. A link that undoes a change of address outlives every change: an attacker who took the
/// account over could otherwise void it.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`.
pub(in crate::identity) fn usable(
    db: &mut dyn Db,
    hash: &[u8; 32],
    purpose: LinkPurpose,
    now: Time,
) -> Result<Link> {
    let found = store::tables::links::find(db, hash, purpose)?;
    let link = found.ok_or_else(|| Error::new(Kind::LinkInvalid))?;
    let is_open = match purpose {
        LinkPurpose::Verify => true,
        LinkPurpose::UndoEmail => link.spent_at.is_none(),
        LinkPurpose::OpenLogin | LinkPurpose::Reset | LinkPurpose::ConfirmEmail => {
            link.spent_at.is_none() && link.is_current
        }
    };
    if !is_open {
        return Err(Kind::LinkInvalid.into());
    }
    if link.expires_at <= now { Err(Kind::LinkExpired.into()) } else { Ok(link) }
}

/// Passes on the outcome of using a link. A link that was refused as expired is marked dead, so
/// that it stays expired even if the clock is set back.
pub(in crate::identity) async fn settle<T>(
    core: &Core,
    hash: [u8; 32],
    outcome: Result<T>,
) -> Result<T> {
    if outcome.as_ref().is_err_and(|error| error.kind() == Kind::LinkExpired) {
        core.store.write(move |db| store::tables::links::bury(db, &hash)).await?;
    }
    outcome
}

/// Voids everything mailed to an account that grants access: links and one-time codes. Called when
/// its password or address changes, and when it is suspended or deleted.
pub fn void_all(db: &mut dyn Db, account: &AccountId) -> Result<()> {
    store::tables::links::void_all(db, account)?;
    store::tables::codes::void_all(db, account)
}
