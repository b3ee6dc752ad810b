//! authd: the authentication server you run as one file.

pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod env;
pub mod error;
pub mod http;
pub mod identity;
pub mod mail;
pub mod metrics;
pub mod model;
pub mod password;
pub mod seal;
pub mod sms;
pub mod store;
pub mod token;
