//! Checks a backup: that it is whole, and which master key opens it.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;

use crate::backup::new_file::{self, NewFile};
use crate::backup::{BackupContents, age};
use crate::error::{Error, Result};
use crate::model::{AgeIdentity, Progress};
use crate::seal::MasterKey;
use crate::store::Store;

/// Checks every page, index and reference of a backup, and the keys in it if there is a master key. An
/// encrypted backup is decrypted into the file `scratch` for that, which is removed afterwards.
///
/// # Errors
/// If the file is missing, foreign, damaged or from a newer version, or needs another identity or master
/// key.
pub fn check(
    file: &Path,
    identities: &[AgeIdentity],
    scratch: &Path,
    master: Option<&MasterKey>,
    progress: &Progress,
) -> Result<BackupContents> {
    let mut source = open(file)?;
    let read = |path: &Path| {
        Store::check_copy(path, progress)?;
        Store::read_copy(path, |db, schema| BackupContents::read(db, schema, master))
    };
    if !is_encrypted(&mut source, file)? {
        refuse_log(file)?;
        return read(file);
    }
    // Do not begin what cannot succeed.
    let plain = NewFile::begin(scratch)?;
    decrypt(&source, file, identities, plain.file(), plain.part(), progress)?;
    read(plain.part()).map_err(|error| about(file, "is not usable", error))
}

/// Refuses a backup that cannot be read, before anything else is asked for.
///
/// # Errors
/// Why it cannot be read.
pub fn look(file: &Path) -> Result<()> {
    open(file).map(drop)
}

/// Opens a backup.
pub(super) fn open(file: &Path) -> Result<File> {
    let opened = File::open(file).map_err(|error| new_file::cannot("read", file, error))?;
    let about = opened.metadata().map_err(|error| new_file::cannot("read", file, error))?;
    if about.is_file() {
        return Ok(opened);
    }
    Err(Error::refused(format!("{} is not a file", file.display())))
}

/// Whether the file is encrypted.
pub(super) fn is_encrypted(source: &mut File, file: &Path) -> Result<bool> {
    age::is_encrypted(source).map_err(|error| new_file::cannot("read", file, error))
}

/// Decrypts the backup `file` from its beginning into another file.
pub(super) fn decrypt(
    source: &File,
    file: &Path,
    identities: &[AgeIdentity],
    target: &File,
    target_path: &Path,
    progress: &Progress,
) -> Result<()> {
    progress.begin("decrypting", source.metadata().map_or(0, |about| about.len()));
    let (mut input, mut output) = (BufReader::new(source), BufWriter::new(target));
    age::decrypt(&mut input, &mut output, identities, progress)
        .map_err(|error| about(file, "cannot be decrypted", error))?;
    output.flush().map_err(|error| new_file::cannot("write", target_path, error))
}

/// Refuses a file that has a WAL: it is a database in use, or was copied without the changes in it.
pub(super) fn refuse_log(file: &Path) -> Result<()> {
    let mut log = file.to_owned().into_os_string();
    log.push("-wal");
    if !std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        return Ok(());
    }
    Err(Error::refused(format!(
        "{} is not a backup: there is a write-ahead log beside it, and the newest changes may be only in that. \
         Make a backup with `authd backup`",
        file.display()
    )))
}

/// Says in an error which file it is about, and not where it was prepared.
pub(super) fn about(file: &Path, what: &str, error: Error) -> Error {
    Error::refused(format!("{} {what}", file.display())).caused_by(error)
}
