//! The server side of HTTP: listener, pacing, boundary, routing, and what every response carries.

pub mod boundary;
pub mod carried;
pub mod connections;
pub mod cors;
pub mod download;
pub mod error_text;
pub mod failure;
pub mod framing;
pub mod headers;
pub mod listener;
pub mod log;
pub mod metrics;
pub mod pace;
pub mod paths;
pub mod policy;
pub mod reject;
pub mod request_id;
pub mod response;
pub mod router;
pub mod signals;
pub mod system;
pub mod wires;
