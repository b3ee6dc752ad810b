//! The long work on backups of this process: one at a time, so that no two write the same scratch file or
//! take each other's space. What became of it is remembered until the process ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{InstanceFault, Result};
use crate::model::{Progress, Time};

/// How many backups may be downloaded at a time.
const DOWNLOADS: usize = 2;
/// Of how many backups the check is remembered.
const REMEMBERED: usize = 1000;

/// What is done with a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupTask {
    Make,
    Check,
}

/// Work that goes on.
#[derive(Debug, Clone)]
pub struct RunningBackupTask {
    pub task: BackupTask,
    /// The name of the file.
    pub file: String,
    pub since: Time,
    pub progress: Progress,
}

/// Work that has ended.
#[derive(Debug, Clone)]
pub struct EndedBackupTask {
    pub file: String,
    pub at: Time,
    /// What was found, or why it failed.
    pub result: std::result::Result<String, String>,
}

#[derive(Debug, Default)]
struct BackupWorkState {
    running: Option<RunningBackupTask>,
    made: Option<EndedBackupTask>,
    checked: BTreeMap<String, EndedBackupTask>,
    downloads: usize,
}

/// The long work on backups of this process.
#[derive(Debug, Default)]
pub struct BackupWork(Mutex<BackupWorkState>);

impl BackupWork {
    fn state(&self) -> MutexGuard<'_, BackupWorkState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins work on this file. It ends when the returned value is dropped.
    ///
    /// # Errors
    /// `Conflict` if other work goes on.
    pub fn begin(
        self: &Arc<Self>,
        task: BackupTask,
        file: &str,
        since: Time,
        progress: &Progress,
    ) -> Result<BackupWorkSlot> {
        let mut state = self.state();
        if let Some(running) = &state.running {
            return Err(InstanceFault::BackupBusy(running.file.clone()).into());
        }
        let (file, progress) = (file.to_owned(), progress.clone());
        state.running = Some(RunningBackupTask { task, file: file.clone(), since, progress });
        Ok(BackupWorkSlot { work: self.clone(), task, file })
    }

    /// The work that goes on.
    #[must_use]
    pub fn running(&self) -> Option<RunningBackupTask> {
        self.state().running.clone()
    }

    /// The last backup that was made or failed.
    #[must_use]
    pub fn last_made(&self) -> Option<EndedBackupTask> {
        self.state().made.clone()
    }

    /// The last check of a backup.
    #[must_use]
    pub fn last_check(&self, file: &str) -> Option<EndedBackupTask> {
        self.state().checked.get(file).cloned()
    }

    /// Asks the work that goes on to stop.
    pub fn cancel(&self) {
        if let Some(running) = &self.state().running {
            running.progress.cancel();
        }
    }

    /// Begins a download. It ends when the returned value is dropped.
    ///
    /// # Errors
    /// `Conflict` if there are too many.
    pub fn begin_download(self: &Arc<Self>) -> Result<BackupDownloadSlot> {
        let mut state = self.state();
        if state.downloads >= DOWNLOADS {
            return Err(InstanceFault::DownloadsBusy.into());
        }
        state.downloads += 1;
        Ok(BackupDownloadSlot(self.clone()))
    }
}

/// The right to work on a backup.
pub struct BackupWorkSlot {
    work: Arc<BackupWork>,
    task: BackupTask,
    file: String,
}

impl BackupWorkSlot {
    /// Ends the work with its result.
    pub fn end(self, at: Time, result: std::result::Result<String, String>) {
        let ended = EndedBackupTask { file: self.file.clone(), at, result };
        let mut state = self.work.state();
        match self.task {
            BackupTask::Make => state.made = Some(ended),
            BackupTask::Check => {
                // Names begin with the database's, then the time: the first is the oldest.
                if state.checked.len() >= REMEMBERED {
                    state.checked.pop_first();
                }
                state.checked.insert(self.file.clone(), ended);
            }
        }
    }
}

impl Drop for BackupWorkSlot {
    fn drop(&mut self) {
        self.work.state().running = None;
    }
}

/// The right to download a backup.
pub struct BackupDownloadSlot(Arc<BackupWork>);

impl Drop for BackupDownloadSlot {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.downloads = state.downloads.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn one_task_at_a_time_and_two_downloads() {
        let work = Arc::new(BackupWork::default());
        let (now, progress) = (Time::from_seconds(1), Progress::default());
        let begin = |file| work.begin(BackupTask::Make, file, now, &progress);
        let first = begin("a.db").unwrap();
        assert_eq!(begin("b.db").err().unwrap().kind(), Kind::Conflict);
        assert_eq!(work.running().unwrap().file, "a.db");
        work.cancel();
        assert!(progress.is_cancelled());
        first.end(now, Err("full".to_owned()));
        assert!(work.running().is_none());
        assert_eq!(work.last_made().unwrap().result, Err("full".to_owned()));
        drop(begin("b.db").unwrap());
        assert!(begin("c.db").is_ok(), "a task that panicked has ended too");
        let downloads = [work.begin_download().unwrap(), work.begin_download().unwrap()];
        assert_eq!(work.begin_download().err().unwrap().kind(), Kind::Conflict);
        drop(downloads);
        assert!(work.begin_download().is_ok());
    }
}
