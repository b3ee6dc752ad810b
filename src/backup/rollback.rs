//! Puts the copy that was made before an upgrade back in place of the database.

use std::fs;
use std::path::{Path, PathBuf};

use crate::backup::restore::{PutBack, read, transfer};
use crate::backup::{check, folder_of, new_file};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::{Database, Progress};
use crate::seal::MasterKey;
use crate::store::{Occupied, Store, tables};

/// A copy that was made before an upgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpgradeCopy {
    pub path: PathBuf,
    /// Its schema version.
    pub schema: i64,
    /// When it was made, as its name says: `20261130T010203Z`.
    pub made: String,
}

/// The newest copy whose schema this version knows and that is older than the database.
///
/// # Errors
/// If there is none.
pub fn newest_copy(database: &Database) -> Result<UpgradeCopy> {
    let file = database.file("undoing an upgrade")?;
    let present = if file.exists() { Some(Store::version_of(file)?) } else { None };
    let folder = folder_of(file);
    let entries =
        fs::read_dir(&folder).map_err(|error| new_file::cannot("read", &folder, error))?;
    let prefix = format!("{}.v", file.file_name().unwrap_or_default().to_string_lossy());
    let known = Store::known_version();
    let copies = entries.filter_map(|entry| copy_at(&entry.ok()?.path(), &prefix));
    let newest = copies
        .filter(|copy| copy.schema <= known && present.is_none_or(|present| copy.schema < present))
        .max_by(|one, other| one.made.cmp(&other.made));
    newest.ok_or_else(|| {
        let state = present.map_or_else(
            || format!("there is no database at {database}"),
            |present| format!("{database} has schema version {present}"),
        );
        Error::refused(format!(
            "there is nothing to roll back: {state}, and there is no copy of an earlier version beside it that this \
             authd knows (up to {known})"
        ))
    })
}

/// What the name of a copy says: `authd.db.v1-20261130T010203Z.bak`.
fn copy_at(path: &Path, prefix: &str) -> Option<UpgradeCopy> {
    let name = path.file_name()?.to_str()?;
    let (schema, made) = name.strip_prefix(prefix)?.strip_suffix(".bak")?.split_once('-')?;
    let is_stamp = made.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let schema = schema.parse().ok().filter(|_| is_stamp)?;
    Some(UpgradeCopy { path: path.to_owned(), schema, made: made.to_owned() })
}

/// Puts a copy in place of the database, which is kept under another name. The sessions, links and codes
/// of the copy end, and messages that it had not delivered are dropped. It keeps its schema, so that the
/// earlier version of authd can use it.
///
/// # Errors
/// If a process uses the database, or the copy is not whole. Nothing was changed then.
pub fn put_back(
    copy: &UpgradeCopy,
    database: &Database,
    master: Option<&MasterKey>,
    env: &Env,
    progress: &Progress,
) -> Result<PutBack> {
    let site = Store::site(database, Occupied::SetAside)?;
    transfer(&copy.path, &[], &site, progress)?;
    let contents = read(&site, master, progress)
        .map_err(|error| check::about(&copy.path, "cannot be put back", error))?;
    let (id, now) = (env.new_id()?, env.now());
    let detail = format!("to schema version {}", contents.schema);
    let ended = site.change(|db| {
        tables::backups::record_rollback(db, &id, now, &detail)?;
        tables::backups::end_grants(db, now)
    })?;
    let aside = site.publish(env.wall())?;
    Ok(PutBack { contents, ended, aside })
}
