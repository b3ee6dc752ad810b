//! Logging out: ending sessions at their owner's request.

use crate::error::Result;
use crate::identity::audit::log::AuditLog;
use crate::identity::session::holder::SessionHolder;
use crate::identity::session::refresh;
use crate::identity::{Caller, Core};
use crate::model::event::What;
use crate::model::session::SessionEnd;
use crate::model::{Event, Secret, Source};
use crate::store;

/// Ends this session.
///
/// # Errors
/// `Unavailable`.
pub async fn here(core: &Core, holder: &SessionHolder, source: &Source) -> Result<()> {
    end(core, vec![holder.clone()], source).await
}

/// Ends the caller's session, and that of a refresh token if it belongs to the same account and its
/// session is alive. Any other token is ignored.
///
/// # Errors
/// `Unavailable`.
pub async fn here_and_of(
    core: &Core,
    caller: &Caller,
    refresh_token: Option<&Secret>,
    source: &Source,
) -> Result<()> {
    let mut holders = vec![SessionHolder::from(caller)];
    if let Some(token) = refresh_token {
        match refresh::holder(core, token.reveal()).await {
            Ok(holder) => holders.extend((holder.account == caller.account.id).then_some(holder)),
            Err(error) if error.kind().is_bad_refresh() => {}
            Err(error) => return Err(error),
        }
    }
    end(core, holders, source).await
}

async fn end(core: &Core, holders: Vec<SessionHolder>, source: &Source) -> Result<()> {
    let log = AuditLog::new(core, source);
    core.store
        .write(move |db| {
            for holder in &holders {
                if store::tables::sessions::end(db, &holder.session, SessionEnd::Logout, log.at())?
                {
                    let event = Event::done(What::SessionEnded)
                        .about(&holder.account)
                        .in_session(&holder.session);
                    log.record(
                        db,
                        &event.by(holder.account.as_str()).because(SessionEnd::Logout.as_str()),
                    )?;
                }
            }
            Ok(())
        })
        .await
}

/// Ends all sessions of the account.
///
/// # Errors
/// `Unavailable`.
pub async fn everywhere(core: &Core, holder: &SessionHolder, source: &Source) -> Result<()> {
    let (log, holder) = (AuditLog::new(core, source), holder.clone());
    core.store
        .write(move |db| {
            for session in store::tables::sessions::end_all(
                db,
                &holder.account,
                SessionEnd::LogoutEverywhere,
                log.at(),
            )? {
                let event =
                    Event::done(What::SessionEnded).about(&holder.account).in_session(&session);
                log.record(
                    db,
                    &event
                        .by(holder.account.as_str())
                        .because(SessionEnd::LogoutEverywhere.as_str()),
                )?;
            }
            Ok(())
        })
        .await
}
