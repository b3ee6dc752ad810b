//! The `providers` table: providers that a command or the API added.

use crate::error::Result;
use crate::model::Time;
use crate::sql;
use crate::store::db::{Db, Row};

/// A provider as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderRow {
    pub name: String,
    /// JSON, without secrets.
    pub settings: String,
    /// The secrets, sealed.
    pub sealed: Option<Vec<u8>>,
    pub created_at: Time,
    pub updated_at: Time,
}

fn read(mut row: Row) -> Result<ProviderRow> {
    Ok(ProviderRow {
        name: row.take()?,
        settings: row.take()?,
        sealed: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
    })
}

/// Lists all providers by name, in one statement.
pub fn all(db: &mut dyn Db) -> Result<Vec<ProviderRow>> {
    let rows = db.all(
        sql!("select name, settings, sealed, created_at, updated_at from providers order by name"),
        &[],
    )?;
    rows.into_iter().map(read).collect()
}

/// Finds a provider by its name.
pub fn find(db: &mut dyn Db, name: &str) -> Result<Option<ProviderRow>> {
    let row = db.first(
        sql!(
            "select name, settings, sealed, created_at, updated_at from providers where name = $1"
        ),
        &[name.into()],
    )?;
    row.map(read).transpose()
}

/// Stores a new provider. Returns false if its name is taken.
pub fn insert(db: &mut dyn Db, new: &ProviderRow) -> Result<bool> {
    let stored = db.run(
        sql!(
            "insert into providers (name, settings, sealed, created_at, updated_at) \
             values ($1, $2, $3, $4, $5) on conflict (name) do nothing"
        ),
        &[
            new.name.as_str().into(),
            new.settings.as_str().into(),
            new.sealed.as_deref().into(),
            new.created_at.into(),
            new.updated_at.into(),
        ],
    )?;
    Ok(stored == 1)
}

/// Counts the providers.
pub fn count(db: &mut dyn Db) -> Result<i64> {
    let row = db.first(sql!("select count(*) from providers"), &[])?;
    row.map_or(Ok(0), |mut row| row.take())
}

/// Changes the settings and secrets of a provider. Returns false if it is gone.
pub fn update(db: &mut dyn Db, row: &ProviderRow) -> Result<bool> {
    let changed = db.run(
        sql!("update providers set settings = $1, sealed = $2, updated_at = $3 where name = $4"),
        &[
            row.settings.as_str().into(),
            row.sealed.as_deref().into(),
            row.updated_at.into(),
            row.name.as_str().into(),
        ],
    )?;
    Ok(changed == 1)
}

/// Deletes a provider. Returns false if there is none with this name.
pub fn delete(db: &mut dyn Db, name: &str) -> Result<bool> {
    Ok(db.run(sql!("delete from providers where name = $1"), &[name.into()])? == 1)
}

/// Counts the providers with a secret.
pub fn count_sealed(db: &mut dyn Db) -> Result<i64> {
    let row = db.first(sql!("select count(*) from providers where sealed is not null"), &[])?;
    row.map_or(Ok(0), |mut row| row.take())
}
