//! The tables of uploaded files, and the quotas that they count against.

use crate::error::{Error, Result};
use crate::model::{AccountId, Time};
use crate::sql;
use crate::store::db::{Db, Row, Value};

/// A completely uploaded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    pub id: String,
    /// The name that the owner gave it.
    pub name: String,
    /// The media type, detected from the content.
    pub kind: String,
    pub size: i64,
    /// When the last piece arrived.
    pub uploaded_at: Time,
}

/// How much of a quota is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// The number of counted uploads.
    pub uploaded: i64,
    /// The account's own limit, if it has one.
    pub own_limit: Option<i64>,
}

/// Starts an upload. The file stays invisible until it is complete.
pub fn begin(db: &mut dyn Db, id: &str, account: &AccountId, name: &str, now: Time) -> Result<()> {
    db.run(
        sql!("insert into files (id, account_id, name, type, size, created_at) values ($1, $2, $3, '', 0, $4)"),
        &[id.into(), account.as_str().into(), name.into(), now.into()],
    )?;
    Ok(())
}

/// The result of adding a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    Kept,
    /// The file was deleted in the meantime.
    Gone,
    /// The total size of all files would exceed the maximum.
    Full,
}

/// How many bytes all files may have together, including unfinished ones.
#[derive(Debug, Clone, Copy)]
pub struct SpaceLimits {
    pub total: i64,
    /// For the files of accounts with an unverified address, if the account in question is one.
    pub unproved: Option<i64>,
}

/// Whether this many more bytes stay within the limits.
pub fn has_space(db: &mut dyn Db, limits: SpaceLimits, more: i64) -> Result<bool> {
    let fits = |taken: i64, most: i64| taken.saturating_add(more) <= most;
    if !fits(total_size(db)?, limits.total) {
        return Ok(false);
    }
    match limits.unproved {
        Some(most) => Ok(fits(unproved_size(db)?, most)),
        None => Ok(true),
    }
}

/// Adds a piece if there is space for it.
pub fn add_piece(
    db: &mut dyn Db,
    id: &str,
    position: i64,
    bytes: &[u8],
    limits: SpaceLimits,
) -> Result<Added> {
    // Locks a row that all uploads share, for an engine that could count two uploads at once.
    db.run(
        sql!(
            "insert into instance (name, number) values ('files', 0) \
             on conflict (name) do update set number = instance.number"
        ),
        &[],
    )?;
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    if !has_space(db, limits, size)? {
        return Ok(Added::Full);
    }
    let grown = db.run(
        sql!("update files set size = size + $1 where id = $2 and complete_at is null"),
        &[size.into(), id.into()],
    )?;
    if grown == 0 {
        return Ok(Added::Gone);
    }
    db.run(
        sql!("insert into file_pieces (file_id, position, bytes) values ($1, $2, $3)"),
        &[id.into(), position.into(), bytes.into()],
    )?;
    Ok(Added::Kept)
}

/// Makes a file visible and returns its size. Returns `None` if the file was deleted in the
/// meantime.
pub fn complete(db: &mut dyn Db, id: &str, kind: &str, now: Time) -> Result<Option<i64>> {
    let row = db.first(
        sql!("update files set type = $1, complete_at = $2 where id = $3 and complete_at is null returning size"),
        &[kind.into(), now.into(), id.into()],
    )?;
    row.map(|mut row| row.take()).transpose()
}

/// Deletes a file that is not complete.
pub fn abandon(db: &mut dyn Db, id: &str) -> Result<()> {
    db.run(sql!("delete from files where id = $1 and complete_at is null"), &[id.into()])?;
    Ok(())
}

/// The total size in bytes of all files, including unfinished ones.
pub fn total_size(db: &mut dyn Db) -> Result<i64> {
    let row = db.first(sql!("select cast(coalesce(sum(size), 0) as bigint) from files"), &[])?;
    row.ok_or_else(|| Error::internal("the sum of file sizes returned no row"))?.take()
}

/// The total size in bytes of the files of accounts with an unverified address.
fn unproved_size(db: &mut dyn Db) -> Result<i64> {
    let row = db.first(
        sql!(
            "select cast(coalesce(sum(files.size), 0) as bigint) from files \
             join accounts on accounts.id = files.account_id where accounts.email_verified_at is null"
        ),
        &[],
    )?;
    row.ok_or_else(|| Error::internal("the sum of file sizes returned no row"))?.take()
}

fn read(mut row: Row) -> Result<FileRow> {
    Ok(FileRow {
        id: row.take()?,
        name: row.take()?,
        kind: row.take()?,
        size: row.take()?,
        uploaded_at: row.take()?,
    })
}

/// Lists the account's files, newest first.
pub fn list(db: &mut dyn Db, account: &AccountId) -> Result<Vec<FileRow>> {
    let rows = db.all(
        sql!(
            "select id, name, type, size, complete_at from files where account_id = $1 and complete_at is not null \
             order by complete_at desc, id desc"
        ),
        &[account.as_str().into()],
    )?;
    rows.into_iter().map(read).collect()
}

/// Finds one of the account's files.
pub fn find(db: &mut dyn Db, account: &AccountId, id: &str) -> Result<Option<FileRow>> {
    let row = db.first(
        sql!(
            "select id, name, type, size, complete_at from files \
             where id = $1 and account_id = $2 and complete_at is not null"
        ),
        &[id.into(), account.as_str().into()],
    )?;
    row.map(read).transpose()
}

/// Reads `count` bytes of a piece of a file, from `start` on; `None` if there is no such piece.
pub fn part_of_piece(
    db: &mut dyn Db,
    id: &str,
    position: i64,
    (start, count): (i64, i64),
) -> Result<Option<Vec<u8>>> {
    let row = db.first(
        sql!(
            "select substr(bytes, cast($1 as integer) + 1, cast($2 as integer)) from file_pieces \
             where file_id = $3 and position = $4"
        ),
        &[start.into(), count.into(), id.into(), position.into()],
    )?;
    row.map(|mut row| row.take()).transpose()
}

/// Deletes one of the account's files. Returns false if there is none.
pub fn delete(db: &mut dyn Db, account: &AccountId, id: &str) -> Result<bool> {
    let gone = db.run(
        sql!("delete from files where id = $1 and account_id = $2 and complete_at is not null"),
        &[id.into(), account.as_str().into()],
    )?;
    Ok(gone == 1)
}

/// The number and total size in bytes of the account's files.
pub fn sums(db: &mut dyn Db, account: &AccountId) -> Result<(i64, i64)> {
    let row = db.first(
        sql!(
            "select count(*), cast(coalesce(sum(size), 0) as bigint) from files \
             where account_id = $1 and complete_at is not null"
        ),
        &[account.as_str().into()],
    )?;
    let mut row = row.ok_or_else(|| Error::internal("the count of files returned no row"))?;
    Ok((row.take()?, row.take()?))
}

/// Deletes up to `limit` abandoned uploads and returns how many it deleted.
pub fn purge_unfinished(db: &mut dyn Db, begun_before: Time, limit: i64) -> Result<u64> {
    db.run(
        sql!(
            "delete from files where id in (select id from files where complete_at is null and created_at <= $1 \
             order by created_at limit $2)"
        ),
        &[begun_before.into(), limit.into()],
    )
}

/// The account's usage of its quota.
pub fn used(db: &mut dyn Db, account: &AccountId) -> Result<Option<Used>> {
    let row = db.first(
        sql!(
            "select files_uploaded, upload_limit from accounts where id = $1 and deleted_at is null"
        ),
        &[account.as_str().into()],
    )?;
    row.map(|mut row| Ok(Used { uploaded: row.take()?, own_limit: row.take()? })).transpose()
}

/// Counts one upload. Returns `None` if the quota is used up or there is no such account.
pub fn count_one(db: &mut dyn Db, account: &AccountId, limit: i64) -> Result<Option<Used>> {
    let row = db.first(
        sql!(
            "update accounts set files_uploaded = files_uploaded + 1 \
             where id = $1 and deleted_at is null and files_uploaded < coalesce(upload_limit, cast($2 as bigint)) \
             returning files_uploaded, upload_limit"
        ),
        &[account.as_str().into(), limit.into()],
    )?;
    row.map(|mut row| Ok(Used { uploaded: row.take()?, own_limit: row.take()? })).transpose()
}

/// New values for a quota: `None` leaves a value unchanged.
#[derive(Debug, Clone, Copy, Default)]
pub struct QuotaChange {
    /// The account's own limit; `Some(None)` restores the configured one.
    pub limit: Option<Option<i64>>,
    /// The number of uploads that count as used.
    pub uploaded: Option<i64>,
}

/// Changes an account's quota. Returns false if there is no such account.
pub fn set_quota(
    db: &mut dyn Db,
    account: &AccountId,
    change: QuotaChange,
    now: Time,
) -> Result<bool> {
    let changed = db.run(
        sql!(
            "update accounts set \
             upload_limit = case when cast($1 as bigint) = 1 then cast($2 as bigint) else upload_limit end, \
             files_uploaded = coalesce(cast($3 as bigint), files_uploaded), updated_at = $4 \
             where id = $5 and deleted_at is null"
        ),
        &[
            i64::from(change.limit.is_some()).into(),
            change.limit.flatten().map_or(Value::Null, Value::Int),
            change.uploaded.into(),
            now.into(),
            account.as_str().into(),
        ],
    )?;
    Ok(changed == 1)
}
