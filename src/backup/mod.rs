//! Backups: copies of the database in one file, made while it is used, checked, and put back. And the move
//! of a database to another engine.
//!
//! A backup is a SQLite file, encrypted or not. The master key is never in it, so it alone signs
//! nothing. All functions block: callers run them on a thread of their own, and may cancel them by
//! their [`Progress`](crate::model::Progress).

pub mod age;
pub mod check;
pub mod migrate;
mod new_file;
pub mod restore;
pub mod rollback;
pub mod write;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::model::Database;
use crate::model::Time;
use crate::seal::{self, MasterKey};
use crate::store::db::Db;
use crate::store::tables;
use crate::token;

/// What a backup contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupContents {
    /// The version of the schema.
    pub schema: i64,
    /// Identifies the master key that opens it; `None` if no server has used the database yet.
    pub key_id: Option<String>,
    /// How many accounts there are, without deleted ones.
    pub accounts: i64,
    /// When the newest record of the audit log was written.
    pub newest: Option<Time>,
    /// How many stored keys the master key opened; `None` without a master key.
    pub opened: Option<usize>,
}

impl BackupContents {
    /// Reads what a database of this schema version contains. Refuses another master key than its own.
    fn read(db: &mut dyn Db, schema: i64, master: Option<&MasterKey>) -> Result<Self> {
        let check = tables::keys::master_check(db)?;
        let key_id = check.as_deref().map(seal::key_id);
        if let (Some(master), Some(check)) = (master, &check)
            && master.check_value() != check.as_slice()
        {
            return Err(Error::refused(format!(
                "it needs the master key {}, and got {}",
                seal::key_id(check),
                seal::key_id(&master.check_value())
            )));
        }
        let opened = master.map(|master| token::open_all(db, master)).transpose()?;
        let (accounts, newest) = tables::backups::contents(db)?;
        Ok(Self { schema, key_id, accounts, newest, opened })
    }
}

/// A warning if a backup in this folder would lie beside the master key that opens it.
#[must_use]
pub fn key_warning(database: &Database, folder: &Path) -> Option<String> {
    let key = database.key_file();
    let beside = folder_of(&key).canonicalize().ok()? == folder.canonicalize().ok()?;
    (beside && key.exists()).then(|| {
        format!(
            "the backup lies beside {}, the master key that opens it: this folder alone gives access to everything. \
             Keep them in different places",
            key.display()
        )
    })
}

/// A warning if every user of this machine can remove or replace the files in this folder. A sticky
/// folder such as `/tmp` keeps them from that.
#[must_use]
pub fn open_folder_warning(folder: &Path) -> Option<String> {
    const STICKY: u32 = 0o1000;
    const WRITTEN_BY_OTHERS: u32 = 0o002;
    let mode = std::fs::metadata(folder).ok()?.permissions().mode();
    (mode & WRITTEN_BY_OTHERS != 0 && mode & STICKY == 0).then(|| {
        format!(
            "every user of this machine can remove the backup, or put another file in its place: chmod o-w '{}'",
            folder.display()
        )
    })
}

/// The folder that a file is in.
#[must_use]
pub fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
