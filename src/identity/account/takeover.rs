//! Account takeover, as reported by the owner, who can read the account's mail. Everything that the
//! intruder may know or hold becomes worthless, and the owner gets a link to choose a new password.
//!
//! Every way for an owner to report this ends here.

use crate::error::{Kind, Result};
use crate::identity::Core;
use crate::identity::account::delete::HIDDEN_FOR;
use crate::identity::account::link;
use crate::identity::account::recover::MailedReset;
use crate::identity::audit::log::AuditLog;
use crate::identity::{passkey, provider};
use crate::mail::Letter;
use crate::model::event::What;
use crate::model::session::SessionEnd;
use crate::model::{Account, AccountId, Email, Event, Source, Time};
use crate::store;
use crate::store::db::Db;

/// The recovery of a taken-over account, ready to be stored.
pub(in crate::identity) struct Rescue {
    id: AccountId,
    since: Time,
    reset: MailedReset,
    log: AuditLog,
}

impl Rescue {
    /// Prepares it for the owner, who reads the mail sent to this address. The intruder has used the
    /// account since `since`.
    pub(in crate::identity) fn prepare(
        core: &Core,
        account: &Account,
        email: &Email,
        since: Time,
        source: &Source,
    ) -> Result<Self> {
        let account = Account { email: Some(email.clone()), ..account.clone() };
        let letter = |link, until| Letter::PasswordVoid { link, until };
        Ok(Self {
            reset: MailedReset::prepare(core, &account, letter)?,
            id: account.id,
            since,
            log: AuditLog::new(core, source),
        })
    }

    /// Ends the password, all sessions, everything mailed before, and the second factors and
    /// passkeys that were added since the intruder came. A suspended account gets no link, because it could not be
    /// used.
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
        passkey::remove_since(db, id, self.since, id.as_str(), log)?;
        provider::remove_since(db, id, self.since, id.as_str(), log)?;
        if store::tables::factors::remove_since(db, id, self.since)? > 0 {
            let removed = Event::done(What::FactorRemoved).about(id).by(id.as_str());
            log.record(db, &removed.because(why.as_str()))?;
        }
        store::tables::known_ips::forget(db, id, self.since)?;
        store::tables::anomalies::forget_traits(db, id, self.since)?;
        link::void_all(db, id)?;
        // Alerts about what came since are settled. Older ones still take back what was added before.
        store::tables::anomalies::void_alerts_since(db, id, self.since)?;
        if account.is_reachable() { self.reset.store(db, log) } else { Ok(()) }
    }
}

/// Whether a report of its owner can still reach the account. An intruder who has deleted it does
/// not get rid of the owner with that.
pub(in crate::identity) fn is_within_reach(account: &Account) -> bool {
    account.deleted_at.is_none() || account.is_deleted_by_itself()
}

/// Returns the account, restored if an intruder has deleted it.
///
/// # Errors
/// `LinkInvalid` when it is out of reach.
pub(in crate::identity) fn bring_back(
    db: &mut dyn Db,
    account: Account,
    log: &AuditLog,
) -> Result<Account> {
    if account.deleted_at.is_none() {
        return Ok(account);
    }
    let (id, now) = (&account.id, log.at());
    if !is_within_reach(&account)
        || !store::tables::directory::restore(db, id, now - HIDDEN_FOR, now)?
    {
        return Err(Kind::LinkInvalid.into());
    }
    log.record(db, &Event::done(What::AccountRestored).about(id).by(id.as_str()))?;
    store::tables::accounts::find(db, id)?.ok_or_else(|| Kind::LinkInvalid.into())
}
