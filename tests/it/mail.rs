//! Scenarios: mail.
