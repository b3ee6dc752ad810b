//! The statements of the lists of accounts: in the order of creation by state, and through the index of
//! each filter that few accounts may meet.

use crate::error::Result;
use crate::model::account::Verification;
use crate::model::listing::{FactorFilter, LoginFilter, TimeRange};
use crate::model::{Account, Status, Time};
use crate::sql;
use crate::store::db::{Db, Sql, Value};
use crate::store::tables::directory::find_by_number;
use crate::store::tables::listing::AccountListQuery;
use crate::store::tables::search_index::columns;

/// Whether an account has the role $1, the factor $2 and the provider $3; an empty text is met by all.
macro_rules! select {
    ($rest:expr) => {
        concat!(
            "select cast(case when ($1 = '' or exists (select 1 from account_roles f where f.account_id = accounts.id and f.role = $1)) \
             and ($2 = '' \
             or ($2 in ('totp', 'email', 'sms') and exists (select 1 from factors f where f.account_id = accounts.id \
             and f.kind = $2 and f.confirmed_at is not null)) \
             or ($2 in ('passkey', 'security_key') and exists (select 1 from passkeys f where f.account_id = accounts.id and f.kind = $2)) \
             or ($2 = 'none' and not exists (select 1 from factors f where f.account_id = accounts.id and f.confirmed_at is not null) \
             and not exists (select 1 from passkeys f where f.account_id = accounts.id and f.kind = 'security_key'))) \
             and ($3 = '' or exists (select 1 from identities f where f.account_id = accounts.id and f.provider = $3)) \
             then 1 else 0 end as bigint), ",
            columns!(),
            " from accounts where ",
            $rest
        )
    };
}

pub(super) use select;

/// The statements for one state: a bounded count, a page by its number, all of few accounts, and a
/// piece in either direction.
pub(super) struct StateStatements {
    pub(super) count: Sql,
    page: Sql,
    pub(super) few: Sql,
    pub(super) up: Sql,
    pub(super) down: Sql,
}

macro_rules! statements {
    ($state:literal) => {
        StateStatements {
            count: sql!(concat!(
                "select count(*) from (select 1 from accounts where ",
                $state,
                " limit $1) as few"
            )),
            page: sql!(concat!(
                "select number from accounts where ",
                $state,
                " order by created_at, number limit $1 offset $2"
            )),
            few: sql!(select!(concat!($state, " limit $4"))),
            up: sql!(select!(concat!(
                $state,
                " and (created_at, number) > ($4, $5) order by created_at, number limit $6"
            ))),
            down: sql!(select!(concat!(
                $state,
                " and (created_at, number) < ($4, $5) order by created_at desc, number desc limit $6"
            ))),
        }
    };
}

pub(super) fn statements(status: Option<Status>, verification: Verification) -> StateStatements {
    match (status, verification) {
        (None, _) => statements!("number is not null"),
        (Some(Status::Active), Verification::Optional) => {
            statements!("suspended_at is null and deleted_at is null")
        }
        (Some(Status::Active), Verification::Required) => {
            statements!(
                "suspended_at is null and deleted_at is null \
                 and (email_verified_at is not null or email_key is null)"
            )
        }
        (Some(Status::Pending), Verification::Required) => {
            statements!(
                "suspended_at is null and deleted_at is null \
                 and email_verified_at is null and email is not null"
            )
        }
        (Some(Status::Pending), Verification::Optional) => statements!("number is null"),
        (Some(Status::Suspended), _) => {
            statements!("suspended_at is not null and deleted_at is null")
        }
        (Some(Status::Deleted), _) => statements!("deleted_at is not null"),
    }
}

/// Counts the accounts in a state, at most this many.
pub fn count(
    db: &mut dyn Db,
    status: Option<Status>,
    verification: Verification,
    most: i64,
) -> Result<i64> {
    let sql = statements(status, verification).count;
    db.first(sql, &[most.into()])?.map_or(Ok(0), |mut row| row.take())
}

/// Returns accounts in a state by their position in the order of creation.
pub fn at_offset(
    db: &mut dyn Db,
    status: Option<Status>,
    verification: Verification,
    offset: i64,
    limit: i64,
) -> Result<Vec<Account>> {
    let sql = statements(status, verification).page;
    let mut accounts = Vec::new();
    for mut row in db.all(sql, &[limit.into(), offset.into()])? {
        accounts.extend(find_by_number(db, row.take()?)?);
    }
    Ok(accounts)
}

/// An index that finds the accounts of one filter.
pub(super) struct FilterIndex {
    pub(super) count: Sql,
    pub(super) few: Sql,
    pub(super) values: Vec<Value>,
}

macro_rules! counted {
    ($rest:literal) => {
        sql!(concat!("select count(*) from (select 1 from ", $rest, ") as few"))
    };
}

pub(super) fn indexes(query: &AccountListQuery) -> Vec<FilterIndex> {
    let (filter, mut found) = (&query.filter, Vec::new());
    if let Some(role) = &filter.role {
        found.push(FilterIndex {
            count: counted!("account_roles where role = $1 limit $2"),
            few: sql!(select!(
                "id in (select account_id from account_roles where role = $4 limit $5)"
            )),
            values: vec![role.into()],
        });
    }
    if let Some(provider) = &filter.provider {
        found.push(FilterIndex {
            count: counted!("identities where provider = $1 limit $2"),
            few: sql!(select!(
                "id in (select account_id from identities where provider = $4 limit $5)"
            )),
            values: vec![provider.into()],
        });
    }
    found.extend(filter.factor.and_then(factor_index));
    if let Some(status @ (Status::Pending | Status::Suspended | Status::Deleted)) = filter.status {
        let statements = statements(Some(status), query.verification);
        found.push(FilterIndex {
            count: statements.count,
            few: statements.few,
            values: Vec::new(),
        });
    }
    let range = |range: &TimeRange| {
        let from = range.from.map_or(i64::MIN, Time::millis);
        vec![from.into(), range.until.map_or(i64::MAX, Time::millis).into()]
    };
    if !filter.created.is_open() {
        found.push(FilterIndex {
            count: counted!("accounts where created_at >= $1 and created_at < $2 limit $3"),
            few: sql!(select!("created_at >= $4 and created_at < $5 limit $6")),
            values: range(&filter.created),
        });
    }
    if !filter.last_login.is_open() {
        let LoginFilter::Within(times) = filter.last_login else {
            found.push(login_index(vec![0.into(), 1.into()]));
            return found;
        };
        let from = times.from.unwrap_or(Time::from_millis(1));
        found.push(login_index(range(&TimeRange { from: Some(from), ..times })));
    }
    found
}

fn login_index(values: Vec<Value>) -> FilterIndex {
    FilterIndex {
        count: counted!(
            "accounts where coalesce(last_login_at, 0) >= $1 and coalesce(last_login_at, 0) < $2 limit $3"
        ),
        few: sql!(select!(
            "coalesce(last_login_at, 0) >= $4 and coalesce(last_login_at, 0) < $5 limit $6"
        )),
        values,
    }
}

fn factor_index(factor: FactorFilter) -> Option<FilterIndex> {
    let values = vec![factor.as_str().into()];
    match factor {
        FactorFilter::Without => None,
        FactorFilter::Totp | FactorFilter::Email | FactorFilter::Sms => Some(FilterIndex {
            count: counted!("factors where kind = $1 and confirmed_at is not null limit $2"),
            few: sql!(select!(
                "id in (select account_id from factors where kind = $4 and confirmed_at is not null limit $5)"
            )),
            values,
        }),
        FactorFilter::SecurityKey | FactorFilter::Passkey => Some(FilterIndex {
            count: counted!("passkeys where kind = $1 limit $2"),
            few: sql!(select!("id in (select account_id from passkeys where kind = $4 limit $5)")),
            values,
        }),
    }
}
