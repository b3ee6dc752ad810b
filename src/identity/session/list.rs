//! The caller's sessions: listing them, ending one, ending all others.

use crate::error::{Error, Kind, Result};
use crate::identity::audit::log::AuditLog;
use crate::identity::session::location::GeoLocation;
use crate::identity::{Caller, Core};
use crate::model::event::What;
use crate::model::session::SessionEnd;
use crate::model::{AccountId, Device, Event, SessionId, Source, Time};
use crate::store;

/// A session as its owner sees it.
#[derive(Debug, Clone)]
pub struct SessionView {
    pub id: SessionId,
    /// The device that began the session.
    pub device: Device,
    /// The client IP that began it; empty if there was none.
    pub address: String,
    /// Location of that IP, if the location file has it.
    pub place: Option<GeoLocation>,
    pub created_at: Time,
    /// When it was last used, to within a few minutes.
    pub last_active_at: Time,
}

/// Lists the live sessions of an account, most recently used first.
///
/// # Errors
/// `Unavailable`.
pub async fn list(core: &Core, account: &AccountId) -> Result<Vec<SessionView>> {
    let (account, now) = (account.clone(), core.env.now());
    let sessions =
        core.store.read(move |db| store::tables::sessions::list_live(db, &account, now)).await?;
    let shown = |session: store::tables::sessions::LiveSession| SessionView {
        device: Device::of(session.user_agent.as_deref()),
        place: session.client_ip.parse().ok().and_then(|address| core.places.find(address)),
        id: session.id,
        address: session.client_ip,
        created_at: session.created_at,
        last_active_at: session.last_active_at,
    };
    Ok(sessions.into_iter().map(shown).collect())
}

/// Ends one of the caller's sessions, which may be the current one.
///
/// # Errors
/// `SessionNotFound`, also for sessions of other accounts.
pub async fn end(core: &Core, caller: &Caller, id: &str, source: &Source) -> Result<()> {
    let (log, account, id) =
        (AuditLog::new(core, source), caller.account.id.clone(), SessionId::new(id));
    core.store
        .write(move |db| {
            if !store::tables::sessions::end_of(db, &account, &id, SessionEnd::Revoked, log.at())? {
                return Err(Error::new(Kind::SessionNotFound));
            }
            let event = Event::done(What::SessionEnded)
                .about(&account)
                .in_session(&id)
                .by(account.as_str());
            log.record(db, &event.because(SessionEnd::Revoked.as_str()))
        })
        .await
}

/// Ends all of the caller's sessions except the current one. Returns how many it ended.
///
/// # Errors
/// `Unavailable`.
pub async fn end_others(core: &Core, caller: &Caller, source: &Source) -> Result<usize> {
    let (log, account, kept) =
        (AuditLog::new(core, source), caller.account.id.clone(), caller.session().clone());
    core.store
        .write(move |db| {
            let ended = store::tables::sessions::end_others(
                db,
                &account,
                &kept,
                SessionEnd::Revoked,
                log.at(),
            )?;
            for id in &ended {
                let event = Event::done(What::SessionEnded)
                    .about(&account)
                    .in_session(id)
                    .by(account.as_str());
                log.record(db, &event.because(SessionEnd::Revoked.as_str()))?;
            }
            Ok(ended.len())
        })
        .await
}
