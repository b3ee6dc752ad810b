//! The hashing pool: a fixed number of threads that own and reuse their memory, behind a bounded
//! queue with one lane per client.
//!
//! It hashes and checks passwords. For the rules of new passwords, see `rules`; for what a wrong
//! password leads to, see `identity`.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::bench::{HashMemory, SchemeCounts};
use super::dummy::DummyScheme;
use super::queue::{Lanes, QueueItem};
pub use super::scheme::Hash;
use super::scheme::{MOST_MEMORY, Scheme, StoredHash};
use crate::config;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::time::whole_seconds;
use crate::model::{ClientIp, Password, Time};

/// Niceness of hashing threads: requests that only read get the processor first.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;
/// The longest `Retry-After` for a refused request.
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// The lane that a job waits in. Each client IP has one lane, and a second one for accounts that it
/// has logged in to before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// A client IP that this account has not seen.
    Client(ClientIp),
    /// A client IP that has logged in to the account before, or the command line.
    Known(ClientIp),
}

/// Result of a password check.
#[derive(Debug)]
pub struct PasswordVerdict {
    pub matches: bool,
    /// The replacement for a correct password's hash, if the stored one uses another scheme than
    /// today's or cost less.
    pub upgrade: Option<Hash>,
}

/// Load of the pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolStats {
    /// Jobs in the queue.
    pub waiting: usize,
    /// Threads that are working.
    pub busy: usize,
    /// Threads in total.
    pub threads: usize,
    /// Jobs that a thread took so far, and how long they had waited, all together.
    pub hashed: u64,
    pub waited: Duration,
}

/// The pool. Cheap to clone; the threads end when the last clone is dropped.
#[derive(Clone)]
pub struct Pool {
    office: Arc<PoolHandle>,
}

impl Pool {
    /// Starts the threads. They allocate their memory at the first hash and keep it.
    pub fn start(config: &config::Hashing, env: &Env) -> Result<Self> {
        let today = Scheme::today(config)?;
        let processors = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = config.threads.unwrap_or_else(processors).max(1);
        let room = HashQueue {
            lanes: Lanes::new(config.queue),
            spare: MOST_MEMORY,
            pace: Duration::ZERO,
            busy: 0,
            hashed: 0,
            waited: Duration::ZERO,
            open: true,
        };
        let shared = Arc::new(Shared {
            room: Mutex::new(room),
            condvar: Condvar::new(),
            draw: DummyScheme::new(today, &env.random()?),
            today,
            computed: SchemeCounts::default(),
            threads: u32::try_from(threads).unwrap_or(u32::MAX),
            env: env.clone(),
        });
        let office = Arc::new(PoolHandle { shared });
        for number in 0..threads {
            let shared = Arc::clone(&office.shared);
            std::thread::Builder::new()
                .name(format!("hashing-{number}"))
                .spawn(move || work(&shared))
                .map_err(|cause| {
                    Error::internal("starting a hashing thread failed").caused_by(cause)
                })?;
        }
        Ok(Self { office })
    }

    /// Hashes a new password at the current cost.
    ///
    /// # Errors
    /// `Unavailable` with a delay when the queue is full.
    pub async fn hash(&self, lane: Lane, password: Password) -> Result<Hash> {
        let salt = self.shared().env.random()?;
        self.hash_with_salt(lane, password, salt).await
    }

    /// Hashes a new password at the current cost with this salt, which must be unpredictable for
    /// others: equal passwords then have equal hashes.
    ///
    /// # Errors
    /// `Unavailable` with a delay when the queue is full.
    pub async fn hash_with_salt(
        &self,
        lane: Lane,
        password: Password,
        salt: [u8; 16],
    ) -> Result<Hash> {
        let today = self.shared().today;
        self.submit(lane, today, move |bench| bench.hash(today, &password, salt)).await
    }

    /// Checks a password against a stored hash. A stored hash that cannot be parsed counts as
    /// wrong.
    ///
    /// The check costs the same for a right and a wrong password: a hash of another scheme than
    /// today's is always followed by one of today's, which replaces it where that is due.
    ///
    /// # Errors
    /// `Unavailable` with a delay when the queue is full.
    pub async fn verify(
        &self,
        lane: Lane,
        password: Password,
        stored: String,
    ) -> Result<PasswordVerdict> {
        match StoredHash::read(&stored) {
            Some(stored) => self.check(lane, password, None, stored).await,
            None => self.refuse_unreadable(lane, password, &stored).await,
        }
    }

    /// Checks a password against a stored hash at the cost that this name has without an account
    /// ([`Pool::verify_nothing`]), so that a client that made the account cannot tell whether there
    /// is one.
    ///
    /// # Errors
    /// `Unavailable` with a delay when the queue is full.
    pub async fn verify_unnoticed(
        &self,
        lane: Lane,
        password: Password,
        stored: String,
        name: &str,
    ) -> Result<PasswordVerdict> {
        let Some(stored) = StoredHash::read(&stored) else {
            return self.refuse_unreadable(lane, password, name).await;
        };
        let (today, drawn) = (self.shared().today, self.shared().draw.scheme(name));
        let before = (drawn != today && stored.scheme() == today).then_some(drawn);
        self.check(lane, password, before, stored).await
    }

    async fn refuse_unreadable(
        &self,
        lane: Lane,
        password: Password,
        name: &str,
    ) -> Result<PasswordVerdict> {
        tracing::warn!(
            "a stored password hash is unreadable or exceeds the work limits: no password will match it"
        );
        self.verify_nothing(lane, password, name).await?;
        Ok(PasswordVerdict { matches: false, upgrade: None })
    }

    /// Does the same work for a name without a password. The name determines the scheme, and the
    /// result is always a mismatch.
    ///
    /// # Errors
    /// `Unavailable` with a delay when the queue is full.
    pub async fn verify_nothing(&self, lane: Lane, password: Password, name: &str) -> Result<()> {
        let stored = StoredHash::stand_in(self.shared().draw.scheme(name));
        self.check(lane, password, None, stored).await.map(drop)
    }

    /// Checks a password, after a hash of the scheme `before` whose result does not matter.
    async fn check(
        &self,
        lane: Lane,
        password: Password,
        before: Option<Scheme>,
        stored: StoredHash,
    ) -> Result<PasswordVerdict> {
        let today = self.shared().today;
        let salt = self.shared().env.random()?;
        let largest = before.filter(|before| before.memory() > stored.scheme().memory());
        self.submit(lane, largest.unwrap_or(stored.scheme()), move |bench| {
            if let Some(before) = before {
                bench.matches(&StoredHash::stand_in(before), &password)?;
            }
            let matches = bench.matches(&stored, &password)?;
            let other = stored.scheme() != today;
            let new = other.then(|| bench.hash(today, &password, salt)).transpose()?;
            let upgrade = new.filter(|_| matches && stored.scheme().is_outdated(today));
            Ok(PasswordVerdict { matches, upgrade })
        })
        .await
    }

    /// How often each scheme was computed so far, by its name.
    #[must_use]
    pub fn computed(&self) -> BTreeMap<String, u64> {
        let counts = self.shared().computed.so_far();
        counts.into_iter().map(|(scheme, count)| (scheme.to_string(), count)).collect()
    }

    /// Sets how often the database holds each scheme, for [`Pool::verify_nothing`].
    pub fn learn(&self, schemes: Vec<(String, u64)>) {
        self.shared().draw.learn(schemes);
    }

    /// Sets the key that [`Pool::verify_nothing`] draws with, so that a name gets the same scheme
    /// after a restart.
    pub fn set_dummy_key(&self, key: &[u8; 32]) {
        self.shared().draw.rekey(key);
    }

    /// The current load of the pool.
    #[must_use]
    pub fn vitals(&self) -> PoolStats {
        let threads = usize::try_from(self.shared().threads).unwrap_or(usize::MAX);
        let room = self.shared().room();
        PoolStats {
            waiting: room.lanes.len(),
            busy: room.busy,
            threads,
            hashed: room.hashed,
            waited: room.waited,
        }
    }

    /// How long a job submitted now would wait.
    #[must_use]
    pub fn backlog(&self) -> Duration {
        let shared = self.shared();
        shared.room().backlog(shared.threads)
    }

    fn shared(&self) -> &Shared {
        &self.office.shared
    }

    async fn submit<T: Send + 'static>(
        &self,
        lane: Lane,
        scheme: Scheme,
        work: impl FnOnce(&mut HashMemory) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let shared = self.shared();
        let extra = if scheme.memory() > shared.today.memory() { scheme.memory() } else { 0 };
        let (answer, result) = oneshot::channel();
        let job = Box::new(HashRequest { work, answer });
        shared.admit(lane, QueuedJob { job, extra, since: shared.env.now() });
        result
            .await
            .unwrap_or_else(|_| Err(Error::internal("a hashing job ended without a result")))
    }
}

/// Stops the threads when the last clone of the pool is dropped.
struct PoolHandle {
    shared: Arc<Shared>,
}

impl Drop for PoolHandle {
    fn drop(&mut self) {
        self.shared.room().open = false;
        self.shared.condvar.notify_all();
    }
}

struct Shared {
    room: Mutex<HashQueue>,
    condvar: Condvar,
    draw: DummyScheme,
    today: Scheme,
    computed: SchemeCounts,
    threads: u32,
    env: Env,
}

/// The queue and the state of the threads.
struct HashQueue {
    lanes: Lanes<QueuedJob>,
    /// KiB that hashes with more memory than today's may still take, over all threads.
    spare: u32,
    /// Average duration of a job.
    pace: Duration,
    /// Threads that are working.
    busy: usize,
    /// Jobs that a thread took so far, and how long they had waited, all together.
    hashed: u64,
    waited: Duration,
    open: bool,
}

impl HashQueue {
    fn backlog(&self, threads: u32) -> Duration {
        self.pace.saturating_mul(u32::try_from(self.lanes.len()).unwrap_or(u32::MAX)) / threads
    }
}

struct QueuedJob {
    job: Box<dyn HashJob>,
    /// KiB beyond the memory that a thread owns.
    extra: u32,
    /// When it was submitted.
    since: Time,
}

impl QueueItem for QueuedJob {
    fn is_abandoned(&self) -> bool {
        self.job.is_abandoned()
    }
}

trait HashJob: Send {
    fn run(self: Box<Self>, bench: &mut HashMemory);
    fn refuse(self: Box<Self>, why: Error);
    fn is_abandoned(&self) -> bool;
}

struct HashRequest<W, T> {
    work: W,
    answer: oneshot::Sender<Result<T>>,
}

impl<T: Send, W: FnOnce(&mut HashMemory) -> Result<T> + Send> HashJob for HashRequest<W, T> {
    fn run(self: Box<Self>, bench: &mut HashMemory) {
        // The caller may be gone: then the answer is dropped.
        drop(self.answer.send((self.work)(bench)));
    }

    fn refuse(self: Box<Self>, why: Error) {
        drop(self.answer.send(Err(why)));
    }

    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }
}

impl Shared {
    fn room(&self) -> MutexGuard<'_, HashQueue> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, lane: Lane, entry: QueuedJob) {
        let mut room = self.room();
        let displaced = room.lanes.admit(lane, entry);
        let delay = room.backlog(self.threads);
        drop(room);
        self.condvar.notify_one();
        if let Some(entry) = displaced {
            let delay = Duration::from_secs(whole_seconds(delay).max(1)).min(LONGEST_DELAY);
            entry.job.refuse(Error::unavailable("the hashing queue is full").retry_after(delay));
        }
    }

    /// Waits for a job whose memory is available, and reserves that memory. `None` when the pool
    /// has ended.
    fn next(&self) -> Option<QueuedJob> {
        let mut room = self.room();
        while room.open {
            let spare = room.spare;
            let mut held_back = false;
            let next = room.lanes.take(|entry| {
                // After one job has to wait for memory, no later job may take memory before it.
                let fits = entry.extra == 0 || (!held_back && entry.extra <= spare);
                held_back |= !fits;
                fits
            });
            if let Some(entry) = next {
                room.spare -= entry.extra;
                room.busy += 1;
                room.hashed += 1;
                room.waited += self.env.now().since(entry.since);
                return Some(entry);
            }
            room = self.condvar.wait(room).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    fn done(&self, extra: u32, took: Duration) {
        let mut room = self.room();
        room.spare += extra;
        room.busy -= 1;
        room.pace = if room.pace.is_zero() { took } else { (room.pace * 7 + took) / 8 };
        drop(room);
        if extra > 0 {
            self.condvar.notify_all();
        }
    }
}

/// The main loop of a hashing thread.
fn work(shared: &Shared) {
    lower_priority();
    let mut bench = HashMemory::keeping(shared.today.memory(), shared.computed.clone());
    while let Some(QueuedJob { job, extra, .. }) = shared.next() {
        let begun = shared.env.now();
        if catch_unwind(AssertUnwindSafe(|| job.run(&mut bench))).is_err() {
            tracing::error!("panic in a hashing job");
        }
        shared.done(extra, shared.env.now().since(begun));
    }
}

/// On Linux, niceness applies to a single thread. Elsewhere it would slow the whole process down.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(cause) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%cause, "lowering the priority of hashing threads failed");
    }
}

#[cfg(test)]
mod tests;
