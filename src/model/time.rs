//! A point in time as the store keeps it: milliseconds since 1970 in UTC.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use jiff::Timestamp;

/// The number of seconds that a duration takes, rounded up: a client that waits this long is not
/// refused again, and a cookie lives no shorter than its session.
#[must_use]
pub fn whole_seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

/// Milliseconds since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

impl Time {
    /// From the store's milliseconds.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From a token's seconds.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds, as stored.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Seconds, as in tokens; rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// How long this is after `earlier`; zero if it is not later.
    #[must_use]
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// For example `2023-12-01T09:00:00Z`.
    #[must_use]
    pub fn to_seconds_text(self) -> String {
        self.to_text(0)
    }

    /// For example `2023-12-01T09:00:00.000Z`.
    #[must_use]
    pub fn to_millis_text(self) -> String {
        self.to_text(3)
    }

    fn to_text(self, digits: usize) -> String {
        let floor = if digits == 0 { self.seconds().saturating_mul(1000) } else { self.0 };
        let stamp = Timestamp::from_millisecond(floor).unwrap_or_default();
        format!("{stamp:.digits$}")
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, span: Duration) -> Time {
        Time(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Time {
    type Output = Time;

    fn sub(self, span: Duration) -> Time {
        Time(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_seconds_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_with_and_without_milliseconds() {
        let time = Time::from_millis(1_701_421_200_987);
        assert_eq!(time.to_seconds_text(), "2023-12-01T09:00:00Z");
        assert_eq!(time.to_millis_text(), "2023-12-01T09:00:00.987Z");
    }

    #[test]
    fn a_wait_is_rounded_up() {
        for (span, seconds) in [
            (Duration::ZERO, 0),
            (Duration::from_millis(1), 1),
            (Duration::from_millis(604_799_990), 604_800),
            (Duration::from_mins(15), 900),
        ] {
            assert_eq!(whole_seconds(span), seconds, "{span:?}");
        }
    }

    #[test]
    fn nothing_overflows_at_the_ends() {
        let last = Time::from_millis(i64::MAX) + Duration::from_secs(u64::MAX);
        assert_eq!(last.millis(), i64::MAX);
        assert_eq!(Time::from_millis(0).since(last), Duration::ZERO);
        assert!(!last.to_seconds_text().is_empty());
    }
}
