//! Mail scenarios: the outbox and its worker on a real database with a manual clock, and the SMTP
//! mailer against a scripted mail server.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what a scenario builds on fails it aloud")]

mod fixture;
pub mod server;
mod smtp;
mod worker;
