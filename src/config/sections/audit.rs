//! `[audit]`: the security log.

use std::time::Duration;

use crate::config::reader::{ConfigReader, ReadResult};

/// `[audit]`: the security log.
#[derive(Debug, Clone)]
pub struct AuditConfig {
    /// How long records are kept.
    pub keep: Duration,
}

impl AuditConfig {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        Ok(Self {
            keep: r.duration(
                "audit.keep",
                Duration::from_hours(1)..=Duration::from_hours(50 * 365 * 24),
            )?,
        })
    }
}
