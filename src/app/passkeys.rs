//! What a start checks about the passkeys in the database.

use crate::config::Config;
use crate::error::{Error, Result};
use crate::identity::passkey;
use crate::store::{self, Store};

/// Refuses another domain than the one that the passkeys in this database are bound to: they would all
/// stop working. Warns if the server's own pages cannot use them.
pub(super) async fn check_domain(store: &Store, config: &Config) -> Result<()> {
    let kept = store.read(|db| store::tables::instance::text(db, passkey::DOMAIN)).await?;
    let Some(kept) = kept else { return Ok(()) };
    if let Some(domain) = config.webauthn.rp_id.as_ref().filter(|domain| **domain != kept) {
        return Err(Error::refused(format!(
            "webauthn.rp_id is {domain}, but the passkeys in this database are bound to {kept}: set it to {kept}, and \
             list pages under other domains in webauthn.origins"
        )));
    }
    let url = config.public_url();
    if config.webauthn.enabled && !config.webauthn.may_use(&kept, &url) {
        tracing::warn!(
            "the passkeys in this database are bound to {kept}: pages of {url} cannot use them unless \
             webauthn.origins lists it and {kept} serves /.well-known/webauthn"
        );
    }
    Ok(())
}
