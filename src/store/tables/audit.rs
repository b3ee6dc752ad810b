//! The `audit` table. Each record is written in the transaction of the change that it describes.

use std::collections::{BTreeMap, BTreeSet};

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
        source.address.map(|address| address.to_canonical().to_string()).into(),
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
    /// How often a limit refused the same request; otherwise 1.
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

/// One statement for each direction, with an additional condition.
macro_rules! both_ways {
    ($first:literal, $downwards:expr) => {{
        const UP: Sql = sql!(concat!(
            "select ",
            columns!(),
            " from audit where ",
            $first,
            "($2 = '' or event = $2) and ($3 = '' or outcome = $3) and at >= $4 and at < $5 and id > $6 \
             order by id limit $7"
        ));
        const DOWN: Sql = sql!(concat!(
            "select ",
            columns!(),
            " from audit where ",
            $first,
            "($2 = '' or event = $2) and ($3 = '' or outcome = $3) and at >= $4 and at < $5 and id < $6 \
             order by id desc limit $7"
        ));
        if $downwards { DOWN } else { UP }
    }};
}

/// Returns at most `limit` records that match the filter.
pub fn page(
    db: &mut dyn Db,
    filter: &AuditFilter,
    from: &From,
    limit: i64,
) -> Result<Vec<AuditRow>> {
    // Ids contain only digits, letters and hyphens, so none sorts after a tilde.
    let (downwards, id) = match from {
        From::Newest => (true, "~"),
        From::Before(id) => (true, id.as_str()),
        From::After(id) => (false, id.as_str()),
    };
    let sql = match (&filter.account, &filter.event) {
        _ if filter.about.is_some() => both_ways!("account_id = $1 and ", downwards),
        (Some(_), _) => both_ways!("(account_id = $1 or actor = $1) and ", downwards),
        // With no narrower filter, the query uses the index on the event.
        (None, Some(_)) => both_ways!("$1 = '' and event = $2 and ", downwards),
        (None, None) => both_ways!("$1 = '' and ", downwards),
    };
    let rows = db.all(
        sql,
        &[
            filter.about.as_ref().or(filter.account.as_ref()).map_or("", AccountId::as_str).into(),
            filter.event.as_deref().unwrap_or("").into(),
            filter.outcome.as_deref().unwrap_or("").into(),
            filter.since.unwrap_or(Time::from_millis(i64::MIN)).into(),
            filter.until.unwrap_or(Time::from_millis(i64::MAX)).into(),
            id.into(),
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
    // The concatenation keeps the engine off the index on the event: it would scan every account's
    // logins, newest first, until it finds one of this account.
    let row = db.first(
        sql!(
            "select at from audit where account_id = $1 and event || '' = 'login' and outcome = 'refused' \
             order by id desc limit 1"
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
