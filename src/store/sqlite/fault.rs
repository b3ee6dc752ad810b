//! Translates SQLite's errors; no other file interprets them.
//!
//! A violated unique constraint becomes a [`Constraint`], a machine error or a lock becomes
//! `Unavailable`, and anything else is an internal error.

use std::time::Duration;

use rusqlite::{ErrorCode, ffi};

use crate::error::{Error, Kind};
use crate::store::db::Constraint;

/// The program's error for an SQLite error.
pub(super) fn translated(error: rusqlite::Error) -> Error {
    if let Some(constraint) = constraint_of(&error) {
        return Error::new(Kind::Internal).caused_by(constraint);
    }
    if is_trouble(&error) {
        return Error::new(Kind::Unavailable).caused_by(error).retry_after(Duration::from_secs(1));
    }
    Error::new(Kind::Internal).caused_by(error)
}

/// Whether another connection holds the required lock.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Whether the cause is the machine or a lock rather than the statement.
pub(super) fn is_trouble(error: &rusqlite::Error) -> bool {
    is_busy(error)
        || matches!(
            error.sqlite_error_code(),
            Some(
                ErrorCode::DiskFull
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::ReadOnly
                    | ErrorCode::CannotOpen
                    | ErrorCode::PermissionDenied
                    | ErrorCode::DatabaseCorrupt
                    | ErrorCode::NotADatabase
                    | ErrorCode::OperationInterrupted
                    | ErrorCode::OperationAborted
                    | ErrorCode::OutOfMemory
                    | ErrorCode::FileLockingProtocolFailed
            )
        )
}

/// The unique constraint that a statement violated. SQLite names it only in its message.
fn constraint_of(error: &rusqlite::Error) -> Option<Constraint> {
    let rusqlite::Error::SqliteFailure(code, message) = error else { return None };
    if !matches!(
        code.extended_code,
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
    ) {
        return None;
    }
    let column =
        message.as_deref().and_then(|text| text.rsplit_once(": ")).map(|(_, column)| column);
    Some(match column {
        Some("accounts.email_key") => Constraint::Email,
        Some("accounts.username_key") => Constraint::Username,
        _ => Constraint::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: i32, message: &str) -> Error {
        translated(rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(message.to_owned())))
    }

    #[test]
    fn trouble_with_disk_and_lock_is_unavailable_with_a_time_to_come_back() {
        for code in [
            ffi::SQLITE_BUSY,
            ffi::SQLITE_FULL,
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_CORRUPT,
        ] {
            let error = failure(code, "reported");
            assert_eq!(error.kind(), Kind::Unavailable, "{code}");
            assert_eq!(error.retry_delay(), Some(Duration::from_secs(1)));
            assert!(error.chain().contains("reported"));
        }
    }

    #[test]
    fn a_violated_unique_constraint_is_named_by_its_column() {
        for (column, constraint) in [
            ("accounts.email_key", Constraint::Email),
            ("accounts.username_key", Constraint::Username),
            ("accounts.number", Constraint::Other),
            ("known_ips.account_id, known_ips.client_ip", Constraint::Other),
        ] {
            let error = failure(
                ffi::SQLITE_CONSTRAINT_UNIQUE,
                &format!("UNIQUE constraint failed: {column}"),
            );
            assert_eq!(error.kind(), Kind::Internal);
            assert_eq!(Constraint::of(&error), Some(constraint));
        }
    }

    #[test]
    fn any_other_rule_is_a_fault_of_ours() {
        let error = failure(ffi::SQLITE_CONSTRAINT_FOREIGNKEY, "FOREIGN KEY constraint failed");
        assert_eq!(error.kind(), Kind::Internal);
        assert_eq!(Constraint::of(&error), None);
    }
}
