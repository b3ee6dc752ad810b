//! Scenarios: accounts.
