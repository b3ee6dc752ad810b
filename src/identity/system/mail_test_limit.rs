//! The limit of tests of the mail server: one at a time, and so many an hour, because a test letter goes
//! to any address.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{InstanceFault, Result};
use crate::model::Time;

/// How many test letters may be sent in [`WINDOW`].
const MOST: usize = 20;
const WINDOW: Duration = Duration::from_hours(1);

/// The limit of tests by this process.
#[derive(Debug, Default)]
pub struct MailTestLimit(Mutex<MailTestState>);

#[derive(Debug, Default)]
struct MailTestState {
    is_running: bool,
    /// When the tests of the last hour began, oldest first.
    begun: VecDeque<Time>,
}

/// The right to test the mail server. The test ends when it is dropped.
pub struct MailTestSlot(Arc<MailTestLimit>);

impl MailTestLimit {
    fn state(&self) -> MutexGuard<'_, MailTestState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a test at one of this many servers, which share what is allowed in an hour.
    ///
    /// # Errors
    /// `Conflict` if another one goes on, or there were too many within the hour.
    pub fn begin(self: &Arc<Self>, servers: u32, now: Time) -> Result<MailTestSlot> {
        let mut state = self.state();
        if state.is_running {
            return Err(InstanceFault::MailTestBusy.into());
        }
        state.begun.retain(|begun| now.since(*begun) < WINDOW);
        let most = MOST / usize::try_from(servers.max(1)).unwrap_or(1);
        if state.begun.len() >= most.max(1) {
            return Err(InstanceFault::MailTestsSpent.into());
        }
        state.begun.push_back(now);
        state.is_running = true;
        Ok(MailTestSlot(self.clone()))
    }
}

impl Drop for MailTestSlot {
    fn drop(&mut self) {
        self.0.state().is_running = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn twenty_an_hour_and_one_at_a_time() {
        let (tests, now) = (Arc::new(MailTestLimit::default()), Time::from_seconds(1_000));
        let first = tests.begin(1, now).unwrap();
        assert_eq!(tests.begin(1, now).err().unwrap().kind(), Kind::Conflict);
        drop(first);
        for _ in 1..MOST {
            drop(tests.begin(1, now).unwrap());
        }
        assert_eq!(tests.begin(1, now).err().unwrap().kind(), Kind::Conflict);
        assert!(tests.begin(1, now + WINDOW).is_ok());
        let tests = Arc::new(MailTestLimit::default());
        for _ in 0..6 {
            drop(tests.begin(3, now).unwrap());
        }
        assert!(tests.begin(3, now).is_err(), "its part of three servers");
    }
}
