//! The outbox for administrators: listing messages and retrying them, never showing their content.

use crate::error::Result;
use crate::identity::Core;
use crate::identity::access::actor::By;
use crate::identity::audit::log::AuditLog;
use crate::mail::outbox;
use crate::model::event::What;
use crate::model::{Event, Permission};

pub use crate::mail::outbox::{Message, MessageState};

/// Lists messages from before an id, newest first, with the id to pass for the next page.
///
/// # Errors
/// `Unavailable`.
pub async fn list(
    core: &Core,
    state: Option<MessageState>,
    before: Option<&str>,
    limit: i64,
) -> Result<(Vec<Message>, Option<String>)> {
    let mut letters = outbox::list(&core.store, state, before, limit + 1).await?;
    let next = crate::identity::audit::log::cut(&mut letters, limit, |letter| letter.id.clone());
    Ok((letters, next))
}

/// Makes a message due immediately.
///
/// # Errors
/// `NotFound`, `Validation` when it has been delivered or its link has expired, `Forbidden`.
pub async fn retry(core: &Core, by: &By, id: &str) -> Result<Message> {
    let (log, actor, wanted) = (AuditLog::new(core, &by.source), by.actor.clone(), id.to_owned());
    let message = core
        .store
        .write(move |db| {
            actor.needs(db, Permission::Mail)?;
            let message = outbox::retry(db, &wanted, log.at())?;
            log.record(db, &Event::done(What::MailRetried).by(actor.name()).because(&wanted))?;
            Ok(message)
        })
        .await?;
    core.post.ring();
    Ok(message)
}
