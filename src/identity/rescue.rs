//! Somebody else is in an account, says its owner, who reads its mail: what they may know or hold of it is worth nothing
//! from then on, and a link to choose another password goes to the owner.
//!
//! Every road on which an owner says so ends here.

use super::Core;
use super::audit::Log;
use super::link::{self, NewLink, Purpose};
use crate::error::{Kind, Result};
use crate::mail::{self, Letter, Prepared};
use crate::model::event::What;
use crate::model::session::End;
use crate::model::{Account, AccountId, Email, Event, Source, secret};
use crate::store;
use crate::store::db::Db;

/// A rescue on its way into the database.
pub(super) struct Rescue {
    id: AccountId,
    letter: Prepared,
    link: NewLink,
    log: Log,
}

impl Rescue {
    /// For the owner, who reads the mail to this address.
    ///
    /// # Errors
    /// When there is no randomness.
    pub(super) fn prepare(core: &Core, account: &Account, email: &Email, source: &Source) -> Result<Self> {
        let account = Account { email: email.clone(), ..account.clone() };
        let token = secret::encode(&core.env.random::<32>()?);
        let until = core.env.now() + core.config.links.reset_life;
        let letter = Letter::PasswordVoid { link: link::to_reset(core, &token), until };
        Ok(Self {
            letter: core.post.letter(email, account.id.as_str(), &letter)?,
            link: NewLink::new(&account, &token, Purpose::Reset, until),
            id: account.id,
            log: Log::new(core, source),
        })
    }

    /// Ends the password, all sessions, and all that was mailed before. The owner's link is no request of a stranger, so
    /// no limit holds it back: else whoever is in the account could have used the limit up. A suspended account gets
    /// none, for it could not be used.
    ///
    /// # Errors
    /// `LinkInvalid` when the account is gone.
    pub(super) fn store(&self, db: &mut dyn Db, why: End) -> Result<()> {
        let (log, now, id) = (&self.log, self.log.at(), &self.id);
        let account = store::accounts::find(db, id)?.filter(|account| account.deleted_at.is_none());
        let account = account.ok_or(Kind::LinkInvalid)?;
        store::accounts::clear_password(db, id, now)?;
        for session in store::sessions::end_all(db, id, why, now)? {
            let ended = Event::done(What::SessionEnded).about(id).in_session(&session).by(id.as_str());
            log.record(db, &ended.because(why.as_str()))?;
        }
        link::void_all(db, id)?;
        // Every login that could still be disowned is over.
        store::anomalies::void_alarms(db, id)?;
        if account.is_reachable() {
            self.link.store(db, now)?;
            log.record(db, &Event::done(What::PasswordResetRequested).about(id).by(id.as_str()))?;
            mail::enqueue(db, &self.letter)?;
        }
        Ok(())
    }
}
