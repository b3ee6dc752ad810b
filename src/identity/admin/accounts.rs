//! Operations on any account, for administrators and the command line. Every change first checks
//! that the actor may make it and that the target has no more rights than the actor.

use crate::error::{Detail, Error, Field, Kind, Result, RoleRule, Rule};
use crate::identity::Core;
use crate::identity::access::actor::{Actor, By, FreshBy};
use crate::identity::account::proved_address::{Brought, ProofOutcome};
use crate::identity::account::recover::MailedReset;
use crate::identity::account::sign_up::NewAccount;
use crate::identity::account::{link, password, proved_address};
use crate::identity::audit::log::AuditLog;
use crate::identity::factor::guesses::FactorLocks;
use crate::identity::login::guard;
use crate::identity::passkey;
use crate::mail::Letter;
use crate::model::account::Verification;
use crate::model::event::What;
use crate::model::session::SessionEnd;
use crate::model::{
    Account, AccountId, Email, Event, Password, Permission, SearchText, role, text,
};
use crate::outbox;
use crate::password::pool::Lane;
use crate::store;
use crate::store::db::{Constraint, Db};
use crate::store::tables::accounts::AccountQuery;
use crate::store::tables::roles::Removable;

/// How many accounts a filtered list reads at a time.
const LIST_PIECE: i64 = 500;

/// An account with its roles.
#[derive(Debug, Clone)]
pub struct AccountWithRoles {
    pub account: Account,
    /// In the order in which they were given.
    pub roles: Vec<String>,
}

/// An account that an administrator creates.
#[derive(Debug, Clone)]
pub struct NewEntry {
    pub account: NewAccount,
    /// Roles besides the default one.
    pub roles: Vec<String>,
    /// Whether the address counts as verified.
    pub verified: bool,
}

/// Which accounts to list.
#[derive(Debug, Clone, Default)]
pub struct AccountFilter {
    /// Only accounts in this state: `active`, `pending`, `suspended`, `deleted`.
    pub status: Option<String>,
    /// Only accounts whose address, user name or name contains this.
    pub search: Option<String>,
}

pub(in crate::identity) fn load(db: &mut dyn Db, account: Account) -> Result<AccountWithRoles> {
    let roles = store::tables::roles::of(db, &account.id)?;
    Ok(AccountWithRoles { account, roles })
}

/// Adds the roles to these accounts with one query.
pub(in crate::identity) fn with_roles(
    db: &mut dyn Db,
    accounts: Vec<Account>,
) -> Result<Vec<AccountWithRoles>> {
    let ids: Vec<&AccountId> = accounts.iter().map(|account| &account.id).collect();
    let mut roles = store::tables::roles::of_many(db, &ids)?;
    let entry = |account: Account| AccountWithRoles {
        roles: roles.remove(account.id.as_str()).unwrap_or_default(),
        account,
    };
    Ok(accounts.into_iter().map(entry).collect())
}

/// Counts the live sessions of each account.
///
/// # Errors
/// `Unavailable`.
pub async fn count_sessions(core: &Core, entries: &[AccountWithRoles]) -> Result<Vec<i64>> {
    let ids: Vec<AccountId> = entries.iter().map(|entry| entry.account.id.clone()).collect();
    let now = core.env.now();
    core.store
        .scan(move |db| {
            ids.iter().map(|id| store::tables::sessions::count_live(db, id, now)).collect()
        })
        .await
}

/// Looks up an account by id, address or user name. The id comes first because a user name may look
/// like an id.
fn look_up(db: &mut dyn Db, name: &str) -> Result<Account> {
    if let Some(account) = store::tables::accounts::find(db, &AccountId::new(name))? {
        return Ok(account);
    }
    let found = match Email::parse(name) {
        Some(email) => store::tables::accounts::find_by_email(db, email.key())?,
        None => store::tables::accounts::find_by_username(db, &text::fold(name))?,
    };
    found.ok_or_else(|| Kind::AccountNotFound.into())
}

/// Looks up an account as this actor may name it: administrators only by id.
pub(in crate::identity) fn look_up_for(
    db: &mut dyn Db,
    actor: &Actor,
    name: &str,
) -> Result<Account> {
    match actor {
        Actor::CommandLine => look_up(db, name),
        Actor::Admin(_) => store::tables::accounts::find(db, &AccountId::new(name))?
            .ok_or_else(|| Kind::AccountNotFound.into()),
    }
}

/// Reads the account that this actor names.
pub(in crate::identity) async fn look_up_as(core: &Core, by: &By, name: &str) -> Result<Account> {
    let (actor, name) = (by.actor.clone(), name.to_owned());
    core.store.read(move |db| look_up_for(db, &actor, &name)).await
}

/// Finds an account by id, e-mail address or user name.
///
/// # Errors
/// `AccountNotFound`.
pub async fn find(core: &Core, name: &str) -> Result<AccountWithRoles> {
    let name = name.to_owned();
    core.store
        .read(move |db| {
            let account = look_up(db, &name)?;
            load(db, account)
        })
        .await
}

/// Lists at most `limit` accounts that match the filter, in the order of their ids, starting after
/// the given id.
///
/// # Errors
/// `Unavailable`.
pub async fn list(
    core: &Core,
    filter: &AccountFilter,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<AccountWithRoles>> {
    let (filter, verification) = (filter.clone(), core.verification());
    let search = filter.search.as_deref().and_then(SearchText::parse);
    let after = after.map(str::to_owned);
    core.store
        .scan(move |db| {
            let mut found = Vec::new();
            let mut page = AccountQuery { after: after.clone(), limit: limit.max(LIST_PIECE) };
            while i64::try_from(found.len()).unwrap_or(i64::MAX) < limit {
                let accounts = store::tables::accounts::list(db, &page)?;
                let Some(last) = accounts.last() else { break };
                page.after = Some(last.id.to_string());
                let fits = |account: &Account| {
                    has_status(account, filter.status.as_deref(), verification)
                        && search.as_ref().is_none_or(|text| {
                            let name = account.full_name();
                            let username = account.username.as_deref();
                            text.is_in(account.email.as_ref(), username, name.as_deref())
                        })
                };
                found.extend(accounts.into_iter().filter(fits));
            }
            found.truncate(usize::try_from(limit).unwrap_or(0));
            with_roles(db, found)
        })
        .await
}

fn has_status(account: &Account, status: Option<&str>, verification: Verification) -> bool {
    status.is_none_or(|status| account.status(verification).as_str() == status)
}

/// Creates an account.
///
/// # Errors
/// `EmailTaken`, `UsernameTaken`, `Validation` for an unknown role or a bad password.
pub async fn create(core: &Core, by: &By, new: NewEntry) -> Result<AccountWithRoles> {
    let email = new.account.email.clone();
    let mut row = new.account.into_row(core, Lane::Known(by.source.client())).await?;
    let (log, actor) = (AuditLog::new(core, &by.source), by.actor.clone());
    row.account.email_verified_at = new.verified.then(|| log.at());
    let roles = new.roles;
    core.store
        .write(move |db| {
            let id = &row.account.id;
            actor.needs(db, Permission::UsersWrite)?;
            // As at sign-up, an address that another account can still take back counts as taken, and a
            // taken address is reported before a taken user name.
            if store::tables::accounts::find_by_email(db, email.key())?.is_some()
                || store::tables::links::is_address_kept(db, email.key(), id, log.at())?
            {
                return Err(Kind::EmailTaken.into());
            }
            if let Some(key) = &row.username_key
                && store::tables::accounts::is_username_taken(db, key, id, log.at())?
            {
                return Err(Kind::UsernameTaken.into());
            }
            match store::tables::accounts::insert(db, &row) {
                Ok(true) => {}
                Ok(false) => return Err(Kind::EmailTaken.into()),
                Err(error) if Constraint::of(&error) == Some(Constraint::Username) => {
                    return Err(Kind::UsernameTaken.into());
                }
                Err(error) => return Err(error),
            }
            log.record(db, &Event::done(What::AccountCreated).about(id).by(actor.name()))?;
            store::tables::roles::give(db, id, role::DEFAULT)?;
            for name in &roles {
                give(db, &actor, &log, id, name)?;
            }
            if roles.iter().any(|name| name == role::DEFAULT) {
                store::tables::roles::arrange(db, id, &roles)?;
            }
            let account = look_up(db, id.as_str())?;
            load(db, account)
        })
        .await
}

pub(in crate::identity) fn give(
    db: &mut dyn Db,
    actor: &Actor,
    log: &AuditLog,
    id: &AccountId,
    name: &str,
) -> Result<()> {
    if !store::tables::roles::exists(db, name)? {
        let rule = Rule::Role(RoleRule::Unknown(name.to_owned()));
        return Err(Error::invalid_field(Field::Roles, rule));
    }
    if name != role::DEFAULT {
        actor.needs(db, Permission::Roles)?;
        let permissions = store::tables::roles::permissions(db, name)?;
        actor.may_grant(db, name, permissions)?;
    }
    if store::tables::roles::give(db, id, name)? {
        log.record(
            db,
            &Event::done(What::RolesChanged).about(id).by(actor.name()).because(format!("+{name}")),
        )?;
    }
    Ok(())
}

pub(in crate::identity) fn take(
    db: &mut dyn Db,
    actor: &Actor,
    log: &AuditLog,
    id: &AccountId,
    name: &str,
    verification: Verification,
) -> Result<()> {
    actor.needs(db, Permission::Roles)?;
    let taken = if name == role::ADMIN {
        let removable = removable(db, id, verification)?;
        store::tables::roles::take_admin(db, &removable)?
    } else {
        store::tables::roles::take(db, id, name)?
    };
    if taken {
        log.record(
            db,
            &Event::done(What::RolesChanged).about(id).by(actor.name()).because(format!("-{name}")),
        )?;
    }
    Ok(())
}

/// The refusal of every change of a deleted account but its restoration.
pub(in crate::identity) fn deleted() -> Error {
    Detail::DeletedAccount.into()
}

/// What a change of an account requires, unless it says otherwise.
pub(in crate::identity) const WRITE: &[Permission] = &[Permission::UsersWrite];

/// What beginning and ending a suspension requires.
pub(in crate::identity) const SUSPEND: &[Permission] = &[Permission::UsersSuspend];

/// Changes one account inside a write, for an actor with one of these permissions, and returns its new
/// state.
///
/// # Errors
/// `AccountNotFound`, also if it is deleted, `Forbidden`.
pub(in crate::identity) async fn change<F>(
    core: &Core,
    by: &By,
    one_of: &'static [Permission],
    name: &str,
    change: F,
) -> Result<AccountWithRoles>
where
    F: Fn(&mut dyn Db, &AuditLog, &Account) -> Result<()> + Send + 'static,
{
    let present = move |db: &mut dyn Db, log: &AuditLog, account: &Account| {
        if account.deleted_at.is_some() {
            return Err(deleted());
        }
        change(db, log, account)
    };
    change_even_deleted(core, by, one_of, name, present).await
}

/// As [`change`], also for an account that is deleted and not yet erased.
pub(in crate::identity) async fn change_even_deleted<F>(
    core: &Core,
    by: &By,
    one_of: &'static [Permission],
    name: &str,
    change: F,
) -> Result<AccountWithRoles>
where
    F: Fn(&mut dyn Db, &AuditLog, &Account) -> Result<()> + Send + 'static,
{
    let (log, name, actor) = (AuditLog::new(core, &by.source), name.to_owned(), by.actor.clone());
    let entry = core
        .store
        .write(move |db| {
            actor.needs_one_of(db, one_of)?;
            let account = look_up_for(db, &actor, &name)?;
            actor.may_change(db, &account.id)?;
            change(db, &log, &account)?;
            let account = store::tables::accounts::find(db, &account.id)?.unwrap_or(account);
            load(db, account)
        })
        .await?;
    Ok(entry)
}

pub(in crate::identity) fn end_all_sessions(
    db: &mut dyn Db,
    actor: &Actor,
    log: &AuditLog,
    id: &AccountId,
    why: SessionEnd,
) -> Result<()> {
    for session in store::tables::sessions::end_all(db, id, why, log.at())? {
        let event = Event::done(What::SessionEnded).about(id).in_session(&session).by(actor.name());
        log.record(db, &event.because(why.as_str()))?;
    }
    Ok(())
}

/// Sets a password, ends all sessions, voids all links and mails the owner.
///
/// # Errors
/// `AccountNotFound`, `Validation` for a bad password.
pub async fn set_password(
    core: &Core,
    by: &By,
    name: &str,
    new: Password,
) -> Result<AccountWithRoles> {
    let account = find(core, name).await?.account;
    password::check_rules(core, &account, &new)?;
    let hash = core.hashing.hash(Lane::Known(by.source.client()), new).await?;
    let letter = Letter::PasswordSet { remaining: passkey::remaining(core, &account.id).await? };
    let letter = core.mail.compose_for(&account, core.language_of(&account), &letter)?;
    let key = guard::key_of(core, &account);
    let actor = by.actor.clone();
    change(core, by, WRITE, account.id.as_str(), move |db, log, account| {
        if !store::tables::accounts::set_password(
            db,
            &account.id,
            &hash.text,
            &hash.scheme,
            log.at(),
        )? {
            return Err(Kind::AccountNotFound.into());
        }
        log.record(db, &Event::done(What::PasswordSet).about(&account.id).by(actor.name()))?;
        end_all_sessions(db, &actor, log, &account.id, SessionEnd::Password)?;
        link::void_all(db, &account.id)?;
        guard::lift(db, &key, log.at())?;
        outbox::enqueue_all(db, &letter)
    })
    .await
}

/// Marks the address as verified. As with a mailed link, a password survives only if all sign-ups
/// with the address gave it; otherwise the owner is mailed a link to choose one.
///
/// # Errors
/// `AccountNotFound`.
pub async fn verify(core: &Core, by: &By, name: &str) -> Result<AccountWithRoles> {
    let found = look_up_as(core, by, name).await?;
    let (by_hand, actor) = (VerificationByHand::prepare(core, &found)?, by.actor.clone());
    let id = found.id.as_str();
    change(core, by, WRITE, id, move |db, log, account| by_hand.mark(db, &actor, log, account))
        .await
}

/// The verification of an address by an administrator or the command line. Where sign-ups gave
/// different passwords none of them survives, and the owner is mailed a link to choose one.
pub(in crate::identity) struct VerificationByHand {
    choice: MailedReset,
}

impl VerificationByHand {
    pub(in crate::identity) fn prepare(core: &Core, account: &Account) -> Result<Self> {
        let letter = |link, until| Letter::ChoosePassword { link, until };
        Ok(Self { choice: MailedReset::prepare(core, account, letter)? })
    }

    pub(in crate::identity) fn mark(
        &self,
        db: &mut dyn Db,
        actor: &Actor,
        log: &AuditLog,
        account: &Account,
    ) -> Result<()> {
        let (id, Some(key)) = (&account.id, account.email_key()) else { return Ok(()) };
        match proved_address::prove(db, id, key, Brought::SignUp, actor.name(), log)? {
            ProofOutcome::WithoutPassword if account.is_reachable() => self.choice.store(db, log),
            _ => Ok(()),
        }
    }
}

/// Whether to give or take a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleChange {
    Give,
    Take,
}

/// Gives or takes a role. The last administrator keeps the role.
///
/// # Errors
/// `AccountNotFound`, `Validation` for an unknown role, `LastAdmin`.
pub async fn change_role(
    core: &Core,
    by: &By,
    name: &str,
    role: &str,
    way: RoleChange,
) -> Result<AccountWithRoles> {
    change_roles(core, by, name, vec![(way, role.to_owned())]).await
}

/// Gives and takes several roles, all or none. The last administrator keeps the role.
///
/// # Errors
/// As [`change_role`].
pub async fn change_roles(
    core: &Core,
    by: &By,
    name: &str,
    changes: Vec<(RoleChange, String)>,
) -> Result<AccountWithRoles> {
    let (actor, verification) = (by.actor.clone(), core.verification());
    change(core, by, &[Permission::Roles], name, move |db, log, account| {
        changes.iter().try_for_each(|(way, role)| match way {
            RoleChange::Give => give(db, &actor, log, &account.id, role),
            RoleChange::Take => take(db, &actor, log, &account.id, role, verification),
        })
    })
    .await
}

/// Checks that an account may end: it is not the last administrator who can log in.
///
/// # Errors
/// `LastAdmin`.
pub(in crate::identity) fn removable(
    db: &mut dyn Db,
    id: &AccountId,
    verification: Verification,
) -> Result<Removable> {
    Removable::check(db, id, verification)?.ok_or_else(|| Kind::LastAdmin.into())
}

/// Suspends an account, ends its sessions and voids its links.
///
/// # Errors
/// `AccountNotFound`, `LastAdmin`.
pub async fn suspend(core: &Core, by: &By, name: &str) -> Result<AccountWithRoles> {
    let (actor, verification) = (by.actor.clone(), core.verification());
    change(core, by, SUSPEND, name, move |db, log, account| {
        begin_suspension(db, &actor, log, account, verification)
    })
    .await
}

/// Suspends an account inside a write; the only place that does.
pub(in crate::identity) fn begin_suspension(
    db: &mut dyn Db,
    actor: &Actor,
    log: &AuditLog,
    account: &Account,
    verification: Verification,
) -> Result<()> {
    let removable = removable(db, &account.id, verification)?;
    if store::tables::accounts::suspend(db, &removable, log.at())? {
        log.record(db, &Event::done(What::Suspended).about(&account.id).by(actor.name()))?;
        end_all_sessions(db, actor, log, &account.id, SessionEnd::Admin)?;
        link::void_all(db, &account.id)?;
    }
    Ok(())
}

/// Lifts a suspension inside a write. A lockout stays.
pub(in crate::identity) fn end_suspension(
    db: &mut dyn Db,
    actor: &Actor,
    log: &AuditLog,
    account: &Account,
) -> Result<()> {
    if store::tables::accounts::reinstate(db, &account.id, log.at())? {
        log.record(db, &Event::done(What::Unsuspended).about(&account.id).by(actor.name()))?;
    }
    Ok(())
}

/// Lifts everything that failures have closed. A suspension stays.
///
/// # Errors
/// `AccountNotFound`, `Forbidden`.
pub async fn clear_lockout(core: &Core, by: &By, name: &str) -> Result<AccountWithRoles> {
    let found = look_up_as(core, by, name).await?;
    let (locks, actor) = (FailureLocks::of(core, &found), by.actor.clone());
    let id = found.id.as_str();
    change(core, by, WRITE, id, move |db, log, account| locks.end(db, &actor, log, account)).await
}

/// Lifts a suspension and everything that failures have closed.
///
/// # Errors
/// `AccountNotFound`, `Forbidden`.
pub async fn reinstate(core: &Core, by: &By, name: &str) -> Result<AccountWithRoles> {
    let found = look_up_as(core, by, name).await?;
    let (locks, actor) = (FailureLocks::of(core, &found), by.actor.clone());
    change(core, by, SUSPEND, found.id.as_str(), move |db, log, account| {
        end_suspension(db, &actor, log, account)?;
        locks.end(db, &actor, log, account)
    })
    .await
}

/// What failures have closed: password logins by a lockout, and second factors.
struct FailureLocks {
    key: [u8; 32],
    factors: FactorLocks,
}

impl FailureLocks {
    fn of(core: &Core, account: &Account) -> Self {
        Self { key: guard::key_of(core, account), factors: FactorLocks::of(core, &account.id) }
    }

    fn end(&self, db: &mut dyn Db, actor: &Actor, log: &AuditLog, account: &Account) -> Result<()> {
        self.factors.lift(db)?;
        if guard::lift(db, &self.key, log.at())? {
            log.record(db, &Event::done(What::Unlocked).about(&account.id).by(actor.name()))?;
        }
        Ok(())
    }
}

/// Deletes an account. It is hidden at once and erased after 30 days; an account that was never
/// verified is erased at once.
///
/// # Errors
/// `AccountNotFound`, `LastAdmin`.
pub async fn delete(core: &Core, by: &FreshBy, name: &str) -> Result<AccountWithRoles> {
    let by = by.by();
    let (actor, verification) = (by.actor.clone(), core.verification());
    change(core, by, WRITE, name, move |db, log, account| {
        let removable = removable(db, &account.id, verification)?;
        end_all_sessions(db, &actor, log, &account.id, SessionEnd::Admin)?;
        if !store::tables::erasure::remove_unproved(db, &removable)? {
            store::tables::accounts::hide(db, &removable, actor.name(), log.at())?;
            link::void_all(db, &account.id)?;
        }
        log.record(db, &Event::done(What::Deleted).about(&account.id).by(actor.name()))
    })
    .await
}
