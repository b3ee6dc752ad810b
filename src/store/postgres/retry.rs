//! How often, and after which pause, work is run again that changed nothing.

use std::time::Duration;

use crate::env::Env;
use crate::metrics::Stopwatch;

/// How often work is run at most.
const MOST: u32 = 7;

/// How long work may have taken in all when it is run again.
const PATIENCE: Duration = Duration::from_secs(3);

/// The longest first pause; each next one can be twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The attempts at one piece of work.
pub(super) struct Attempts {
    made: u32,
    since: Stopwatch,
}

impl Attempts {
    pub(super) fn start() -> Self {
        Self { made: 0, since: Stopwatch::start() }
    }

    /// How many attempts were made.
    pub(super) fn made(&self) -> u32 {
        self.made
    }

    /// Waits before the next attempt. Returns false if there were enough. The pauses are less than one
    /// and a half seconds in all.
    pub(super) fn again(&mut self, env: &Env) -> bool {
        self.made += 1;
        if self.made >= MOST || self.since.seconds() >= PATIENCE.as_secs_f64() {
            return false;
        }
        // Without randomness, the pause is only less even.
        let [share] = env.random().unwrap_or_default();
        std::thread::sleep(pause(self.made, share));
        true
    }
}

/// A random part of the longest pause, so that those who were in each other's way do not meet again.
fn pause(attempt: u32, share: u8) -> Duration {
    let longest = FIRST_PAUSE * 2_u32.pow(attempt.min(10));
    longest / 4 + longest * u32::from(share) * 3 / 4 / 256
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_pauses_together_are_bounded() {
        let longest: Duration = (1..MOST).map(|attempt| pause(attempt, 255)).sum();
        assert!(longest < Duration::from_millis(1500), "{longest:?}");
        assert!(pause(1, 0) >= Duration::from_millis(5) && pause(3, 0) < pause(3, 200));
    }
}
