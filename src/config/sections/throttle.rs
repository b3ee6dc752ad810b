//! `[throttle]`: delays after wrong passwords, per client IP and account name, and per account from
//! all clients.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::reader::ConfigReader;
use crate::config::values::span;

/// The shortest and the longest time of each setting.
const LIFE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(366 * 24);

section! {
    /// `[throttle]`: delays after wrong passwords, per client IP and account name, and per account
    /// from all clients.
    pub struct Throttle = "throttle" {
        /// Whether the throttle is active.
        enabled: bool = truth();
        /// Failures per client IP and name before waits begin.
        failures: u32 = whole(1..=100_000);
        /// The window in which these failures are counted.
        window: Duration = duration(LIFE);
        /// The first wait. Each further wait is twice as long.
        first_wait: Duration = duration(LIFE);
        /// The longest wait.
        longest_wait: Duration = duration(LIFE);
        /// Failures at one account, from all clients, after which unknown IPs may not log in with
        /// its password.
        account_failures: u32 = whole(1..=1_000_000);
        /// The window in which these failures are counted.
        account_window: Duration = duration(LIFE);
        /// How long a client IP counts as known after a login.
        known_for: Duration = duration(LIFE);
    }
}

impl Throttle {
    pub(in crate::config) fn validate(&self, r: &mut ConfigReader) {
        if self.longest_wait < self.first_wait {
            let (first, came) = (span::to_text(self.first_wait), span::to_text(self.longest_wait));
            r.refuse(
                "throttle.longest_wait",
                format!("expected at least throttle.first_wait ({first}), got {came}"),
            );
        }
    }
}
