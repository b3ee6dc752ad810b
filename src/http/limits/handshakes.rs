//! Limits the TLS handshakes of each client network, in bounded memory: a handshake costs a signature
//! with the private key, which is many times the work of its client.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::smooth::Smooth;
use super::{LimitStep, SMOOTH_KEYS};
use crate::config::{Rate, Shape};
use crate::env::Env;
use crate::model::{ClientIp, Time};

const MINUTE: Duration = Duration::from_mins(1);

/// Counts handshakes.
pub(in crate::http) struct HandshakeLimit {
    /// How many a client network may make in a minute.
    count: u32,
    /// `None` only for a count of zero, which the configuration does not allow.
    smooth: Option<Smooth>,
    env: Env,
    purged: Mutex<Time>,
}

impl HandshakeLimit {
    pub(in crate::http) fn new(count: u32, env: &Env) -> Self {
        let rate = Rate { count, window: MINUTE, shape: Shape::Smooth };
        let smooth = Smooth::new(rate, SMOOTH_KEYS, env);
        Self { count, smooth, env: env.clone(), purged: Mutex::new(env.now()) }
    }

    /// The limit of a new configuration; the counters stay unless it differs.
    pub(in crate::http) fn set(&mut self, count: u32) {
        if count != self.count {
            *self = Self::new(count, &self.env);
        }
    }

    /// Counts a handshake, and says whether it may be made.
    pub(in crate::http) fn permits(&self, client: ClientIp) -> bool {
        self.purge();
        let Some(smooth) = &self.smooth else { return true };
        smooth.ask(client, LimitStep::Count).is_ok()
    }

    /// Forgets the networks that have made none for a while, once a minute.
    fn purge(&self) {
        let now = self.env.now();
        let mut purged = self.purged.lock().unwrap_or_else(PoisonError::into_inner);
        if now.since(*purged) >= MINUTE {
            *purged = now;
            drop(purged);
            self.smooth.iter().for_each(Smooth::purge);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;

    use super::*;
    use crate::env::{HandClock, SystemRandomness};

    #[test]
    fn a_network_waits_for_its_next_handshake_and_others_do_not() {
        let clock = Arc::new(HandClock::at(Time::from_seconds(1_800_000_000)));
        let env = Env::new(clock.clone(), Arc::new(SystemRandomness::default()));
        let mut limit = HandshakeLimit::new(3, &env);
        let client = |last| ClientIp::of(IpAddr::from([192, 0, 2, last]));
        let made = |limit: &HandshakeLimit| (0..5).filter(|_| limit.permits(client(1))).count();
        assert_eq!(made(&limit), 3);
        assert!(limit.permits(client(2)));
        clock.advance(Duration::from_secs(20));
        assert_eq!(made(&limit), 1, "one third of a minute");
        limit.set(3);
        assert_eq!(made(&limit), 0, "the same limit keeps its counters");
        clock.advance(Duration::from_mins(2));
        assert_eq!(made(&limit), 3);
        limit.set(4);
        assert_eq!(made(&limit), 4);
    }
}
