//! Backups: those that the server makes by itself or for an administrator, how many of them are kept, and
//! when the last one was made.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use crate::backup::open_folder_warning;
use crate::backup::write::{self, BackupOrder};
use crate::config::BackupConfig;
use crate::error::{Error, Result};
use crate::identity::Core;
use crate::identity::access::actor;
use crate::identity::access::actor::By;
use crate::identity::audit::alert::AlertKind;
use crate::identity::audit::log::AuditLog;
use crate::identity::system::backup_work::{BackupTask, BackupWorkSlot};
use crate::model::event::What;
use crate::model::{Event, Progress, Source, Time};
use crate::store;
use crate::store::tables::backups::BackupMaker;

/// After a failure, the next attempt begins this much later, or when the next backup is due.
const RETRY: Duration = Duration::from_mins(10);
/// A backup is overdue when this many could have been made since the last one.
const OVERDUE: u32 = 2;

/// Records that the command line made a backup.
pub async fn record(core: &Core, file: &Path) -> Result<()> {
    let event = Event::done(What::BackupMade).by(actor::COMMAND_LINE).because(name_of(file));
    note(core, (event, &Source::command_line()), None).await
}

/// Writes the record of a backup, and its time. One that the server made itself is added to the list of
/// those that it may remove later.
async fn note(
    core: &Core,
    (event, source): (Event, &Source),
    listed: Option<(String, BackupMaker)>,
) -> Result<()> {
    let log = AuditLog::new(core, source);
    let now = core.env.now();
    core.store
        .write(move |db| {
            log.record(db, &event)?;
            if let Some((name, maker)) = &listed {
                let mut made = store::tables::backups::made(db, *maker)?;
                made.push(name.clone());
                store::tables::backups::set_made(db, *maker, &made)?;
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
        self.core.backup_work.cancel();
    }

    /// Makes a backup if one is due, removes old ones, and tells the operator if one is overdue.
    pub async fn tick(&self) -> Result<()> {
        let config = &self.core.config.backup;
        let (Some(every), Some(folder)) = (config.every, config.to.clone()) else { return Ok(()) };
        if let Some((name, slot)) = self.begin(every).await? {
            let result = match self.make(&folder, &name).await {
                Ok(size) => {
                    tracing::info!(file = name, "made a scheduled backup");
                    Ok(format!("{size} bytes"))
                }
                // The server is stopping: the next one makes it.
                Err(_) if self.progress.is_cancelled() => return Ok(()),
                Err(error) => {
                    tracing::error!(error = error.chain(), "the scheduled backup failed");
                    Err(error.message().to_owned())
                }
            };
            slot.end(self.core.env.now(), result);
            remove_old(&self.core, &folder, BackupMaker::Schedule).await?;
        }
        if overdue(&self.core).await?.is_some() {
            let log = AuditLog::new(&self.core, &Source::command_line());
            let kind = AlertKind::BackupOverdue;
            self.core.store.write(move |db| log.alert(db, kind)).await?;
        }
        Ok(())
    }

    /// The name of the backup that is due now, if one is and no other work on backups goes on. This is
    /// its attempt.
    async fn begin(&self, every: Duration) -> Result<Option<(String, BackupWorkSlot)>> {
        let now = self.core.env.now();
        let (last, since) = self.core.store.read(store::tables::backups::times).await?;
        if since.is_none() {
            self.core.store.write(move |db| store::tables::backups::set_scheduled(db, now)).await?;
        }
        let mut attempted_at = self.attempted_at.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| now.since(last) >= every)
            && attempted_at.is_none_or(|last| now.since(last) >= RETRY.min(every));
        if !is_due {
            return Ok(None);
        }
        let (name, work) = (new_name(&self.core), &self.core.backup_work);
        let slot = work.begin(BackupTask::Make, &name, now, &self.progress).ok();
        if slot.is_some() {
            *attempted_at = Some(now);
        }
        Ok(slot.map(|slot| (name, slot)))
    }

    /// Makes a backup and returns its size.
    async fn make(&self, folder: &Path, name: &str) -> Result<u64> {
        let core = &self.core;
        let size = write_file(core, folder, name, &self.progress).await?;
        let event = Event::done(What::BackupMade).because(name);
        let listed = Some((name.to_owned(), BackupMaker::Schedule));
        note(core, (event, &Source::command_line()), listed).await?;
        Ok(size)
    }
}

/// Makes a backup for an administrator, and removes the oldest of such. Scheduled ones stay: else the
/// permission to make backups would be one to remove all of them. Returns its size.
pub(in crate::identity) async fn make_by_hand(
    core: &Core,
    by: &By,
    folder: &Path,
    name: &str,
    progress: &Progress,
) -> Result<u64> {
    let maker = BackupMaker::Administrator;
    let made = write_file(core, folder, name, progress).await;
    let (event, listed) = match &made {
        Ok(_) => (Event::done(What::BackupMade), Some((name.to_owned(), maker))),
        Err(_) => (Event::refused(What::BackupMade), None),
    };
    let event = event.by(by.actor.name()).because(name);
    match made {
        Ok(size) => {
            note(core, (event, &by.source), listed).await?;
            remove_old(core, folder, maker).await?;
            Ok(size)
        }
        Err(error) => {
            let log = AuditLog::new(core, &by.source);
            core.store.write(move |db| log.record(db, &event)).await?;
            Err(error)
        }
    }
}

/// Writes a backup on a thread of its own and returns its size.
async fn write_file(core: &Core, folder: &Path, name: &str, progress: &Progress) -> Result<u64> {
    let order = BackupOrder {
        target: folder.join(name),
        encrypt_to: core.config.backup.encrypt_to.clone(),
        scratch: core.config.database.scratch_file(),
    };
    let (worker, progress) = (core.clone(), progress.clone());
    let made = tokio::task::spawn_blocking(move || {
        write::write(&worker.store, &worker.master, &order, &worker.env, &progress)
    });
    let made = made.await.map_err(|error| {
        Error::internal("the backup panicked or was cancelled").caused_by(error)
    })??;
    Ok(made.size)
}

/// Whether a name leads to no other folder.
pub(in crate::identity) fn is_plain_name(name: &str) -> bool {
    Path::new(name).file_name().is_some_and(|file| file == name)
}

/// Removes the oldest backups of a maker. Only files that this server made are in the list, so nothing
/// else is ever removed.
async fn remove_old(core: &Core, folder: &Path, maker: BackupMaker) -> Result<()> {
    let keep = core.config.backup.keep;
    let made = core.store.read(move |db| store::tables::backups::made(db, maker)).await?;
    let Some((old, kept)) = made.split_at_checked(made.len().saturating_sub(keep)) else {
        return Ok(());
    };
    if old.is_empty() {
        return Ok(());
    }
    let is_left = |name: &&String| {
        // The list is in the database; a name that leads elsewhere is not one of ours.
        is_plain_name(name)
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
    core.store.write(move |db| store::tables::backups::set_made(db, maker, &names)).await
}

/// The name of a backup that begins now.
pub(in crate::identity) fn new_name(core: &Core) -> String {
    name_at(&core.config.backup, &core.config.database.name(), core.env.wall())
}

/// The time in the name of a backup.
pub(in crate::identity) fn time_in(name: &str) -> Option<Time> {
    let (_, stamp) = name.split('.').next()?.rsplit_once('-')?;
    let parts = [(0..4, "-"), (4..6, "-"), (6..11, ":"), (11..13, ":"), (13..16, "")];
    let text =
        parts.into_iter().map(|(range, after)| Some(format!("{}{after}", stamp.get(range)?)));
    let text = text.collect::<Option<String>>()?;
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(Time::from_millis(at.as_millisecond()))
}

/// The name of a backup, such as `authd-20261130T010203Z.db`.
fn name_at(config: &BackupConfig, database: &str, at: Time) -> String {
    let stamp = at.to_seconds_text().replace(['-', ':'], "");
    let ending = if config.encrypt_to.is_empty() { "db" } else { "db.age" };
    format!("{database}-{stamp}.{ending}")
}

fn name_of(file: &Path) -> String {
    PathBuf::from(file.file_name().unwrap_or_default()).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_backup_is_in_its_name() {
        let at = |name| time_in(name).map(Time::to_seconds_text);
        for name in ["authd-20261130T010203Z.db", "my-own-20261130T010203Z.db.age"] {
            assert_eq!(at(name).as_deref(), Some("2026-11-30T01:02:03Z"), "{name}");
        }
        for name in ["", "authd.db", "authd-x.db", "authd-20261330T010203Z.db", "é-2026113é"] {
            assert_eq!(at(name), None, "{name}");
        }
        assert!(is_plain_name("a.db") && !is_plain_name("../a.db") && !is_plain_name("a/b"));
        assert!(!is_plain_name("..") && !is_plain_name("/a") && !is_plain_name(""));
    }
}
