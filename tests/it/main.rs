//! One integration binary: scenarios by room, all against the real program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a scenario fails by panicking")]

mod accounts;
mod admin;
mod authbackend;
mod browser;
mod chromium;
mod cli;
mod config;
mod docs;
mod examples;
mod factors;
mod files;
mod generated;
mod http;
mod jobpath;
mod keys;
mod mail;
mod metrics;
mod pages;
mod recovery;
mod siteworks;
mod sms;
mod store;
mod stories;
mod support;
mod tools;
mod v1;
