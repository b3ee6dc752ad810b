//! Backups for administrators: those that the schedule or an administrator made, with their size and last
//! check. Making and checking one takes long, so both go on after the call. A name counts only if it is
//! in the lists of the database, so no other file is ever read.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;

use crate::backup::{BackupContents, check};
use crate::error::{Error, InstanceFault, Kind, Result};
use crate::identity::Core;
use crate::identity::access::actor::{By, FreshBy};
use crate::identity::audit::log::AuditLog;
use crate::identity::system::backup;
use crate::identity::system::backup_work::{
    BackupDownloadSlot, BackupTask, BackupWorkSlot, EndedBackupTask, RunningBackupTask,
};
use crate::model::event::What;
use crate::model::{Database, Event, Permission, Progress, Time};
use crate::store;
use crate::store::tables::backups::BackupMaker;

/// How much of a file is read at a time.
const PIECE: u64 = 256 * 1024;

/// A backup in the folder of the configuration.
#[derive(Debug, Clone)]
pub struct BackupFile {
    pub name: String,
    pub size: u64,
    /// When it was begun.
    pub made_at: Option<Time>,
    /// Whether the schedule made it, and no administrator.
    pub is_of_schedule: bool,
    pub is_encrypted: bool,
    /// The last check since the server started.
    pub check: Option<EndedBackupTask>,
}

/// The backups, and what goes on with them.
#[derive(Debug, Clone)]
pub struct BackupOverview {
    /// Why the server makes none; `None` if it can.
    pub problem: Option<InstanceFault>,
    pub folder: Option<PathBuf>,
    pub every: Option<Duration>,
    pub keep: usize,
    /// The newest first.
    pub files: Vec<BackupFile>,
    pub running: Option<RunningBackupTask>,
    /// The last one that this process made or could not make.
    pub last: Option<EndedBackupTask>,
}

/// Why the server can make no backup.
fn problem(core: &Core) -> Option<InstanceFault> {
    match &core.config.database {
        Database::Postgres(_) => Some(InstanceFault::BackupsOfPostgres),
        Database::File(_) if core.config.backup.to.is_none() => Some(InstanceFault::NoBackupFolder),
        Database::File(_) => None,
    }
}

fn folder(core: &Core) -> Result<PathBuf> {
    if let Some(problem) = problem(core) {
        return Err(problem.into());
    }
    core.config.backup.to.clone().ok_or_else(|| InstanceFault::NoBackupFolder.into())
}

/// Whether the end of the name says that it is encrypted.
fn is_encrypted(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == "age")
}

/// The names in the lists of the database, with who made each.
async fn names(core: &Core) -> Result<Vec<(String, BackupMaker)>> {
    let read = |db: &mut dyn store::db::Db| {
        let mut all = Vec::new();
        for maker in [BackupMaker::Schedule, BackupMaker::Administrator] {
            let names = store::tables::backups::made(db, maker)?;
            all.extend(names.into_iter().map(|name| (name, maker)));
        }
        Ok(all)
    };
    let mut all = core.store.read(read).await?;
    all.retain(|(name, _)| backup::is_plain_name(name));
    Ok(all)
}

/// The backups, and what goes on with them.
///
/// # Errors
/// `Unavailable`.
pub async fn list(core: &Core) -> Result<BackupOverview> {
    let work = &core.backup_work;
    let mut overview = BackupOverview {
        problem: problem(core),
        folder: core.config.backup.to.clone(),
        every: core.config.backup.every,
        keep: core.config.backup.keep,
        files: Vec::new(),
        running: work.running(),
        last: work.last_made(),
    };
    if let (None, Some(folder)) = (&overview.problem, overview.folder.clone()) {
        let names = names(core).await?;
        let found = tokio::task::spawn_blocking(move || sizes(&folder, names)).await;
        overview.files = found.map_err(Error::internal)?;
        for file in &mut overview.files {
            file.check = work.last_check(&file.name);
        }
    }
    Ok(overview)
}

/// The files that are there, the newest first.
fn sizes(folder: &Path, names: Vec<(String, BackupMaker)>) -> Vec<BackupFile> {
    let file = |(name, maker): (String, BackupMaker)| {
        let about = std::fs::symlink_metadata(folder.join(&name)).ok()?;
        about.is_file().then(|| BackupFile {
            size: about.len(),
            made_at: backup::time_in(&name),
            is_encrypted: is_encrypted(&name),
            check: None,
            is_of_schedule: maker == BackupMaker::Schedule,
            name,
        })
    };
    let mut files: Vec<_> = names.into_iter().filter_map(file).collect();
    files.sort_by(|one, other| (other.made_at, &other.name).cmp(&(one.made_at, &one.name)));
    files
}

/// Refuses an actor without the permission.
async fn admit(core: &Core, by: &By) -> Result<()> {
    let actor = by.actor.clone();
    core.store.read(move |db| actor.needs(db, Permission::Backups)).await
}

/// Begins a backup into the folder of the configuration, and returns its name. [`list`] says how far it
/// is, and what became of it.
///
/// # Errors
/// `Conflict` without a folder, with PostgreSQL, or while other work on backups goes on; `Forbidden`.
pub async fn make(core: &Core, by: &By) -> Result<String> {
    let folder = folder(core)?;
    admit(core, by).await?;
    let (name, progress) = (backup::new_name(core), Progress::default());
    let slot = core.backup_work.begin(BackupTask::Make, &name, core.env.now(), &progress)?;
    let (core, by, file) = (core.clone(), by.clone(), name.clone());
    tokio::spawn(async move {
        let made = backup::make_by_hand(&core, &by, &folder, &file, &progress).await;
        end(&core, slot, made.map(|size| format!("{size} bytes")));
    });
    Ok(name)
}

fn end(core: &Core, slot: BackupWorkSlot, result: Result<String>) {
    let result = result.map_err(|error| {
        tracing::error!(error = error.chain(), "the work on a backup failed");
        error.message().to_owned()
    });
    slot.end(core.env.now(), result);
}

/// The place of a backup of the lists.
async fn place(core: &Core, name: &str) -> Result<PathBuf> {
    let folder = folder(core)?;
    let is_known = names(core).await?.iter().any(|(known, _)| known == name);
    if is_known { Ok(folder.join(name)) } else { Err(Kind::NotFound.into()) }
}

/// Begins the check of a backup: that it is whole, and that the master key of this server opens it.
/// [`list`] says what was found.
///
/// # Errors
/// `NotFound`; `Conflict` if it is encrypted, or while other work on backups goes on; `Forbidden`.
pub async fn verify(core: &Core, by: &By, name: &str) -> Result<()> {
    let path = place(core, name).await?;
    admit(core, by).await?;
    if is_encrypted(name) {
        return Err(InstanceFault::BackupEncrypted.into());
    }
    let progress = Progress::default();
    let slot = core.backup_work.begin(BackupTask::Check, name, core.env.now(), &progress)?;
    let (core, by, name) = (core.clone(), by.clone(), name.to_owned());
    tokio::spawn(async move {
        let found = checked(&core, path, progress).await;
        let event = match &found {
            Ok(_) => Event::done(What::BackupChecked),
            Err(_) => Event::refused(What::BackupChecked),
        };
        let (log, event) =
            (AuditLog::new(&core, &by.source), event.by(by.actor.name()).because(name));
        let noted = core.store.write(move |db| log.record(db, &event)).await;
        end(&core, slot, noted.and(found));
    });
    Ok(())
}

async fn checked(core: &Core, path: PathBuf, progress: Progress) -> Result<String> {
    let (master, scratch) = (core.master.clone(), core.config.database.scratch_file());
    let checked = tokio::task::spawn_blocking(move || {
        check::check(&path, &[], &scratch, Some(&master), &progress)
    });
    let BackupContents { accounts, opened, .. } = checked.await.map_err(Error::internal)??;
    let keys = opened.unwrap_or(0);
    Ok(format!(
        "whole, with {accounts} accounts; the master key of this server opens its {keys} keys"
    ))
}

/// A backup that is being downloaded.
pub struct BackupDownload {
    pub name: String,
    pub size: u64,
    file: Option<File>,
    left: u64,
    _slot: BackupDownloadSlot,
}

/// Opens a backup for a download, which is recorded. The master key is not in it.
///
/// # Errors
/// `NotFound`; `Conflict` while too many are downloaded; `Forbidden`.
pub async fn download(core: &Core, by: &FreshBy, name: &str) -> Result<BackupDownload> {
    let by = by.by();
    admit(core, by).await?;
    let path = place(core, name).await?;
    let slot = core.backup_work.begin_download()?;
    let opened = tokio::task::spawn_blocking(move || open(&path)).await.map_err(Error::internal)?;
    let (file, size) = opened?;
    let (log, name) = (AuditLog::new(core, &by.source), name.to_owned());
    let event = Event::done(What::BackupDownloaded).by(by.actor.name()).because(&name);
    core.store.write(move |db| log.record(db, &event)).await?;
    Ok(BackupDownload { name, size, file: Some(file), left: size, _slot: slot })
}

/// Opens a file that is no link to another one.
fn open(path: &Path) -> Result<(File, u64)> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let about = file.and_then(|file| Ok((file.metadata()?, file)));
    match about {
        Ok((about, file)) if about.is_file() => Ok((file, about.len())),
        Ok(_) => Err(Kind::NotFound.into()),
        Err(error) => Err(Error::new(Kind::NotFound).caused_by(error)),
    }
}

impl BackupDownload {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// `Internal` if the file cannot be read or has become shorter.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let wanted = self.left.min(PIECE);
        let Some(mut file) = self.file.take().filter(|_| wanted > 0) else { return Ok(None) };
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = vec![0; usize::try_from(wanted).unwrap_or(0)];
            file.read_exact(&mut bytes).map(|()| (file, bytes))
        });
        let (file, bytes) = read.await.map_err(Error::internal)?.map_err(Error::internal)?;
        self.file = Some(file);
        self.left -= wanted;
        Ok(Some(bytes))
    }
}
