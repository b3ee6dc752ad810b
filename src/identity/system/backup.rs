//! Backups: those that the server makes by itself, how many of them are kept, and when the last one
//! was made.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::backup::write::{self, BackupOrder};
use crate::config::BackupConfig;
use crate::error::{Error, Result};
use crate::identity::Core;
use crate::identity::access::actor;
use crate::identity::audit::alert::AlertKind;
use crate::identity::audit::log::AuditLog;
use crate::model::event::What;
use crate::model::{Event, Progress, Source, Time};
use crate::store;

/// After a failure, the next attempt begins this much later, or when the next backup is due.
const RETRY: Duration = Duration::from_mins(10);
/// A backup is overdue when this many could have been made since the last one.
const OVERDUE: u32 = 2;

/// Records that the command line made a backup.
pub async fn record(core: &Core, file: &Path) -> Result<()> {
    let event = Event::done(What::BackupMade).by(actor::COMMAND_LINE).because(name_of(file));
    note(core, event, None).await
}

/// Writes the record of a backup, and its time. A scheduled backup is added to the list of those that
/// the server may remove later.
async fn note(core: &Core, event: Event, scheduled: Option<String>) -> Result<()> {
    let log = AuditLog::new(core, &Source::command_line());
    let now = core.env.now();
    core.store
        .write(move |db| {
            log.record(db, &event)?;
            if let Some(name) = &scheduled {
                let mut made = store::tables::backups::made(db)?;
                made.push(name.clone());
                store::tables::backups::set_made(db, &made)?;
            }
            store::tables::backups::set_last(db, now)
        })
        .await
}

/// When the last backup was made, by the schedule or the command line.
///
/// # Errors
/// `Unavailable`.
pub async fn last(core: &Core) -> Result<Option<Time>> {
    Ok(core.store.read(store::tables::backups::times).await?.0)
}

/// How long ago the last backup was made, if backups are scheduled and it is overdue; without any, how
/// long they have been scheduled.
pub async fn overdue(core: &Core) -> Result<Option<Duration>> {
    let Some(every) = core.config.backup.every else { return Ok(None) };
    let (last, since) = core.store.read(store::tables::backups::times).await?;
    let Some(from) = last.max(since) else { return Ok(None) };
    let age = core.env.now().since(from);
    Ok((age > every * OVERDUE).then_some(age))
}

/// The backups that a server makes by itself.
pub struct BackupSchedule {
    core: Arc<Core>,
    progress: Progress,
    attempted_at: Mutex<Option<Time>>,
}

impl BackupSchedule {
    /// The schedule of this server's configuration.
    #[must_use]
    pub fn of(core: Arc<Core>) -> Self {
        Self { core, progress: Progress::default(), attempted_at: Mutex::default() }
    }

    /// Stops a backup that is being made.
    pub fn cancel(&self) {
        self.progress.cancel();
    }

    /// Makes a backup if one is due, removes old ones, and tells the operator if one is overdue.
    pub async fn tick(&self) -> Result<()> {
        let config = &self.core.config.backup;
        let (Some(every), Some(folder)) = (config.every, config.to.clone()) else { return Ok(()) };
        if self.begin(every).await? {
            match self.make(&folder).await {
                Ok(name) => tracing::info!(file = name, "made a scheduled backup"),
                // The server is stopping: the next one makes it.
                Err(_) if self.progress.is_cancelled() => return Ok(()),
                Err(error) => {
                    tracing::error!(error = error.chain(), "the scheduled backup failed");
                }
            }
            remove_old(&self.core, &folder, config.keep).await?;
        }
        if overdue(&self.core).await?.is_some() {
            let log = AuditLog::new(&self.core, &Source::command_line());
            let kind = AlertKind::BackupOverdue;
            self.core.store.write(move |db| log.alert(db, kind)).await?;
        }
        Ok(())
    }

    /// Whether a backup is due now. If so, this is its attempt.
    async fn begin(&self, every: Duration) -> Result<bool> {
        let now = self.core.env.now();
        let (last, since) = self.core.store.read(store::tables::backups::times).await?;
        if since.is_none() {
            self.core.store.write(move |db| store::tables::backups::set_scheduled(db, now)).await?;
        }
        let mut attempted_at = self.attempted_at.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| now.since(last) >= every)
            && attempted_at.is_none_or(|last| now.since(last) >= RETRY.min(every));
        if is_due {
            *attempted_at = Some(now);
        }
        Ok(is_due)
    }

    /// Makes a backup and returns its name.
    async fn make(&self, folder: &Path) -> Result<String> {
        let core = self.core.clone();
        let name = name_at(&core.config.backup, &core.config.database.name(), core.env.wall());
        let order = BackupOrder {
            target: folder.join(&name),
            encrypt_to: core.config.backup.encrypt_to.clone(),
            scratch: core.config.database.scratch_file(),
        };
        let (worker, progress) = (core.clone(), self.progress.clone());
        let made = tokio::task::spawn_blocking(move || {
            write::write(&worker.store, &worker.master, &order, &worker.env, &progress)
        });
        made.await.map_err(|error| {
            Error::internal("the backup panicked or was cancelled").caused_by(error)
        })??;
        let event = Event::done(What::BackupMade).because(name.clone());
        note(&core, event, Some(name.clone())).await?;
        Ok(name)
    }
}

/// Removes the oldest scheduled backups. Only files that a schedule of this database made are in the
/// list, so nothing else is ever removed.
async fn remove_old(core: &Core, folder: &Path, keep: usize) -> Result<()> {
    let made = core.store.read(store::tables::backups::made).await?;
    let Some((old, kept)) = made.split_at_checked(made.len().saturating_sub(keep)) else {
        return Ok(());
    };
    if old.is_empty() {
        return Ok(());
    }
    // The list is in the database; a name that leads elsewhere is not one of ours.
    let is_plain = |name: &str| Path::new(name).file_name().is_some_and(|file| file == name);
    let is_left = |name: &&String| {
        is_plain(name)
            && match std::fs::remove_file(folder.join(name)) {
                Ok(()) => {
                    tracing::info!(file = name.as_str(), "removed an old backup");
                    false
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
                Err(error) => {
                    tracing::warn!(file = name.as_str(), %error, "an old backup could not be removed");
                    true
                }
            }
    };
    let names: Vec<String> = old.iter().filter(is_left).chain(kept).cloned().collect();
    core.store.write(move |db| store::tables::backups::set_made(db, &names)).await
}

/// The name of a scheduled backup, such as `authd-20261130T010203Z.db`.
fn name_at(config: &BackupConfig, database: &str, at: Time) -> String {
    let stamp = at.to_seconds_text().replace(['-', ':'], "");
    let ending = if config.encrypt_to.is_empty() { "db" } else { "db.age" };
    format!("{database}-{stamp}.{ending}")
}

fn name_of(file: &Path) -> String {
    PathBuf::from(file.file_name().unwrap_or_default()).display().to_string()
}
