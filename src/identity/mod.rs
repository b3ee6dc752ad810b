//! The core: one file per family of operations. It contains no HTTP, no SQL text and no JSON
//! envelope.
//!
//! Authorisation is a value: an operation on an account's data takes a [`Caller`], and only
//! [`caller::authenticate`] makes one. Every way to log in ends at the [`gate`].

pub mod actor;
pub mod admin;
pub mod alarm;
pub mod app;
pub mod audit;
pub mod caller;
pub mod challenge;
pub mod change_email;
pub mod chores;
pub mod delete;
pub mod directory;
pub mod export;
pub mod factor;
pub mod file;
pub mod fulfil;
pub mod gate;
pub mod guard;
pub mod health;
pub mod import;
pub mod introspect;
pub mod key;
pub mod letters;
pub mod link;
pub mod one_time_code;
pub mod open_login;
pub mod password;
pub mod passwordless;
pub mod place;
pub mod profile;
pub mod quota;
pub mod reauthenticate;
pub mod recover;
pub mod recover_by_code;
pub mod refresh;
pub mod refusals;
mod rescue;
pub mod role;
pub mod roles;
pub mod roster;
pub mod session;
pub mod sign_in;
pub mod sign_out;
pub mod sign_up;
pub mod stats;
pub mod subject;
pub mod verify_email;
pub mod vitals;

use std::sync::Arc;

use crate::config::Config;
use crate::env::Env;
use crate::mail::Outbox;
use crate::metrics::Metrics;
use crate::model::account::Verification;
use crate::password::pool::Pool;
use crate::seal::MasterKey;
use crate::store::Store;
use crate::token::Tokens;

pub use actor::{Actor, Admin, By};
pub use caller::Caller;

/// Everything that the operations need, shared by all requests.
pub struct Core {
    pub config: Arc<Config>,
    /// Clock and randomness.
    pub env: Env,
    pub store: Store,
    pub hashing: Pool,
    pub tokens: Tokens,
    /// The role cache: what each role may do.
    pub roles: role::RoleCache,
    /// The location of client IPs.
    pub places: place::Places,
    pub master: MasterKey,
    /// The mail outbox.
    pub post: Outbox,
    pub metrics: Metrics,
    /// Requests that a limit refused, not yet written to the audit log.
    pub refusals: refusals::Refusals,
    /// Cached counts from the database, for metrics.
    pub census: Arc<vitals::CountCache>,
    /// How many uploads may run at the same time.
    pub slots: file::Slots,
}

impl Core {
    /// Whether an address must be verified before its account can be used.
    #[must_use]
    pub fn verification(&self) -> Verification {
        if self.config.signup.verify_email {
            Verification::Required
        } else {
            Verification::Optional
        }
    }
}
