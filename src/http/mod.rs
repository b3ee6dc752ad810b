//! HTTP code that all wires share: transport, boundary, client IP, limits, headers, bodies. Depends
//! on poem, but on no wire.

pub mod docs;
pub mod extract;
pub mod limits;
pub mod server;
pub mod transport;
