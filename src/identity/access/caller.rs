//! Who is calling. A [`Caller`] comes only from a token whose session is alive in this very
//! request.

use std::time::Duration;

use crate::error::{Kind, Result};
use crate::identity::Core;
use crate::model::{Account, SessionId, Time};
use crate::store;
use crate::store::db::Db;
use crate::store::tables::sessions::SessionSnapshot;
pub use crate::token::VerifiedToken;

/// How old the recorded last activity of a session must be before it is written again.
const ACTIVITY_STEP: Duration = Duration::from_mins(5);

/// How a request shows who calls. Each way has its own rights: only the owner in a login session can
/// be [fresh](crate::identity::access::fresh::Fresh).
#[derive(Debug, Clone)]
pub enum Via {
    /// An access token of a login session.
    Session(LoginProof),
}

/// The login session of a caller.
#[derive(Debug, Clone)]
pub struct LoginProof {
    pub session: SessionId,
    /// When the owner last proved their identity.
    pub proved_at: Time,
}

/// The owner of a valid access token in this request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The account as read in this request.
    pub account: Account,
    pub via: Via,
    /// In the order in which they were given.
    pub roles: Vec<String>,
    /// Everything the roles permit, sorted.
    pub permissions: Vec<String>,
}

impl Caller {
    /// The owner of a session that was just read and found alive, with what the roles permit as of that
    /// reading.
    ///
    /// # Errors
    /// `Unavailable`.
    pub(in crate::identity) async fn of(core: &Core, snapshot: &SessionSnapshot) -> Result<Self> {
        crate::identity::system::key_reload::reach(core, snapshot.epoch).await?;
        Ok(Self {
            permissions: core.roles.permissions(&snapshot.roles),
            account: snapshot.account.clone(),
            via: Via::Session(LoginProof {
                session: snapshot.session.id.clone(),
                proved_at: snapshot.session.proved_at,
            }),
            roles: snapshot.roles.clone(),
        })
    }

    /// The session that the request belongs to, for the audit log and for operations on sessions.
    #[must_use]
    pub fn session(&self) -> &SessionId {
        let Via::Session(proof) = &self.via;
        &proof.session
    }

    /// Reads the session and the account again, for what is done long after the request came.
    ///
    /// # Errors
    /// `SessionEnded` if the session has ended, or the account is suspended or deleted.
    pub(in crate::identity) fn confirm(&self, db: &mut dyn Db, now: Time) -> Result<()> {
        let found = store::tables::sessions::find_snapshot(db, self.session())?;
        let is_usable =
            found.is_some_and(|one| one.is_usable(now) && one.account.id == self.account.id);
        if is_usable { Ok(()) } else { Err(Kind::SessionEnded.into()) }
    }
}

/// Checks a token, then reads its session and account.
///
/// # Errors
/// `TokenInvalid`, `TokenExpired`, `SessionEnded`.
pub async fn authenticate(core: &Core, token: &str) -> Result<Caller> {
    let verified = match core.tokens.verify(token) {
        // The token's key may be newer than those that this process has loaded.
        Err(error)
            if error.kind() == Kind::TokenInvalid
                && crate::identity::system::key_reload::catch_up(core).await? =>
        {
            core.tokens.verify(token)?
        }
        other => other?,
    };
    recognise(core, &verified, || Ok(token)).await
}

/// Reads the session and account of a token that was just verified. If the keys have been rotated
/// since, by this or another process, it verifies the token again, so the token must be the one of
/// this request.
///
/// # Errors
/// As [`authenticate`].
pub async fn recognise<'t>(
    core: &Core,
    verified: &VerifiedToken,
    token: impl Fn() -> Result<&'t str>,
) -> Result<Caller> {
    let id = verified.session.clone();
    let found = core
        .store
        .recall(("session", verified.session.as_str()), move |db| {
            store::tables::sessions::find_snapshot(db, &id)
        })
        .await?;
    let Some(snapshot) = found.as_ref() else { return Err(Kind::SessionEnded.into()) };
    if snapshot.epoch != verified.epoch {
        crate::identity::system::key_reload::reload(core).await?;
        core.tokens.verify(token()?)?;
    }
    let now = core.env.now();
    if !snapshot.is_usable(now) || snapshot.account.id != verified.account {
        return Err(Kind::SessionEnded.into());
    }
    note_activity(core, snapshot, now);
    Caller::of(core, snapshot).await
}

/// Records the last activity in the background, if the recorded one is old enough.
fn note_activity(core: &Core, snapshot: &SessionSnapshot, now: Time) {
    if now.since(snapshot.session.last_active_at) < ACTIVITY_STEP {
        return;
    }
    let (store, id) = (core.store.clone(), snapshot.session.id.clone());
    tokio::spawn(async move {
        let noted = store
            .write(move |db| store::tables::sessions::touch(db, &id, now - ACTIVITY_STEP, now))
            .await;
        if let Err(error) = noted {
            tracing::debug!(
                error = error.chain(),
                "failed to record the last activity of a session"
            );
        }
    });
}
