//! Getting back in without the password: asking for a link, and setting a new password with it.
//!
//! Whoever uses the link has read the mailbox, so an unproved address is proved by it. It gives no session and removes no
//! second factor.

use super::audit::Log;
use super::link::{self, Link, Purpose};
use super::{Core, guard, password, verify_email};
use crate::error::{Error, Kind, Result};
use crate::mail::{self, Letter, Prepared, Request};
use crate::model::event::What;
use crate::model::session::End;
use crate::model::{Account, Email, Event, Password, Source};
use crate::password::pool::{Hash, Lane};
use crate::store;
use crate::store::db::Db;

/// Asks for a link that sets a new password; the answer never depends on the account.
///
/// # Errors
/// `Unavailable`.
pub async fn request(core: &Core, email: &Email, source: &Source) -> Result<()> {
    let prepared = core.post.request(&Request::Reset { email_key: email.key().to_owned() }, source)?;
    let log = Log::new(core, source);
    core.store
        .write(move |db| {
            mail::enqueue(db, &prepared)?;
            log.record(db, &Event::done(What::PasswordResetRequested))
        })
        .await?;
    core.post.ring();
    Ok(())
}

/// Sets a new password with a mailed link: all sessions end, lockouts and other links are void, the owner is told.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`, `Validation` for a bad password, `Unavailable`.
pub async fn reset(core: &Core, token: &str, new: Password, source: &Source) -> Result<()> {
    let (hash, now) = (link::digest_of(token), core.env.now());
    let found = core.store.read(move |db| subject(db, &hash, now)).await.map_err(told);
    let (_, account) = link::settle(core, hash, found).await?;
    password::check_rules(core, &account, &new)?;
    let change = Reset {
        link: hash,
        hash: core.hashing.hash(Lane::Client(source.client()), new).await?,
        letter: core.post.letter(&account.email, account.id.as_str(), &Letter::PasswordSet)?,
        tries: guard::key_of(core, &account),
        log: Log::new(core, source),
    };
    core.store.write(move |db| change.store(db)).await.map_err(told)?;
    core.post.ring();
    Ok(())
}

/// An expired link of this purpose is called by its name.
fn told(error: Error) -> Error {
    match error.kind() {
        Kind::LinkExpired => Error::with(Kind::LinkExpired, "Reset token expired"),
        _ => error,
    }
}

/// The link and the account that it sets the password of: neither deleted nor suspended, and still of the address that
/// the link was mailed to.
fn subject(db: &mut dyn Db, hash: &[u8; 32], now: crate::model::Time) -> Result<(Link, Account)> {
    let link = link::usable(db, hash, Purpose::Reset, now)?;
    let account = store::accounts::find(db, &link.account)?;
    let account = account.filter(|account| account.is_reachable() && account.email.key() == link.email_key);
    Ok((link, account.ok_or_else(|| Error::new(Kind::LinkInvalid))?))
}

/// A new password on its way into the database.
struct Reset {
    link: [u8; 32],
    hash: Hash,
    letter: Prepared,
    tries: [u8; 32],
    log: Log,
}

impl Reset {
    fn store(&self, db: &mut dyn Db) -> Result<()> {
        let (log, now) = (&self.log, self.log.at());
        let (link, account) = subject(db, &self.link, now)?;
        if !store::links::spend(db, &self.link, now)?
            || !store::accounts::set_password(db, &account.id, &self.hash.text, &self.hash.scheme, now)?
        {
            return Err(Kind::LinkInvalid.into());
        }
        let by_owner = |what| Event::done(what).about(&account.id).by(account.id.as_str());
        log.record(db, &by_owner(What::PasswordReset))?;
        if store::accounts::prove_email(db, &account.id, &link.email_key, now)? {
            verify_email::claim_username(db, &account.id, now)?;
            log.record(db, &by_owner(What::EmailVerified))?;
        }
        for session in store::sessions::end_all(db, &account.id, End::Password, now)? {
            let ended = by_owner(What::SessionEnded).in_session(&session);
            log.record(db, &ended.because(End::Password.as_str()))?;
        }
        link::void_all(db, &account.id)?;
        if guard::lift(db, &self.tries)? {
            log.record(db, &by_owner(What::Unlocked))?;
        }
        mail::enqueue(db, &self.letter)
    }
}
