//! One integration binary: scenarios by room, all against the real program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a scenario fails by panicking")]

mod accounts;
mod cli;
mod config;
mod http;
mod import;
mod mail;
mod store;
mod support;
mod v1;
