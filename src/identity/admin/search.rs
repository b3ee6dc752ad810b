//! Accounts as administrators see and correct them: pages, details, sessions, restoring a deleted
//! account.

use crate::error::{Detail, Error, Field, Kind, Result, Rule};
use crate::identity::Core;
use crate::identity::access::actor::By;
use crate::identity::account::delete::HIDDEN_FOR;
use crate::identity::admin::accounts;
use crate::identity::admin::accounts::{AccountWithRoles, VerificationByHand};
use crate::identity::audit::log::AuditLog;
use crate::identity::login::guard;
use crate::identity::session::list;
use crate::model::account::Verification;
use crate::model::event::What;
use crate::model::session::SessionEnd;
use crate::model::{Account, AccountId, Event, Permission, SearchText, SessionId, Status, Time};
use crate::outbox::{self, Job};
use crate::store;
use crate::store::tables::directory::Query;
use crate::store::tables::search_build;

pub use crate::store::tables::directory::Correction;

/// After so many pieces of the index in a row that could not be written because accounts changed,
/// the rest is left for later.
const MOST_CHANGES: u32 = 10;

/// Which page of which accounts.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Begins at 1.
    pub page: i64,
    /// Accounts per page.
    pub limit: i64,
    pub status: Option<Status>,
    /// Only accounts whose address or user name contains this.
    pub search: Option<String>,
}

/// A page of accounts.
#[derive(Debug, Clone)]
pub struct AccountPage {
    pub entries: Vec<AccountWithRoles>,
    /// Number of matching accounts on all pages.
    pub total: i64,
    /// Whether more accounts match than a search counts. These are the first.
    pub has_more: bool,
}

/// Reads a page of accounts, in the order of their creation.
///
/// # Errors
/// `Unavailable`.
pub async fn page(core: &Core, wanted: &Wanted) -> Result<AccountPage> {
    let query = Query {
        status: wanted.status,
        verification: core.verification(),
        search: wanted.search.as_deref().and_then(SearchText::parse),
        offset: (wanted.page - 1).saturating_mul(wanted.limit),
        limit: wanted.limit,
    };
    core.store
        .scan(move |db| {
            let page = store::tables::directory::page(db, &query)?;
            let entries = accounts::with_roles(db, page.accounts)?;
            Ok(AccountPage { entries, total: page.total, has_more: page.has_more })
        })
        .await
}

/// Brings the index of the search up to date, a piece of a segment per write. A later call continues
/// if accounts change too quickly.
///
/// # Errors
/// `Unavailable`.
pub async fn extend_index(core: &Core) -> Result<()> {
    let mut changes = 0;
    while changes < MOST_CHANGES && core.store.scan(search_build::is_due).await? {
        core.store.write_step(search_build::begin).await?;
        for piece in core.store.scan(search_build::collect).await? {
            if !core.store.write_step(move |db| piece.store(db)).await? {
                changes += 1;
                break;
            }
            changes = 0;
        }
    }
    Ok(())
}

/// The details of an account for an administrator.
#[derive(Debug, Clone)]
pub struct AccountDetails {
    pub entry: AccountWithRoles,
    /// Everything the roles permit, sorted.
    pub permissions: Vec<String>,
    /// Wrong passwords that currently count.
    pub failed_logins: i64,
    pub last_failed_login: Option<Time>,
    /// When the lockout after failures ends.
    pub locked_until: Option<Time>,
}

async fn account(core: &Core, id: &str) -> Result<Account> {
    let id = AccountId::new(id);
    let found = core.store.read(move |db| store::tables::accounts::find(db, &id)).await?;
    found.ok_or_else(|| Kind::AccountNotFound.into())
}

/// Reads the details of the account with this id.
///
/// # Errors
/// `AccountNotFound`.
pub async fn file(core: &Core, id: &str) -> Result<AccountDetails> {
    let account = account(core, id).await?;
    let id = account.id.clone();
    let roles = core.store.read(move |db| store::tables::roles::of(db, &id)).await?;
    let entry = AccountWithRoles { account, roles };
    let failures = guard::failures(core, &entry.account).await?;
    let id = entry.account.id.clone();
    let last_failed_login =
        core.store.scan(move |db| store::tables::audit::last_failed_login(db, &id)).await?;
    Ok(AccountDetails {
        permissions: core.roles.permissions(&entry.roles),
        failed_logins: failures.count,
        locked_until: failures.locked_until,
        last_failed_login,
        entry,
    })
}

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
    accounts::change(core, by, id, move |db, log, account| {
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
    accounts::change(core, by, id, move |db, log, account| {
        actor.needs(db, Permission::UsersSuspend)?;
        if account.suspended_at.is_some() {
            accounts::end_suspension(db, &actor, log, account)
        } else {
            accounts::begin_suspension(db, &actor, log, account, verification)
        }
    })
    .await
}

/// Finds an account by its number, as some APIs name it. A deleted account is not found.
///
/// # Errors
/// `AccountNotFound`.
pub async fn by_number(core: &Core, number: &str) -> Result<AccountWithRoles> {
    let number: i64 = number.parse().map_err(|_| Error::new(Kind::AccountNotFound))?;
    core.store
        .read(move |db| {
            let found = store::tables::directory::find_by_number(db, number)?
                .filter(|account| account.deleted_at.is_none());
            accounts::load(db, found.ok_or_else(|| Error::new(Kind::AccountNotFound))?)
        })
        .await
}

/// Reads a page of the accounts that are not deleted, in the order of their numbers.
///
/// # Errors
/// `Unavailable`.
pub async fn present(core: &Core, page: i64, limit: i64) -> Result<Vec<AccountWithRoles>> {
    let offset = (page - 1).saturating_mul(limit);
    core.store
        .scan(move |db| {
            let accounts = store::tables::directory::present(db, limit, offset)?;
            accounts::with_roles(db, accounts)
        })
        .await
}

/// What a change of status needs besides the account.
struct StatusChange<'a> {
    actor: &'a crate::identity::Actor,
    verification: Verification,
    by_hand: &'a VerificationByHand,
}

fn set_status(
    db: &mut dyn store::db::Db,
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
    db: &mut dyn store::db::Db,
    actor: &crate::identity::Actor,
    log: &AuditLog,
    id: &AccountId,
    wanted: &[String],
    verification: Verification,
) -> Result<()> {
    let had = store::tables::roles::of(db, id)?;
    for name in wanted.iter().filter(|name| !had.contains(name)) {
        accounts::give(db, actor, log, id, name)?;
    }
    for name in had.iter().filter(|name| !wanted.contains(name)) {
        accounts::take(db, actor, log, id, name, verification)?;
    }
    store::tables::roles::arrange(db, id, wanted)
}

/// Restores a deleted account that has not been erased yet. Its sessions stay ended.
///
/// # Errors
/// `AccountNotFound` when it is not deleted, `Forbidden`.
pub async fn restore(core: &Core, by: &By, id: &str) -> Result<AccountWithRoles> {
    let actor = by.actor.clone();
    accounts::change_even_deleted(core, by, id, move |db, log, account| {
        if !store::tables::directory::restore(db, &account.id, log.at() - HIDDEN_FOR, log.at())? {
            return Err(Detail::NotDeleted.into());
        }
        log.record(db, &Event::done(What::AccountRestored).about(&account.id).by(actor.name()))
    })
    .await
}

/// Lists the live sessions of an account.
///
/// # Errors
/// `AccountNotFound`.
pub async fn sessions(core: &Core, name: &str) -> Result<Vec<list::SessionView>> {
    let account = accounts::find(core, name).await?.account;
    if account.deleted_at.is_some() {
        return Err(accounts::deleted());
    }
    list::list(core, &account.id).await
}

/// Ends all sessions of an account.
///
/// # Errors
/// `AccountNotFound`, `Forbidden`.
pub async fn end_sessions(core: &Core, by: &By, name: &str) -> Result<AccountWithRoles> {
    let actor = by.actor.clone();
    accounts::change(core, by, name, move |db, log, account| {
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
    accounts::change(core, by, name, move |db, log, account| {
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
    let email_key = account(core, id).await?.email_key().map(str::to_owned);
    let email_key = email_key.ok_or(Detail::AccountWithoutAddress)?;
    let prepared = core.outbox.job(&Job::Reset { email_key }, &by.source)?;
    let actor = by.actor.clone();
    accounts::change(core, by, id, move |db, log, account| {
        actor.needs(db, Permission::UsersWrite)?;
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
