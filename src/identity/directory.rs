//! Accounts as administrators see and correct them: pages, all there is to know about one, its sessions, its deletion
//! undone.

use super::actor::By;
use super::admin::{self, Entry, HIDDEN_FOR};
use super::audit::Log;
use super::{Core, guard, session};
use crate::error::{Error, FieldError, Kind, Result, Rule};
use crate::mail::{self, Request};
use crate::model::event::What;
use crate::model::session::End;
use crate::model::{Account, AccountId, Event, Permission, SessionId, Status, Time, text};
use crate::store;
use crate::store::directory::Query;

pub use crate::store::directory::Correction;

/// Which page of which accounts.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// From 1.
    pub page: i64,
    /// How many on a page.
    pub limit: i64,
    /// Only this state.
    pub status: Option<Status>,
    /// Only where address, user name or name begins with this.
    pub search: Option<String>,
}

/// A page of accounts.
#[derive(Debug, Clone)]
pub struct Page {
    /// The accounts.
    pub entries: Vec<Entry>,
    /// How many there are on all pages.
    pub total: i64,
    /// More fit than a search looks at; these are the first by the letters.
    pub cut_off: bool,
}

/// A page of accounts, in the order they were made.
///
/// # Errors
/// `Unavailable`.
pub async fn page(core: &Core, wanted: &Wanted) -> Result<Page> {
    let query = Query {
        status: wanted.status,
        verification: core.verification(),
        prefix: wanted.search.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(text::fold),
        offset: (wanted.page - 1).saturating_mul(wanted.limit),
        limit: wanted.limit,
    };
    core.store
        .scan(move |db| {
            let total = store::directory::count(db, &query)?;
            let accounts = if query.offset < total { store::directory::page(db, &query)? } else { Vec::new() };
            let cut_off = store::directory::is_cut_off(db, &query)?;
            Ok(Page { entries: admin::with_roles(db, accounts)?, total, cut_off })
        })
        .await
}

/// All that an administrator is told about an account.
#[derive(Debug, Clone)]
pub struct File {
    /// The account.
    pub entry: Entry,
    /// What its roles may do together, sorted.
    pub permissions: Vec<String>,
    /// Wrong passwords that count at the moment.
    pub failed_logins: i64,
    /// When a login last failed.
    pub last_failed_login: Option<Time>,
    /// Until when it is locked after failures.
    pub locked_until: Option<Time>,
}

async fn account(core: &Core, id: &str) -> Result<Account> {
    let id = AccountId::new(id);
    let found = core.store.read(move |db| store::accounts::find(db, &id)).await?;
    found.ok_or_else(|| Kind::AccountNotFound.into())
}

/// All that an administrator is told about the account with this id.
///
/// # Errors
/// `AccountNotFound`.
pub async fn file(core: &Core, id: &str) -> Result<File> {
    let account = account(core, id).await?;
    let id = account.id.clone();
    let roles = core.store.read(move |db| store::roles::of(db, &id)).await?;
    let entry = Entry { account, roles };
    let failures = guard::failures(core, &entry.account).await?;
    let id = entry.account.id.clone();
    let last_failed_login = core.store.scan(move |db| store::audit::last_failed_login(db, &id)).await?;
    Ok(File {
        permissions: core.roles.permissions(&entry.roles),
        failed_logins: failures.count,
        locked_until: failures.locked_until,
        last_failed_login,
        entry,
    })
}

/// What to change of an account; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Names and telephone number.
    pub correction: Correction,
    /// Suspend it, or let it in again.
    pub status: Option<Status>,
    /// The roles that it has then, no others.
    pub roles: Option<Vec<String>>,
}

/// Changes an account. `status` takes `admin.users.suspend`, `roles` takes `admin.roles`, the rest `admin.users.write`.
///
/// # Errors
/// `AccountNotFound`, `Validation`, `Forbidden`, `LastAdmin`.
pub async fn update(core: &Core, by: &By, id: &str, changes: Changes) -> Result<Entry> {
    let (actor, verification) = (by.actor.clone(), core.verification());
    admin::change(core, by, id, move |db, log, account| {
        if account.deleted_at.is_some() {
            return Err(Error::with(Kind::AccountNotFound, "User account is deleted; restore it first"));
        }
        if !changes.correction.is_empty() {
            actor.needs(db, Permission::UsersWrite)?;
            store::directory::correct(db, &account.id, &changes.correction, log.at())?;
            log.record(db, &Event::done(What::AccountChanged).about(&account.id).by(actor.name()))?;
        }
        match changes.status {
            Some(wanted) if wanted != account.status(verification) => {
                actor.needs(db, Permission::UsersSuspend)?;
                set_status(db, &actor, log, account, wanted)?;
            }
            _ => {}
        }
        if let Some(wanted) = &changes.roles {
            set_roles(db, &actor, log, &account.id, wanted)?;
        }
        Ok(())
    })
    .await
}

/// Suspends an account, or lets a suspended one in again.
///
/// # Errors
/// `AccountNotFound`, `Forbidden`, `LastAdmin`.
pub async fn toggle_suspension(core: &Core, by: &By, id: &str) -> Result<Entry> {
    let actor = by.actor.clone();
    admin::change(core, by, id, move |db, log, account| {
        actor.needs(db, Permission::UsersSuspend)?;
        let wanted = if account.suspended_at.is_some() { Status::Active } else { Status::Suspended };
        set_status(db, &actor, log, account, wanted)
    })
    .await
}

/// The account with this number, as some APIs name it; a deleted one is none.
///
/// # Errors
/// `AccountNotFound`.
pub async fn by_number(core: &Core, number: &str) -> Result<Entry> {
    let number: i64 = number.parse().map_err(|_| Error::new(Kind::AccountNotFound))?;
    core.store
        .read(move |db| {
            let found = store::directory::find_by_number(db, number)?.filter(|account| account.deleted_at.is_none());
            admin::load(db, found.ok_or_else(|| Error::new(Kind::AccountNotFound))?)
        })
        .await
}

/// A page of the accounts that are not deleted, in the order of their numbers.
///
/// # Errors
/// `Unavailable`.
pub async fn present(core: &Core, page: i64, limit: i64) -> Result<Vec<Entry>> {
    let offset = (page - 1).saturating_mul(limit);
    core.store
        .scan(move |db| {
            let accounts = store::directory::present(db, limit, offset)?;
            admin::with_roles(db, accounts)
        })
        .await
}

type Database<'a> = &'a mut dyn store::db::Db;

fn set_status(db: Database<'_>, actor: &super::Actor, log: &Log, account: &Account, wanted: Status) -> Result<()> {
    let id = &account.id;
    match wanted {
        Status::Suspended => {
            admin::keep_last_admin(db, id)?;
            store::accounts::set_suspended(db, id, Some(log.at()), log.at())?;
            log.record(db, &Event::done(What::Suspended).about(id).by(actor.name()))?;
            super::link::void_all(db, id)?;
            admin::end_all_sessions(db, actor, log, id, End::Admin)
        }
        Status::Active if account.suspended_at.is_some() => {
            store::accounts::set_suspended(db, id, None, log.at())?;
            log.record(db, &Event::done(What::Unsuspended).about(id).by(actor.name()))
        }
        _ => {
            let sentence = "Status can be set to active or suspended; an address is proved, an account deleted by \
                            calls of their own";
            Err(Error::invalid(vec![FieldError::new("status", Rule::Format, "Not allowed", sentence)]))
        }
    }
}

fn set_roles(db: Database<'_>, actor: &super::Actor, log: &Log, id: &AccountId, wanted: &[String]) -> Result<()> {
    let had = store::roles::of(db, id)?;
    for name in wanted.iter().filter(|name| !had.contains(name)) {
        admin::give(db, actor, log, id, name)?;
    }
    for name in had.iter().filter(|name| !wanted.contains(name)) {
        admin::take(db, actor, log, id, name)?;
    }
    Ok(())
}

/// Lifts a lockout after failures; an administrative suspension stays.
///
/// # Errors
/// `AccountNotFound`, `Forbidden`.
pub async fn unlock(core: &Core, by: &By, id: &str) -> Result<Entry> {
    let key = guard::key_of(core, &account(core, id).await?);
    let actor = by.actor.clone();
    admin::change(core, by, id, move |db, log, account| {
        if guard::lift(db, &key)? {
            log.record(db, &Event::done(What::Unlocked).about(&account.id).by(actor.name()))?;
        }
        Ok(())
    })
    .await
}

/// Brings a deleted account back, as long as it has not been erased. Its sessions stay ended.
///
/// # Errors
/// `AccountNotFound` when it is not deleted, `Forbidden`.
pub async fn restore(core: &Core, by: &By, id: &str) -> Result<Entry> {
    let actor = by.actor.clone();
    admin::change(core, by, id, move |db, log, account| {
        if !store::directory::restore(db, &account.id, log.at() - HIDDEN_FOR, log.at())? {
            return Err(Error::with(Kind::AccountNotFound, "User account is not deleted"));
        }
        log.record(db, &Event::done(What::AccountRestored).about(&account.id).by(actor.name()))
    })
    .await
}

/// The live sessions of an account.
///
/// # Errors
/// `AccountNotFound`.
pub async fn sessions(core: &Core, name: &str) -> Result<Vec<session::Shown>> {
    let account = admin::find(core, name).await?.account;
    session::list(core, &account.id).await
}

/// Ends all sessions of an account.
///
/// # Errors
/// `AccountNotFound`, `Forbidden`.
pub async fn end_sessions(core: &Core, by: &By, name: &str) -> Result<Entry> {
    let actor = by.actor.clone();
    admin::change(core, by, name, move |db, log, account| {
        admin::end_all_sessions(db, &actor, log, &account.id, End::Admin)
    })
    .await
}

/// Ends one session of an account.
///
/// # Errors
/// `AccountNotFound`, `SessionNotFound`, `Forbidden`.
pub async fn end_session(core: &Core, by: &By, name: &str, session: &str) -> Result<Entry> {
    let (actor, session) = (by.actor.clone(), SessionId::new(session));
    admin::change(core, by, name, move |db, log, account| {
        if !store::sessions::end_of(db, &account.id, &session, End::Admin, log.at())? {
            return Err(Error::new(Kind::SessionNotFound));
        }
        let event = Event::done(What::SessionEnded).about(&account.id).in_session(&session).by(actor.name());
        log.record(db, &event.because(End::Admin.as_str()))
    })
    .await
}

/// Mails the owner a link that sets a new password.
///
/// # Errors
/// `AccountNotFound`, `Forbidden`.
pub async fn send_reset(core: &Core, by: &By, id: &str) -> Result<Entry> {
    let email_key = account(core, id).await?.email.key().to_owned();
    let prepared = core.post.request(&Request::Reset { email_key }, &by.source)?;
    let actor = by.actor.clone();
    admin::change(core, by, id, move |db, log, account| {
        actor.needs(db, Permission::UsersWrite)?;
        log.record(db, &Event::done(What::PasswordResetRequested).about(&account.id).by(actor.name()))?;
        mail::enqueue(db, &prepared)
    })
    .await
}
