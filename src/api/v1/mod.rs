//! The native API, served under `/v1` and `/api/v1` whatever the profile.
