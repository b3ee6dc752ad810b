//! The `audit` table. Each record is written in the transaction of the change that it describes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::error::Result;
use crate::model::{AccountId, Event, Source, Time};
use crate::sql;
use crate::store::db::{Db, Row, Sql, Value};

/// Writes one record.
pub fn insert(db: &mut dyn Db, id: &str, at: Time, event: &Event, source: &Source) -> Result<()> {
    insert_counted(db, id, at, event, source, 1)
}

/// Writes one record for an event that occurred several times. Does nothing if the record exists.
pub fn insert_counted(
    db: &mut dyn Db,
    id: &str,
    at: Time,
    event: &Event,
    source: &Source,
    count: i64,
) -> Result<()> {
    db.run(
        sql!(
            "insert into audit (id, at, event, outcome, account_id, session_id, actor, client_ip, user_agent, request_id, \
             detail, count, reason) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (id) do nothing"
        ),
        &values(id, at, event, source, count),
    )?;
    Ok(())
}

/// Counts another refusal in the record of the same one since this time: of this account, with this
/// detail, from this client IP. Returns false if there is none.
pub fn count_refusal(db: &mut dyn Db, since: Time, event: &Event, source: &Source) -> Result<bool> {
    let counted = db.run(
        sql!(
            "update audit set count = count + 1 where id = (select id from audit where account_id = $1 \
             and event || '' = $2 and outcome || '' = $3 and coalesce(client_ip, '') = $4 and at >= $5 and id >= $6 \
             and coalesce(detail, '') = $7 order by id desc limit 1)"
        ),
        &[&kind(since, event, source)[..], &[event.detail.as_deref().unwrap_or_default().into()]]
            .concat(),
    )?;
    Ok(counted > 0)
}

/// Counts another event in a record of the same kind since this time, if there are so many: of this account,
/// from this client IP. Returns false if there are fewer.
pub fn count_frequent(
    db: &mut dyn Db,
    since: Time,
    event: &Event,
    source: &Source,
    many: i64,
) -> Result<bool> {
    let counted = db.run(
        sql!(
            "update audit set count = count + 1 where id = (select id from audit where account_id = $1 \
             and event || '' = $2 and outcome || '' = $3 and coalesce(client_ip, '') = $4 and at >= $5 and id >= $6 \
             order by id desc limit 1 offset $7)"
        ),
        &[&kind(since, event, source)[..], &[(many - 1).into()]].concat(),
    )?;
    Ok(counted > 0)
}

/// The values by which the recent records of one kind are found.
fn kind(since: Time, event: &Event, source: &Source) -> [Value; 6] {
    [
        event.account.as_ref().map(crate::model::id::AccountId::as_str).into(),
        event.what.as_str().into(),
        event.outcome.as_str().into(),
        client_ip(source).unwrap_or_default().into(),
        since.into(),
        first_id(since - SLACK).into(),
    ]
}

fn client_ip(source: &Source) -> Option<String> {
    source.address.map(|address| address.to_canonical().to_string())
}

/// How much earlier the id of a record may be than its time.
const SLACK: Duration = Duration::from_mins(1);

/// Writes the single record of an action that spans several writes. Each call updates its detail.
pub fn keep(db: &mut dyn Db, id: &str, at: Time, event: &Event, source: &Source) -> Result<()> {
    db.run(
        sql!(
            "insert into audit (id, at, event, outcome, account_id, session_id, actor, client_ip, user_agent, request_id, \
             detail, count, reason) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
             on conflict (id) do update set detail = excluded.detail"
        ),
        &values(id, at, event, source, 1),
    )?;
    Ok(())
}

fn values(id: &str, at: Time, event: &Event, source: &Source, count: i64) -> [Value; 13] {
    [
        id.into(),
        at.into(),
        event.what.as_str().into(),
        event.outcome.as_str().into(),
        event.account.as_ref().map(crate::model::id::AccountId::as_str).into(),
        event.session.as_ref().map(crate::model::id::SessionId::as_str).into(),
        event.actor.as_deref().into(),
        client_ip(source).into(),
        source.user_agent.as_deref().into(),
        source.request_id.as_deref().into(),
        event.detail.as_deref().into(),
        count.into(),
        source.reason.as_deref().into(),
    ]
}

/// A record read from the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Sorts by time.
    pub id: String,
    pub at: Time,
    pub event: String,
    /// `done` or `refused`.
    pub outcome: String,
    pub account_id: Option<String>,
    pub session_id: Option<String>,
    pub actor: Option<String>,
    pub client_ip: Option<String>,
    pub user_agent: Option<String>,
    pub request_id: Option<String>,
    /// A short detail, such as a reason, a role or a number.
    pub detail: Option<String>,
    /// How often the same request was refused within a minute; otherwise 1.
    pub count: i64,
    /// Why an administrator did it, in their words.
    pub reason: Option<String>,
}

macro_rules! columns {
    () => {
        "id, at, event, outcome, account_id, session_id, actor, client_ip, user_agent, request_id, detail, count, reason"
    };
}

fn read(mut row: Row) -> Result<AuditRow> {
    Ok(AuditRow {
        id: row.take()?,
        at: row.take()?,
        event: row.take()?,
        outcome: row.take()?,
        account_id: row.take()?,
        session_id: row.take()?,
        actor: row.take()?,
        client_ip: row.take()?,
        user_agent: row.take()?,
        request_id: row.take()?,
        detail: row.take()?,
        count: row.take()?,
        reason: row.take()?,
    })
}

/// Which records to return.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only records about this account.
    pub about: Option<AccountId>,
    /// Only records about this account or with this account as the actor.
    pub account: Option<AccountId>,
    pub event: Option<String>,
    pub outcome: Option<String>,
    /// Inclusive.
    pub since: Option<Time>,
    /// Exclusive.
    pub until: Option<Time>,
}

/// The direction and the start of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// Newest first.
    Newest,
    /// Newest first, from before this id.
    Before(String),
    /// Oldest first, from after this id; an empty id starts at the first record.
    After(String),
}

/// The records of a page, with an additional condition. The times are a range of ids too, so that a page
/// is read in the order of the ids and not sorted.
macro_rules! selected {
    ($first:literal, $range:literal) => {
        concat!(
            "select ",
            columns!(),
            " from audit where ",
            $first,
            "($2 = '' or event = $2) and ($3 = '' or outcome = $3) and +at >= $4 and +at < $5 and ",
            $range
        )
    };
}

/// One statement for each direction. With two conditions, the records of both are merged.
macro_rules! both_ways {
    ($downwards:expr, $($first:literal),+) => {{
        const UP: Sql = sql!(concat!(
            joined!($(selected!($first, "id > $6 and id < $7")),+),
            " order by id limit $8"
        ));
        const DOWN: Sql = sql!(concat!(
            joined!($(selected!($first, "id < $6 and id > $7")),+),
            " order by id desc limit $8"
        ));
        if $downwards { DOWN } else { UP }
    }};
}

macro_rules! joined {
    ($one:expr) => {
        $one
    };
    ($one:expr, $other:expr) => {
        concat!($one, " union all ", $other)
    };
}

/// The statement for a page. Each but the last is read through an index that has no other records.
fn page_sql(filter: &AuditFilter, downwards: bool) -> Sql {
    match (&filter.account, &filter.event, &filter.outcome) {
        _ if filter.about.is_some() => both_ways!(downwards, "account_id = $1 and "),
        (Some(_), ..) => both_ways!(downwards, "(account_id = $1 or actor = $1) and "),
        (None, Some(_), Some(_)) => {
            both_ways!(downwards, "$1 = '' and event = $2 and outcome = $3 and ")
        }
        (None, Some(_), None) => both_ways!(
            downwards,
            "$1 = '' and event = $2 and outcome = 'done' and ",
            "$1 = '' and event = $2 and outcome = 'refused' and "
        ),
        (None, None, Some(_)) => both_ways!(downwards, "$1 = '' and $2 = '' and outcome = $3 and "),
        (None, None, None) => both_ways!(downwards, "$1 = '' and "),
    }
}

/// How far the time in an id may be from that of its record.
const DRIFT: Duration = Duration::from_hours(1);

/// What all ids of this time and later begin with or sort after (RFC 9562, section 5.7).
fn first_id(at: Time) -> String {
    let millis = at.millis().clamp(0, (1 << 48) - 1);
    format!("{:08x}-{:04x}", millis >> 16, millis & 0xffff)
}

/// A lower bound for the ids of records that were made at most this long before the record with this id.
/// It is empty, and so below every id, if this is not the id of a record.
#[must_use]
pub fn first_before(id: &str, span: Duration) -> String {
    let digits: String = id.chars().filter(|digit| *digit != '-').take(12).collect();
    let made = i64::from_str_radix(&digits, 16).map(Time::from_millis);
    made.map_or_else(|_| String::new(), |made| first_id(made - span))
}

/// Returns at most `limit` records that match the filter.
pub fn page(
    db: &mut dyn Db,
    filter: &AuditFilter,
    from: &From,
    limit: i64,
) -> Result<Vec<AuditRow>> {
    // Ids contain only digits, letters and hyphens, so none sorts after a tilde.
    let first = filter.since.map_or(String::new(), |since| first_id(since - DRIFT));
    let last = filter.until.map_or("~".to_owned(), |until| first_id(until + DRIFT));
    let (downwards, id, other) = match from {
        From::Newest => (true, last, first),
        From::Before(id) => (true, last.min(id.clone()), first),
        From::After(id) => (false, first.max(id.clone()), last),
    };
    let sql = page_sql(filter, downwards);
    let rows = db.all(
        sql,
        &[
            filter.about.as_ref().or(filter.account.as_ref()).map_or("", AccountId::as_str).into(),
            filter.event.as_deref().unwrap_or("").into(),
            filter.outcome.as_deref().unwrap_or("").into(),
            filter.since.unwrap_or(Time::from_millis(i64::MIN)).into(),
            filter.until.unwrap_or(Time::from_millis(i64::MAX)).into(),
            id.into(),
            other.into(),
            limit.into(),
        ],
    )?;
    rows.into_iter().map(read).collect()
}

/// The e-mail addresses of these accounts, by id. Deleted and unknown accounts are left out.
pub fn addresses(db: &mut dyn Db, ids: &BTreeSet<String>) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for id in ids {
        let row = db.first(
            sql!("select email from accounts where id = $1 and deleted_at is null and email is not null"),
            &[id.as_str().into()],
        )?;
        if let Some(mut row) = row {
            found.insert(id.clone(), row.take()?);
        }
    }
    Ok(found)
}

/// When a login to this account last failed.
pub fn last_failed_login(db: &mut dyn Db, account: &AccountId) -> Result<Option<Time>> {
    // The concatenations keep the engine off the indexes on event and outcome: it would scan every
    // account's logins, newest first, until it finds one of this account.
    let row = db.first(
        sql!(
            "select at from audit where account_id = $1 and event || '' = 'login' \
             and outcome || '' = 'refused' order by id desc limit 1"
        ),
        &[account.as_str().into()],
    )?;
    row.map(|mut row| row.take()).transpose()
}

/// Deletes up to `limit` records older than `before` and returns how many it deleted.
pub fn purge(db: &mut dyn Db, before: Time, limit: i64) -> Result<u64> {
    db.run(
        sql!("delete from audit where id in (select id from audit where at <= $1 order by at limit $2)"),
        &[before.into(), limit.into()],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tables::keys::fixture::TestDb;

    /// Records are read in the order of their ids, with every filter and at every length of the table.
    #[test]
    fn a_page_sorts_nothing() {
        let mut db = TestDb::new();
        let event = AuditFilter { event: Some("login".to_owned()), ..AuditFilter::default() };
        let refused = Some("refused".to_owned());
        let outcome = AuditFilter { outcome: refused.clone(), ..AuditFilter::default() };
        let both = AuditFilter { outcome: refused, ..event.clone() };
        let about = AuditFilter { about: Some(AccountId::new("ada")), ..AuditFilter::default() };
        for (filter, index) in [
            (AuditFilter::default(), "sqlite_autoindex_audit_1 (id<? AND id>?)"),
            (event, "audit_event (event=? AND outcome=? AND id<? AND id>?)"),
            (both, "audit_event (event=? AND outcome=? AND id<? AND id>?)"),
            (outcome, "audit_outcome (outcome=? AND id<? AND id>?)"),
            (about, "audit_account (account_id=? AND id<? AND id>?)"),
        ] {
            let sql = page_sql(&filter, true);
            let explained: &'static str = format!("explain query plan {}", sql.text()).leak();
            let values: [Value; 8] = std::array::from_fn(|_| "".into());
            let mut plan = Vec::new();
            for mut row in db.all(Sql::checked(explained), &values).unwrap() {
                let _: (i64, i64, i64) =
                    (row.take().unwrap(), row.take().unwrap(), row.take().unwrap());
                plan.push(row.take::<String>().unwrap());
            }
            let plan = plan.join("; ");
            let is_ordered = plan.replace("id>? AND id<?", "id<? AND id>?").contains(index);
            assert!(is_ordered && !plan.contains("TEMP B-TREE"), "{plan}\n{}", sql.text());
        }
    }

    #[test]
    fn the_first_id_of_a_time_sorts_before_all_of_that_time() {
        assert_eq!(first_id(Time::from_millis(0x0187_6543_210f)), "01876543-210f");
        assert_eq!(first_id(Time::from_millis(i64::MAX)), "ffffffff-ffff");
        assert_eq!(first_id(Time::from_millis(i64::MIN)), "00000000-0000");
    }
}
