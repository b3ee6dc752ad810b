//! Passwords: what a new one must be, how they are hashed, and the pool of threads that does it.

mod bench;
mod blocklist;
mod dummy;
pub mod pool;
mod queue;
pub mod refusal;
pub mod rules;
pub mod scheme;
