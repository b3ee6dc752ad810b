//! What backups need of the database: what a copy contains, what ends when a copy is put back, and
//! which scheduled backups were made.
//!
//! A copy may have an older schema. Its statements use only tables and columns that every version has.

use crate::error::Result;
use crate::model::event::What;
use crate::model::session::SessionEnd;
use crate::model::{EventOutcome, Time};
use crate::sql;
use crate::store::db::Db;

/// The fact that holds when the last backup was made.
const LAST: &str = "last_backup";
/// The fact that holds since when backups are scheduled.
const SCHEDULED: &str = "backups_scheduled";

/// Who made a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupMaker {
    Schedule,
    Administrator,
}

impl BackupMaker {
    /// The fact that lists the backups, one file name a line, oldest first.
    fn fact(self) -> &'static str {
        match self {
            Self::Schedule => "backups",
            Self::Administrator => "backups_by_hand",
        }
    }
}

/// How many accounts a copy has, and when its newest audit record was written.
pub fn contents(db: &mut dyn Db) -> Result<(i64, Option<Time>)> {
    let accounts = number(db, sql!("select count(*) from accounts where deleted_at is null"))?;
    let newest = db.first(sql!("select max(at) from audit"), &[])?;
    Ok((accounts, newest.map_or(Ok(None), |mut row| row.take())?))
}

/// The sealed keys of a copy: each with its algorithm, or with the version of a refresh key.
pub fn sealed_keys(db: &mut dyn Db) -> Result<SealedKeys> {
    let signing = db.all(sql!("select id, algorithm, sealed from signing_keys"), &[])?;
    let refresh = db.all(sql!("select version, sealed from refresh_keys"), &[])?;
    Ok(SealedKeys {
        signing: signing
            .into_iter()
            .map(|mut row| Ok((row.take()?, row.take()?, row.take()?)))
            .collect::<Result<_>>()?,
        refresh: refresh
            .into_iter()
            .map(|mut row| Ok((row.take()?, row.take()?)))
            .collect::<Result<_>>()?,
    })
}

/// Keys as they are stored.
pub struct SealedKeys {
    /// Id, algorithm and sealed private key.
    pub signing: Vec<(String, String, Vec<u8>)>,
    /// Version and sealed key.
    pub refresh: Vec<(i64, Vec<u8>)>,
}

/// How much ended when a copy was put back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EndedGrants {
    pub sessions: u64,
    pub links: u64,
    /// Codes, and logins that waited for one.
    pub codes: u64,
    /// Messages that were not delivered yet.
    pub messages: u64,
}

/// Ends everything in a copy of any schema version that gives access by itself, and drops what waits
/// to be delivered: it may have been ended, used or delivered since the copy was made. Links with
/// which an owner takes back what an intruder did give no access, and the copy may hold just that:
/// they stay.
pub fn end_grants(db: &mut dyn Db, now: Time) -> Result<EndedGrants> {
    let sessions = db.run(
        sql!("update sessions set ended_at = $1, end_reason = $2 where ended_at is null"),
        &[now.into(), SessionEnd::Restored.as_str().into()],
    )?;
    let links = db.run(
        sql!("update links set spent_at = $1 where spent_at is null and purpose <> 'undo_email'"),
        &[now.into()],
    )?;
    let mut codes = db.run(sql!("delete from codes where spent_at is null"), &[])?;
    codes += db.run(sql!("delete from challenges where spent_at is null"), &[])?;
    let messages = db.run(
        sql!(
            "update outbox set state = 'dropped', sealed = null, finished_at = $1 \
             where state in ('requested', 'waiting')"
        ),
        &[now.into()],
    )?;
    Ok(EndedGrants { sessions, links, codes, messages })
}

/// Records in a copy of any schema version that it was put back after an upgrade.
pub fn record_rollback(db: &mut dyn Db, id: &str, now: Time, detail: &str) -> Result<()> {
    db.run(
        sql!(
            "insert into audit (id, at, event, outcome, actor, detail) values ($1, $2, $3, $4, 'cli', $5)"
        ),
        &[
            id.into(),
            now.into(),
            What::UpgradeRolledBack.as_str().into(),
            EventOutcome::Done.as_str().into(),
            detail.into(),
        ],
    )?;
    Ok(())
}

/// When the last backup was made, and since when backups are scheduled.
pub fn times(db: &mut dyn Db) -> Result<(Option<Time>, Option<Time>)> {
    Ok((time(db, LAST)?, time(db, SCHEDULED)?))
}

/// Records that a backup was made.
pub fn set_last(db: &mut dyn Db, at: Time) -> Result<()> {
    db.run(
        sql!(
            "insert into instance (name, number) values ($1, $2) \
             on conflict (name) do update set number = excluded.number"
        ),
        &[LAST.into(), at.into()],
    )?;
    Ok(())
}

/// Records that backups are scheduled from now on, unless they were already.
pub fn set_scheduled(db: &mut dyn Db, now: Time) -> Result<()> {
    db.run(
        sql!("insert into instance (name, number) values ($1, $2) on conflict (name) do nothing"),
        &[SCHEDULED.into(), now.into()],
    )?;
    Ok(())
}

/// The names of the backups that exist, oldest first.
pub fn made(db: &mut dyn Db, maker: BackupMaker) -> Result<Vec<String>> {
    let names = super::instance::text(db, maker.fact())?.unwrap_or_default();
    Ok(names.lines().map(str::to_owned).collect())
}

/// Replaces the list of backups.
pub fn set_made(db: &mut dyn Db, maker: BackupMaker, names: &[String]) -> Result<()> {
    db.run(
        sql!(
            "insert into instance (name, text_value) values ($1, $2) \
             on conflict (name) do update set text_value = excluded.text_value"
        ),
        &[maker.fact().into(), names.join("\n").into()],
    )?;
    Ok(())
}

fn time(db: &mut dyn Db, name: &str) -> Result<Option<Time>> {
    let row = db.first(sql!("select number from instance where name = $1"), &[name.into()])?;
    row.map_or(Ok(None), |mut row| row.take())
}

fn number(db: &mut dyn Db, sql: crate::store::db::Sql) -> Result<i64> {
    db.first(sql, &[])?.map_or(Ok(0), |mut row| row.take())
}
