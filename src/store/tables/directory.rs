//! The administrator's view of the `accounts` table: pages by number, filtered by state, searched
//! by name prefix.

use crate::error::Result;
use crate::model::account::Verification;
use crate::model::{Account, AccountId, Status, Time};
use crate::sql;
use crate::store::db::{Db, Sql, prefix_range};
use crate::store::tables::accounts::{
    ProfileChange, columns, profile_change, read, run_profile_change,
};

/// Which accounts to list, and which page of them.
#[derive(Debug, Clone)]
pub struct Query {
    pub status: Option<Status>,
    /// Whether an unverified address makes an account pending.
    pub verification: Verification,
    /// Only accounts whose address, user name, full name or family name starts with this
    /// case-folded text.
    pub prefix: Option<String>,
    /// The number of accounts to skip.
    pub offset: i64,
    pub limit: i64,
}

/// How many accounts a search examines per kind of name, in alphabetical order. The limit bounds
/// the work of a search, for any search text.
macro_rules! looked_at {
    () => {
        "2000"
    };
}

/// The four statements for one state: all or searched, counted or read.
struct Statements {
    count: Sql,
    page: Sql,
    count_found: Sql,
    page_found: Sql,
}

/// The ids of accounts whose name of one kind starts with `$1`, in alphabetical order. The match is
/// an index range without wildcards.
macro_rules! beginning {
    ($key:literal $(, $part:expr)*) => {
        concat!("select id from accounts where ", $key, " >= $1 and ", $key, " < $2 order by ", $key $(, $part)*)
    };
}

/// Accounts whose address, user name or name starts with `$1`, up to the search limit.
macro_rules! found {
    () => {
        concat!(
            "a.id in (select id from (",
            beginning!("email_key", " limit ", looked_at!()),
            ") as one union select id from (",
            beginning!("username_key", " limit ", looked_at!()),
            ") as two union select id from (",
            beginning!("name_key", " limit ", looked_at!()),
            ") as three union select id from (",
            beginning!("last_name_key", " limit ", looked_at!()),
            ") as four)"
        )
    };
}

/// Returns a row if more accounts start with `$1` than the search limit allows.
const MORE: Sql = sql!(concat!(
    "select id from (",
    beginning!("email_key", " limit 1 offset ", looked_at!()),
    ") as one union all select id from (",
    beginning!("username_key", " limit 1 offset ", looked_at!()),
    ") as two union all select id from (",
    beginning!("name_key", " limit 1 offset ", looked_at!()),
    ") as three union all select id from (",
    beginning!("last_name_key", " limit 1 offset ", looked_at!()),
    ") as four"
));

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
            count_found: sql!(concat!(
                "select count(*) from accounts a where ",
                found!(),
                " and ",
                $state
            )),
            // Ordering by an expression keeps the engine from scanning all numbers instead of the
            // few matches.
            page_found: sql!(concat!(
                "select ",
                columns!(),
                " from accounts a where ",
                found!(),
                " and ",
                $state,
                " order by a.number + 0 limit $3 offset $4"
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
                "a.suspended_at is null and a.deleted_at is null and a.email_verified_at is not null"
            )
        }
        (Some(Status::Pending), Verification::Required) => {
            statements!(
                "a.suspended_at is null and a.deleted_at is null and a.email_verified_at is null"
            )
        }
        (Some(Status::Pending), Verification::Optional) => statements!("a.number is null"),
        (Some(Status::Suspended), _) => {
            statements!("a.suspended_at is not null and a.deleted_at is null")
        }
        (Some(Status::Deleted), _) => statements!("a.deleted_at is not null"),
    }
}

/// Counts the matching accounts, up to the search limit.
pub fn count(db: &mut dyn Db, query: &Query) -> Result<i64> {
    let statements = statements(query.status, query.verification);
    let row = match &query.prefix {
        None => db.first(statements.count, &[])?,
        Some(prefix) => db.first(statements.count_found, &prefix_range(prefix))?,
    };
    row.map_or(Ok(0), |mut row| row.take())
}

/// Whether more accounts match the prefix than the search examines.
pub fn is_cut_off(db: &mut dyn Db, query: &Query) -> Result<bool> {
    match &query.prefix {
        None => Ok(false),
        Some(prefix) => Ok(db.first(MORE, &prefix_range(prefix))?.is_some()),
    }
}

/// Returns one page of accounts in the order of their creation.
pub fn page(db: &mut dyn Db, query: &Query) -> Result<Vec<Account>> {
    let statements = statements(query.status, query.verification);
    let part = [query.limit.into(), query.offset.into()];
    let rows = match &query.prefix {
        None => db.all(statements.page, &part)?,
        Some(prefix) => db.all(statements.page_found, &[prefix_range(prefix), part].concat())?,
    };
    rows.into_iter().map(|mut row| read(&mut row)).collect()
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
}

impl Correction {
    /// Whether there is nothing to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first_name.is_none() && self.last_name.is_none() && self.phone.is_none()
    }
}

/// Corrects a profile, including that of a suspended account. A full name gives way to the given and
/// family name. Returns false if the account is deleted.
pub fn correct(db: &mut dyn Db, id: &AccountId, change: &Correction, now: Time) -> Result<bool> {
    let Correction { first_name, last_name, phone } = change.clone();
    let is_renamed = first_name.is_some() || last_name.is_some();
    let name = is_renamed.then_some(None);
    let change = ProfileChange { first_name, last_name, name, phone, company_name: None };
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
    fn no_list_and_no_search_walks_the_whole_table() {
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
                for sql in [found.count, found.page, found.count_found, found.page_found] {
                    let plan = plan(&mut db, sql);
                    let walks = plan.split("; ").any(|step| {
                        (step.starts_with("SCAN a") || step.starts_with("SCAN accounts"))
                            && !step.contains("INDEX")
                    });
                    assert!(!walks, "{status:?} {verification:?}: {plan}\n{}", sql.text());
                }
                for sql in [found.count_found, found.page_found] {
                    let plan = plan(&mut db, sql);
                    for index in ["email_key>?", "username_key>?", "name_key>?", "last_name_key>?"]
                    {
                        assert!(plan.contains(index), "{plan}");
                    }
                    assert!(!plan.contains("SCAN a "), "only the matches are scanned: {plan}");
                }
            }
        }
    }
}
