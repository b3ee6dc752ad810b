//! A new file that appears complete or not at all: written under a temporary name that only one
//! process uses, synced, and then given its name, which must be free.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::backup::folder_of;
use crate::error::{Error, Result};

/// A file that does not have its name yet. Dropping it removes it.
pub(super) struct NewFile {
    target: PathBuf,
    part: PathBuf,
    file: File,
}

impl NewFile {
    /// Begins a file that only its owner may read. Refuses to replace one.
    pub(super) fn begin(target: &Path) -> Result<Self> {
        let target = std::path::absolute(target).map_err(|error| cannot("find", target, error))?;
        refuse_existing(&target)?;
        let mut part = target.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&part)
            .map_err(|error| cannot("create", &part, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::refused(format!(
                    "another process is writing {}",
                    target.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(cannot("lock", &part, error)),
        }
        // A process that was killed may have left it behind.
        file.set_len(0)
            .and_then(|()| file.set_permissions(fs::Permissions::from_mode(0o600)))
            .map_err(|error| cannot("write", &part, error))?;
        Ok(Self { target, part, file })
    }

    /// The temporary name.
    pub(super) fn part(&self) -> &Path {
        &self.part
    }

    /// The open file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Syncs the file and gives it its name. Returns its size.
    pub(super) fn publish(self) -> Result<u64> {
        let failed = |error| cannot("write", &self.target, error);
        self.file.sync_all().map_err(failed)?;
        let size = self.file.metadata().map_err(failed)?.len();
        // A link fails if the name is taken. Not every filesystem has links.
        match fs::hard_link(&self.part, &self.target) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(taken(&self.target));
            }
            Err(_) => {
                refuse_existing(&self.target)?;
                fs::rename(&self.part, &self.target).map_err(failed)?;
            }
        }
        let _ = fs::remove_file(&self.part);
        File::open(folder_of(&self.target)).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(size)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        for ending in ["", "-journal"] {
            let mut name = self.part.clone().into_os_string();
            name.push(ending);
            let _ = fs::remove_file(name);
        }
    }
}

fn refuse_existing(target: &Path) -> Result<()> {
    if target.symlink_metadata().is_ok() { Err(taken(target)) } else { Ok(()) }
}

fn taken(target: &Path) -> Error {
    Error::refused(format!("{} exists already: name another file", target.display()))
}

/// An error about a file, in words that say what to do where the cause is common.
pub(super) fn cannot(what: &str, path: &Path, error: io::Error) -> Error {
    let space = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ": there is no space left",
        _ => "",
    };
    Error::refused(format!("cannot {what} {}{space}", path.display())).caused_by(error)
}
