//! One integration test binary: scenarios by module, all against the real program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a scenario fails by panicking"
)]

mod abandoned;
mod accounts;
mod admin;
mod alerts;
mod authbackend;
mod authenticator;
mod backup;
mod bad_input;
mod bad_wires;
mod browser;
mod chromium;
mod cli;
mod client;
mod clock;
mod commands;
mod compat;
mod concurrency;
mod config;
mod contested;
mod cookies;
mod crash;
mod database;
mod docs;
mod enumeration;
mod erasure;
mod examples;
mod factors;
mod fake_provider;
mod files;
mod front;
mod generated;
mod house;
mod http;
mod image;
mod import;
mod import_large;
mod import_others;
mod intruders;
mod jobpath;
mod jobpsych;
mod keys;
mod languages;
mod limits;
mod linters;
mod mail;
mod manual;
mod metrics;
mod model;
mod monitoring;
mod moving_in;
mod openapi;
mod operate;
mod outsiders;
mod pages;
mod passkeys;
mod passwords;
mod perfect21;
mod printed;
mod process;
mod promised;
mod proofs;
mod properties;
mod providers;
mod proxied;
mod recovery;
mod refusals;
mod rescue;
mod reset_code;
mod resource_tokens;
mod second_service;
mod service;
mod serving;
mod siteworks;
mod sms;
mod statistics;
mod store;
mod stories;
mod support;
mod test_mode;
mod tools;
mod upgrade;
mod upkeep;
mod v1;
mod verifiers;
mod web;
