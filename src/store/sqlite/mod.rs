//! The embedded engine: one SQLite file, many readers, one writer that commits in groups.
//!
//! A reading closure sees one snapshot, a writing closure is one savepoint in a transaction that it shares with whoever
//! else is waiting. Which file is opened, and which refused, is told in [`Engine::open`].

mod connection;
mod executor;
mod fault;
mod inspect;
mod job;
mod keeper;
mod place;
mod readers;
mod schema;
mod steps;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::db::Db;
use crate::env::Env;
use crate::error::{Error, Result};
use keeper::Keeper;
use place::{Lock, Place, refused};
use readers::Readers;
use writer::Writer;

pub use steps::Step;
pub use writer::Vitals;

/// An open SQLite database. Cheap to clone; the last one closes the file after everything that waits is written.
#[derive(Clone)]
pub struct Engine(Arc<Open>);

/// Dropped in this order: the readers go, the writer finishes, the next server may come.
struct Open {
    readers: Readers,
    writer: Writer,
    notes: Vec<String>,
    place: Place,
    _lock: Option<Lock>,
}

/// Who opens the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The one server of this file: creates it when it is not there, brings its schema up to date.
    Server,
    /// A command beside, or without, a server.
    Command,
}

/// What is made of the file when it is opened.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Who opens it.
    pub role: Role,
    /// What a new file is made from.
    pub schema: &'static str,
    /// What brings an older one to the same.
    pub steps: &'static [Step],
    /// How long a change waits while another process holds the lock.
    pub patience: Duration,
}

impl Plan {
    /// The plan that this program has.
    #[must_use]
    pub fn of(role: Role) -> Self {
        let patience = match role {
            Role::Server => Duration::from_secs(2),
            Role::Command => Duration::from_secs(10),
        };
        Self { role, schema: include_str!("../../../schema.sql"), steps: steps::STEPS, patience }
    }

    /// The schema version that its files have.
    fn version(&self) -> i64 {
        i64::try_from(self.steps.len()).unwrap_or(i64::MAX).saturating_add(1)
    }
}

impl Engine {
    /// Opens the file.
    ///
    /// # Errors
    /// When the file is missing (for a command), foreign, damaged, newer than this program, or another server's. The
    /// message names the path; the file is as it was.
    pub fn open(path: &Path, role: Role) -> Result<Self> {
        Self::open_as(path, &Plan::of(role))
    }

    /// Opens the file by another plan.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open_as(path: &Path, plan: &Plan) -> Result<Self> {
        let place = Place::of(path)?;
        let lock = match plan.role {
            Role::Server => Some(made_ready(&place, plan)?),
            Role::Command => {
                found_ready(&place, plan)?;
                None
            }
        };
        let cannot_open =
            |error: rusqlite::Error| refused(format!("{} cannot be opened", place.file().display())).caused_by(error);
        let mut connection = connection::writer(place.file()).map_err(cannot_open)?;
        if connection.is_readonly(rusqlite::MAIN_DB).map_err(cannot_open)? {
            return Err(refused(format!("{} can be read but not written", place.file().display())));
        }
        connection.busy_timeout(plan.patience).map_err(cannot_open)?;
        if plan.role == Role::Command {
            // A command writes much at a time or nearly nothing; the memory is taken only where it is used.
            connection.execute_batch("pragma cache_size = -65536").map_err(cannot_open)?;
        }
        if plan.role == Role::Server {
            schema::keep_log(&place, &connection)?;
            schema::bring_up(&place, &mut connection, plan, Env::real().wall())?;
        }
        connection.busy_timeout(Duration::ZERO).map_err(cannot_open)?;
        let keeper = match plan.role {
            Role::Server => Some(Keeper::of(place.file()).map_err(cannot_open)?),
            Role::Command => None,
        };
        Ok(Self(Arc::new(Open {
            readers: Readers::start(place.file())?,
            writer: Writer::start(&place, connection, keeper, plan)?,
            notes: place.warning().into_iter().collect(),
            place,
            _lock: lock,
        })))
    }

    /// Reads from the file as it is, of an older version too, and leaves nothing beside it.
    ///
    /// # Errors
    /// When the file is foreign, damaged or newer than this program, and what the closure says.
    pub fn look<T>(path: &Path, plan: &Plan, work: impl FnOnce(&mut dyn Db) -> Result<T>) -> Result<T> {
        inspect::look_into(&Place::of(path)?, plan, work)
    }

    /// What whoever started the program should know about this database's place.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.0.notes
    }

    /// Whether a server, this one or another process, has the file open.
    #[must_use]
    pub fn is_served(&self) -> bool {
        self.0.place.is_served()
    }

    /// What the writer tells of its work.
    #[must_use]
    pub fn vitals(&self) -> Vitals {
        self.0.writer.vitals()
    }

    /// Runs a reading closure on one of the readers.
    ///
    /// # Errors
    /// As [`super::Store::read`].
    pub fn read<T>(&self, work: &dyn Fn(&mut dyn Db) -> Result<T>) -> Result<T> {
        self.0.readers.read(work)
    }

    /// Runs a reading closure of a single statement, unless its answer is remembered under this key and nothing has changed since.
    ///
    /// # Errors
    /// As [`super::Store::recall`].
    pub fn recall<T: Send + Sync + 'static>(
        &self,
        key: (&'static str, &str),
        work: &dyn Fn(&mut dyn Db) -> Result<T>,
    ) -> Result<Arc<T>> {
        self.0.readers.recall(key, work)
    }

    /// Runs a reading closure that may take its time; it makes no [`Engine::read`] wait.
    ///
    /// # Errors
    /// As [`super::Store::scan`].
    pub fn scan<T>(&self, work: &dyn Fn(&mut dyn Db) -> Result<T>) -> Result<T> {
        self.0.readers.scan(work)
    }

    /// Hands a closure to the writer.
    ///
    /// # Errors
    /// As [`super::Store::write_patiently`].
    pub async fn write<T, F>(&self, patience: Duration, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        let (job, answer) = job::asked(work, patience);
        self.0.writer.submit(job)?;
        answer.await.unwrap_or_else(|_| Err(Error::unavailable("the writer ended before this change")))
    }
}

/// The server's way: look before anything is left beside a file that is not ours, lock, make what is missing.
fn made_ready(place: &Place, plan: &Plan) -> Result<Lock> {
    if place.file().exists() {
        inspect::version_of(place, plan)?;
    }
    let mut lock = Lock::take(place)?;
    // Another server may have made or changed it before the lock was ours.
    if place.file().exists() {
        inspect::version_of(place, plan)?;
    } else {
        place.refuse_leftovers()?;
        schema::create(place, plan)?;
    }
    lock.sign()?;
    Ok(lock)
}

/// A command's way: it uses what a server has made, as it is.
fn found_ready(place: &Place, plan: &Plan) -> Result<()> {
    let path = place.file().display();
    if !place.file().exists() {
        place.refuse_leftovers()?;
        return Err(refused(format!("there is no database at {path}: `authd serve` makes one")));
    }
    let (version, known) = (inspect::version_of(place, plan)?, plan.version());
    if version < known {
        return Err(refused(format!(
            "{path} was made by an older authd: its schema is version {version}, expected {known}. \
             `authd serve` brings it up to date"
        )));
    }
    Ok(())
}
