//! Links in mail: built from the public URL, never from what a request says about itself.

use super::Core;
use crate::error::Result;
use crate::model::{AccountId, Secret};
use crate::store;
use crate::store::db::Db;

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

/// Voids what was mailed to an account before its password or address changed: links, and whatever else opens a door.
///
/// # Errors
/// What the database says.
pub fn void_all(db: &mut dyn Db, account: &AccountId) -> Result<()> {
    store::links::void_all(db, account)
}
