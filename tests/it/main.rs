//! One integration binary: scenarios by room, all against the real program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a scenario fails by panicking")]

mod accounts;
mod bad_input;
mod browser;
mod cli;
mod clock;
mod concurrency;
mod config;
mod cookies;
mod crash;
mod enumeration;
mod factors;
mod files;
mod house;
mod http;
mod keys;
mod mail;
mod metrics;
mod model;
mod pages;
mod passwords;
mod perfect21;
mod process;
mod recovery;
mod serving;
mod sms;
mod store;
mod support;
mod upkeep;
mod v1;
