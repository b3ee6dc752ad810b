//! What a server does once a minute, and when it stops.

use crate::error::Result;
use crate::identity::Core;
use crate::identity::audit::refusals::{self, Until};
use crate::identity::system::{key, statistics};

/// Writes the counts of the last minute and rotates the signing key if that is due. A part that
/// fails does not keep back the others.
///
/// # Errors
/// The first failure.
pub async fn each_minute(core: &Core) -> Result<()> {
    let counted = statistics::write(core).await;
    let rotated = key::rotate_if_due(core).await;
    counted.and(rotated)
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
