//! Which ways into an account are left, for those who remove one.

use crate::error::Result;
use crate::model::{Account, PasskeyKind};
use crate::store;
use crate::store::db::Db;

/// Whether the account has a way to log in that it need not ask for by mail: a password with a name to
/// type before it, a passkey, or an account at one of these providers.
pub(in crate::identity) fn is_left(
    db: &mut dyn Db,
    account: &Account,
    providers: &[String],
) -> Result<bool> {
    let has_name = account.email.is_some() || account.username.is_some();
    if account.password_hash.is_some() && has_name {
        return Ok(true);
    }
    let keys = store::tables::passkeys::of(db, &account.id)?;
    if keys.iter().any(|key| key.kind == PasskeyKind::Passkey) {
        return Ok(true);
    }
    let identities = store::tables::identities::of(db, &account.id)?;
    Ok(identities.iter().any(|row| providers.contains(&row.provider)))
}
