//! What every wire shares: listener, boundary, client address, limits, headers, bodies. Knows poem; knows no wire.

pub mod boundary;
pub mod client;
pub mod cookie;
pub mod cors;
pub mod failure;
pub mod headers;
pub mod limits;
pub mod listener;
pub mod log;
pub mod origin;
pub mod pace;
pub mod reject;
pub mod request_id;
pub mod signals;
pub mod wires;
