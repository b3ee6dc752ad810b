//! Puts a database file in its place: a restored one where there is none, or an earlier one instead of
//! the present one. No server can start there meanwhile, and the file is complete when it gets its
//! name. Files of a lost database (its WAL) are set aside, never read.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::TransactionBehavior;

use super::executor::{Access, Executor};
use super::inspect::number;
use super::place::{DatabasePath, ServerLock, cannot, refused};
use super::{backup, connection, create, upgrade};
use crate::env::Env;
use crate::error::Result;
use crate::model::{Progress, Time};
use crate::store::db::Db;
use crate::store::schema::Plan;

/// The endings of the files that belong to a database, besides the file itself and its lock.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What to do with a database that is in the place already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occupied {
    /// Refuse to replace it.
    Refuse,
    /// Keep it under another name.
    SetAside,
}

/// The place of a database that is about to be put there. Dropping it removes the unfinished file.
pub struct DatabaseSite {
    place: DatabasePath,
    occupied: Occupied,
    plan: Plan,
    lock: ServerLock,
}

impl DatabaseSite {
    /// Takes the place. Refuses it while a server uses it, or if there is a database that must not
    /// be replaced.
    pub fn take(path: &Path, occupied: Occupied, plan: Plan) -> Result<Self> {
        let place = DatabasePath::of(path)?;
        let refuse_taken = || {
            if occupied == Occupied::SetAside || !place.file().exists() {
                return Ok(());
            }
            Err(refused(format!(
                "there is a database at {} already: move it away first, or name another place with --db",
                place.file().display()
            )))
        };
        refuse_taken()?;
        let lock = ServerLock::take(&place)?;
        refuse_taken()?;
        let site = Self { place, occupied, plan, lock };
        site.clear()?;
        Ok(site)
    }

    /// Where the file is prepared. It does not exist yet.
    #[must_use]
    pub fn draft(&self) -> PathBuf {
        self.place.beside(".restoring")
    }

    /// Makes the draft of the database that is in the place.
    pub fn take_present(&self, progress: &Progress) -> Result<()> {
        create::touch(&self.draft())?;
        backup::copy_into(&self.place, &self.draft(), progress)
    }

    /// The bytes that can still be written there; `None` if the operating system does not report it.
    #[must_use]
    pub fn free_space(&self) -> Option<u64> {
        self.place.free_space()
    }

    /// The current schema version.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.plan.version()
    }

    /// Checks the whole draft and returns its schema version.
    pub fn check(&self, progress: &Progress) -> Result<i64> {
        backup::check(&self.draft(), &self.plan, progress)
    }

    /// Runs a reading closure on the draft.
    pub fn read<T>(&self, work: impl FnOnce(&mut dyn Db, i64) -> Result<T>) -> Result<T> {
        backup::read(&self.draft(), &self.plan, work)
    }

    /// Brings the draft to the current schema. Makes no copy: the draft is one.
    pub fn upgrade(&self, env: &Env) -> Result<()> {
        let draft = DatabasePath::of(&self.draft())?;
        let failed =
            |error| refused(format!("cannot upgrade {}", draft.file().display())).caused_by(error);
        let mut connection = connection::writer(draft.file()).map_err(failed)?;
        connection.execute_batch("pragma journal_mode = memory").map_err(failed)?;
        let version = number(&connection, "user_version").map_err(failed)?;
        upgrade::take_missing(&draft, &mut connection, &self.plan, version, env)?;
        connection.close().map_err(|(_, error)| failed(error))
    }

    /// Makes one change to the draft.
    pub fn change<T>(&self, work: impl FnOnce(&mut dyn Db) -> Result<T>) -> Result<T> {
        let draft = self.draft();
        let failed = |error| refused(format!("cannot write {}", draft.display())).caused_by(error);
        let mut connection = connection::writer(&draft).map_err(failed)?;
        connection.execute_batch("pragma journal_mode = memory").map_err(failed)?;
        let change =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let made = work(&mut Executor::new(&change, Access::Write))?;
        change.commit().map_err(failed)?;
        connection.close().map_err(|(_, error)| failed(error))?;
        Ok(made)
    }

    /// Gives the draft the name of the database, and returns the files that were set aside.
    pub fn publish(mut self, at: Time) -> Result<Vec<PathBuf>> {
        let (draft, file) = (self.draft(), self.place.file().to_owned());
        let failed = |error: rusqlite::Error| {
            refused(format!("cannot write {}", draft.display())).caused_by(error)
        };
        let connection = connection::writer(&draft).map_err(failed)?;
        create::use_log(&connection).map_err(failed)?;
        connection.close().map_err(|(_, error)| failed(error))?;
        File::open(&draft)
            .and_then(|draft| draft.sync_all())
            .map_err(|error| cannot("write", &draft, error))?;
        let aside = self.set_aside(at)?;
        fs::rename(&draft, &file).map_err(|error| cannot("create", &file, error))?;
        self.place.sync_folder()?;
        self.lock.sign()?;
        Ok(aside)
    }

    /// Moves everything away that is in the place, under one name with a time.
    fn set_aside(&self, at: Time) -> Result<Vec<PathBuf>> {
        let stamp = at.to_seconds_text().replace(['-', ':'], "");
        let names = (1..).map(|number: u32| match number {
            1 => self.place.beside(&format!(".{stamp}.replaced")),
            _ => self.place.beside(&format!(".{stamp}-{number}.replaced")),
        });
        let is_free = |name: &PathBuf| {
            [""].iter().chain(&COMPANIONS).all(|ending| !with_ending(name, ending).exists())
        };
        let Some(away) = names.take(1000).find(is_free) else {
            return Err(refused("no name is free to set the database aside".to_owned()));
        };
        let mut moved = Vec::new();
        if self.occupied == Occupied::SetAside && self.place.file().exists() {
            self.close_log()?;
            // The file keeps its name until the draft takes it, so that there is always a database.
            fs::hard_link(self.place.file(), &away)
                .or_else(|_| fs::rename(self.place.file(), &away))
                .map_err(|error| cannot("rename", self.place.file(), error))?;
            moved.push(away.clone());
        }
        for ending in COMPANIONS {
            let left = self.place.beside(ending);
            let name = with_ending(&away, ending);
            match fs::rename(&left, &name) {
                Ok(()) => moved.push(name),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(cannot("rename", &left, error)),
            }
        }
        self.place.sync_folder()?;
        Ok(moved)
    }

    /// Moves the content of the WAL into the file that is set aside. Refuses while another process
    /// uses the file. A file that cannot be opened keeps its WAL.
    fn close_log(&self) -> Result<()> {
        let Ok(connection) = connection::writer(self.place.file()) else { return Ok(()) };
        let closed = connection
            .pragma_update_and_check(None, "journal_mode", "delete", |row| row.get::<_, String>(0));
        match closed {
            Err(error) if super::fault::is_busy(&error) => Err(refused(format!(
                "another process uses {}: stop it first",
                self.place.file().display()
            ))
            .caused_by(error)),
            _ => Ok(()),
        }
    }

    /// Removes what an interrupted attempt left behind.
    fn clear(&self) -> Result<()> {
        for ending in [".restoring", ".restoring-journal", ".restoring-wal", ".restoring-shm"] {
            create::remove(&self.place.beside(ending))?;
        }
        Ok(())
    }
}

impl Drop for DatabaseSite {
    fn drop(&mut self) {
        let _ = self.clear();
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(ending);
    name.into()
}
