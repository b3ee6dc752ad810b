//! Scenarios: v1.
