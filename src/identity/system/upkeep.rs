//! What a server does once a minute, and when it stops.

use crate::error::Result;
use crate::identity::Core;
use crate::identity::audit::refusals::{self, Until};
use crate::identity::system::{alarms, key, statistics};

/// Writes the counts of the last minute, rotates the signing key if that is due, and tells the operator
/// about stuck mail and a certificate near its end. A part that fails does not keep back the others.
///
/// # Errors
/// The first failure.
pub async fn each_minute(core: &Core) -> Result<()> {
    let counted = statistics::write(core).await;
    let rotated = key::rotate_if_due(core).await;
    let watched = [alarms::watch_mail(core).await, alarms::watch_certificate(core).await];
    counted.and(rotated).and(watched.into_iter().collect())
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
