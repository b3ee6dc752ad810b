//! Puts a backup, or the copy made before an upgrade, in the place of the database.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::backup::{BackupContents, check, new_file};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::event::What;
use crate::model::{AgeIdentity, Database, Event, Progress, Secret, Source};
use crate::seal::MasterKey;
use crate::store::tables::backups::EndedGrants;
use crate::store::{DatabaseSite, Occupied, Store, tables};

/// How much is copied between two looks at the progress.
const PIECE: usize = 1 << 20;

/// Where the master key of a backup comes from.
pub enum KeySource {
    /// `AUTHD_MASTER_KEY`.
    Given(Secret),
    /// A file. It is copied beside the database, unless it is there.
    File(PathBuf),
}

impl KeySource {
    /// The master key.
    pub fn load(&self) -> Result<MasterKey> {
        match self {
            KeySource::Given(text) => MasterKey::parse(text.reveal()),
            KeySource::File(path) => MasterKey::load(path),
        }
    }
}

/// A database that was put back.
#[derive(Debug, Clone)]
pub struct PutBack {
    /// What it contains, as it was in the backup.
    pub contents: BackupContents,
    /// What ended in it.
    pub ended: EndedGrants,
    /// Files that were in its place, under their new names.
    pub aside: Vec<PathBuf>,
}

/// Restores a backup where there is no database. Its sessions, links and codes end, and messages that
/// it had not delivered are dropped.
///
/// # Errors
/// If there is a database already, the backup is not whole, or the master key is another one. Nothing
/// was changed then.
pub fn restore(
    file: &Path,
    identities: &[AgeIdentity],
    database: &Database,
    key: &KeySource,
    env: &Env,
    progress: &Progress,
) -> Result<PutBack> {
    let master = key.load()?;
    let site = Store::site(database, Occupied::Refuse)?;
    transfer(file, identities, &site, progress)?;
    let contents = read(&site, Some(&master), progress)
        .map_err(|error| check::about(file, "cannot be restored", error))?;
    site.upgrade(env)?;
    let (id, now) = (env.new_id()?, env.now());
    let event = Event::done(What::DatabaseRestored).by("cli").because(name_of(file));
    let ended = site.change(|db| {
        tables::audit::insert(db, &id, now, &event, &Source::command_line())?;
        tables::backups::end_grants(db, site.version(), now)
    })?;
    if let KeySource::File(path) = key {
        MasterKey::install(path, &database.key_file())?;
    }
    let aside = site.publish(env.wall())?;
    Ok(PutBack { contents, ended, aside })
}

/// Checks the whole draft, and what it contains.
pub(super) fn read(
    site: &DatabaseSite,
    master: Option<&MasterKey>,
    progress: &Progress,
) -> Result<BackupContents> {
    site.check(progress)?;
    site.read(|db, schema| BackupContents::read(db, schema, master))
}

/// Copies the file to where it is prepared, decrypted.
pub(super) fn transfer(
    file: &Path,
    identities: &[AgeIdentity],
    site: &DatabaseSite,
    progress: &Progress,
) -> Result<()> {
    let unreadable = |error| new_file::cannot("read", file, error);
    let mut source = check::open(file)?;
    let is_encrypted = check::is_encrypted(&mut source, file)?;
    if !is_encrypted {
        check::refuse_log(file)?;
    }
    let size = source.metadata().map_err(unreadable)?.len();
    let draft = site.draft();
    if let Some(free) = site.free_space().filter(|free| *free < size) {
        return Err(Error::refused(format!(
            "there is not enough space for {}: it needs {size} bytes, and {free} are free",
            draft.display()
        )));
    }
    let unwritable = |error| new_file::cannot("write", &draft, error);
    let mut target = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .map_err(unwritable)?;
    if is_encrypted {
        return check::decrypt(&source, file, identities, &target, &draft, progress);
    }
    progress.begin("copying", size);
    let (mut piece, mut done) = (vec![0; PIECE], 0);
    loop {
        let count = match source.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(error)),
        };
        progress.check()?;
        target.write_all(&piece[..count]).map_err(unwritable)?;
        done += count as u64;
        progress.reach(done);
    }
}

/// The name of a file, for the audit log.
fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
