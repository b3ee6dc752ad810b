//! Moves a database to another place and engine: from a file to PostgreSQL, or back. Every row is copied
//! and then compared.
//!
//! The source is marked before the first row is copied, so that nothing is written to it any more, and
//! the target until the last one is compared, so that nothing uses a part of it. An interrupted migration
//! continues where it was.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};

use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::Database;
use crate::store::tables::whole;
use crate::store::tables::whole::{WholeRow, WholeTable};
use crate::store::{ProcessRole, Store, Value};

/// How many rows are copied at once.
const PAGE: i64 = 500;

/// How many pieces of files are copied at once.
const PIECES: i64 = 16;

/// A table that was copied and compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedTable {
    pub name: &'static str,
    pub rows: u64,
}

/// Moves a database, and says after each table how far it is.
///
/// # Errors
/// If one of them is used by a server, if the target has data, or if the copy differs from the source. The
/// source can be used again then.
pub async fn migrate(
    from: &Database,
    to: &Database,
    env: &Env,
    mut note: impl FnMut(&MovedTable),
) -> Result<Vec<MovedTable>> {
    if from == to {
        return Err(Error::refused(format!("{from} is already there: name another place")));
    }
    // A mistyped URL looks like a file.
    if matches!((from, to), (Database::File(_), Database::File(_))) {
        return Err(Error::refused(format!(
            "{to} is a file, as {from} is: name a database as postgres://USER@HOST/DATABASE"
        )));
    }
    if Store::inspect(from, |_, version| Ok(version))?.is_none() {
        return Err(Error::refused(format!("there is no database at {from}")));
    }
    let source = Store::open_alone(from, env)?;
    let target = Store::open_alone(to, env)?;
    let tables = Arc::new(whole::tables(Store::schema())?);
    claim(&source, (from, to), &target, &tables).await?;
    let moved = copy_all(&source, &target, &tables, &mut note).await;
    match moved {
        Ok(moved) => {
            target.write(whole::clear_moved_from).await?;
            Ok(moved)
        }
        Err(error) => {
            source.write(whole::clear_moved_to).await?;
            Err(error)
        }
    }
}

/// Lets a database be used again that was marked by a migration which did not complete. Returns false if
/// it has no mark.
pub async fn abandon(from: &Database, env: &Env) -> Result<bool> {
    let source = Store::open(from, ProcessRole::Command, env)?;
    source.write(whole::clear_moved_to).await
}

/// Marks both databases, unless the target has data that another migration did not bring.
async fn claim(
    source: &Store,
    (from, to): (&Database, &Database),
    target: &Store,
    tables: &Arc<Vec<WholeTable>>,
) -> Result<()> {
    if let Some(other) =
        source.read(whole::moved_to).await?.filter(|place| *place != to.to_string())
    {
        return Err(Error::refused(format!("{from} was moved to {other}")));
    }
    let (begun, all) = (target.read(whole::moved_from).await?, tables.clone());
    match begun {
        Some(place) if place == from.to_string() => {}
        Some(place) => {
            return Err(Error::refused(format!(
                "{to} has rows of {place}: expected an empty database"
            )));
        }
        None => {
            let is_empty = target.read(move |db| {
                all.iter().try_fold(true, |is_empty, table| Ok(is_empty && table.is_empty(db)?))
            });
            if !is_empty.await? {
                return Err(Error::refused(format!("{to} has data: expected an empty database")));
            }
        }
    }
    let place = from.to_string();
    target.write(move |db| whole::set_moved_from(db, &place)).await?;
    let place = to.to_string();
    source.write(move |db| whole::set_moved_to(db, &place)).await
}

async fn copy_all(
    source: &Store,
    target: &Store,
    tables: &Arc<Vec<WholeTable>>,
    note: &mut impl FnMut(&MovedTable),
) -> Result<Vec<MovedTable>> {
    let mut moved = Vec::new();
    for table in tables.iter() {
        copy(source, target, table).await?;
    }
    for table in tables.iter() {
        let (expected, found) = (digest(source, table).await?, digest(target, table).await?);
        if expected != found {
            return Err(Error::refused(format!(
                "the copy of {} differs: {} rows, and {} in the target. Was the database changed meanwhile?",
                table.name, expected.rows, found.rows
            )));
        }
        let table = MovedTable { name: table.name, rows: found.rows };
        note(&table);
        moved.push(table);
    }
    Ok(moved)
}

async fn copy(source: &Store, target: &Store, table: &WholeTable) -> Result<()> {
    // The facts of the instance are few, and the mark is among them.
    let mut last = if table.name == "instance" {
        None
    } else {
        let table = table.clone();
        target.read(move |db| table.last_key(db)).await?
    };
    loop {
        let rows = page(source, table, last.take()).await?;
        let Some(end) = rows.last() else { return Ok(()) };
        last = Some(table.key_of(end));
        let rows: Vec<WholeRow> = rows.into_iter().filter(|row| !table.is_mark(row)).collect();
        let table = table.clone();
        target.write(move |db| table.insert(db, &rows)).await?;
    }
}

async fn page(
    store: &Store,
    table: &WholeTable,
    after: Option<Vec<Value>>,
) -> Result<Vec<WholeRow>> {
    let (table, limit) = (table.clone(), if table.name == "file_pieces" { PIECES } else { PAGE });
    store.scan(move |db| table.page(db, after.as_deref(), limit)).await
}

/// What a table contains.
#[derive(PartialEq, Eq)]
struct TableDigest {
    rows: u64,
    digest: Vec<u8>,
}

async fn digest(store: &Store, table: &WholeTable) -> Result<TableDigest> {
    let (mut rows, mut digest, mut last) = (0, Context::new(&SHA256), None);
    loop {
        let page = page(store, table, last.take()).await?;
        let Some(end) = page.last() else { break };
        last = Some(table.key_of(end));
        for row in page.iter().filter(|row| !table.is_mark(row)) {
            rows += 1;
            for value in row {
                add(&mut digest, value);
            }
        }
    }
    Ok(TableDigest { rows, digest: digest.finish().as_ref().to_vec() })
}

/// Adds a value with its type and its length, so that different rows never look the same.
fn add(digest: &mut Context, value: &Value) {
    let mut part = |kind: u8, bytes: &[u8]| {
        digest.update(&[kind]);
        digest.update(&(bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    };
    match value {
        Value::Null => part(0, &[]),
        Value::Int(number) => part(1, &number.to_be_bytes()),
        Value::Text(text) => part(2, text.as_bytes()),
        Value::Bytes(bytes) => part(3, bytes),
    }
}
