//! Ending sessions by their owner's wish.

use super::audit::Log;
use super::{Caller, Core};
use crate::error::Result;
use crate::model::event::What;
use crate::model::session::End;
use crate::model::{AccountId, Event, SessionId, Source};
use crate::store;

/// Whose session a logout is about: shown by an access token or by a refresh token.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The account.
    pub account: AccountId,
    /// The session.
    pub session: SessionId,
}

impl From<&Caller> for Holder {
    fn from(caller: &Caller) -> Self {
        Self { account: caller.account.id.clone(), session: caller.session.clone() }
    }
}

/// Who holds this refresh token, if its session is alive and the token is its current one or within the grace.
///
/// # Errors
/// `RefreshInvalid`, `RefreshRevoked`.
pub async fn holder_of(core: &Core, refresh_token: &str) -> Result<Holder> {
    super::refresh::holder(core, refresh_token).await
}

/// Ends this session.
///
/// # Errors
/// `Unavailable`.
pub async fn here(core: &Core, holder: &Holder, source: &Source) -> Result<()> {
    let (log, holder) = (Log::new(core, source), holder.clone());
    core.store
        .write(move |db| {
            if !store::sessions::end(db, &holder.session, End::Logout, log.at())? {
                return Ok(());
            }
            let event = Event::done(What::SessionEnded).about(&holder.account).in_session(&holder.session);
            log.record(db, &event.by(holder.account.as_str()).because(End::Logout.as_str()))
        })
        .await
}

/// Ends all sessions of the account.
///
/// # Errors
/// `Unavailable`.
pub async fn everywhere(core: &Core, holder: &Holder, source: &Source) -> Result<()> {
    let (log, holder) = (Log::new(core, source), holder.clone());
    core.store
        .write(move |db| {
            for session in store::sessions::end_all(db, &holder.account, End::LogoutEverywhere, log.at())? {
                let event = Event::done(What::SessionEnded).about(&holder.account).in_session(&session);
                log.record(db, &event.by(holder.account.as_str()).because(End::LogoutEverywhere.as_str()))?;
            }
            Ok(())
        })
        .await
}
