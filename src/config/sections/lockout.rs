//! `[lockout]`: failures that lock an account name for all clients.

use std::time::Duration;

use crate::config::reader::{ConfigReader, ReadResult};

/// `[lockout]`: failures that lock an account name for all clients.
#[derive(Debug, Clone)]
pub struct Lockout {
    /// Whether the lockout is active.
    pub enabled: bool,
    /// How many failures lock the name.
    pub failures: u32,
    /// How long the name stays locked.
    pub duration: Duration,
}

impl Lockout {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        let enabled = r.truth("lockout.enabled");
        let failures = r.whole("lockout.failures", 1..=100_000);
        let duration =
            r.duration("lockout.duration", Duration::from_secs(1)..=Duration::from_hours(366 * 24));
        Ok(Self { enabled: enabled?, failures: failures?, duration: duration? })
    }
}
