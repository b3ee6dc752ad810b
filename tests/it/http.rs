//! Scenarios: http.
