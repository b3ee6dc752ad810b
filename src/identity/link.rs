//! Links in mail: built from the public URL, never from what a request says about itself.

use super::Core;
use crate::model::Secret;

/// The link to one of our own pages. Pages are under `/v1` so that a proxy that forwards only that finds them.
#[must_use]
pub fn to_page(core: &Core, page: &str, token: &str) -> Secret {
    Secret::new(format!("{}/v1/{page}?token={token}", core.config.public_url()))
}

/// The link that proves an address: our page, or the app's own.
#[must_use]
pub fn to_verification(core: &Core, token: &str) -> Secret {
    match &core.config.links.verify {
        Some(template) => Secret::new(template.replace("{token}", token)),
        None => to_page(core, "verify-email", token),
    }
}
