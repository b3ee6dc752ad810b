//! The security record: writing it, reading it, and counting what limits refused.

pub mod alert;
pub mod log;
pub mod refusals;
