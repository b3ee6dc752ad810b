//! The proof that a caller confirmed its identity a few minutes ago.

use std::time::Duration;

use crate::error::{Kind, Result};
use crate::identity::Core;
use crate::identity::access::caller::{Caller, Via};

/// Maximum age of a session's last proof for operations that need a fresh one.
const FRESH_FOR: Duration = Duration::from_mins(15);

/// A caller whose session saw a proof of identity in the last 15 minutes. A refresh does not make a
/// caller fresh.
#[derive(Debug, Clone)]
pub struct Fresh(Caller);

impl Fresh {
    /// Returns the caller as fresh, if the last proof is recent enough.
    ///
    /// # Errors
    /// `ReauthenticationRequired`.
    pub fn check(core: &Core, caller: &Caller) -> Result<Self> {
        let now = core.env.now();
        let Via::Session(proof) = &caller.via;
        if proof.proved_at > now || now.since(proof.proved_at) > FRESH_FOR {
            return Err(Kind::ReauthenticationRequired.into());
        }
        Ok(Self(caller.clone()))
    }

    /// The caller behind it.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.0
    }
}
