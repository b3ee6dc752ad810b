//! `[lockout]`: failures that lock an account's name for everybody.

use std::time::Duration;

use super::reader::{Read, Reader};

/// `[lockout]`: failures that lock an account's name for everybody.
#[derive(Debug, Clone)]
pub struct Lockout {
    /// On at all.
    pub enabled: bool,
    /// How many failures lock.
    pub failures: u32,
    /// For how long.
    pub duration: Duration,
}

impl Lockout {
    pub(super) fn read(r: &mut Reader) -> Read<Self> {
        let enabled = r.truth("lockout.enabled");
        let failures = r.whole("lockout.failures", 1..=100_000);
        let duration = r.duration("lockout.duration", Duration::from_secs(1)..=Duration::from_hours(366 * 24));
        Ok(Self { enabled: enabled?, failures: failures?, duration: duration? })
    }
}
