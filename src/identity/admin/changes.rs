//! Changes of accounts by administrators: names, state, roles, sessions, restoring a deleted account.

use std::collections::HashSet;

use crate::error::{Detail, Error, Field, Kind, Result, Rule};
use crate::identity::Core;
use crate::identity::access::actor::{Actor, By};
use crate::identity::account::delete::HIDDEN_FOR;
use crate::identity::admin::accounts::{AccountWithRoles, VerificationByHand};
use crate::identity::admin::{accounts, search};
use crate::identity::audit::log::AuditLog;
use crate::model::account::Verification;
use crate::model::event::What;
use crate::model::session::SessionEnd;
use crate::model::{Account, AccountId, Event, Permission, SessionId, Status};
use crate::outbox::{self, Job};
use crate::store;
use crate::store::db::Db;

pub use crate::store::tables::directory::Correction;

/// Changes to an account. Absent values stay as they are.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Names and phone number.
    pub correction: Correction,
    /// Suspends the account, lifts a suspension, or marks the address of a pending account as
    /// verified.
    pub status: Option<Status>,
    /// The new roles; they replace all others.
    pub roles: Option<Vec<String>>,
}

/// Changes an account. `status` requires `admin.users.suspend`, `roles` requires `admin.roles`, the
/// rest requires `admin.users.write`.
///
/// # Errors
/// `AccountNotFound`, `Validation`, `Forbidden`, `LastAdmin`.
pub async fn update(core: &Core, by: &By, id: &str, changes: Changes) -> Result<AccountWithRoles> {
    let (actor, verification) = (by.actor.clone(), core.verification());
    let by_hand = VerificationByHand::prepare(core, &accounts::look_up_as(core, by, id).await?)?;
    let any = &[Permission::UsersWrite, Permission::UsersSuspend, Permission::Roles];
    accounts::change(core, by, any, id, move |db, log, account| {
        if !changes.correction.is_empty() {
            actor.needs(db, Permission::UsersWrite)?;
            store::tables::directory::correct(db, &account.id, &changes.correction, log.at())?;
            log.record(db, &Event::done(What::AccountChanged).about(&account.id).by(actor.name()))?;
        }
        match changes.status {
            Some(wanted) if wanted != account.status(verification) => {
                actor.needs(db, Permission::UsersSuspend)?;
                let by = StatusChange { actor: &actor, verification, by_hand: &by_hand };
                set_status(db, log, account, wanted, &by)?;
            }
            _ => {}
        }
        if let Some(wanted) = &changes.roles {
            set_roles(db, &actor, log, &account.id, wanted, verification)?;
        }
        Ok(())
    })
    .await
}

/// Suspends an account, or lifts its suspension.
///
/// # Errors
/// `AccountNotFound`, `Forbidden`, `LastAdmin`.
pub async fn toggle_suspension(core: &Core, by: &By, id: &str) -> Result<AccountWithRoles> {
    let (actor, verification) = (by.actor.clone(), core.verification());
    accounts::change(core, by, accounts::SUSPEND, id, move |db, log, account| {
        if account.suspended_at.is_some() {
            accounts::end_suspension(db, &actor, log, account)
        } else {
            accounts::begin_suspension(db, &actor, log, account, verification)
        }
    })
    .await
}

/// What a change of status needs besides the account.
struct StatusChange<'a> {
    actor: &'a Actor,
    verification: Verification,
    by_hand: &'a VerificationByHand,
}

fn set_status(
    db: &mut dyn Db,
    log: &AuditLog,
    account: &Account,
    wanted: Status,
    by: &StatusChange,
) -> Result<()> {
    match wanted {
        Status::Suspended => {
            accounts::begin_suspension(db, by.actor, log, account, by.verification)
        }
        Status::Active if account.suspended_at.is_some() => {
            accounts::end_suspension(db, by.actor, log, account)
        }
        // The account is pending.
        Status::Active => {
            by.actor.needs(db, Permission::UsersWrite)?;
            by.by_hand.mark(db, by.actor, log, account)
        }
        Status::Pending | Status::Deleted => {
            Err(Error::invalid_field(Field::Status, Rule::StatusNotSettable))
        }
    }
}

fn set_roles(
    db: &mut dyn Db,
    actor: &Actor,
    log: &AuditLog,
    id: &AccountId,
    wanted: &[String],
    verification: Verification,
) -> Result<()> {
    let had = store::tables::roles::of(db, id)?;
    let mut wanted = wanted.to_vec();
    let mut seen = HashSet::new();
    wanted.retain(|name| seen.insert(name.clone()));
    if wanted == had {
        return Ok(());
    }
    actor.needs(db, Permission::Roles)?;
    let (new, gone): (Vec<_>, Vec<_>) = (
        wanted.iter().filter(|name| !had.contains(name)).collect(),
        had.iter().filter(|name| !wanted.contains(name)).collect(),
    );
    if new.is_empty() && gone.is_empty() {
        let order = Event::done(What::RolesChanged).because(format!("={}", wanted.join(" ")));
        log.record(db, &order.about(id).by(actor.name()))?;
    }
    for name in new {
        accounts::give(db, actor, log, id, name)?;
    }
    for name in gone {
        accounts::take(db, actor, log, id, name, verification)?;
    }
    store::tables::roles::arrange(db, id, &wanted)
}

/// Restores a deleted account that has not been erased yet. Its sessions stay ended.
///
/// # Errors
/// `AccountNotFound` when it is not deleted, `Forbidden`.
pub async fn restore(core: &Core, by: &By, id: &str) -> Result<AccountWithRoles> {
    let actor = by.actor.clone();
    accounts::change_even_deleted(core, by, accounts::WRITE, id, move |db, log, account| {
        if !store::tables::directory::restore(db, &account.id, log.at() - HIDDEN_FOR, log.at())? {
            return Err(Detail::NotDeleted.into());
        }
        log.record(db, &Event::done(What::AccountRestored).about(&account.id).by(actor.name()))
    })
    .await
}

/// Ends all sessions of an account.
///
/// # Errors
/// `AccountNotFound`, `Forbidden`.
pub async fn end_sessions(core: &Core, by: &By, name: &str) -> Result<AccountWithRoles> {
    let actor = by.actor.clone();
    accounts::change(core, by, accounts::WRITE, name, move |db, log, account| {
        accounts::end_all_sessions(db, &actor, log, &account.id, SessionEnd::Admin)
    })
    .await
}

/// Ends one session of an account.
///
/// # Errors
/// `AccountNotFound`, `SessionNotFound`, `Forbidden`.
pub async fn end_session(
    core: &Core,
    by: &By,
    name: &str,
    session: &str,
) -> Result<AccountWithRoles> {
    let (actor, session) = (by.actor.clone(), SessionId::new(session));
    accounts::change(core, by, accounts::WRITE, name, move |db, log, account| {
        if !store::tables::sessions::end_of(db, &account.id, &session, SessionEnd::Admin, log.at())?
        {
            return Err(Error::new(Kind::SessionNotFound));
        }
        let event = Event::done(What::SessionEnded)
            .about(&account.id)
            .in_session(&session)
            .by(actor.name());
        log.record(db, &event.because(SessionEnd::Admin.as_str()))
    })
    .await
}

/// Mails the owner a link to set a new password.
///
/// # Errors
/// `AccountNotFound`, `Forbidden`, `Conflict` if the account is suspended or has no address: its owner
/// gets no mail.
pub async fn send_reset(core: &Core, by: &By, id: &str) -> Result<AccountWithRoles> {
    let email_key = search::account(core, id).await?.email_key().map(str::to_owned);
    let email_key = email_key.ok_or(Detail::AccountWithoutAddress)?;
    let prepared = core.outbox.job(&Job::Reset { email_key }, &by.source)?;
    let actor = by.actor.clone();
    accounts::change(core, by, accounts::WRITE, id, move |db, log, account| {
        if !account.is_reachable() {
            return Err(Detail::SuspendedAccount.into());
        }
        log.record(
            db,
            &Event::done(What::PasswordResetRequested).about(&account.id).by(actor.name()),
        )?;
        outbox::enqueue(db, &prepared)
    })
    .await
}
