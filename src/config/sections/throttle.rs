//! `[throttle]`: delays after wrong passwords, per client IP and account name, and per account from
//! all clients.

use std::time::Duration;

use crate::config::reader::{ConfigReader, ReadResult};
use crate::config::values::span;

/// `[throttle]`: delays after wrong passwords, per client IP and account name, and per account from
/// all clients.
#[derive(Debug, Clone)]
pub struct Throttle {
    /// Whether the throttle is active.
    pub enabled: bool,
    /// Failures per client IP and name before waits begin.
    pub failures: u32,
    /// The window in which these failures are counted.
    pub window: Duration,
    /// The first wait. Each further wait is twice as long.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
    /// Failures at one account, from all clients, after which unknown IPs may not log in with its
    /// password.
    pub account_failures: u32,
    /// The window in which these failures are counted.
    pub account_window: Duration,
    /// How long a client IP counts as known after a login.
    pub known_for: Duration,
}

impl Throttle {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        let day = Duration::from_hours(24);
        let life = Duration::from_secs(1)..=366 * day;
        let enabled = r.truth("throttle.enabled");
        let failures = r.whole("throttle.failures", 1..=100_000);
        let window = r.duration("throttle.window", life.clone());
        let first_wait = r.duration("throttle.first_wait", life.clone());
        let longest_wait = r.duration("throttle.longest_wait", life.clone());
        let account_failures = r.whole("throttle.account_failures", 1..=1_000_000);
        let account_window = r.duration("throttle.account_window", life.clone());
        let known_for = r.duration("throttle.known_for", life);
        Ok(Self {
            enabled: enabled?,
            failures: failures?,
            window: window?,
            first_wait: first_wait?,
            longest_wait: longest_wait?,
            account_failures: account_failures?,
            account_window: account_window?,
            known_for: known_for?,
        })
    }

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
