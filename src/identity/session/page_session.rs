//! The cookie by which the account pages use a session: an opaque secret, whose digest is stored with the
//! session. Everything that ends the session ends it.

use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::identity::login::gate::Issued;
use crate::identity::{Caller, Core};
use crate::model::{Secret, secret};
use crate::store;
use crate::store::tables::sessions::SessionSnapshot;

/// How old the recorded last activity must be before it is written again, at most.
const ACTIVITY_STEP: Duration = Duration::from_mins(5);

/// Makes the secret with which the account pages use a session that was just issued.
///
/// # Errors
/// `SessionEnded` if the session has ended meanwhile, `Unavailable`.
pub async fn admit(core: &Core, issued: &Issued) -> Result<Secret> {
    let secret = Secret::new(core.env.new_token()?);
    let (hash, id, now) =
        (secret::digest(secret.reveal().as_bytes()), issued.session.clone(), core.env.now());
    let is_alive = core
        .store
        .write(move |db| store::tables::sessions::admit_page(db, &id, &hash, now))
        .await?;
    if is_alive { Ok(secret) } else { Err(Kind::SessionEnded.into()) }
}

/// The owner of the session that this secret belongs to.
///
/// # Errors
/// `SessionEnded` for an unknown secret and one whose session has ended.
pub async fn caller(core: &Core, secret: &Secret) -> Result<Caller> {
    let hash = secret::digest(secret.reveal().as_bytes());
    let found = core
        .store
        .recall(("page", &secret::encode(&hash)), move |db| {
            store::tables::sessions::find_page_snapshot(db, &hash)
        })
        .await?;
    let now = core.env.now();
    let snapshot = found.as_ref().as_ref().filter(|snapshot| snapshot.is_usable(now));
    let snapshot = snapshot.ok_or_else(|| Error::new(Kind::SessionEnded))?;
    note_activity(core, snapshot);
    Caller::of(core, snapshot).await
}

/// Prolongs the session in the background, if its recorded activity is old enough.
fn note_activity(core: &Core, snapshot: &SessionSnapshot) {
    let (now, session) = (core.env.now(), &snapshot.session);
    let step = ACTIVITY_STEP.min(session.idle_for / 4);
    if now.since(session.last_active_at) < step {
        return;
    }
    let (store, id) = (core.store.clone(), session.id.clone());
    tokio::spawn(async move {
        let noted = store
            .write(move |db| store::tables::sessions::touch_page(db, &id, now - step, now))
            .await;
        if let Err(error) = noted {
            tracing::debug!(error = error.chain(), "failed to prolong a session of the pages");
        }
    });
}

/// A secret for the cookie of a visitor who is not logged in, which binds forms to the browser.
/// Nothing is stored.
pub fn visitor_secret(core: &Core) -> Result<Secret> {
    Ok(Secret::new(core.env.new_token()?))
}

/// The token in the forms that are shown to the browser with this secret.
#[must_use]
pub fn form_token(core: &Core, secret: &Secret) -> String {
    secret::encode(&core.master.mac("page form", secret.reveal().as_bytes()))
}

/// Whether a form was shown to the browser with this secret.
#[must_use]
pub fn is_form_token(core: &Core, secret: &Secret, token: &str) -> bool {
    // Digests are compared, so that the time tells nothing about the token.
    let digest = |text: &str| secret::digest(text.as_bytes());
    digest(&form_token(core, secret)) == digest(token)
}
