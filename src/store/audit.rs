//! The `audit` table: written in the transaction of the change that a record speaks of.

use super::db::{Db, Row};
use crate::error::Result;
use crate::model::{Event, Source, Time};
use crate::sql;

/// Writes one record.
///
/// # Errors
/// What the database says.
pub fn insert(db: &mut dyn Db, id: &str, at: Time, event: &Event, source: &Source) -> Result<()> {
    db.run(
        sql!(
            "insert into audit (id, at, event, outcome, account_id, session_id, actor, client, user_agent, request_id, \
             detail) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        ),
        &[
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
        ],
    )?;
    Ok(())
}

/// A record as it is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What happened.
    pub event: String,
    /// `done` or `refused`.
    pub outcome: String,
    /// Whose account it is about.
    pub account_id: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// From where.
    pub client: Option<String>,
    /// One word or figure more.
    pub detail: Option<String>,
}

/// All records in order, oldest first, at most `limit`.
///
/// # Errors
/// What the database says.
pub fn list(db: &mut dyn Db, limit: i64) -> Result<Vec<Record>> {
    let rows = db.all(
        sql!("select event, outcome, account_id, actor, client, detail from audit order by id limit $1"),
        &[limit.into()],
    )?;
    let record = |mut row: Row| {
        Ok(Record {
            event: row.take()?,
            outcome: row.take()?,
            account_id: row.take()?,
            actor: row.take()?,
            client: row.take()?,
            detail: row.take()?,
        })
    };
    rows.into_iter().map(record).collect()
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
