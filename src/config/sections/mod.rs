//! One file per section of the configuration, each with its own checks.

pub mod admin;
pub mod alerts;
pub mod apps;
pub mod audit;
pub mod factors;
pub mod files;
pub mod hashing;
pub mod limits;
pub mod links;
pub mod location;
pub mod lockout;
pub mod log;
pub mod login;
pub mod mail;
pub mod metrics;
pub mod outbound;
pub mod password;
pub mod server;
pub mod service;
pub mod sessions;
pub mod signup;
pub mod sms;
pub mod throttle;
pub mod tokens;
