//! One integration binary: scenarios by room, all against the real program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a scenario fails by panicking")]

mod accounts;
mod admin;
mod cli;
mod config;
mod factors;
mod http;
mod mail;
mod store;
mod support;
mod v1;
