//! The administrator's view of the `accounts` table: pages by number, filtered by state, searched
//! by any part of an address or user name.

use crate::error::Result;
use crate::model::account::{AddressState, Verification};
use crate::model::{Account, AccountId, LanguageTag, SearchText, Status, Time};
use crate::sql;
use crate::store::db::{Db, Sql};
use crate::store::tables::accounts::{
    ProfileChange, columns, profile_change, read, run_profile_change,
};
use crate::store::tables::search_index;
use crate::store::tables::search_index::SearchRow;

/// Which accounts to list, and which page of them.
#[derive(Debug, Clone)]
pub struct Query {
    pub status: Option<Status>,
    /// Whether an unverified address makes an account pending.
    pub verification: Verification,
    /// Only accounts whose address or user name contains this text.
    pub search: Option<SearchText>,
    /// The number of accounts to skip.
    pub offset: i64,
    pub limit: i64,
}

/// A page of accounts, in the order of their creation.
#[derive(Debug, Clone)]
pub struct DirectoryPage {
    pub accounts: Vec<Account>,
    /// The number of matching accounts on all pages.
    pub total: i64,
    /// Whether more accounts match than a search counts.
    pub has_more: bool,
}

/// How many matches a search counts, the first in the order of creation. The limit bounds the work
/// of a search for a text that many accounts contain.
const MATCHES: usize = 10_000;

/// How many accounts that are not in the search index one statement reads.
const PIECE: i64 = 1_000;

/// The statements for one state: to count and to read.
struct Statements {
    count: Sql,
    page: Sql,
}

macro_rules! statements {
    ($state:literal) => {
        Statements {
            count: sql!(concat!("select count(*) from accounts a where ", $state)),
            page: sql!(concat!(
                "select ",
                columns!(),
                " from accounts a where ",
                $state,
                " order by a.number limit $1 offset $2"
            )),
        }
    };
}

fn statements(status: Option<Status>, verification: Verification) -> Statements {
    match (status, verification) {
        (None, _) => statements!("a.number is not null"),
        (Some(Status::Active), Verification::Optional) => {
            statements!("a.suspended_at is null and a.deleted_at is null")
        }
        (Some(Status::Active), Verification::Required) => {
            statements!(
                "a.suspended_at is null and a.deleted_at is null \
                 and (a.email_verified_at is not null or a.email_key is null)"
            )
        }
        (Some(Status::Pending), Verification::Required) => {
            statements!(
                "a.suspended_at is null and a.deleted_at is null \
                 and a.email_verified_at is null and a.email_key is not null"
            )
        }
        (Some(Status::Pending), Verification::Optional) => statements!("a.number is null"),
        (Some(Status::Suspended), _) => {
            statements!("a.suspended_at is not null and a.deleted_at is null")
        }
        (Some(Status::Deleted), _) => statements!("a.deleted_at is not null"),
    }
}

/// Returns one page of the matching accounts.
pub fn page(db: &mut dyn Db, query: &Query) -> Result<DirectoryPage> {
    match &query.search {
        Some(text) => searched(db, query, text),
        None => listed(db, query),
    }
}

fn listed(db: &mut dyn Db, query: &Query) -> Result<DirectoryPage> {
    let statements = statements(query.status, query.verification);
    let total = db.first(statements.count, &[])?.map_or(Ok(0), |mut row| row.take())?;
    let mut accounts = Vec::new();
    if query.offset < total {
        for mut row in db.all(statements.page, &[query.limit.into(), query.offset.into()])? {
            accounts.push(read(&mut row)?);
        }
    }
    Ok(DirectoryPage { accounts, total, has_more: false })
}

fn searched(db: &mut dyn Db, query: &Query, text: &SearchText) -> Result<DirectoryPage> {
    let mut numbers = matches(db, query, text)?;
    let has_more = numbers.len() > MATCHES;
    numbers.truncate(MATCHES);
    let (skipped, limit) = (usize::try_from(query.offset), usize::try_from(query.limit));
    let mut accounts = Vec::new();
    for number in numbers.iter().skip(skipped.unwrap_or(usize::MAX)).take(limit.unwrap_or(0)) {
        accounts.extend(find_by_number(db, *number)?);
    }
    let total = i64::try_from(numbers.len()).unwrap_or(i64::MAX);
    Ok(DirectoryPage { accounts, total, has_more })
}

/// The numbers of the matching accounts, ascending: at most one more than a search counts.
fn matches(db: &mut dyn Db, query: &Query, text: &SearchText) -> Result<Vec<i64>> {
    let fits = |row: &SearchRow| {
        text.is_in(row.email.as_ref(), row.username.as_deref())
            && query.status.is_none_or(|wanted| wanted == status(row, query.verification))
    };
    let end = search_index::indexed_below(db)?;
    let (mut found, mut last_segment) = (Vec::new(), -1);
    while let Some(segment) =
        search_index::segment_after(db, last_segment, end / search_index::SEGMENT)?
    {
        for number in search_index::candidates(db, segment, text)? {
            found.extend(search_index::at(db, number)?.filter(fits).map(|row| row.number));
            if found.len() > MATCHES {
                return Ok(found);
            }
        }
        last_segment = segment;
    }
    let mut last = end - 1;
    loop {
        let rows = search_index::after(db, last, PIECE)?;
        let Some(row) = rows.last() else { return Ok(found) };
        last = row.number;
        found.extend(rows.iter().filter(|row| fits(row)).map(|row| row.number));
        if found.len() > MATCHES {
            return Ok(found);
        }
    }
}

fn status(row: &SearchRow, verification: Verification) -> Status {
    let address = AddressState::of(row.email.as_ref(), row.email_verified_at);
    Status::of(row.deleted_at, row.suspended_at, address, verification)
}

/// Lists the accounts that are not deleted in the order of their creation.
pub fn present(db: &mut dyn Db, limit: i64, offset: i64) -> Result<Vec<Account>> {
    let rows = db.all(
        sql!(concat!(
            "select ",
            columns!(),
            " from accounts a where a.deleted_at is null order by a.number limit $1 offset $2"
        )),
        &[limit.into(), offset.into()],
    )?;
    rows.into_iter().map(|mut row| read(&mut row)).collect()
}

/// Finds the account with this number.
pub fn find_by_number(db: &mut dyn Db, number: i64) -> Result<Option<Account>> {
    let row = db.first(
        sql!(concat!("select ", columns!(), " from accounts a where a.number = $1")),
        &[number.into()],
    )?;
    row.map(|mut row| read(&mut row)).transpose()
}

/// New values for another user's profile: `None` leaves a field unchanged, `Some(None)` clears it.
#[derive(Debug, Clone, Default)]
pub struct Correction {
    pub first_name: Option<Option<String>>,
    pub last_name: Option<Option<String>>,
    /// A new phone number is unverified.
    pub phone: Option<Option<String>>,
    pub locale: Option<Option<LanguageTag>>,
}

impl Correction {
    /// Whether there is nothing to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first_name.is_none()
            && self.last_name.is_none()
            && self.phone.is_none()
            && self.locale.is_none()
    }
}

/// Corrects a profile, including that of a suspended account. A full name gives way to the given and
/// family name. Returns false if the account is deleted.
pub fn correct(db: &mut dyn Db, id: &AccountId, change: &Correction, now: Time) -> Result<bool> {
    let Correction { first_name, last_name, phone, locale } = change.clone();
    let is_renamed = first_name.is_some() || last_name.is_some();
    let name = is_renamed.then_some(None);
    let change = ProfileChange { first_name, last_name, name, phone, locale, company_name: None };
    run_profile_change(db, sql!(profile_change!()), id, &change, now)
}

/// Restores a deleted account. Returns false if it is not deleted, or was deleted before
/// `deleted_after`.
pub fn restore(db: &mut dyn Db, id: &AccountId, deleted_after: Time, now: Time) -> Result<bool> {
    let changed = db.run(
        sql!(
            "update accounts set deleted_at = null, deleted_by = null, credential_version = credential_version + 1, updated_at = $1 \
             where id = $2 and deleted_at > $3"
        ),
        &[now.into(), id.as_str().into(), deleted_after.into()],
    )?;
    Ok(changed == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tables::keys::fixture::TestDb;

    /// The query plan that the engine chooses.
    fn plan(db: &mut TestDb, sql: Sql) -> String {
        let explained: &'static str = format!("explain query plan {}", sql.text()).leak();
        let rows = db.all(Sql::checked(explained), &[]).unwrap();
        let steps = rows.into_iter().map(|mut row| {
            let (_, _, _): (i64, i64, i64) =
                (row.take().unwrap(), row.take().unwrap(), row.take().unwrap());
            row.take::<String>().unwrap()
        });
        steps.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn no_list_walks_the_whole_table() {
        let mut db = TestDb::new();
        let states = [
            None,
            Some(Status::Active),
            Some(Status::Pending),
            Some(Status::Suspended),
            Some(Status::Deleted),
        ];
        for status in states {
            for verification in [Verification::Required, Verification::Optional] {
                let found = statements(status, verification);
                for sql in [found.count, found.page] {
                    let plan = plan(&mut db, sql);
                    let walks = plan.split("; ").any(|step| {
                        (step.starts_with("SCAN a") || step.starts_with("SCAN accounts"))
                            && !step.contains("INDEX")
                    });
                    assert!(!walks, "{status:?} {verification:?}: {plan}\n{}", sql.text());
                }
            }
        }
    }
}
