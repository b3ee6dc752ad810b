//! The core: one file per family of operations. No HTTP, no SQL text, no JSON envelope.
//!
//! Authorisation is a value: an operation on somebody's data takes a [`Caller`], which only
//! [`caller::authenticate`] makes. Every road to a session ends at the [`gate`].

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
pub mod verify_email;
pub mod vitals;

use std::sync::Arc;

use crate::config::Config;
use crate::env::Env;
use crate::mail::Post;
use crate::metrics::Metrics;
use crate::model::account::Verification;
use crate::password::pool::Pool;
use crate::seal::MasterKey;
use crate::store::Store;
use crate::token::Tokens;

pub use actor::{Actor, Admin, By};
pub use caller::Caller;

/// Everything that the operations work with. Shared by all requests.
pub struct Core {
    /// The policy.
    pub config: Arc<Config>,
    /// Clock and randomness.
    pub env: Env,
    /// The database.
    pub store: Store,
    /// The hashing pool.
    pub hashing: Pool,
    /// Signing keys and tokens.
    pub tokens: Tokens,
    /// What each role may do.
    pub roles: role::Book,
    /// Where client addresses are.
    pub places: place::Places,
    /// The master key.
    pub master: MasterKey,
    /// Letters.
    pub post: Post,
    /// What is counted.
    pub metrics: Metrics,
    /// What limits refused.
    pub refusals: refusals::Refusals,
    /// What is counted in the database now and then.
    pub census: Arc<vitals::Census>,
    /// How many uploads may be under way.
    pub slots: file::Slots,
}

impl Core {
    /// Whether an address must be proved before its account can be used.
    #[must_use]
    pub fn verification(&self) -> Verification {
        if self.config.signup.verify_email { Verification::Required } else { Verification::Optional }
    }
}
