//! A new file that appears complete or not at all: written under a temporary name that only one
//! process uses, synced, and then given its name, which must be free.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

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
        let file = match create(&part) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                remove_stale(&part, &target)?;
                create(&part)
            }
            created => created,
        };
        let file = file.map_err(|error| cannot("create", &part, error))?;
        if is_locked(&file) {
            return Err(in_use(&target));
        }
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
        let about = self.file.metadata().map_err(failed)?;
        let named = fs::symlink_metadata(&self.part).map_err(failed)?;
        if (named.dev(), named.ino()) != (about.dev(), about.ino()) {
            return Err(in_use(&self.target));
        }
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
        Ok(about.len())
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

/// Creates the file. What is there is not opened, even if it is a link to another file.
fn create(part: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(part)
}

/// Removes what a process that was killed left behind. Refuses while a process writes it.
fn remove_stale(part: &Path, target: &Path) -> Result<()> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let found = OpenOptions::new().read(true).custom_flags(flags).open(part);
    if found.is_ok_and(|file| is_locked(&file)) {
        return Err(in_use(target));
    }
    fs::remove_file(part).map_err(|error| cannot("remove", part, error))
}

/// Whether another process holds the lock. Otherwise this one holds it, if the filesystem has locks.
fn is_locked(file: &File) -> bool {
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

fn in_use(target: &Path) -> Error {
    Error::refused(format!("another process is writing {}", target.display()))
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_appears_with_its_content_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("new");
        let file = NewFile::begin(&target).unwrap();
        file.file().write_all(b"whole").unwrap();
        assert!(!target.exists());
        assert_eq!(file.publish().unwrap(), 5);
        assert_eq!(fs::read(&target).unwrap(), b"whole");
        assert_eq!(names(folder.path()), ["new"]);
        drop(NewFile::begin(&folder.path().join("other")).unwrap());
        assert_eq!(names(folder.path()), ["new"]);
        assert!(NewFile::begin(&target).is_err());
    }

    #[test]
    fn one_process_at_a_time_writes_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("new");
        let first = NewFile::begin(&target).unwrap();
        let second = NewFile::begin(&target).err().unwrap();
        assert!(second.message().contains("another process is writing"), "{second}");
        drop(first);
        NewFile::begin(&target).unwrap();
    }

    #[test]
    fn a_name_that_is_taken_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("new");
        let file = NewFile::begin(&target).unwrap();
        fs::write(&target, "another").unwrap();
        assert!(file.publish().err().unwrap().message().contains("exists already"));
        assert_eq!(fs::read(&target).unwrap(), b"another");
        assert_eq!(names(folder.path()), ["new"]);
    }

    /// Another user of a shared folder may have put something in the place of the temporary name.
    #[test]
    fn nothing_is_written_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (target, victim) = (folder.path().join("new"), folder.path().join("victim"));
        fs::write(&victim, "mine").unwrap();
        std::os::unix::fs::symlink(&victim, folder.path().join("new.part")).unwrap();
        let file = NewFile::begin(&target).unwrap();
        file.file().write_all(b"whole").unwrap();
        file.publish().unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"mine");
        assert!(!target.is_symlink() && fs::read(&target).unwrap() == b"whole");
    }
}
