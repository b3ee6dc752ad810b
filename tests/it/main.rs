//! One integration binary: scenarios by room, all against the real program.

mod accounts;
mod cli;
mod config;
mod http;
mod mail;
mod store;
mod support;
mod v1;
