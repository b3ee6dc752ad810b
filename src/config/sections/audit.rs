//! `[audit]`: the security log.

use std::time::Duration;

section! {
    /// `[audit]`: the security log.
    pub struct AuditConfig = "audit" {
        /// How long records are kept.
        keep: Duration = duration(Duration::from_hours(1)..=Duration::from_hours(50 * 365 * 24));
    }
}
