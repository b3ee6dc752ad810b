//! The outbox as administrators see it: which letters wait or failed, and another try, never what is in them.

use super::Core;
use super::actor::By;
use super::audit::Log;
use crate::error::Result;
use crate::mail::outbox;
use crate::model::event::What;
use crate::model::{Event, Permission};

pub use crate::mail::outbox::{Message, State};

/// A part of the outbox, the newest first, from before an id; with the id that the next part begins before.
///
/// # Errors
/// `Unavailable`.
pub async fn list(
    core: &Core,
    state: Option<State>,
    before: Option<&str>,
    limit: i64,
) -> Result<(Vec<Message>, Option<String>)> {
    let mut letters = outbox::list(&core.store, state, before, limit + 1).await?;
    let next = super::audit::cut(&mut letters, limit, |letter| letter.id.clone());
    Ok((letters, next))
}

/// Makes a letter due at once.
///
/// # Errors
/// `NotFound`, `Validation` when it has been delivered or its link is dead, `Forbidden`.
pub async fn retry(core: &Core, by: &By, id: &str) -> Result<Message> {
    let (log, actor, wanted) = (Log::new(core, &by.source), by.actor.clone(), id.to_owned());
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
