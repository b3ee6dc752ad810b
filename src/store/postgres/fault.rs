//! Translates PostgreSQL's errors; no other file interprets them.
//!
//! A violated unique constraint becomes a [`Constraint`], trouble with the server or the connection
//! becomes `Unavailable`, and anything else is an internal error.

use std::time::Duration;

use tokio_postgres::Error as DriverError;
use tokio_postgres::error::SqlState;

use super::value::Mismatch;
use crate::error::{Error, Kind};
use crate::store::db::Constraint;

/// What an error means for the transaction that it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultClass {
    /// The statement is wrong, or violated a constraint. Running it again fails again.
    Statement,
    /// Another transaction was in the way. Nothing was changed, and running it again may work.
    Conflict,
    /// The connection is of no use any more. Nothing was changed unless a commit was on its way.
    Lost,
    /// The server does not have the statement that was prepared: the connection goes through a pooler
    /// that hands it to another server process.
    Unprepared,
    /// The server cannot do its work.
    Outage,
    /// The schema is not the one that this program knows: a newer server has changed it.
    Outdated,
}

/// An error of a statement, with what it means.
#[derive(Debug)]
pub(super) struct Fault {
    pub class: FaultClass,
    pub error: Error,
}

impl Fault {
    /// The connection did not answer in time.
    pub(super) fn timeout(after: Duration) -> Self {
        let why = format!("PostgreSQL did not answer within {} seconds", after.as_secs());
        Self { class: FaultClass::Lost, error: Error::unavailable(why) }
    }

    /// A step in words of its own, or a closure's.
    pub(super) fn statement(error: Error) -> Self {
        Self { class: FaultClass::Statement, error }
    }

    /// A connection could not be opened.
    pub(super) fn unreachable(error: Error) -> Self {
        Self { class: FaultClass::Lost, error: unavailable(error) }
    }
}

impl From<DriverError> for Fault {
    fn from(error: DriverError) -> Self {
        let class = class_of(&error);
        let error = match class {
            FaultClass::Statement => match constraint_of(&error) {
                Some(constraint) => Error::new(Kind::Internal).caused_by(constraint),
                None => Error::new(Kind::Internal).caused_by(DriverReport(error)),
            },
            _ => unavailable(DriverReport(error)),
        };
        Self { class, error }
    }
}

fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(Kind::Unavailable).caused_by(cause).retry_after(Duration::from_secs(1))
}

/// A driver's error that shows what the server said: the driver's own text is only "db error".
#[derive(Debug)]
pub(super) struct DriverReport(pub DriverError);

impl std::fmt::Display for DriverReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(said) = self.0.as_db_error() {
            return write!(f, "PostgreSQL: {} ({})", said.message(), said.code().code());
        }
        write!(f, "PostgreSQL: {}", self.0)?;
        std::error::Error::source(&self.0).map_or(Ok(()), |cause| write!(f, ": {cause}"))
    }
}

impl std::error::Error for DriverReport {}

fn class_of(error: &DriverError) -> FaultClass {
    let Some(code) = error.code() else {
        let is_ours =
            std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<Mismatch>);
        return if is_ours { FaultClass::Statement } else { FaultClass::Lost };
    };
    let is_stale_plan = code.code() == "0A000"
        && error.as_db_error().is_some_and(|said| said.message().contains("cached plan"));
    if is_stale_plan {
        return FaultClass::Lost;
    }
    class_of_code(code.code())
}

fn class_of_code(code: &str) -> FaultClass {
    match code {
        "40001" | "40P01" | "55P03" => FaultClass::Conflict,
        // Administrator's shutdown, crash, and a server that starts or stops.
        "57P01" | "57P02" | "57P03" => FaultClass::Lost,
        "26000" | "42P05" => FaultClass::Unprepared,
        // A table or a column that is not there. The statements of the program are all tested.
        "42P01" | "42703" => FaultClass::Outdated,
        // A standby, a cancelled statement, a dropped database, a login that is refused.
        "25006" | "57014" | "57P04" | "3D000" => FaultClass::Outage,
        _ if ["08", "28"].iter().any(|class| code.starts_with(class)) => FaultClass::Lost,
        // Disk, memory, connections; errors of the operating system; damaged files.
        _ if ["53", "58", "XX"].iter().any(|class| code.starts_with(class)) => FaultClass::Outage,
        _ => FaultClass::Statement,
    }
}

/// The unique constraint that a statement violated. PostgreSQL names it after its table and column.
fn constraint_of(error: &DriverError) -> Option<Constraint> {
    let said = error.as_db_error().filter(|said| said.code() == &SqlState::UNIQUE_VIOLATION)?;
    Some(named(said.constraint()))
}

fn named(constraint: Option<&str>) -> Constraint {
    match constraint {
        Some("accounts_email_key_key") => Constraint::Email,
        Some("accounts_username_key_key") => Constraint::Username,
        _ => Constraint::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_nothing_is_run_again() {
        for (code, class) in [
            ("40001", FaultClass::Conflict),
            ("40P01", FaultClass::Conflict),
            ("55P03", FaultClass::Conflict),
            ("57P01", FaultClass::Lost),
            ("57P03", FaultClass::Lost),
            ("08006", FaultClass::Lost),
            ("26000", FaultClass::Unprepared),
            ("42P01", FaultClass::Outdated),
            ("42703", FaultClass::Outdated),
            ("25006", FaultClass::Outage),
            ("53100", FaultClass::Outage),
            ("23505", FaultClass::Statement),
            ("23503", FaultClass::Statement),
            ("42601", FaultClass::Statement),
            ("22021", FaultClass::Statement),
        ] {
            assert_eq!(class_of_code(code), class, "{code}");
        }
    }

    #[test]
    fn a_violated_unique_constraint_is_named_by_its_column() {
        assert_eq!(named(Some("accounts_email_key_key")), Constraint::Email);
        assert_eq!(named(Some("accounts_username_key_key")), Constraint::Username);
        assert_eq!(named(Some("accounts_number_key")), Constraint::Other);
        assert_eq!(named(None), Constraint::Other);
    }
}
