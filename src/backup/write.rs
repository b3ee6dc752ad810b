//! Writes a backup, and opens it again before it gets its name.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;

use crate::backup::new_file::{self, NewFile};
use crate::backup::{BackupContents, age, folder_of};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::{AgeRecipient, Progress};
use crate::seal::MasterKey;
use crate::store::Store;

/// A backup that is wanted.
#[derive(Debug, Clone)]
pub struct BackupOrder {
    /// The new file.
    pub target: PathBuf,
    /// Who can decrypt it; empty if it is not encrypted.
    pub encrypt_to: Vec<AgeRecipient>,
    /// Where the copy is until it is encrypted.
    pub scratch: PathBuf,
}

/// A backup that was made.
#[derive(Debug, Clone)]
pub struct MadeBackup {
    pub contents: BackupContents,
    /// The size of the file in bytes.
    pub size: u64,
}

/// Copies the database into a new file, and checks the copy: that every page and index is whole, and
/// that the master key opens the keys in it. An encrypted file is decrypted again and compared.
///
/// # Errors
/// If the file exists, cannot be written or does not hold what it should, or if the work was
/// cancelled. There is no file then.
pub fn write(
    store: &Store,
    master: &MasterKey,
    order: &BackupOrder,
    env: &Env,
    progress: &Progress,
) -> Result<MadeBackup> {
    let file = NewFile::begin(&order.target)?;
    need_space(store, &folder_of(file.part()))?;
    let contents = if order.encrypt_to.is_empty() {
        copy(store, master, file.part(), progress)?
    } else {
        let plain = NewFile::begin(&order.scratch)?;
        need_space(store, &folder_of(plain.part()))?;
        let contents = copy(store, master, plain.part(), progress)?;
        encrypt(&plain, &file, &order.encrypt_to, env, progress)?;
        contents
    };
    let size = file.publish()?;
    Ok(MadeBackup { contents, size })
}

/// Copies the database into an empty file and checks it there.
fn copy(
    store: &Store,
    master: &MasterKey,
    part: &Path,
    progress: &Progress,
) -> Result<BackupContents> {
    store.copy_into(part, progress)?;
    Store::check_copy(part, progress)?;
    Store::read_copy(part, |db, schema| BackupContents::read(db, schema, Some(master)))
}

/// Encrypts a file into an empty one, and reads the result back.
fn encrypt(
    plain: &NewFile,
    file: &NewFile,
    recipients: &[AgeRecipient],
    env: &Env,
    progress: &Progress,
) -> Result<()> {
    let unreadable = |part: &NewFile| {
        let path = part.part().to_owned();
        move |error| new_file::cannot("read", &path, error)
    };
    let size = std::fs::metadata(plain.part()).map_err(unreadable(plain))?.len();
    progress.begin("encrypting", size);
    let mut input = Digested::over(File::open(plain.part()).map_err(unreadable(plain))?);
    let mut output = BufWriter::new(file.file());
    let key = age::encrypt(&mut input, &mut output, recipients, env, progress)?;
    output.flush().map_err(|error| new_file::cannot("write", file.part(), error))?;
    progress.begin("checking", size);
    let mut again = BufReader::new(File::open(file.part()).map_err(unreadable(file))?);
    let mut found = Digested::over(io::sink());
    age::decrypt_with(&key, &mut again, &mut found, progress)?;
    if input.digest() == found.digest() {
        return Ok(());
    }
    Err(Error::refused(format!("{} does not hold what was written to it", file.part().display())))
}

/// Computes the SHA-256 digest of what is read or written.
struct Digested<T> {
    inner: T,
    context: digest::Context,
}

impl<T> Digested<T> {
    fn over(inner: T) -> Self {
        Self { inner, context: digest::Context::new(&digest::SHA256) }
    }

    fn digest(self) -> Vec<u8> {
        self.context.finish().as_ref().to_vec()
    }
}

impl<T: Read> Read for Digested<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.context.update(&buffer[..count]);
        Ok(count)
    }
}

impl<T: Write> Write for Digested<T> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(buffer)?;
        self.context.update(&buffer[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Refuses to begin a copy that cannot be completed.
fn need_space(store: &Store, folder: &Path) -> Result<()> {
    let (needed, free) = (store.copy_size()?, free_space(folder));
    match free {
        Some(free) if free < needed => Err(Error::refused(format!(
            "there is not enough space in {}: the backup needs {needed} bytes, and {free} are free",
            folder.display()
        ))),
        _ => Ok(()),
    }
}

fn free_space(folder: &Path) -> Option<u64> {
    let space = rustix::fs::statvfs(folder).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}
