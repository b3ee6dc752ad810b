//! The lease of the one server that uses a database: a row that names the server and counts while it
//! lives.
//!
//! No clock is compared. A server that finds another one's row watches whether the count rises; a count
//! that stands still for eight seconds is of a server that is gone, and exactly one can take it over.

use std::time::Duration;

use super::connection::PgConnection;
use super::fault::Fault;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::metrics::Stopwatch;
use crate::store::db::Value;

/// How often the count rises.
const BEAT: Duration = Duration::from_secs(1);

/// How often the count of another server is read.
const POLL: Duration = Duration::from_millis(250);

const FIND: &str = "select server, beat from authd_schema";
const TAKE_FREE: &str = "update authd_schema set server = $1, beat = beat + 1 where server is null";
const TAKE_OVER: &str =
    "update authd_schema set server = $1, beat = beat + 1 where server = $2 and beat = $3";
const RENEW: &str = "update authd_schema set beat = beat + 1 where server = $1";
const GIVE_BACK: &str = "update authd_schema set server = null where server = $1";

/// The lease that this process holds.
pub(super) struct ServingLease {
    id: String,
    renewed: Stopwatch,
}

impl ServingLease {
    /// Takes the lease. From a server that no longer answers it is taken after this silence.
    ///
    /// # Errors
    /// If another server uses the database.
    pub(super) fn take(
        connection: &mut PgConnection,
        silence: Duration,
        env: &Env,
    ) -> Result<Self> {
        let id = env.new_id()?;
        let (mut watch, mut seen) = (Stopwatch::start(), None);
        loop {
            let Some(found) = find(connection)? else {
                if run(connection, TAKE_FREE, &[(&id).into()])? == 1 {
                    return Ok(Self { id, renewed: Stopwatch::start() });
                }
                continue;
            };
            if seen.as_ref().is_some_and(|seen| *seen != found) {
                return Err(Error::refused(format!(
                    "another authd is serving {}: only one server may use a database at a time",
                    connection.place()
                )));
            }
            if seen.is_none() {
                (watch, seen) = (Stopwatch::start(), Some(found.clone()));
            }
            if watch.seconds() >= silence.as_secs_f64() {
                let (holder, count) = &found;
                let values = [(&id).into(), holder.into(), (*count).into()];
                if run(connection, TAKE_OVER, &values)? == 1 {
                    tracing::warn!("took over from a server that has stopped answering");
                    return Ok(Self { id, renewed: Stopwatch::start() });
                }
                continue;
            }
            std::thread::sleep(POLL);
        }
    }

    /// Whether it is time to renew.
    pub(super) fn is_due(&self) -> bool {
        self.renewed.seconds() >= BEAT.as_secs_f64()
    }

    /// Renews the lease. Returns false if it belongs to another server by now.
    pub(super) fn renew(&mut self, connection: &mut PgConnection) -> Result<bool, Fault> {
        let (_, renewed) = connection.query("", RENEW, &[(&self.id).into()])?;
        self.renewed = Stopwatch::start();
        Ok(renewed == 1)
    }

    /// Lets the next server start at once.
    pub(super) fn give_back(self, connection: &mut PgConnection) {
        if let Err(fault) = connection.query("", GIVE_BACK, &[self.id.into()]) {
            tracing::warn!(
                error = fault.error.chain(),
                "the lease of this server was not given back"
            );
        }
    }
}

/// The holder of the lease, and its count.
fn find(connection: &mut PgConnection) -> Result<Option<(String, i64)>> {
    let (rows, _) = connection.query("", FIND, &[]).map_err(|fault| fault.error)?;
    let Some(mut row) = rows.into_iter().next() else {
        return Err(Error::internal("the table authd_schema has no row"));
    };
    let holder: Option<String> = row.take()?;
    holder.map(|holder| Ok((holder, row.take()?))).transpose()
}

fn run(connection: &mut PgConnection, sql: &'static str, values: &[Value]) -> Result<u64> {
    let changed = connection.query("", sql, values).map(|(_, changed)| changed);
    changed.map_err(|fault| fault.error)
}
