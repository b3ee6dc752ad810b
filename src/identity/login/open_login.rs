//! The link that lets an owner log in while password logins from unknown client IPs are blocked.
//! Following it proves access to the mailbox, so the client IP that follows it counts as known.

use crate::error::{Kind, Result, limit};
use crate::identity::Core;
use crate::identity::access::counted::Counted;
use crate::identity::account::link;
use crate::identity::account::link::LinkPurpose;
use crate::identity::audit::log::AuditLog;
use crate::model::event::What;
use crate::model::{Event, Source};
use crate::store;

/// Follows the link: marks the source's client IP as known for the account.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`.
pub async fn follow(
    core: &Core,
    token: &str,
    _counted: &Counted<limit::OpenLogin>,
    source: &Source,
) -> Result<()> {
    let (hash, log, client) =
        (link::digest_of(token), AuditLog::new(core, source), source.client());
    let outcome = core
        .store
        .write(move |db| {
            let link = link::usable(db, &hash, LinkPurpose::OpenLogin, log.at())?;
            if !store::tables::links::spend(db, &hash, log.at())? {
                return Err(Kind::LinkInvalid.into());
            }
            store::tables::known_ips::note(db, &link.account, client, log.at())?;
            log.record(
                db,
                &Event::done(What::LoginOpened).about(&link.account).by(link.account.as_str()),
            )
        })
        .await;
    link::settle(core, hash, outcome).await
}
