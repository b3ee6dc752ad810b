//! How long a login lasts on the device it is made on.

/// How long a session is meant to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remember {
    /// As long as the policy allows.
    Long,
    /// Until the browser closes, at most 24 hours.
    Short,
}
