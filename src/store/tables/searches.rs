//! The `saved_searches` table: the filters of the list of accounts that administrators keep.

use crate::error::Result;
use crate::model::{AccountId, Time};
use crate::sql;
use crate::store::db::Db;

/// A filter of the list of accounts under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedSearch {
    pub name: String,
    /// The query of the list.
    pub query: String,
    pub created_at: Time,
}

/// The searches of an administrator, in the order of their names.
pub fn list(db: &mut dyn Db, owner: &AccountId) -> Result<Vec<SavedSearch>> {
    let rows = db.all(
        sql!(
            "select name, query, created_at from saved_searches where account_id = $1 order by name"
        ),
        &[owner.as_str().into()],
    )?;
    let read = |mut row: crate::store::db::Row| {
        Ok(SavedSearch { name: row.take()?, query: row.take()?, created_at: row.take()? })
    };
    rows.into_iter().map(read).collect()
}

/// Saves a search under its name, in place of another one with the name, if the administrator has
/// fewer than `most` others. Returns false if not.
pub fn save(db: &mut dyn Db, owner: &AccountId, new: &SavedSearch, most: i64) -> Result<bool> {
    let saved = db.run(
        sql!(
            "insert into saved_searches (account_id, name, query, created_at) \
             select cast($1 as text), cast($2 as text), cast($3 as text), cast($4 as bigint) \
             where (select count(*) from saved_searches where account_id = $1 and name <> $2) < $5 \
             on conflict (account_id, name) do update set query = excluded.query"
        ),
        &[
            owner.as_str().into(),
            (&new.name).into(),
            (&new.query).into(),
            new.created_at.into(),
            most.into(),
        ],
    )?;
    Ok(saved == 1)
}

/// Removes a search. Returns false if there is none with this name.
pub fn remove(db: &mut dyn Db, owner: &AccountId, name: &str) -> Result<bool> {
    let removed = db.run(
        sql!("delete from saved_searches where account_id = $1 and name = $2"),
        &[owner.as_str().into(), name.into()],
    )?;
    Ok(removed == 1)
}
