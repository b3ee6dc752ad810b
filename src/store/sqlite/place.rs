//! Where the database lies: its path, the files beside it, the lock that one server holds, the filesystem below.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Kind, Result};

/// How often a held lock is asked for again, a millisecond apart: a command may only be looking whether it is free.
const PATIENCE: u32 = 20;

/// The real path of a database file, every link followed.
#[derive(Debug, Clone)]
pub(super) struct Place {
    file: PathBuf,
}

impl Place {
    /// The place that this path means, whether or not the file is there.
    pub(super) fn of(path: &Path) -> Result<Self> {
        if let Ok(file) = path.canonicalize() {
            return Ok(Self { file });
        }
        if path.is_symlink() {
            return Err(refused(format!("{} points to a file that is not there", path.display())));
        }
        let full = std::path::absolute(path).map_err(|error| cannot("find", path, error))?;
        let (Some(folder), Some(name)) = (full.parent(), full.file_name()) else {
            return Err(refused(format!("{} should be a file and is not", path.display())));
        };
        let folder = folder.canonicalize().map_err(|error| cannot("find the folder", folder, error))?;
        Ok(Self { file: folder.join(name) })
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// A file of the same name with something added.
    pub(super) fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.file.clone().into_os_string();
        name.push(ending);
        name.into()
    }

    pub(super) fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("/"))
    }

    /// Whether the log beside the file holds anything.
    pub(super) fn has_log(&self) -> bool {
        self.beside("-wal").metadata().is_ok_and(|log| log.len() > 0)
    }

    /// Whether a server holds the lock. Asking takes it for a moment, which is why [`Lock::take`] asks more than once.
    pub(super) fn is_served(&self) -> bool {
        File::open(self.beside(".lock"))
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Makes the names in the folder last.
    pub(super) fn sync_folder(&self) -> Result<()> {
        let folder = self.folder();
        File::open(folder).and_then(|file| file.sync_all()).map_err(|error| cannot("write", folder, error))
    }

    /// Refuses a place where a database was and is not any more: what belongs to it is still there.
    pub(super) fn refuse_leftovers(&self) -> Result<()> {
        for ending in ["-wal", "-shm", "-journal", ".lock"] {
            let left = self.beside(ending);
            let is_left = left.metadata().is_ok_and(|file| ending != ".lock" || file.len() > 0);
            if is_left {
                return Err(refused(format!(
                    "there was a database at {}: {} is still there, but not the file itself. \
                     Put it back, or remove what is left of it to begin anew",
                    self.file.display(),
                    left.display()
                )));
            }
        }
        Ok(())
    }

    /// Why this is a bad place for a database, if it is one.
    pub(super) fn warning(&self) -> Option<String> {
        let kind = network_filesystem(self.folder())?;
        Some(format!(
            "{} lies on {kind}: locks and writes through a network cannot be trusted, use a local disk",
            self.file.display()
        ))
    }
}

/// The lock of the one server of a file, given back when it is dropped or the process ends.
///
/// Its file is empty until there is a database to lock; afterwards it says who holds it, or held it last. So one that
/// says something where no database is remembers that there was one.
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    pub(super) fn take(place: &Place) -> Result<Self> {
        let path = place.beside(".lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| cannot("open", &path, error))?;
        let mut locked = file.try_lock();
        for _ in 0..PATIENCE {
            if !matches!(locked, Err(TryLockError::WouldBlock)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = holder.trim();
                let who = if holder.is_empty() { String::new() } else { format!(" (process {holder})") };
                let database = place.file().display();
                return Err(refused(format!("another authd{who} is serving {database}: one server per database")));
            }
            Err(TryLockError::Error(error)) => return Err(cannot("lock", &path, error)),
        }
        Ok(Self { file, path })
    }

    /// Writes into it who holds it, once the database is there.
    pub(super) fn sign(&mut self) -> Result<()> {
        self.file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| writeln!(self.file, "{}", std::process::id()))
            .map_err(|error| cannot("write", &self.path, error))
    }
}

/// A refusal to open, said to whoever started the program.
pub(super) fn refused(message: String) -> Error {
    Error::with(Kind::Internal, message)
}

/// A file or folder that could not be used.
pub(super) fn cannot(what: &str, path: &Path, error: std::io::Error) -> Error {
    refused(format!("cannot {what} {}", path.display())).caused_by(error)
}

#[cfg(target_os = "linux")]
#[allow(clippy::useless_conversion, reason = "the number's type is the machine's")]
fn network_filesystem(folder: &Path) -> Option<&'static str> {
    named(i64::try_from(rustix::fs::statfs(folder).ok()?.f_type).ok()?)
}

#[cfg(not(target_os = "linux"))]
fn network_filesystem(_folder: &Path) -> Option<&'static str> {
    None
}

#[cfg(target_os = "linux")]
fn named(magic: i64) -> Option<&'static str> {
    Some(match magic {
        0x6969 => "NFS",
        0x517B | 0xFE53_4D42 | 0xFF53_4D42 => "SMB",
        0x6573_5546 => "FUSE",
        0x0102_1997 => "9P",
        0x00C3_6400 => "Ceph",
        0x5346_414F => "AFS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_and_its_file_are_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("real.db");
        let link = folder.path().join("link.db");
        std::fs::write(&file, "x").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(Place::of(&link).unwrap().file(), Place::of(&file).unwrap().file());
        std::fs::remove_file(&file).unwrap();
        assert!(Place::of(&link).unwrap_err().message().contains("points to a file that is not there"));
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Place::of(&folder.path().join("none/authd.db")).unwrap_err();
        assert!(error.message().contains("none"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn network_filesystems_are_known_by_name() {
        assert_eq!(named(0x6969), Some("NFS"));
        assert_eq!(named(0xFF53_4D42), Some("SMB"));
        assert_eq!(named(0xEF53), None);
    }
}
