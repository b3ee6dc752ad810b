//! When the next order may be made. Authorities count failed ones, and refuse a server for a week
//! that orders too often; so attempts are counted in the database, before they are made.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::Time;

const FIRST: Duration = Duration::from_hours(1);
const LONGEST: Duration = Duration::from_hours(48);

/// The orders that have failed, or have begun.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OrderAttempts {
    /// How many in a row.
    failures: u32,
    /// The earliest time of the next one, in milliseconds since 1970.
    next: i64,
    /// What they were for. Another host or authority is not held up by them.
    target: String,
}

impl OrderAttempts {
    /// The time until an order for this target may be made; `None` if it may be made now. A clock that
    /// was set back does not hold it up for longer than the longest delay.
    pub(super) fn delay(&self, target: &str, now: Time) -> Option<Duration> {
        let left = Time::from_millis(self.next).since(now);
        (self.target == target && !left.is_zero()).then(|| left.min(LONGEST))
    }

    /// The attempts with one that begins now.
    pub(super) fn begin(&self, target: &str, now: Time) -> Self {
        let before = if self.target == target { self.failures } else { 0 };
        let delay = FIRST.saturating_mul(2_u32.saturating_pow(before)).min(LONGEST);
        let next = now.millis() + i64::try_from(delay.as_millis()).unwrap_or(i64::MAX / 2);
        Self { failures: before + 1, next, target: target.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_wait_for_hours_and_then_for_days() {
        let mut now = Time::from_seconds(1_000_000);
        let mut attempts = OrderAttempts::default();
        assert_eq!(attempts.delay("a", now), None);
        for hours in [1, 2, 4, 8, 16, 32, 48, 48] {
            attempts = attempts.begin("a", now);
            assert_eq!(attempts.delay("a", now), Some(Duration::from_hours(hours)));
            assert_eq!(attempts.delay("b", now), None, "another name");
            now = Time::from_millis(now.millis() + i64::try_from(hours).unwrap() * 3_600_000);
            assert_eq!(attempts.delay("a", now), None);
        }
        let long_before = Time::from_seconds(0);
        assert_eq!(attempts.delay("a", long_before), Some(LONGEST));
        assert_eq!(attempts.begin("b", now).delay("b", now), Some(FIRST));
    }
}
