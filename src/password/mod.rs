//! Passwords: the rules for new ones, hashing and checking, and the thread pool that does it.

mod bench;
mod blocklist;
mod dummy;
pub mod imported;
pub mod pool;
mod queue;
pub mod rules;
pub mod scheme;
