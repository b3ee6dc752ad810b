//! The `audit` table: written in the transaction of the change that a record speaks of.

use super::db::{Db, Row, Sql, Value};
use crate::error::Result;
use crate::model::{AccountId, Event, Source, Time};
use crate::sql;

/// Writes one record.
///
/// # Errors
/// What the database says.
pub fn insert(db: &mut dyn Db, id: &str, at: Time, event: &Event, source: &Source) -> Result<()> {
    insert_counted(db, id, at, event, source, 1)
}

/// Writes one record of what happened so often; nothing where it is written already.
///
/// # Errors
/// What the database says.
pub fn insert_counted(db: &mut dyn Db, id: &str, at: Time, event: &Event, source: &Source, times: i64) -> Result<()> {
    db.run(
        sql!(
            "insert into audit (id, at, event, outcome, account_id, session_id, actor, client, user_agent, request_id, \
             detail, times) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict (id) do nothing"
        ),
        &values(id, at, event, source, times),
    )?;
    Ok(())
}

/// Writes the one record of something that goes on over many writes: each tells its detail anew.
///
/// # Errors
/// What the database says.
pub fn keep(db: &mut dyn Db, id: &str, at: Time, event: &Event, source: &Source) -> Result<()> {
    db.run(
        sql!(
            "insert into audit (id, at, event, outcome, account_id, session_id, actor, client, user_agent, request_id, \
             detail, times) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
             on conflict (id) do update set detail = excluded.detail"
        ),
        &values(id, at, event, source, 1),
    )?;
    Ok(())
}

fn values(id: &str, at: Time, event: &Event, source: &Source, times: i64) -> [Value; 12] {
    [
        id.into(),
        at.into(),
        event.what.as_str().into(),
        event.outcome.as_str().into(),
        event.account.as_ref().map(super::super::model::id::AccountId::as_str).into(),
        event.session.as_ref().map(super::super::model::id::SessionId::as_str).into(),
        event.actor.as_deref().into(),
        source.address.map(|address| address.to_canonical().to_string()).into(),
        source.user_agent.as_deref().into(),
        source.request_id.as_deref().into(),
        event.detail.as_deref().into(),
        times.into(),
    ]
}

/// A record as it is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its id; later ones sort later.
    pub id: String,
    /// When.
    pub at: Time,
    /// What happened.
    pub event: String,
    /// `done` or `refused`.
    pub outcome: String,
    /// Whose account it is about.
    pub account_id: Option<String>,
    /// Whose session it is about.
    pub session_id: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// From where.
    pub client: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// One word or figure more.
    pub detail: Option<String>,
    /// How often, where a limit refused; else once.
    pub times: i64,
}

macro_rules! columns {
    () => {
        "id, at, event, outcome, account_id, session_id, actor, client, user_agent, request_id, detail, times"
    };
}

fn read(mut row: Row) -> Result<Record> {
    Ok(Record {
        id: row.take()?,
        at: row.take()?,
        event: row.take()?,
        outcome: row.take()?,
        account_id: row.take()?,
        session_id: row.take()?,
        actor: row.take()?,
        client: row.take()?,
        user_agent: row.take()?,
        request_id: row.take()?,
        detail: row.take()?,
        times: row.take()?,
    })
}

/// Which records are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// About this account.
    pub about: Option<AccountId>,
    /// About this account, or done by it.
    pub account: Option<AccountId>,
    /// Only this event.
    pub event: Option<String>,
    /// Only this outcome.
    pub outcome: Option<String>,
    /// Not before this.
    pub since: Option<Time>,
    /// Before this.
    pub until: Option<Time>,
}

/// In which direction and from where records are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// The newest first.
    Newest,
    /// The newest first, from before this id.
    Before(String),
    /// The oldest first, from after this id; an empty one begins at the beginning.
    After(String),
}

/// A statement in both directions, with one more condition.
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

/// Records that fit, at most `limit`.
///
/// # Errors
/// What the database says.
pub fn page(db: &mut dyn Db, filter: &Filter, from: &From, limit: i64) -> Result<Vec<Record>> {
    // No id sorts after a tilde: ids are digits, letters and hyphens.
    let (downwards, id) = match from {
        From::Newest => (true, "~"),
        From::Before(id) => (true, id.as_str()),
        From::After(id) => (false, id.as_str()),
    };
    let sql = match (&filter.account, &filter.event) {
        _ if filter.about.is_some() => both_ways!("account_id = $1 and ", downwards),
        (Some(_), _) => both_ways!("(account_id = $1 or actor = $1) and ", downwards),
        // The event's own index, where nothing else narrows it down.
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

/// When a login to this account last failed.
///
/// # Errors
/// What the database says.
pub fn last_failed_login(db: &mut dyn Db, account: &AccountId) -> Result<Option<Time>> {
    // The sum keeps an engine from walking everybody's logins, newest first, until one of this account comes.
    let row = db.first(
        sql!(
            "select at from audit where account_id = $1 and event || '' = 'login' and outcome = 'refused' \
             order by id desc limit 1"
        ),
        &[account.as_str().into()],
    )?;
    row.map(|mut row| row.take()).transpose()
}

/// Forgets, a few at a time, records that are old enough; says how many.
///
/// # Errors
/// What the database says.
pub fn purge(db: &mut dyn Db, before: Time, limit: i64) -> Result<u64> {
    db.run(
        sql!("delete from audit where id in (select id from audit where at <= $1 order by at limit $2)"),
        &[before.into(), limit.into()],
    )
}
