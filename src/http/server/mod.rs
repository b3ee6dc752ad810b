//! The server side of HTTP: boundary, routing, and what every response carries.

mod arrival;
pub mod audit_file;
pub mod boundary;
pub mod carried;
pub mod cors;
pub mod download;
pub mod error_text;
pub mod failure;
pub mod headers;
pub mod log;
pub mod metrics;
pub mod paths;
pub mod plain_http;
pub mod policy;
pub mod refused_origins;
pub mod reject;
pub mod request_id;
pub mod response;
pub mod router;
pub mod system;
pub mod wires;
