//! The clock and randomness as values. (The third external dependency, sending mail, is
//! `mail::Mailer`.)
//!
//! All code that reads the time or draws random bytes takes an [`Env`]. Only this file and the
//! metrics read the machine's clock directly.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use crate::error::{Error, Result};
use crate::model::time::Time;

/// The boxed future that trait objects return.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Reads the time.
pub trait Clock: Send + Sync {
    /// The time for everything that is stored and compared. It never goes backwards within a
    /// process.
    fn now(&self) -> Time;
    /// The wall-clock time, for tokens and one-time passwords that other machines check.
    fn wall(&self) -> Time;
}

/// Draws random bytes.
pub trait Random: Send + Sync {
    /// Fills the whole buffer. Fails only if the operating system has no randomness.
    fn fill(&self, buffer: &mut [u8]) -> Result<()>;
}

/// The clock and the source of randomness, passed to all code that needs them.
#[derive(Clone)]
pub struct Env {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    last_id: Arc<AtomicU64>,
}

impl Env {
    /// Creates an environment from the given clock and randomness.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random, last_id: Arc::default() }
    }

    /// The machine's clock and the operating system's randomness.
    #[must_use]
    pub fn real() -> Self {
        Self::new(Arc::new(SystemClock::start()), Arc::new(SystemRandomness(SystemRandom::new())))
    }

    /// The current time. It never goes backwards within a process.
    #[must_use]
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// The current wall-clock time.
    #[must_use]
    pub fn wall(&self) -> Time {
        self.clock.wall()
    }

    /// Draws `N` random bytes.
    pub fn random<const N: usize>(&self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// A new UUID version 7. Ids sort in the order of their creation, even within one millisecond.
    pub fn new_id(&self) -> Result<String> {
        // RFC 9562, section 6.2, method 1: milliseconds, then a 12-bit counter within the
        // millisecond.
        let now = u64::try_from(self.now().millis()).unwrap_or(0) << 12;
        let step = |last: u64| Some(now.max(last + 1));
        let last =
            self.last_id.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).unwrap_or(now);
        let count = now.max(last + 1);
        let mut random: [u8; 10] = self.random()?;
        random[..2].copy_from_slice(&((count & 0xfff) as u16).to_be_bytes());
        Ok(uuid::Builder::from_unix_timestamp_millis(count >> 12, &random).into_uuid().to_string())
    }
}

/// The machine's clock: the wall time at the start, advanced by the monotonic clock.
struct SystemClock {
    started_at: Time,
    started: Instant,
}

impl SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the machine's clock"
    )]
    fn start() -> Self {
        Self { started_at: wall_time(), started: Instant::now() }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the machine's clock"
)]
fn wall_time() -> Time {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Time::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

impl Clock for SystemClock {
    fn now(&self) -> Time {
        self.started_at + self.started.elapsed()
    }

    fn wall(&self) -> Time {
        wall_time()
    }
}

/// The operating system's randomness.
struct SystemRandomness(SystemRandom);

impl Random for SystemRandomness {
    fn fill(&self, buffer: &mut [u8]) -> Result<()> {
        self.0
            .fill(buffer)
            .map_err(|_| Error::internal("the operating system returned no random bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_in_the_order_they_were_made() {
        let env = Env::real();
        let ids: Vec<String> = (0..10_000).map(|_| env.new_id().unwrap()).collect();
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| uuid::Uuid::parse_str(id).unwrap().get_version_num() == 7));
    }
}
