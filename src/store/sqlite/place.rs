//! The database's location: its path, the files next to it, the server's lock, and the filesystem.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Kind, Result};

/// How many times to retry a held lock, one millisecond apart: a command may hold it briefly to
/// check whether a server runs.
const PATIENCE: u32 = 20;

/// The real path of a database file, with all symbolic links resolved.
#[derive(Debug, Clone)]
pub(super) struct DatabasePath {
    file: PathBuf,
}

impl DatabasePath {
    /// Resolves a path, whether or not the file exists.
    pub(super) fn of(path: &Path) -> Result<Self> {
        if let Ok(file) = path.canonicalize() {
            return Ok(Self { file });
        }
        if path.is_symlink() {
            return Err(refused(format!(
                "{} points to a file that does not exist",
                path.display()
            )));
        }
        let full = std::path::absolute(path).map_err(|error| cannot("find", path, error))?;
        let (Some(folder), Some(name)) = (full.parent(), full.file_name()) else {
            return Err(refused(format!("{} is not a file", path.display())));
        };
        let folder =
            folder.canonicalize().map_err(|error| cannot("find the directory", folder, error))?;
        Ok(Self { file: folder.join(name) })
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// The path of a file with the same name plus a suffix.
    pub(super) fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.file.clone().into_os_string();
        name.push(ending);
        name.into()
    }

    pub(super) fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("/"))
    }

    /// Whether the WAL next to the file has any content.
    pub(super) fn has_log(&self) -> bool {
        self.beside("-wal").metadata().is_ok_and(|log| log.len() > 0)
    }

    /// Whether a server holds the lock. The check takes the lock for a moment, so [`ServerLock::take`]
    /// retries.
    pub(super) fn is_served(&self) -> bool {
        File::open(self.beside(".lock"))
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Syncs the directory, so that its entries survive a crash.
    pub(super) fn sync_folder(&self) -> Result<()> {
        let folder = self.folder();
        File::open(folder)
            .and_then(|file| file.sync_all())
            .map_err(|error| cannot("write", folder, error))
    }

    /// Refuses a location where the database file is missing but files that belong to it remain.
    pub(super) fn refuse_leftovers(&self) -> Result<()> {
        for ending in ["-wal", "-shm", "-journal", ".lock"] {
            let left = self.beside(ending);
            let is_left = left.metadata().is_ok_and(|file| ending != ".lock" || file.len() > 0);
            if is_left {
                return Err(refused(format!(
                    "there was a database at {}: {} is still there, but not the file itself. \
                     Put it back, or remove what is left of it to start over",
                    self.file.display(),
                    left.display()
                )));
            }
        }
        Ok(())
    }

    /// The bytes that can still be written on this filesystem; `None` if the operating system does
    /// not report it.
    pub(super) fn free_space(&self) -> Option<u64> {
        let space = rustix::fs::statvfs(self.folder()).ok()?;
        Some(space.f_bavail.saturating_mul(space.f_frsize))
    }

    /// A warning if this is an unsafe location for a database.
    pub(super) fn warning(&self) -> Option<String> {
        let kind = network_filesystem(self.folder())?;
        Some(format!(
            "{} is on {kind}: locks and writes over a network are not reliable, use a local disk",
            self.file.display()
        ))
    }
}

/// The lock of the file's only server. It is released on drop or when the process ends.
///
/// The lock file is empty until a database exists. Then it holds the id of the process that holds
/// the lock or held it last. So a non-empty lock file without a database shows that the database
/// file is lost.
pub(super) struct ServerLock {
    file: File,
    path: PathBuf,
}

impl ServerLock {
    pub(super) fn take(place: &DatabasePath) -> Result<Self> {
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
                let who =
                    if holder.is_empty() { String::new() } else { format!(" (process {holder})") };
                let database = place.file().display();
                return Err(refused(format!(
                    "another authd{who} is serving {database}: only one server may use it"
                )));
            }
            Err(TryLockError::Error(error)) => return Err(cannot("lock", &path, error)),
        }
        Ok(Self { file, path })
    }

    /// Writes the process id into the lock file, after the database exists.
    pub(super) fn sign(&mut self) -> Result<()> {
        self.file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| writeln!(self.file, "{}", std::process::id()))
            .map_err(|error| cannot("write", &self.path, error))
    }
}

/// An error that refuses to open the database, shown to the person who started the program.
pub(super) fn refused(message: String) -> Error {
    Error::with(Kind::Internal, message)
}

/// An error about a file or directory that could not be used.
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
        assert_eq!(
            DatabasePath::of(&link).unwrap().file(),
            DatabasePath::of(&file).unwrap().file()
        );
        std::fs::remove_file(&file).unwrap();
        assert!(
            DatabasePath::of(&link)
                .unwrap_err()
                .message()
                .contains("points to a file that does not exist")
        );
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = DatabasePath::of(&folder.path().join("none/authd.db")).unwrap_err();
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
