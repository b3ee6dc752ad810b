//! The proof that a caller confirmed its identity a few minutes ago, with the second factor where one
//! guards the account.
//!
//! A factor that is put in force ends no session. Those that have not shown it go on with ordinary
//! calls, and are fresh again only after it: the password and a session from before it, both of which
//! an intruder may have, are not enough to change how people log in.

use std::time::Duration;

use crate::error::{Detail, Kind, Result};
use crate::identity::Core;
use crate::identity::access::caller::{Caller, Via};
use crate::model::{AuthMethod, AuthMethods, Factor, FactorKind};
use crate::store;

/// Maximum age of a session's last proof for operations that need a fresh one.
const FRESH_FOR: Duration = Duration::from_mins(15);

/// A caller whose session saw a proof of identity in the last 15 minutes, and the second factor if one
/// guards the account. A refresh does not make a caller fresh.
#[derive(Debug, Clone)]
pub struct Fresh(Caller);

impl Fresh {
    /// Returns the caller as fresh, if the last proof is recent enough.
    ///
    /// # Errors
    /// `ReauthenticationRequired`, `Unavailable`.
    pub async fn check(core: &Core, caller: &Caller) -> Result<Self> {
        let now = core.env.now();
        // Another server, whose clock is a little ahead, may have seen the proof just now.
        let latest = now + core.store.node().clock_lag();
        let Via::Session(proof) = &caller.via;
        if proof.proved_at > latest || now.since(proof.proved_at) > FRESH_FOR {
            return Err(Kind::ReauthenticationRequired.into());
        }
        need_second_factor(core, caller).await?;
        Ok(Self(caller.clone()))
    }

    /// The caller behind it.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.0
    }
}

/// Refuses a session that has not shown the second factor which guards its account now.
///
/// # Errors
/// `ReauthenticationRequired`, `Unavailable`.
pub(in crate::identity) async fn need_second_factor(core: &Core, caller: &Caller) -> Result<()> {
    if has_shown_second_factor(core, caller).await? {
        Ok(())
    } else {
        Err(Detail::SecondFactorDue.into())
    }
}

/// Whether the caller's session has shown the second factor that guards its account now, or none does.
///
/// # Errors
/// `Unavailable`.
pub async fn has_shown_second_factor(core: &Core, caller: &Caller) -> Result<bool> {
    let (account, session) = (caller.account.id.clone(), caller.session().clone());
    core.store
        .read(move |db| {
            if !store::tables::factors::has_second_factor(db, &account)? {
                return Ok(true);
            }
            let factors = store::tables::factors::of(db, &account)?;
            let (_, security_keys) = store::tables::passkeys::count(db, &account)?;
            let methods = store::tables::sessions::methods(db, &session)?.unwrap_or_default();
            Ok(is_shown(&methods, &factors, security_keys))
        })
        .await
}

/// Whether these methods contain one that a login with the password would ask for. A mailed code never
/// replaces an authenticator or a security key.
fn is_shown(methods: &AuthMethods, factors: &[Factor], security_keys: i64) -> bool {
    use AuthMethod::{BackupCode, HardwareKey, SoftwareKey};
    let has = |kind: FactorKind| {
        factors.iter().any(|factor| factor.kind == kind && factor.confirmed_at.is_some())
    };
    let takes_mail = security_keys == 0 && !has(FactorKind::Totp);
    let is_factor_shown = |kind: FactorKind| {
        has(kind) && methods.contains(kind.into()) && (kind != FactorKind::Email || takes_mail)
    };
    let is_other_shown = |method: AuthMethod| methods.contains(method);
    FactorKind::ALL.into_iter().any(is_factor_shown)
        || [HardwareKey, SoftwareKey, BackupCode].into_iter().any(is_other_shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;

    #[test]
    fn a_session_has_shown_a_factor_that_a_login_would_ask_for() {
        use FactorKind::{Email, Sms, Totp};
        for (methods, kinds, security_keys, expected) in [
            ("pwd", &[Totp][..], 0, false),
            ("", &[Totp], 0, false),
            ("pwd otp", &[Totp], 0, true),
            ("otp", &[Totp], 0, true),
            ("pwd otp", &[Sms], 0, false),
            ("pwd mail", &[Totp, Email], 0, false),
            ("pwd mail", &[Email], 1, false),
            ("mail", &[Email], 0, true),
            ("pwd mail", &[Sms], 0, false),
            ("pwd", &[], 1, false),
            ("pwd hwk", &[], 1, true),
            ("swk uv", &[Totp], 0, true),
            ("pwd backup_code", &[Totp], 0, true),
        ] {
            let factors: Vec<_> =
                kinds.iter().map(|kind| Factor::fixture(*kind, Some(Time::default()))).collect();
            let methods = AuthMethods::stored(methods.to_owned());
            let found = is_shown(&methods, &factors, security_keys);
            assert_eq!(found, expected, "{methods:?} {kinds:?} {security_keys}");
        }
    }
}
