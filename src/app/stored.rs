//! Opens the database of an instance, and finds its master key.

use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::{Database, Secret};
use crate::seal::MasterKey;
use crate::store::db::Db;
use crate::store::tables::whole;
use crate::store::{self, ProcessRole, Store};

/// Refuses a place where the database is gone but its master key is still there: a new, empty
/// database would hide the loss. Only an empty place starts new.
pub(super) fn refuse_lost(database: &Database) -> Result<()> {
    let key = database.key_file();
    if database.exists() || !key.exists() {
        return Ok(());
    }
    let key = key.display();
    Err(Error::refused(format!(
        "there was a database at {database}: its master key {key} is still there, but not the file itself. \
         Put the file back, for example from a backup. To start over without its accounts, move {key} away"
    )))
}

/// Opens the database, and warns about an unsafe location. Refuses one that was moved away, and one that
/// was only partly filled.
pub(super) async fn open_store(database: &Database, role: ProcessRole, env: &Env) -> Result<Store> {
    let store = Store::open(database, role, env)?;
    let marks = |db: &mut dyn Db| Ok((whole::moved_to(db)?, whole::moved_from(db)?));
    match store.read(marks).await? {
        (None, None) => {}
        (Some(place), _) => {
            return Err(Error::refused(format!(
                "{database} was moved to {place}: use that. If the migration did not complete, run it again, or keep \
                 this one with `authd migrate --abandon`"
            )));
        }
        (None, Some(place)) => {
            return Err(Error::refused(format!(
                "{database} has only a part of {place}: run `authd migrate` again"
            )));
        }
    }
    for note in store.notes() {
        tracing::warn!("{note}");
    }
    Ok(store)
}

/// The master key of this database. That of a file is created together with it and never replaced. That of
/// a PostgreSQL database is given: every server needs the same, and a key that only one machine has would
/// be lost with it.
pub(super) async fn unlock(
    store: &Store,
    database: &Database,
    given: Option<Secret>,
    role: ProcessRole,
    env: &Env,
) -> Result<MasterKey> {
    let proof = store.read(|db| store::tables::keys::master_check(db)).await?;
    let file = database.key_file();
    let key = match (&given, &proof) {
        (Some(text), _) => MasterKey::parse(text.reveal())?,
        (None, _) if file.exists() => MasterKey::load(&file)?,
        (None, _) if matches!(database, Database::Postgres(_)) => {
            return Err(Error::refused(format!(
                "the master key of {database} is needed: set AUTHD_MASTER_KEY, or put it into {}. For a new database, \
                 make one with `openssl rand -hex 32` and keep a copy elsewhere",
                file.display()
            )));
        }
        (None, None) if role == ProcessRole::Server => MasterKey::create(&file, env)?,
        (None, _) => {
            return Err(Error::refused(format!(
                "the master key of {database} is missing: expected {}. If every copy is lost, see authd key replace-master",
                file.display()
            )));
        }
    };
    let proof = if proof.is_some() {
        proof
    } else {
        let check = key.check_value();
        // Another server may store that of its own key at the same moment: the first one counts.
        let stored = store.write(move |db| {
            store::tables::keys::set_master_check(db, &check)?;
            store::tables::keys::master_check(db)
        });
        stored.await?
    };
    if proof.is_some_and(|proof| proof == key.check_value()) {
        return Ok(key);
    }
    Err(Error::refused(format!("the master key is not the one that {database} was created with")))
}
