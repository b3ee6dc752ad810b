//! The rows of every table, for moving a database to another engine. The tables, their columns and their
//! keys are those of `schema.sql`, so a new table is moved without a change here.

use crate::error::{Error, Result};
use crate::sql;
use crate::store::db::{Db, Row, Sql, Value};

/// The mark of a database that was moved, or is being moved: where to.
const MOVED_TO: &str = "moved_to";

/// The mark of a database that rows are moved into: where from.
const MOVED_FROM: &str = "moved_from";

/// A table, and the statements for it.
#[derive(Debug, Clone)]
pub struct WholeTable {
    pub name: &'static str,
    columns: usize,
    /// The places of the columns of the primary key.
    key: Vec<usize>,
    first: Sql,
    next: Sql,
    last: Sql,
    count: Sql,
    insert: Sql,
}

/// A row with all its columns, in the order of the schema.
pub type WholeRow = Vec<Value>;

/// Every table of a schema; a table comes after those that it refers to.
///
/// # Errors
/// If a table has no primary key.
pub fn tables(schema: &'static str) -> Result<Vec<WholeTable>> {
    schema.split("\ncreate table ").skip(1).map(table).collect()
}

fn table(definition: &'static str) -> Result<WholeTable> {
    let wrong = || Error::internal("schema.sql has a table without a primary key");
    let (name, body) = definition.split_once(" (").ok_or_else(wrong)?;
    let body = body.split("\n);").next().unwrap_or_default();
    let (mut columns, mut key) = (Vec::new(), Vec::new());
    for line in body.lines().map(str::trim) {
        let mut words = line.split([' ', ',']);
        match (words.next(), words.next()) {
            (Some("primary"), Some("key")) => {
                let list = line.split_once('(').and_then(|(_, list)| list.split_once(')'));
                key = list.ok_or_else(wrong)?.0.split(", ").collect();
            }
            (Some(column), Some("text" | "bigint" | "bytea")) => {
                if line.contains(" primary key") {
                    key.push(column);
                }
                columns.push(column);
            }
            _ => {}
        }
    }
    let places = key.iter().map(|key| columns.iter().position(|column| column == key));
    let places: Vec<usize> = places.collect::<Option<_>>().ok_or_else(wrong)?;
    if places.is_empty() {
        return Err(wrong());
    }
    let numbered = |from: usize, count: usize| {
        (from..from + count).map(|at| format!("${at}")).collect::<Vec<_>>().join(", ")
    };
    let (all, keys, count) = (columns.join(", "), key.join(", "), key.len());
    let down = key.iter().map(|key| format!("{key} desc")).collect::<Vec<_>>().join(", ");
    // The texts live as long as the program, which ends after one migration.
    let sql = |text: String| Sql::checked(text.leak());
    Ok(WholeTable {
        name,
        columns: columns.len(),
        first: sql(format!("select {all} from {name} order by {keys} limit $1")),
        next: sql(format!(
            "select {all} from {name} where ({keys}) > ({}) order by {keys} limit ${}",
            numbered(1, count),
            count + 1
        )),
        last: sql(format!("select {all} from {name} order by {down} limit 1")),
        count: sql(format!("select count(*) from {name}")),
        insert: sql(format!(
            "insert into {name} ({all}) values ({}) on conflict do nothing",
            numbered(1, columns.len())
        )),
        key: places,
    })
}

impl WholeTable {
    /// The key of a row.
    #[must_use]
    pub fn key_of(&self, row: &WholeRow) -> Vec<Value> {
        self.key.iter().filter_map(|at| row.get(*at).cloned()).collect()
    }

    /// The rows after this key, or the first ones, in the order of the key.
    pub fn page(
        &self,
        db: &mut dyn Db,
        after: Option<&[Value]>,
        limit: i64,
    ) -> Result<Vec<WholeRow>> {
        let mut values = after.unwrap_or_default().to_vec();
        values.push(limit.into());
        let rows = db.all(if after.is_some() { self.next } else { self.first }, &values)?;
        rows.into_iter().map(|row| self.read(row)).collect()
    }

    /// The key of the last row.
    pub fn last_key(&self, db: &mut dyn Db) -> Result<Option<Vec<Value>>> {
        let row = db.first(self.last, &[])?.map(|row| self.read(row)).transpose()?;
        Ok(row.map(|row| self.key_of(&row)))
    }

    /// Inserts rows; those that are there already stay.
    pub fn insert(&self, db: &mut dyn Db, rows: &[WholeRow]) -> Result<()> {
        rows.iter().try_for_each(|row| db.run(self.insert, row).map(drop))
    }

    /// Whether there is no row.
    pub fn is_empty(&self, db: &mut dyn Db) -> Result<bool> {
        let count: i64 = db.first(self.count, &[])?.map_or(Ok(0), |mut row| row.take())?;
        Ok(count == 0)
    }

    /// Whether a row is one of the marks of a migration, which are not moved.
    #[must_use]
    pub fn is_mark(&self, row: &WholeRow) -> bool {
        let is = |mark: &str| matches!(row.first(), Some(Value::Text(name)) if name == mark);
        self.name == "instance" && (is(MOVED_TO) || is(MOVED_FROM))
    }

    fn read(&self, mut row: Row) -> Result<WholeRow> {
        (0..self.columns).map(|_| row.take()).collect()
    }
}

/// Where the database was moved to, or is being moved to.
pub fn moved_to(db: &mut dyn Db) -> Result<Option<String>> {
    super::instance::text(db, MOVED_TO)
}

/// Marks the database as moved.
pub fn set_moved_to(db: &mut dyn Db, place: &str) -> Result<()> {
    super::instance::set_text_if_absent(db, MOVED_TO, place)
}

/// Takes that mark back. Returns false if there was none.
pub fn clear_moved_to(db: &mut dyn Db) -> Result<bool> {
    Ok(db.run(sql!("delete from instance where name = 'moved_to'"), &[])? == 1)
}

/// Where the rows come from that are being moved into this database.
pub fn moved_from(db: &mut dyn Db) -> Result<Option<String>> {
    super::instance::text(db, MOVED_FROM)
}

/// Marks the database as one that rows are moved into.
pub fn set_moved_from(db: &mut dyn Db, place: &str) -> Result<()> {
    super::instance::set_text_if_absent(db, MOVED_FROM, place)
}

/// Takes that mark back, when all rows are there.
pub fn clear_moved_from(db: &mut dyn Db) -> Result<()> {
    db.run(sql!("delete from instance where name = 'moved_from'"), &[]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_found_with_its_columns_and_its_key() {
        let schema = include_str!("../../../schema.sql");
        let all = tables(schema).unwrap();
        assert_eq!(all.len(), schema.matches("\ncreate table ").count());
        let named = |name: &str| all.iter().find(|table| table.name == name).unwrap();
        assert_eq!(named("instance").columns, 4);
        assert_eq!(
            named("attempts").next.text(),
            "select scope, key, count, started_at, blocked_until, block_count, expires_at from attempts \
             where (scope, key) > ($1, $2) order by scope, key limit $3"
        );
        assert_eq!(named("file_pieces").key, [0, 1]);
        assert_eq!(named("accounts").key, [0]);
    }

    #[test]
    fn a_table_comes_after_those_that_it_refers_to() {
        let schema = include_str!("../../../schema.sql");
        let mut seen = Vec::new();
        for definition in schema.split("\ncreate table ").skip(1) {
            let (name, body) = definition.split_once(" (").unwrap();
            let body = body.split("\n);").next().unwrap();
            for reference in body.split(" references ").skip(1) {
                let to = reference.split(' ').next().unwrap();
                assert!(seen.contains(&to), "{name} refers to {to}");
            }
            seen.push(name);
        }
    }
}
