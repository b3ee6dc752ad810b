//! One integration binary: scenarios by room, all against the real program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a scenario fails by panicking")]

mod accounts;
mod cli;
mod config;
mod files;
mod http;
mod jobpath;
mod mail;
mod recovery;
mod siteworks;
mod store;
mod stories;
mod support;
mod v1;
