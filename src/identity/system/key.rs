//! The keys that sign tokens: listing them, rotating them by hand or on schedule, and reloading
//! them after another process has rotated them.

use crate::config::RotationPolicy;
use crate::error::{Error, Result};
use crate::identity::Core;
use crate::identity::access::actor::{Actor, By, FreshBy, SCHEDULE};
use crate::identity::audit::log::AuditLog;
use crate::identity::system::key_reload::{catch_up, reload};
use crate::model::event::What;
use crate::model::session::SessionEnd;
use crate::model::{Event, Permission, Source, Time};
use crate::store;
use crate::store::tables::keys::SigningKey;
use crate::token::NewKeys;

pub use crate::token::{Begin, Old, Rotation};

/// How often a rotation starts over because the keys changed under it.
const ATTEMPTS: u32 = 5;

/// What a key is used for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Published, and will sign later.
    Next,
    /// Signs new tokens.
    Signing,
    /// No longer signs, but its tokens are still valid.
    Verifying,
    /// Its last token has expired, or it never signed one.
    Ended,
}

impl Use {
    /// The name of this use, as shown to operators.
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

/// A signing key as shown to operators, without private parts.
#[derive(Debug, Clone)]
pub struct KeySummary {
    /// `kid`
    pub id: String,
    /// Algorithm name, such as `ES256`.
    pub algorithm: String,
    pub used_for: Use,
    pub created_at: Time,
    pub signs_from: Time,
    /// When the key's last token expires; `None` until another key takes over.
    pub verifies_until: Option<Time>,
}

/// Lists the signing keys, newest first.
pub async fn list(core: &Core) -> Result<Vec<KeySummary>> {
    catch_up(core).await?;
    let now = core.env.now();
    let signer = core.tokens.signer();
    let rows = core.store.read(|db| store::tables::keys::signing_keys(db)).await?;
    Ok(rows.into_iter().rev().map(|row| listed(row, signer.as_deref(), now)).collect())
}

fn listed(row: SigningKey, signer: Option<&str>, now: Time) -> KeySummary {
    let used_for = match row.verifies_until {
        _ if row.revoked_at.is_some() => Use::Ended,
        // A key that ends when it begins was superseded before it ever signed.
        Some(until) if until <= now || until <= row.signs_from => Use::Ended,
        _ if signer == Some(row.id.as_str()) => Use::Signing,
        _ if row.signs_from > now => Use::Next,
        _ => Use::Verifying,
    };
    KeySummary {
        id: row.id,
        algorithm: row.algorithm,
        used_for,
        created_at: row.created_at,
        signs_from: row.signs_from,
        verifies_until: row.verifies_until,
    }
}

/// Rotates the keys and returns the id of the new one. Every server process on this database picks
/// the new keys up at its next request.
///
/// # Errors
/// `Forbidden` where the configuration holds the secret or the permission is gone, `SessionEnded`,
/// `Unavailable` when the keys keep changing under it.
pub async fn rotate(core: &Core, by: &FreshBy, rotation: Rotation) -> Result<String> {
    let by = by.by();
    for _ in 0..ATTEMPTS {
        reload(core).await?;
        let keys = core.tokens.new_keys(rotation).await?;
        if put(core, keys.clone(), rotation, Some(by)).await? {
            reload(core).await?;
            return Ok(keys.kid().to_owned());
        }
    }
    Err(Error::unavailable("the keys changed while they were being rotated"))
}

/// Rotates the keys if the newest one has reached the maximum age that the policy allows.
///
/// # Errors
/// As [`rotate`].
pub async fn rotate_if_due(core: &Core) -> Result<()> {
    if !core.tokens.is_rotation_due() {
        return Ok(());
    }
    let rotation = Rotation { begin: Begin::AfterLead, old: Old::Expire };
    reload(core).await?;
    let keys = core.tokens.new_keys(rotation).await?;
    // Another process may have rotated the keys meanwhile. If the epoch changed for another reason,
    // the next run, a minute later, tries again.
    if core.tokens.is_rotation_due() && put(core, keys.clone(), rotation, None).await? {
        reload(core).await?;
        tracing::info!(
            key = keys.kid(),
            "published a new signing key, which signs after the lead time"
        );
    }
    Ok(())
}

/// Puts new keys in force, unless another rotation came first or `by` has lost the permission. A
/// scheduled rotation has no `by`. If the old keys are revoked, every session ends in the same
/// write, because none of their tokens can become valid again.
async fn put(core: &Core, keys: NewKeys, rotation: Rotation, by: Option<&By>) -> Result<bool> {
    let schedule = Source::command_line();
    let log = AuditLog::new(core, by.map_or(&schedule, |by| &by.source));
    let actor = by.map(|by| by.actor.clone());
    let name = actor.as_ref().map_or(SCHEDULE, Actor::name);
    let what = if rotation.old == Old::Die { What::KeysRevoked } else { What::KeyMade };
    let event = Event::done(what).by(name).because(keys.kid());
    let all_turn = core.config.sessions.rotate == RotationPolicy::Always;
    core.store
        .write(move |db| {
            if let Some(actor) = &actor {
                actor.needs(db, Permission::Keys)?;
            }
            // A refresh token that never rotates keeps its key for as long as its session lives.
            let until = if all_turn {
                Some(store::tables::sessions::last_refresh(db)?.unwrap_or(log.at()))
            } else {
                None
            };
            let done = keys.put(db, until)?;
            if done {
                if rotation.old == Old::Die {
                    store::tables::sessions::end_all_accounts(
                        db,
                        SessionEnd::KeysRevoked,
                        log.at(),
                    )?;
                }
                log.record(db, &event)?;
            }
            Ok(done)
        })
        .await
}
