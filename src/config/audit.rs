//! `[audit]`: the security log.

use std::time::Duration;

use super::reader::{Read, Reader};

/// `[audit]`: the security log.
#[derive(Debug, Clone)]
pub struct Audit {
    /// How long records are kept.
    pub keep: Duration,
}

impl Audit {
    pub(super) fn read(r: &mut Reader) -> Read<Self> {
        Ok(Self { keep: r.duration("audit.keep", Duration::from_hours(1)..=Duration::from_hours(50 * 365 * 24))? })
    }
}
