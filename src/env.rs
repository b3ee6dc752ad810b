//! The clock and randomness as values. (The third external dependency, sending mail, is
//! `mail::Mailer`.)
//!
//! All code that reads the time or draws random bytes takes an [`Env`]. Only this file and the
//! metrics read the machine's clock directly.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use crate::error::{Error, Result};
use crate::model::time::Time;
use crate::model::{Secret, secret};

/// The boxed future that trait objects return.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Reads the time.
pub trait Clock: Send + Sync {
    /// The time for everything that is stored, compared and shown. It never goes backwards within a
    /// process, counts while the machine sleeps, and follows the wall clock forward.
    fn now(&self) -> Time;
    /// The wall-clock time, for tokens and one-time passwords that other machines check.
    fn wall(&self) -> Time;
    /// Goes by the clock of the database from now on, which several servers share: it has just shown
    /// this time. Returns by how many milliseconds the machine's own clock is ahead of it, or `None`
    /// if this clock does not go by it.
    fn follow(&self, _shown: Duration) -> Option<i64> {
        None
    }
}

/// Draws random bytes.
pub trait Random: Send + Sync {
    /// Fills the whole buffer. Fails only if the operating system has no randomness.
    fn fill(&self, buffer: &mut [u8]) -> Result<()>;

    /// Draws a number below a million, for a one-time code.
    fn below_million(&self) -> Result<u32> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes)?;
        // Modulo bias: some codes are more likely by less than one part in 10^13.
        Ok((u64::from_be_bytes(bytes) % 1_000_000) as u32)
    }
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
        Self::new(Arc::new(SystemClock::of(ThisMachine)), Arc::new(SystemRandomness::default()))
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

    /// As [`Clock::follow`].
    #[must_use]
    pub fn follow(&self, shown: Duration) -> Option<i64> {
        self.clock.follow(shown)
    }

    /// Draws `N` random bytes.
    pub fn random<const N: usize>(&self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// The six digits of a new one-time code.
    pub fn new_code(&self) -> Result<Secret> {
        Ok(Secret::new(format!("{:06}", self.random.below_million()?)))
    }

    /// A new token for a link, a login or a key: 32 random bytes in base64url.
    pub fn new_token(&self) -> Result<String> {
        Ok(secret::encode(&self.random::<32>()?))
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

/// What the machine's clocks show.
trait MachineClocks: Send + Sync {
    /// The wall clock, since 1970. Administrators and NTP may set it back and forward.
    fn wall(&self) -> Duration;
    /// Time since a fixed moment. It never goes backwards, and counts while the machine sleeps.
    fn uptime(&self) -> Duration;
}

/// The clocks of this machine.
struct ThisMachine;

impl MachineClocks for ThisMachine {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the machine's clock"
    )]
    fn wall(&self) -> Duration {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO)
    }

    fn uptime(&self) -> Duration {
        // Linux stops `Instant` while it sleeps, and a link must not live ten hours for one. The
        // monotonic clocks of other systems go on.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let clock = rustix::time::ClockId::Boottime;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let clock = rustix::time::ClockId::Monotonic;
        let time = rustix::time::clock_gettime(clock);
        Duration::new(
            u64::try_from(time.tv_sec).unwrap_or(0),
            u32::try_from(time.tv_nsec).unwrap_or(0),
        )
    }
}

/// The clock of a server process. It advances with the machine's uptime and follows the wall clock
/// forward, so it is never behind it. When the wall clock is set back, it goes on from where it is:
/// what has expired stays expired. A server that shares its database goes by the database's clock
/// instead, so that all of them agree: the uptime plus an offset. When the offset falls, the clock
/// stands still until it has caught up.
struct SystemClock<C> {
    machine: C,
    /// The greatest difference seen between wall clock and uptime, in microseconds.
    ahead: AtomicI64,
    /// The last difference between the clock of the database and the uptime, in microseconds.
    database_ahead: AtomicI64,
    /// The latest time that was shown by the clock of the database, in microseconds.
    latest: AtomicI64,
}

/// The offset to the clock of a database while there is none.
const NO_OFFSET: i64 = i64::MIN;

impl<C: MachineClocks> SystemClock<C> {
    fn of(machine: C) -> Self {
        let [ahead, database_ahead, latest] = [NO_OFFSET; 3].map(AtomicI64::new);
        Self { machine, ahead, database_ahead, latest }
    }

    /// The clock of the database, if this one goes by it, in microseconds.
    fn of_database(&self) -> Option<i64> {
        let ahead = self.database_ahead.load(Ordering::Relaxed);
        (ahead != NO_OFFSET).then(|| micros(self.machine.uptime()).saturating_add(ahead))
    }
}

impl<C: MachineClocks> Clock for SystemClock<C> {
    fn now(&self) -> Time {
        if let Some(now) = self.of_database() {
            let now = self.latest.fetch_max(now, Ordering::Relaxed).max(now);
            return Time::from_millis(now.div_euclid(1000));
        }
        // The wall clock first: a pause between the two readings must not count as a step forward.
        let wall = micros(self.machine.wall());
        let uptime = micros(self.machine.uptime());
        let ahead = wall.saturating_sub(uptime);
        let ahead = self.ahead.fetch_max(ahead, Ordering::Relaxed).max(ahead);
        Time::from_millis(uptime.saturating_add(ahead).div_euclid(1000))
    }

    fn wall(&self) -> Time {
        let wall = self.of_database().unwrap_or_else(|| micros(self.machine.wall()));
        Time::from_millis(wall.div_euclid(1000))
    }

    fn follow(&self, shown: Duration) -> Option<i64> {
        let (shown, uptime) = (micros(shown), micros(self.machine.uptime()));
        self.database_ahead.store(shown.saturating_sub(uptime), Ordering::Relaxed);
        Some(micros(self.machine.wall()).saturating_sub(shown).div_euclid(1000))
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// The operating system's randomness.
#[derive(Debug, Default)]
pub struct SystemRandomness(SystemRandom);

impl Random for SystemRandomness {
    fn fill(&self, buffer: &mut [u8]) -> Result<()> {
        self.0
            .fill(buffer)
            .map_err(|_| Error::internal("the operating system returned no random bytes"))
    }
}

/// A clock that stands still until it is moved by hand, for tests.
#[derive(Debug)]
pub struct HandClock {
    now: AtomicI64,
    /// How far the wall clock is ahead of [`Clock::now`].
    wall_ahead: AtomicI64,
}

impl HandClock {
    /// A clock that shows this time.
    #[must_use]
    pub fn at(now: Time) -> Self {
        Self { now: AtomicI64::new(now.millis()), wall_ahead: AtomicI64::new(0) }
    }

    /// Sets the clock to this time.
    pub fn set(&self, now: Time) {
        self.now.store(now.millis(), Ordering::SeqCst);
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.now.fetch_add(millis(by), Ordering::SeqCst);
    }

    /// Moves the clock back, which happens to a real program only between two runs.
    pub fn set_back(&self, by: Duration) {
        self.now.fetch_sub(millis(by), Ordering::SeqCst);
    }

    /// Sets the wall clock alone. Negative seconds put it behind.
    pub fn set_wall_ahead(&self, seconds: i64) {
        self.wall_ahead.store(seconds.saturating_mul(1000), Ordering::SeqCst);
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

impl Clock for HandClock {
    fn now(&self) -> Time {
        Time::from_millis(self.now.load(Ordering::SeqCst))
    }

    fn wall(&self) -> Time {
        let ahead = self.wall_ahead.load(Ordering::SeqCst);
        Time::from_millis(self.now.load(Ordering::SeqCst).saturating_add(ahead))
    }
}

/// Bytes that are the same in every run, for tests: the numbers 1, 2, 3 and so on. They are no
/// secret.
#[derive(Debug, Default)]
pub struct FixedRandom {
    drawn: AtomicU64,
}

impl Random for FixedRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<()> {
        for chunk in buffer.chunks_mut(8) {
            let number = self.drawn.fetch_add(1, Ordering::Relaxed).wrapping_add(1).to_be_bytes();
            chunk.copy_from_slice(&number[number.len() - chunk.len()..]);
        }
        Ok(())
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

    /// A machine whose clocks are set by hand, in seconds.
    #[derive(Default)]
    struct HandMachine {
        wall: AtomicU64,
        uptime: AtomicU64,
    }

    impl MachineClocks for Arc<HandMachine> {
        fn wall(&self) -> Duration {
            Duration::from_secs(self.wall.load(Ordering::Relaxed))
        }

        fn uptime(&self) -> Duration {
            Duration::from_secs(self.uptime.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn the_clock_of_the_machine_counts_sleep_and_steps_forward_and_never_goes_back() {
        let machine = Arc::new(HandMachine::default());
        let clock = SystemClock::of(machine.clone());
        let shows = |wall, uptime| {
            machine.wall.store(wall, Ordering::Relaxed);
            machine.uptime.store(uptime, Ordering::Relaxed);
            (clock.now().seconds(), clock.wall().seconds())
        };
        assert_eq!(shows(100_000, 7), (100_000, 100_000));
        assert_eq!(shows(136_000, 36_007), (136_000, 136_000), "ten hours asleep");
        assert_eq!(shows(139_601, 36_008), (139_601, 139_601), "set forward by an hour");
        assert_eq!(shows(136_002, 36_009), (139_602, 136_002), "set back: it goes on");
        assert_eq!(shows(0, 36_019), (139_612, 0));
        assert_eq!(shows(139_700, 36_020), (139_700, 139_700), "and follows forward again");
    }

    #[test]
    fn a_clock_that_follows_the_database_agrees_with_it_and_never_goes_back() {
        let machine = Arc::new(HandMachine::default());
        let clock = SystemClock::of(machine.clone());
        let set = |wall, uptime| {
            machine.wall.store(wall, Ordering::Relaxed);
            machine.uptime.store(uptime, Ordering::Relaxed);
        };
        let shows = || (clock.now().seconds(), clock.wall().seconds());
        set(100_000, 7);
        assert_eq!(shows(), (100_000, 100_000));
        // This machine's clock is three seconds ahead of the database's.
        assert_eq!(clock.follow(Duration::from_secs(99_997)), Some(3000));
        assert_eq!(shows(), (99_997, 99_997), "from the start of the server on");
        set(200_000, 17);
        assert_eq!(shows(), (100_007, 100_007), "the machine's own clock counts no more");
        assert_eq!(clock.follow(Duration::from_secs(100_005)), Some(99_995_000));
        assert_eq!(shows(), (100_007, 100_005), "set back: it stands still");
        set(0, 18);
        assert_eq!(shows(), (100_007, 100_006));
        set(0, 20);
        assert_eq!(shows(), (100_008, 100_008), "and goes on when it was caught up with");
        assert_eq!(clock.follow(Duration::from_secs(100_021)), Some(-100_021_000));
        assert_eq!(shows(), (100_021, 100_021));
    }

    #[test]
    fn the_clock_of_this_machine_is_its_wall_clock_and_counts_its_sleep() {
        let clock = SystemClock::of(ThisMachine);
        let (before, now, after) = (clock.wall(), clock.now(), clock.wall());
        assert!(before <= now && now <= after + Duration::from_millis(1), "{before} {now} {after}");
        #[cfg(target_os = "linux")]
        {
            let before = ThisMachine.uptime().as_secs_f64();
            let file = std::fs::read_to_string("/proc/uptime").unwrap();
            let after = ThisMachine.uptime().as_secs_f64();
            let since_boot: f64 = file.split(' ').next().unwrap().parse().unwrap();
            assert!(before - 0.1 < since_boot && since_boot < after + 0.1, "{file}");
        }
    }

    #[test]
    fn a_hand_clock_moves_only_by_hand() {
        let clock = HandClock::at(Time::from_seconds(100));
        assert_eq!((clock.now(), clock.wall()), (Time::from_seconds(100), Time::from_seconds(100)));
        clock.advance(Duration::from_secs(20));
        clock.set_back(Duration::from_secs(5));
        assert_eq!(clock.now(), Time::from_seconds(115));
        clock.set_wall_ahead(-15);
        assert_eq!((clock.now(), clock.wall()), (Time::from_seconds(115), Time::from_seconds(100)));
        clock.set(Time::from_millis(7));
        assert_eq!(clock.now(), Time::from_millis(7));
    }

    #[test]
    fn fixed_randomness_repeats_in_every_run_but_not_within_one() {
        let drawn = || {
            let env = Env::new(
                Arc::new(HandClock::at(Time::from_seconds(0))),
                Arc::new(FixedRandom::default()),
            );
            [env.random::<8>().unwrap(), env.random::<8>().unwrap()]
        };
        assert_eq!(drawn(), drawn());
        assert_ne!(drawn()[0], drawn()[1]);
        let mut short = [0; 11];
        FixedRandom::default().fill(&mut short).unwrap();
        assert_eq!(short, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 2]);
    }
}
