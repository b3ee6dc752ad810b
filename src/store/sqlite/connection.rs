//! How connections are opened: the same safe settings on each, by what it is for.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// Prepared statements kept per connection; more than the program has.
const STATEMENTS: usize = 256;

/// How long whoever opens or reads the file waits while somebody else recovers or closes it.
const PATIENCE: Duration = Duration::from_secs(1);

/// The one connection of this process that changes the file. Once open it waits for no lock by itself: the writer does.
pub(super) fn writer(path: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(PATIENCE)?;
    secure(&connection)?;
    // Checkpoints are the writer's own: after the answers, not within a commit.
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

/// A connection that only reads.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(PATIENCE)?;
    secure(&connection)?;
    connection.execute_batch("pragma query_only = on; pragma cache_size = -1024;")?;
    Ok(connection)
}

/// Looks at the file alone: takes no lock, reads no log, leaves nothing behind.
pub(super) fn onlooker(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(format!("file:{}?immutable=1", percent_encoded(path)), flags)?;
    secure(&connection)?;
    Ok(connection)
}

fn secure(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // Else a plan may depend on the values bound to it, and such a statement is prepared anew each time it runs.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Sorting in memory: rows of people do not belong in files under /tmp.
    connection.execute_batch("pragma cell_size_check = on; pragma temp_store = memory;")
}

/// Runs a statement that gives no rows, prepared once.
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

    /// Before it a checkpoint beside a writer could, rarely, leave a damaged file.
    #[test]
    fn the_library_has_the_mended_write_ahead_log() {
        assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
    }

    /// As whoever closes the file last does: it is theirs alone until the log is moved into it.
    #[test]
    fn whoever_opens_waits_for_another_that_is_just_closing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("authd.db");
        let last = Connection::open(&path).unwrap();
        last.execute_batch("pragma journal_mode = wal; pragma locking_mode = exclusive; create table t (n)").unwrap();
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
