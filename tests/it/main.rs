//! One integration binary: scenarios by room, all against the real program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a scenario fails by panicking")]

mod accounts;
mod browser;
mod cli;
mod config;
mod factors;
mod files;
mod http;
mod import;
mod keys;
mod mail;
mod metrics;
mod pages;
mod recovery;
mod sms;
mod store;
mod support;
mod v1;
