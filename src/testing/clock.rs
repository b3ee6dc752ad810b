//! A clock that runs as the machine's does, and can be set forward.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::env::{Clock, Env};
use crate::error::{Error, Kind, Result};
use crate::model::Time;

/// How far the clock can be ahead: a hundred years.
const LONGEST: i64 = 100 * 365 * 86_400 * 1000;

/// The machine's clock and how far this one is ahead of it.
pub(super) struct TestClock {
    machine: Env,
    /// In milliseconds.
    ahead: AtomicI64,
}

impl TestClock {
    pub(super) fn new(machine: Env) -> Self {
        Self { machine, ahead: AtomicI64::new(0) }
    }

    /// How far it is ahead.
    pub(super) fn ahead(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.ahead.load(Ordering::SeqCst)).unwrap_or(0))
    }

    /// Moves it forward.
    ///
    /// # Errors
    /// `Validation` beyond a hundred years.
    pub(super) fn advance(&self, by: Duration) -> Result<()> {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let add = |ahead: i64| ahead.checked_add(by).filter(|ahead| *ahead <= LONGEST);
        match self.ahead.fetch_update(Ordering::SeqCst, Ordering::SeqCst, add) {
            Ok(_) => Ok(()),
            Err(_) => {
                Err(Error::with(Kind::Validation, "The clock can be ahead by 100 years at most"))
            }
        }
    }

    /// Sets it to a later time.
    ///
    /// # Errors
    /// `Validation` for an earlier time: what has expired would be valid again.
    pub(super) fn set(&self, time: Time) -> Result<()> {
        let now = self.now();
        if time < now {
            return Err(Error::with(
                Kind::Validation,
                format!("The clock is at {now} and moves forward only; DELETE /test sets it back"),
            ));
        }
        self.advance(time.since(now))
    }

    /// Sets it back to the machine's. Nothing must be left that was stored while it was ahead.
    pub(super) fn reset(&self) {
        self.ahead.store(0, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Time {
        self.machine.now() + self.ahead()
    }

    fn wall(&self) -> Time {
        self.machine.wall() + self.ahead()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::env::{FixedRandom, HandClock};

    #[test]
    fn the_clock_runs_and_moves_forward_only() {
        let machine = Arc::new(HandClock::at(Time::from_seconds(100)));
        let clock = TestClock::new(Env::new(machine.clone(), Arc::new(FixedRandom::default())));
        let shows = |seconds| {
            assert_eq!(clock.now(), Time::from_seconds(seconds));
            assert_eq!(clock.wall(), Time::from_seconds(seconds));
        };
        shows(100);
        clock.advance(Duration::from_mins(15)).unwrap();
        machine.advance(Duration::from_secs(1));
        shows(1001);
        assert_eq!(clock.set(Time::from_seconds(1000)).unwrap_err().kind(), Kind::Validation);
        clock.set(Time::from_seconds(5000)).unwrap();
        shows(5000);
        assert!(clock.advance(Duration::from_secs(u64::MAX)).is_err());
        shows(5000);
        clock.reset();
        shows(101);
    }
}
