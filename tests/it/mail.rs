//! Scenarios: mail. The outbox and its worker on a real database with a hand-turned clock, and the way out against a
//! scripted mail server.

mod fixture;
mod server;
mod smtp;
mod worker;
