//! Gives a database another master key when its own is lost. What was sealed is lost with the key; the
//! database from before is kept under another name, in case the key is found.

use std::fs;
use std::path::PathBuf;

use crate::env::Env;
use crate::error::{Error, Result};
use crate::identity::factor;
use crate::model::event::What;
use crate::model::{Database, Event, Progress, Secret, Source};
use crate::seal::{self, MasterKey};
use crate::store::tables::backups::EndedGrants;
use crate::store::{Occupied, Store, tables};

/// A database with another master key.
#[derive(Debug, Clone)]
pub struct ReplacedKey {
    /// Identifies the new master key.
    pub key_id: String,
    /// Authenticator apps that give no right code any more.
    pub authenticators: u64,
    /// Backup codes that were removed.
    pub backup_codes: u64,
    /// Providers whose secrets cannot be opened any more: they are not offered until they are given
    /// again.
    pub provider_secrets: i64,
    /// Connected accounts whose tokens were removed.
    pub provider_tokens: u64,
    pub ended: EndedGrants,
    /// Files that were in its place, under their new names.
    pub aside: Vec<PathBuf>,
}

/// Replaces the master key by the given one, or by a new one in the key file. Blocks.
///
/// Second factors stay required: an authenticator app whose secret is lost keeps its row, with a secret
/// that nobody knows, until `user mfa-reset` removes it. Otherwise the password alone would suffice.
///
/// # Errors
/// If there is a key file or no database, or a process uses the database. Nothing was changed then.
pub fn replace_master_key(
    database: &Database,
    given: Option<&Secret>,
    env: &Env,
    progress: &Progress,
) -> Result<ReplacedKey> {
    let file = database.key_file();
    if !database.exists() {
        return Err(Error::refused(format!("there is no database at {database}")));
    }
    if file.exists() {
        return Err(Error::refused(format!(
            "there is a master key at {0}: this is for a key that is lost. If {0} belongs to another database, move it away",
            file.display()
        )));
    }
    let site = Store::site(database, Occupied::SetAside)?;
    site.take_present(progress)?;
    site.check(progress)?;
    site.upgrade(env)?;
    let draft = DraftKey::make(database, given, env)?;
    let master = &draft.master;
    let (id, now) = (env.new_id()?, env.now());
    let event = Event::done(What::MasterKeyReplaced).by("cli");
    let mut replaced = site.change(|db| {
        tables::keys::replace_master(db, &master.check_value())?;
        let mut authenticators = 0;
        for factor in tables::factors::sealed(db)? {
            let sealed = factor::seal_unknown_secret(master, env, &factor)?;
            tables::factors::reseal(db, &factor, &sealed)?;
            authenticators += 1;
        }
        let backup_codes = tables::factors::drop_all_backup_codes(db)?;
        tables::audit::insert(db, &id, now, &event, &Source::command_line())?;
        Ok(ReplacedKey {
            key_id: seal::key_id(&master.check_value()),
            authenticators,
            backup_codes,
            provider_secrets: tables::providers::count_sealed(db)?,
            provider_tokens: tables::identity_tokens::clear(db)?,
            ended: tables::backups::end_grants(db, now)?,
            aside: Vec::new(),
        })
    })?;
    draft.publish(database)?;
    replaced.aside = site.publish(env.wall())?;
    Ok(replaced)
}

/// A new master key whose file does not have its name yet. Dropping it removes the file.
struct DraftKey {
    master: MasterKey,
    file: Option<PathBuf>,
}

impl DraftKey {
    fn make(database: &Database, given: Option<&Secret>, env: &Env) -> Result<Self> {
        if let Some(text) = given {
            return Ok(Self { master: MasterKey::parse(text.reveal())?, file: None });
        }
        let file = database.key_file().with_extension("key.new");
        let _ = fs::remove_file(&file);
        Ok(Self { master: MasterKey::create(&file, env)?, file: Some(file) })
    }

    fn publish(mut self, database: &Database) -> Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        MasterKey::install(&file, &database.key_file())?;
        let _ = fs::remove_file(&file);
        Ok(())
    }
}

impl Drop for DraftKey {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            let _ = fs::remove_file(file);
        }
    }
}
