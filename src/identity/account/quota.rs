//! The upload quota: how many files an account may upload, to authd or through a service that
//! checks before each upload and counts it afterwards.

use crate::error::{Error, Kind, Result};
use crate::identity::access::actor::By;
use crate::identity::access::login_target::LoginTarget;
use crate::identity::audit::log::AuditLog;
use crate::identity::{Caller, Core};
use crate::model::event::What;
use crate::model::{Account, AccountId, Barrier, Email, Event, Permission, Source};
use crate::store::db::Db;
use crate::store::tables::files::Used;
use crate::store::{self, Decision};

pub use crate::store::tables::files::QuotaChange as Change;

/// An account's upload quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    pub uploaded: i64,
    pub limit: i64,
}

impl Quota {
    /// Uploads that are left.
    #[must_use]
    pub fn remaining(self) -> i64 {
        (self.limit - self.uploaded).max(0)
    }

    /// Share of the limit that is used, in whole percent.
    #[must_use]
    pub fn percentage(self) -> i64 {
        if self.limit <= 0 {
            100
        } else {
            (self.uploaded.saturating_mul(100) / self.limit).min(100)
        }
    }

    pub(in crate::identity) fn of(used: Used, configured: u32) -> Self {
        Self { uploaded: used.uploaded, limit: used.own_limit.unwrap_or(i64::from(configured)) }
    }
}

/// A service that may ask about other accounts' quotas. Only a wire's own check should construct
/// it.
#[derive(Debug, Clone)]
pub struct TrustedService {
    name: String,
}

impl TrustedService {
    /// A service that has been authenticated, by its network or by its key.
    #[must_use]
    pub fn checked(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }
}

/// The caller's own quota.
///
/// # Errors
/// `SessionEnded` when the account was deleted meanwhile.
pub async fn own(core: &Core, caller: &Caller) -> Result<Quota> {
    of(core, &caller.account.id).await?.ok_or_else(|| Error::new(Kind::SessionEnded))
}

/// The quota of an account that has just authenticated.
///
/// # Errors
/// `SessionEnded` when the account was deleted meanwhile.
pub async fn of_account(core: &Core, account: &Account) -> Result<Quota> {
    of(core, &account.id).await?.ok_or_else(|| Error::new(Kind::SessionEnded))
}

async fn of(core: &Core, account: &AccountId) -> Result<Option<Quota>> {
    let (id, configured) = (account.clone(), core.config.files.limit);
    let used = core.store.read(move |db| store::tables::files::used(db, &id)).await?;
    Ok(used.map(|used| Quota::of(used, configured)))
}

fn holder(db: &mut dyn Db, email: &Email) -> Result<Option<Account>> {
    Ok(store::tables::accounts::find_by_email(db, email.key())?
        .filter(|account| account.deleted_at.is_none()))
}

/// The quota of the account with this address, for a service.
///
/// # Errors
/// `AccountNotFound`.
pub async fn find(core: &Core, _service: &TrustedService, email: &Email) -> Result<Quota> {
    let email = email.clone();
    let account = core.store.read(move |db| holder(db, &email)).await?;
    let account = account.ok_or_else(|| Error::new(Kind::AccountNotFound))?;
    of(core, &account.id).await?.ok_or_else(|| Error::new(Kind::AccountNotFound))
}

/// Counts one upload for the account with this address, for a service.
///
/// # Errors
/// `AccountNotFound`, `UploadLimitReached`.
pub async fn count(
    core: &Core,
    service: &TrustedService,
    email: &Email,
    source: &Source,
) -> Result<Quota> {
    let (email, configured, log) =
        (email.clone(), core.config.files.limit, AuditLog::new(core, source));
    let actor = service.name.clone();
    let counted = core
        .store
        .decide(move |db| {
            let Some(account) = holder(db, &email)? else {
                return Ok(Decision::CommitThenRefuse(Kind::AccountNotFound.into()));
            };
            let event = |done: Event| done.about(&account.id).by(actor.as_str());
            let Some(used) =
                store::tables::files::count_one(db, &account.id, i64::from(configured))?
            else {
                log.refuse(Barrier::Uploads, &LoginTarget::of(&account).tried_by(&actor));
                return Ok(Decision::CommitThenRefuse(Kind::UploadLimitReached.into()));
            };
            log.record(db, &event(Event::done(What::UploadCounted)))?;
            Ok(Decision::Commit(used))
        })
        .await?;
    Ok(Quota::of(counted, configured))
}

/// Changes an account's quota.
///
/// # Errors
/// `AccountNotFound`, `Forbidden`.
pub async fn change(core: &Core, by: &By, account: &AccountId, change: Change) -> Result<Quota> {
    let (id, log, actor) = (account.clone(), AuditLog::new(core, &by.source), by.actor.clone());
    core.store
        .write(move |db| {
            actor.needs(db, Permission::UsersWrite)?;
            actor.may_change(db, &id)?;
            if !store::tables::files::set_quota(db, &id, change, log.at())? {
                return Err(Kind::AccountNotFound.into());
            }
            log.record(db, &Event::done(What::QuotaChanged).about(&id).by(actor.name()))
        })
        .await?;
    of(core, account).await?.ok_or_else(|| Error::new(Kind::AccountNotFound))
}
