//! Types of values that several sections share.

pub mod bytes;
pub mod network;
pub mod rate;
pub mod span;
pub mod web_origin;
