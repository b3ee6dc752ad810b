//! One integration binary: scenarios by room, all against the real program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a scenario fails by panicking")]

mod accounts;
mod admin;
mod authbackend;
mod bad_input;
mod browser;
mod chromium;
mod cli;
mod clock;
mod concurrency;
mod config;
mod cookies;
mod crash;
mod docs;
mod enumeration;
mod examples;
mod factors;
mod files;
mod generated;
mod house;
mod http;
mod import;
mod jobpath;
mod jobpsych;
mod keys;
mod mail;
mod metrics;
mod model;
mod moving_in;
mod pages;
mod passwords;
mod perfect21;
mod printed;
mod process;
mod recovery;
mod second_service;
mod serving;
mod siteworks;
mod sms;
mod store;
mod stories;
mod support;
mod tools;
mod upkeep;
mod v1;
