//! What handlers take from a request: bodies, fields, tokens, cookies, client IPs, permissions.

pub mod allowed;
pub mod api_client;
pub mod bearer;
pub mod body;
pub mod client_ip;
pub mod cookie;
pub mod fields;
pub mod origin;
pub mod refresh_cookie;
pub mod request_context;
pub mod schema;
pub mod service;
pub mod strict_json;
pub mod upload;
