//! The `instance` table: facts about this database.

use crate::error::{Error, Result};
use crate::sql;
use crate::store::db::Db;

/// Draws the number of the next account.
pub fn next_account_number(db: &mut dyn Db) -> Result<i64> {
    let row = db.first(
        sql!(
            "insert into instance (name, number) values ('next_account', 1) \
             on conflict (name) do update set number = instance.number + 1 returning number"
        ),
        &[],
    )?;
    row.ok_or_else(|| Error::internal("the account counter returned no number"))?.take()
}

/// Reads a text value from a database of this schema version, which may be older.
pub fn text_at(db: &mut dyn Db, version: i64, name: &str) -> Result<Option<String>> {
    if version > 1 {
        return text(db, name);
    }
    let row = db.first(sql!("select words from instance where name = $1"), &[name.into()])?;
    row.map_or(Ok(None), |mut row| row.take())
}

/// Reads a text value.
pub fn text(db: &mut dyn Db, name: &str) -> Result<Option<String>> {
    let row = db.first(sql!("select text_value from instance where name = $1"), &[name.into()])?;
    row.map_or(Ok(None), |mut row| row.take())
}

/// Writes a text value, in place of an earlier one.
pub fn put_text(db: &mut dyn Db, name: &str, value: &str) -> Result<()> {
    db.run(
        sql!(
            "insert into instance (name, text_value) values ($1, $2) \
             on conflict (name) do update set text_value = excluded.text_value"
        ),
        &[name.into(), value.into()],
    )?;
    Ok(())
}

/// Removes a value.
pub fn remove(db: &mut dyn Db, name: &str) -> Result<()> {
    db.run(sql!("delete from instance where name = $1"), &[name.into()]).map(drop)
}

/// Writes a text value unless one exists.
pub fn set_text_if_absent(db: &mut dyn Db, name: &str, value: &str) -> Result<()> {
    db.run(
        sql!(
            "insert into instance (name, text_value) values ($1, $2) on conflict (name) do nothing"
        ),
        &[name.into(), value.into()],
    )?;
    Ok(())
}
