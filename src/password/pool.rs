//! The hashing pool: a fixed number of threads that own and reuse their memory, behind a bounded queue with lanes.

use crate::config;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::{Client, Password};

/// Whose work it is: each client address has a lane, and those that have logged in to the account before share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// A client address that this account has not seen.
    Client(Client),
    /// Client addresses that have logged in to the account before; the command line.
    Known,
}

/// A finished hash, ready for the store.
#[derive(Debug, Clone)]
pub struct Hash {
    /// The PHC string.
    pub text: String,
    /// Scheme and cost alone: `argon2id:19456:2`.
    pub scheme: String,
}

/// What a check found.
#[derive(Debug)]
pub struct Verdict {
    /// The password is the right one.
    pub matches: bool,
    /// It is right, and its hash should be replaced by this one: the scheme or cost is not today's.
    pub upgrade: Option<Hash>,
}

/// The pool. Cheap to clone; the threads end with the last clone.
#[derive(Clone)]
pub struct Pool {}

impl Pool {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn start(_config: &config::Hashing, _env: &Env) -> Result<Self> {
        Err(Error::internal("not built"))
    }

    /// Hashes a new password at today's cost.
    ///
    /// # Errors
    /// `Unavailable` with a delay when the queue is full.
    pub async fn hash(&self, _lane: Lane, _password: Password) -> Result<Hash> {
        Err(Error::internal("not built"))
    }

    /// Checks a password against a stored hash.
    ///
    /// # Errors
    /// `Unavailable` with a delay when the queue is full; a stored hash that cannot be read counts as wrong.
    pub async fn verify(&self, _lane: Lane, _password: Password, _stored: String) -> Result<Verdict> {
        Err(Error::internal("not built"))
    }

    /// The same work for a name without a password: the scheme is drawn by the name, the answer is always no.
    ///
    /// # Errors
    /// `Unavailable` with a delay when the queue is full.
    pub async fn verify_nothing(&self, _lane: Lane, _password: Password, _name: &str) -> Result<()> {
        Err(Error::internal("not built"))
    }

    /// Tells the pool which schemes the database holds and how often, for [`Pool::verify_nothing`].
    pub fn learn(&self, _schemes: Vec<(String, u64)>) {}
}
