//! Accounts as administrators see them: pages, details and sessions.

use crate::error::{Error, Kind, Result};
use crate::identity::Core;
use crate::identity::admin::accounts::AccountWithRoles;
use crate::identity::admin::{accounts, stats};
use crate::identity::login::guard;
use crate::identity::session::list;
use crate::model::listing::{ListCount, ListPlace, ListStart};
use crate::model::{Account, AccountId, ListFilter, ListOrder, Status, Time};
use crate::store;
use crate::store::tables::listing::{self, AccountListQuery};
use crate::store::tables::{listing_sql, search_build};

/// After so many pieces of the index in a row that could not be written because accounts changed,
/// the rest is left for later.
const MOST_CHANGES: u32 = 10;

/// Which page of which accounts.
#[derive(Debug, Clone, Default)]
pub struct AccountPageQuery {
    pub filter: ListFilter,
    pub order: ListOrder,
    pub start: ListStart,
    /// The number of matching accounts to skip after the start.
    pub skip: i64,
    pub limit: i64,
}

impl AccountPageQuery {
    /// Whether it is a page of all accounts, or of those in a state, in the order of creation: such
    /// pages are found by their number, however many there are.
    fn is_by_offset(&self) -> bool {
        self.start == ListStart::First
            && self.order == ListOrder::default()
            && self.filter.is_only_status()
    }
}

/// A page of accounts.
#[derive(Debug, Clone)]
pub struct AccountPage {
    pub entries: Vec<AccountWithRoles>,
    /// Number of matching accounts on all pages.
    pub count: ListCount,
    /// Where the next page and the one before this begin, if there may be one.
    pub next: Option<ListStart>,
    pub previous: Option<ListStart>,
    /// How many accounts were looked at, if that ended the page before it was full.
    pub looked_at: Option<usize>,
}

/// The most accounts in a state that are counted while a page waits.
const MOST_COUNTED: i64 = 10_000;

/// Reads a page of accounts.
///
/// # Errors
/// `Unavailable`, and `Validation` if a list by address was to begin at an account that no longer has
/// one.
pub async fn page(core: &Core, query: &AccountPageQuery) -> Result<AccountPage> {
    let mut found = if query.is_by_offset() {
        by_offset(core, query).await?
    } else {
        by_place(core, query).await?
    };
    if query.filter.is_only_status() {
        found.count = count(core, query.filter.status).await?;
    }
    Ok(found)
}

async fn by_offset(core: &Core, query: &AccountPageQuery) -> Result<AccountPage> {
    let (status, verification) = (query.filter.status, core.verification());
    let (skip, limit) = (query.skip, query.limit);
    core.store
        .scan(move |db| {
            let mut found = listing_sql::at_offset(db, status, verification, skip, limit + 1)?;
            let has_more = i64::try_from(found.len()).unwrap_or(i64::MAX) > limit;
            found.truncate(usize::try_from(limit).unwrap_or(0));
            let place = found
                .last()
                .filter(|_| has_more)
                .map(|last| ListPlace { time: last.created_at.millis(), number: last.number });
            Ok(AccountPage {
                entries: accounts::with_roles(db, found)?,
                count: ListCount::Unknown,
                next: place.map(ListStart::After),
                previous: None,
                looked_at: None,
            })
        })
        .await
}

async fn by_place(core: &Core, query: &AccountPageQuery) -> Result<AccountPage> {
    let list = AccountListQuery {
        filter: query.filter.clone(),
        verification: core.verification(),
        order: query.order,
        start: query.start,
        skip: usize::try_from(query.skip).unwrap_or(usize::MAX),
        limit: usize::try_from(query.limit).unwrap_or(0),
    };
    core.store
        .scan(move |db| {
            let page = listing::page(db, &list)?;
            Ok(AccountPage {
                entries: accounts::with_roles(db, page.accounts)?,
                count: page.count,
                next: page.next,
                previous: page.previous,
                looked_at: page.looked_at,
            })
        })
        .await
}

/// The number of accounts in a state.
async fn count(core: &Core, status: Option<Status>) -> Result<ListCount> {
    let verification = core.verification();
    if let Some(totals) = stats::known_totals(core).await? {
        return Ok(ListCount::Exactly(totals.in_state(status, verification)));
    }
    let most = MOST_COUNTED + 1;
    let found =
        core.store.scan(move |db| listing_sql::count(db, status, verification, most)).await?;
    Ok(if found < most { ListCount::Exactly(found) } else { ListCount::AtLeast(MOST_COUNTED) })
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

pub(super) async fn account(core: &Core, id: &str) -> Result<Account> {
    let id = AccountId::new(id);
    let found = core.store.read(move |db| store::tables::accounts::find(db, &id)).await?;
    found.ok_or_else(|| Kind::AccountNotFound.into())
}

/// Reads the details of the account with this id.
///
/// # Errors
/// `AccountNotFound`.
pub async fn details(core: &Core, id: &str) -> Result<AccountDetails> {
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
