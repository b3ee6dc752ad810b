//! The `apps` table: API clients that call with their own key.

use crate::error::{Error, Result};
use crate::model::Time;
use crate::model::app::{ApiClient, ApiClientKind};
use crate::sql;
use crate::store::db::{Db, Row};

fn read(mut row: Row) -> Result<ApiClient> {
    Ok(ApiClient {
        id: row.take()?,
        name: row.take()?,
        kind: {
            let word: String = row.take()?;
            ApiClientKind::parse(&word)
                .ok_or_else(|| Error::internal(format!("apps.kind is unknown: {word}")))?
        },
        created_at: row.take()?,
        rotated_at: row.take()?,
    })
}

/// Stores an API client with the digest of its key.
pub fn insert(db: &mut dyn Db, app: &ApiClient, key_hash: &[u8; 32]) -> Result<()> {
    db.run(
        sql!("insert into apps (id, name, kind, key_hash, created_at, rotated_at) values ($1, $2, $3, $4, $5, $6)"),
        &[
            (&app.id).into(),
            (&app.name).into(),
            app.kind.as_str().into(),
            key_hash.into(),
            app.created_at.into(),
            app.rotated_at.into(),
        ],
    )?;
    Ok(())
}

/// Lists all API clients, oldest first.
pub fn list(db: &mut dyn Db) -> Result<Vec<ApiClient>> {
    let rows = db.all(
        sql!("select id, name, kind, created_at, rotated_at from apps order by created_at, id"),
        &[],
    )?;
    rows.into_iter().map(read).collect()
}

/// Finds the API client with this id.
pub fn find(db: &mut dyn Db, id: &str) -> Result<Option<ApiClient>> {
    db.first(
        sql!("select id, name, kind, created_at, rotated_at from apps where id = $1"),
        &[id.into()],
    )?
    .map(read)
    .transpose()
}

/// Finds the key digest of an API client.
pub fn key_hash(db: &mut dyn Db, id: &str) -> Result<Option<Vec<u8>>> {
    db.first(sql!("select key_hash from apps where id = $1"), &[id.into()])?
        .map(|mut row| row.take())
        .transpose()
}

/// Finds the API client whose key has this digest.
pub fn find_by_key(db: &mut dyn Db, key_hash: &[u8; 32]) -> Result<Option<ApiClient>> {
    db.first(
        sql!("select id, name, kind, created_at, rotated_at from apps where key_hash = $1"),
        &[key_hash.into()],
    )?
    .map(read)
    .transpose()
}

/// Replaces the key of an API client. Returns false if there is none with this id.
pub fn rotate(db: &mut dyn Db, id: &str, key_hash: &[u8; 32], now: Time) -> Result<bool> {
    let changed = db.run(
        sql!("update apps set key_hash = $1, rotated_at = $2 where id = $3"),
        &[key_hash.into(), now.into(), id.into()],
    )?;
    Ok(changed == 1)
}

/// Deletes an API client. Returns false if there is none with this id.
pub fn delete(db: &mut dyn Db, id: &str) -> Result<bool> {
    Ok(db.run(sql!("delete from apps where id = $1"), &[id.into()])? == 1)
}
