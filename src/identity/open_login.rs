//! The link that lets its owner in while the password is closed to strangers: whoever follows it has read the mailbox,
//! and the client address they follow it from counts as known.

use super::Core;
use super::audit::Log;
use crate::error::{Error, Kind, Result};
use crate::model::event::What;
use crate::model::{Event, Source, secret};
use crate::store;
use crate::store::links::Purpose;

/// Opens the login for the client address that this comes from.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`.
pub async fn follow(core: &Core, token: &str, source: &Source) -> Result<()> {
    let (hash, log, client) = (secret::digest(token.as_bytes()), Log::new(core, source), source.client());
    core.store
        .write(move |db| {
            let link =
                store::links::find(db, &hash, Purpose::OpenLogin)?.ok_or_else(|| Error::new(Kind::LinkInvalid))?;
            if !store::links::spend(db, &hash, log.at())? {
                store::links::bury(db, &hash)?;
                return Ok(Err(Kind::LinkExpired.into()));
            }
            store::clients::note(db, &link.account, client, log.at())?;
            log.record(db, &Event::done(What::LoginOpened).about(&link.account).by(link.account.as_str())).map(Ok)
        })
        .await?
}
