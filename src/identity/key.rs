//! The keys that tokens are signed with: shown, turned by hand and on schedule, followed when another process turned them.

use super::Core;
use super::actor::{Actor, By};
use super::audit::Log;
use crate::config::Rotate;
use crate::error::{Error, Result};
use crate::model::event::What;
use crate::model::session::End;
use crate::model::{Event, Permission, Source, Time};
use crate::store;
use crate::store::keys::SigningKey;
use crate::token::NewKeys;

pub use crate::token::{Begin, Old, Rotation};

/// Who the audit log names for a rotation on schedule.
const SCHEDULE: &str = "schedule";
/// How often a rotation begins anew because the keys changed under it.
const TRIES: u32 = 5;

/// What a key is for at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It is published and will sign.
    Next,
    /// It signs.
    Signing,
    /// It no longer signs, and its tokens are still good.
    Verifying,
    /// Its last token is dead, or it never had one.
    Ended,
}

impl Use {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Use::Next => "next",
            Use::Signing => "signing",
            Use::Verifying => "verifying",
            Use::Ended => "ended",
        }
    }
}

/// A signing key as it is shown: nothing private.
#[derive(Debug, Clone)]
pub struct Listed {
    /// `kid`
    pub id: String,
    /// `ES256`, …
    pub algorithm: String,
    /// What it is for at the moment.
    pub used_for: Use,
    /// When it was made.
    pub created_at: Time,
    /// When it begins to sign.
    pub signs_from: Time,
    /// When its last token is dead; `None` until another takes over.
    pub verifies_until: Option<Time>,
}

/// The signing keys, the newest first.
///
/// # Errors
/// What the store says.
pub async fn list(core: &Core) -> Result<Vec<Listed>> {
    catch_up(core).await?;
    let now = core.env.now();
    let signer = core.tokens.signer();
    let rows = core.store.read(|db| store::keys::signing_keys(db)).await?;
    Ok(rows.into_iter().rev().map(|row| listed(row, signer.as_deref(), now)).collect())
}

fn listed(row: SigningKey, signer: Option<&str>, now: Time) -> Listed {
    let used_for = match row.verifies_until {
        // One that ends as it begins gave way to another before it ever signed.
        Some(until) if until <= now || until <= row.signs_from => Use::Ended,
        _ if signer == Some(row.id.as_str()) => Use::Signing,
        _ if row.signs_from > now => Use::Next,
        _ => Use::Verifying,
    };
    Listed {
        id: row.id,
        algorithm: row.algorithm,
        used_for,
        created_at: row.created_at,
        signs_from: row.signs_from,
        verifies_until: row.verifies_until,
    }
}

/// Turns the keys; gives back the id of the new one. Whoever serves on this database follows at its next request.
///
/// # Errors
/// `Forbidden` where the configuration holds the secret or the right is gone, `SessionEnded`, `Unavailable` when the keys keep changing under it.
pub async fn rotate(core: &Core, by: &By, rotation: Rotation) -> Result<String> {
    for _ in 0..TRIES {
        let keys = core.tokens.new_keys(rotation).await?;
        if put(core, keys.clone(), rotation, Some(by)).await? {
            reload(core).await?;
            return Ok(keys.kid().to_owned());
        }
    }
    Err(Error::unavailable("the keys changed while they were being turned"))
}

/// Turns the keys where the newest one is as old as the policy lets it become.
///
/// # Errors
/// As [`rotate`].
pub async fn rotate_if_due(core: &Core) -> Result<()> {
    if !core.tokens.is_turn_due() {
        return Ok(());
    }
    let rotation = Rotation { begin: Begin::AfterLead, old: Old::Expire };
    let keys = core.tokens.new_keys(rotation).await?;
    // Another process may have turned them meanwhile; if it was something else that changed, the next minute sees to it.
    if core.tokens.is_turn_due() && put(core, keys.clone(), rotation, None).await? {
        reload(core).await?;
        tracing::info!(key = keys.kid(), "a new signing key is published and signs after the lead time");
    }
    Ok(())
}

/// Puts new keys in force where nobody has turned them meanwhile, and `by` still may; on schedule it is nobody. Where the
/// old ones die, every session ends in the same write: no token of theirs will ever be good again.
async fn put(core: &Core, keys: NewKeys, rotation: Rotation, by: Option<&By>) -> Result<bool> {
    let schedule = Source::command_line();
    let log = Log::new(core, by.map_or(&schedule, |by| &by.source));
    let actor = by.map(|by| by.actor.clone());
    let name = actor.as_ref().map_or(SCHEDULE, Actor::name);
    let what = if rotation.old == Old::Die { What::KeysRevoked } else { What::KeyMade };
    let event = Event::done(what).by(name).because(keys.kid());
    let all_turn = core.config.sessions.rotate == Rotate::Always;
    core.store
        .write(move |db| {
            if let Some(actor) = &actor {
                actor.needs(db, Permission::Keys)?;
            }
            // A refresh token that never turns stays under its key for as long as its session lives.
            let until = if all_turn { Some(store::sessions::last_refresh(db)?.unwrap_or(log.at())) } else { None };
            let done = keys.put(db, until)?;
            if done {
                if rotation.old == Old::Die {
                    store::sessions::end_everybodys(db, End::KeysRevoked, log.at())?;
                }
                log.record(db, &event)?;
            }
            Ok(done)
        })
        .await
}

/// Loads keys and roles again where another process has changed them; says whether it had.
///
/// # Errors
/// What the store says.
pub async fn catch_up(core: &Core) -> Result<bool> {
    if core.store.read(|db| store::keys::epoch(db)).await? == core.tokens.epoch() {
        return Ok(false);
    }
    reload(core).await?;
    Ok(true)
}

/// Loads keys and roles again where a row that was read or written at this epoch says that they have changed.
///
/// # Errors
/// What the store says.
pub async fn reach(core: &Core, epoch: impl Into<Option<i64>>) -> Result<()> {
    match epoch.into() {
        Some(epoch) if epoch != core.tokens.epoch() => reload(core).await,
        _ => Ok(()),
    }
}

/// Reads roles and keys anew. The keys remember the epoch, so they come last: until both are read, the next request
/// reads them again.
///
/// # Errors
/// What the store says.
pub async fn reload(core: &Core) -> Result<()> {
    core.roles.reload(&core.store).await?;
    core.tokens.reload().await
}
