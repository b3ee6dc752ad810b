//! Wrong second factors in a row. They count over any period, until a right one.
//!
//! After ten, the owner gets a mail: a client that comes this far knows the password. After a
//! hundred, only client IPs that have logged in to the account may submit second factors; the mail
//! that the owner gets then has a link that makes the client IP where it is opened a known one.

use std::time::Duration;

use crate::error::{Detail, Error, Kind, Result};
use crate::identity::Core;
use crate::identity::access::login_target::LoginTarget;
use crate::identity::audit::log::AuditLog;
use crate::identity::login::guard::Familiarity;
use crate::model::event::What;
use crate::model::{Account, AccountId, Barrier, Event, Method, Source, Time};
use crate::outbox::{self, Job, OutgoingMessage};
use crate::seal::MasterKey;
use crate::store::Decision;
use crate::store::db::Db;
use crate::store::tables::attempts;
use crate::store::tables::attempts::{AttemptRow, Scope};

/// How long the link in the mail to the owner works.
pub(in crate::identity) const LINK_LIFE: Duration = Duration::from_hours(7 * 24);
/// The wrong codes in a row after which the owner gets a mail.
const WARNED_AFTER: i64 = 10;
/// The wrong codes in a row that client IPs may submit which never logged in to the account.
const MOST: i64 = 100;
/// How often the owner gets a mail while client IPs are refused.
const REFUSAL_MAILS: (u32, Duration) = (1, Duration::from_hours(24));
/// How long wrong codes count. Only a right one ends the row.
const FOR_GOOD: Duration = Duration::from_hours(100 * 366 * 24);

/// The wrong second factors in a row at one account, as an attempt from one client IP changes them.
#[derive(Debug, Clone)]
pub struct FactorGuesses {
    account: AccountId,
    key: [u8; 32],
    /// Changed credentials void the link in the last mail, so that another one is due at once.
    mail_key: [u8; 32],
    familiarity: Familiarity,
    owner: LoginTarget,
    warning: OutgoingMessage,
    refusal: OutgoingMessage,
}

impl FactorGuesses {
    /// Prepares an attempt, and the mails that it may lead to.
    pub fn new(
        core: &Core,
        account: &Account,
        familiarity: Familiarity,
        source: &Source,
    ) -> Result<Self> {
        let mail = |count| {
            let account_id = account.id.to_string();
            core.outbox.job(&Job::FactorGuesses { account_id, count }, source)
        };
        Ok(Self {
            account: account.id.clone(),
            key: key_of(core, &account.id),
            mail_key: core.master.mac(
                "factor mail",
                format!("{}|{}", account.id, account.credential_version).as_bytes(),
            ),
            familiarity,
            owner: LoginTarget::of(account),
            warning: mail(WARNED_AFTER)?,
            refusal: mail(MOST)?,
        })
    }

    /// Whether the account accepts no second factor from this client IP.
    pub fn is_closed(&self, db: &mut dyn Db, now: Time) -> Result<bool> {
        let row = attempts::peek(db, Scope::FactorRow, &self.key, now)?;
        Ok(self.familiarity == Familiarity::Unknown && row.count >= MOST)
    }

    /// The refusal of a client that passed the first factor, where [`FactorGuesses::is_closed`].
    /// The owner gets a mail, once a day and after each change of the password.
    pub fn refuse(&self, db: &mut dyn Db, log: &AuditLog) -> Result<Error> {
        log.refuse(Barrier::FactorAttempts, &self.owner);
        if attempts::count(db, Scope::FactorMail, &self.mail_key, REFUSAL_MAILS, log.at())?
            .is_none()
        {
            outbox::enqueue(db, &self.refusal)?;
        }
        Ok(Detail::FactorsClosed.into())
    }

    /// Counts a wrong code, or ends the row after a right one.
    pub fn settle(&self, db: &mut dyn Db, log: &AuditLog, came: &Decision<Method>) -> Result<()> {
        match came {
            Decision::Commit(_) => reopen(db, &self.key),
            Decision::CommitThenRefuse(refusal) => match refusal.kind() {
                Kind::MfaCodeInvalid | Kind::BackupCodeUsed => self.count(db, log),
                _ => Ok(()),
            },
        }
    }

    /// Ends the row after a right second factor that is no code.
    pub fn end(&self, db: &mut dyn Db) -> Result<()> {
        reopen(db, &self.key)
    }

    fn count(&self, db: &mut dyn Db, log: &AuditLog) -> Result<()> {
        let row = attempts::lock(db, Scope::FactorRow, &self.key, log.at())?;
        let row = AttemptRow { count: row.count + 1, expires_at: log.at() + FOR_GOOD, ..row };
        attempts::save(db, Scope::FactorRow, &self.key, &row)?;
        match row.count {
            WARNED_AFTER => outbox::enqueue(db, &self.warning),
            MOST => log.record(db, &Event::done(What::FactorClosed).about(&self.account)),
            _ => Ok(()),
        }
    }
}

/// The key of the attempts that all client IPs share which never logged in to the account.
pub(super) fn strangers_key(core: &Core, account: &AccountId) -> [u8; 32] {
    strangers_under(&core.master, account)
}

fn strangers_under(master: &MasterKey, account: &AccountId) -> [u8; 32] {
    // The label stays: it keys stored counters.
    master.mac("factor tries", account.as_str().as_bytes())
}

/// The key under which an account's wrong second factors are counted.
fn key_of(core: &Core, account: &AccountId) -> [u8; 32] {
    key_under(&core.master, account)
}

fn key_under(master: &MasterKey, account: &AccountId) -> [u8; 32] {
    master.mac("factor guesses", account.as_str().as_bytes())
}

/// Ends the row of wrong second factors: every client IP may submit them again.
fn reopen(db: &mut dyn Db, key: &[u8; 32]) -> Result<()> {
    attempts::forget(db, Scope::FactorRow, key).map(drop)
}

/// What keeps client IPs that never logged in to an account from submitting second factors.
#[derive(Debug, Clone)]
pub struct FactorLocks {
    guesses: [u8; 32],
    strangers: [u8; 32],
}

impl FactorLocks {
    /// The locks of an account.
    #[must_use]
    pub fn of(core: &Core, account: &AccountId) -> Self {
        Self::keyed(&core.master, account)
    }

    /// The locks of an account under the keys of this master key.
    #[must_use]
    pub fn keyed(master: &MasterKey, account: &AccountId) -> Self {
        Self { guesses: key_under(master, account), strangers: strangers_under(master, account) }
    }

    /// Whether client IPs that never logged in to the account cannot submit second factors.
    pub fn are_closed(&self, db: &mut dyn Db, now: Time) -> Result<bool> {
        Ok(attempts::peek(db, Scope::FactorRow, &self.guesses, now)?.count >= MOST)
    }

    /// Lifts them all.
    pub fn lift(&self, db: &mut dyn Db) -> Result<()> {
        attempts::forget(db, Scope::Factor, &self.strangers)?;
        attempts::forget(db, Scope::FactorDay, &self.strangers)?;
        reopen(db, &self.guesses)
    }
}
