//! Account takeover, as reported by the owner, who can read the account's mail. Everything that the
//! intruder may know or hold becomes worthless, and the owner gets a link to choose a new password.
//!
//! Every way for an owner to report this ends here.

use crate::error::{Kind, Result};
use crate::identity::Core;
use crate::identity::account::link;
use crate::identity::account::link::{LinkPurpose, NewLink};
use crate::identity::audit::log::AuditLog;
use crate::mail::Letter;
use crate::model::event::What;
use crate::model::session::SessionEnd;
use crate::model::{Account, AccountId, Email, Event, Source};
use crate::outbox::{self, OutgoingMessage};
use crate::store;
use crate::store::db::Db;

/// The recovery of a taken-over account, ready to be stored.
pub(in crate::identity) struct Rescue {
    id: AccountId,
    letter: OutgoingMessage,
    link: NewLink,
    log: AuditLog,
}

impl Rescue {
    /// Prepares it for the owner, who reads the mail sent to this address.
    pub(in crate::identity) fn prepare(
        core: &Core,
        account: &Account,
        email: &Email,
        source: &Source,
    ) -> Result<Self> {
        let account = Account { email: email.clone(), ..account.clone() };
        let token = core.env.new_token()?;
        let until = core.env.now() + core.config.links.reset_life;
        let letter = Letter::PasswordVoid { link: link::to_reset(core, &token), until };
        Ok(Self {
            letter: core.mail.compose(email, account.id.as_str(), &letter)?,
            link: NewLink::new(&account, &token, LinkPurpose::Reset, until),
            id: account.id,
            log: AuditLog::new(core, source),
        })
    }

    /// Ends the password, all sessions, and everything mailed before. No limit holds back the
    /// owner's link: otherwise the intruder could use the limit up. A suspended account gets no
    /// link, because it could not be used.
    ///
    /// # Errors
    /// `LinkInvalid` when the account is gone.
    pub(in crate::identity) fn store(&self, db: &mut dyn Db, why: SessionEnd) -> Result<()> {
        let (log, now, id) = (&self.log, self.log.at(), &self.id);
        let account =
            store::tables::accounts::find(db, id)?.filter(|account| account.deleted_at.is_none());
        let account = account.ok_or(Kind::LinkInvalid)?;
        store::tables::accounts::clear_password(db, id, now)?;
        for session in store::tables::sessions::end_all(db, id, why, now)? {
            let ended =
                Event::done(What::SessionEnded).about(id).in_session(&session).by(id.as_str());
            log.record(db, &ended.because(why.as_str()))?;
        }
        link::void_all(db, id)?;
        // Alerts about past logins are settled: their sessions have ended.
        store::tables::anomalies::void_alerts(db, id)?;
        if account.is_reachable() {
            self.link.store(db, now)?;
            log.record(db, &Event::done(What::PasswordResetRequested).about(id).by(id.as_str()))?;
            outbox::enqueue(db, &self.letter)?;
        }
        Ok(())
    }
}
