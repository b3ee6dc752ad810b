//! What a server does once a minute, and when it stops.

use crate::error::Result;
use crate::identity::Core;
use crate::identity::audit::refusals::{self, Until};
use crate::identity::system::{alarms, cleanup, key, statistics};

/// Writes the counts of the last minute, and tells the operator about a certificate near its end; each
/// server has its own. Rotates the signing key if that is due, tells the operator about stuck mail, and
/// removes counted calls; one server does so for all. A part that fails does not keep back the others.
///
/// # Errors
/// The first failure.
pub async fn each_minute(core: &Core) -> Result<()> {
    let own = [statistics::write(core).await, alarms::watch_certificate(core).await];
    let for_all = if core.store.node().leads() {
        let rotated = key::rotate_if_due(core).await;
        [rotated, alarms::watch_mail(core).await, cleanup::purge_calls(core).await]
    } else {
        [Ok(()), Ok(()), Ok(())]
    };
    own.into_iter().chain(for_all).collect()
}

/// Writes what is only in memory, after the last request.
pub async fn at_end(core: &Core) {
    if let Err(error) = refusals::record(&core.refusals, &core.store, Until::Now).await {
        tracing::error!(error = error.chain(), "recording refusals in the audit log failed");
    }
    if let Err(error) = statistics::write(core).await {
        tracing::error!(error = error.chain(), "the last counts for the statistics are lost");
    }
}
