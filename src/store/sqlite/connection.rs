//! Opens connections: the same safe settings on all of them, plus the settings of each purpose.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// Prepared statements cached per connection; more than the program has.
const STATEMENTS: usize = 256;

/// How long opening or reading waits while another connection recovers or closes the file.
const PATIENCE: Duration = Duration::from_secs(1);

/// The only connection of this process that changes the file. After it is open, it waits for no
/// lock by itself, because the writer polls for the lock.
pub(super) fn writer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(PATIENCE)?;
    secure(&connection)?;
    // The writer runs checkpoints itself, after it has answered its callers rather than within a
    // commit.
    connection.execute_batch(
        "pragma synchronous = full;
         pragma foreign_keys = on;
         pragma wal_autocheckpoint = 0;
         pragma journal_size_limit = 16777216;
         pragma cache_size = -4096;",
    )?;
    connection.busy_timeout(Duration::ZERO)?;
    Ok(connection)
}

/// A read-only connection.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(PATIENCE)?;
    secure(&connection)?;
    connection.execute_batch("pragma query_only = on; pragma cache_size = -1024;")?;
    Ok(connection)
}

/// Reads for a copy of the whole file. It must not be `query_only`, which forbids `VACUUM INTO`.
pub(super) fn copier(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(PATIENCE)?;
    secure(&connection)?;
    connection.execute_batch("pragma cache_size = -4096")?;
    Ok(connection)
}

/// Reads the database file alone: takes no lock, reads no WAL, leaves no files behind.
pub(super) fn onlooker(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection =
        Connection::open_with_flags(format!("file:{}?immutable=1", percent_encoded(path)), flags)?;
    secure(&connection)?;
    Ok(connection)
}

fn secure(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // Otherwise a query plan may depend on the bound values, and SQLite prepares such a statement
    // again on every run.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Sort in memory: personal data must not end up in files under /tmp.
    connection.execute_batch("pragma cell_size_check = on; pragma temp_store = memory;")
}

/// Runs a statement that returns no rows; prepares it once.
pub(super) fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.raw_execute().map(|_| ())
}

fn percent_encoded(path: &Path) -> String {
    path.as_os_str().as_encoded_bytes().iter().fold(String::new(), |mut text, &byte| {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(connection: &Connection, pragma: &str) -> i64 {
        connection.pragma_query_value(None, pragma, |row| row.get(0)).unwrap()
    }

    /// SQLite versions before this one could, rarely, corrupt the file when a checkpoint ran next
    /// to a writer.
    #[test]
    fn the_library_has_the_mended_write_ahead_log() {
        assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
    }

    /// The last connection that closes the file holds it exclusively until the WAL is checkpointed.
    #[test]
    fn an_opening_process_waits_for_one_that_is_closing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("authd.db");
        let last = Connection::open(&path).unwrap();
        last.execute_batch(
            "pragma journal_mode = wal; pragma locking_mode = exclusive; create table t (n)",
        )
        .unwrap();
        let closing = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            drop(last);
        });
        let writer = writer(&path).unwrap();
        closing.join().unwrap();
        assert_eq!(number(&writer, "busy_timeout"), 0);
    }

    #[test]
    fn the_writer_waits_for_the_disk_and_keeps_references_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a file?#%.db");
        std::fs::write(&path, "").unwrap();
        let writer = writer(&path).unwrap();
        assert_eq!(number(&writer, "synchronous"), 2);
        assert_eq!(number(&writer, "foreign_keys"), 1);
        assert_eq!(number(&writer, "cell_size_check"), 1);
        assert_eq!(number(&writer, "trusted_schema"), 0);
        assert!(writer.execute_batch("select \"text\"").is_err());
        writer.execute_batch("create table t (n integer)").unwrap();
        for connection in [reader(&path).unwrap(), onlooker(&path).unwrap()] {
            assert_eq!(connection.query_row("select count(*) from t", [], |row| row.get(0)), Ok(0));
            assert!(connection.execute_batch("insert into t values (1)").is_err());
        }
    }
}
