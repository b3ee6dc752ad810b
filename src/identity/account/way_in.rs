//! Which ways into an account are left, for those who remove one.

use crate::error::Result;
use crate::identity::{Core, provider};
use crate::model::{Account, PasskeyKind};
use crate::store;
use crate::store::db::Db;

/// The ways to log in that this server has.
#[derive(Debug, Clone)]
pub(in crate::identity) struct WaysIn {
    has_passkeys: bool,
    /// Their names.
    providers: Vec<String>,
}

impl WaysIn {
    /// Those of the present configuration.
    ///
    /// # Errors
    /// `Unavailable`.
    pub(in crate::identity) async fn of(core: &Core) -> Result<Self> {
        let providers = provider::names(core).await?;
        Ok(Self { has_passkeys: core.config.webauthn.enabled, providers })
    }

    /// Whether the account can log in by one of them without mail: a password with a name to type before
    /// it, a passkey, or an account at a provider.
    pub(in crate::identity) fn lead_in(&self, db: &mut dyn Db, account: &Account) -> Result<bool> {
        let has_name = account.email.is_some() || account.username.is_some();
        if account.password_hash.is_some() && has_name {
            return Ok(true);
        }
        let keys = store::tables::passkeys::of(db, &account.id)?;
        if self.has_passkeys && keys.iter().any(|key| key.kind == PasskeyKind::Passkey) {
            return Ok(true);
        }
        let identities = store::tables::identities::of(db, &account.id)?;
        Ok(identities.iter().any(|row| self.providers.contains(&row.provider)))
    }
}
