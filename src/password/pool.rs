//! The hashing pool: a fixed number of threads that own and reuse their memory, behind a bounded
//! queue with one lane per client.
//!
//! It hashes and checks passwords. For the rules of new passwords, see `rules`; for what a wrong
//! password leads to, see `identity`.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::bench::HashMemory;
use super::dummy::DummyScheme;
use super::queue::{Lanes, QueueItem};
pub use super::scheme::Hash;
use super::scheme::{MOST_MEMORY, Scheme, StoredHash};
use crate::config;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::{ClientIp, Password};

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
            open: true,
        };
        let shared = Arc::new(Shared {
            room: Mutex::new(room),
            bell: Condvar::new(),
            draw: DummyScheme::new(today, &env.random()?),
            today,
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
        let today = self.shared().today;
        let salt = self.shared().env.random()?;
        self.submit(lane, today, move |bench| bench.hash(today, &password, salt)).await
    }

    /// Checks a password against a stored hash. A stored hash that cannot be parsed counts as
    /// wrong.
    ///
    /// # Errors
    /// `Unavailable` with a delay when the queue is full.
    pub async fn verify(
        &self,
        lane: Lane,
        password: Password,
        stored: String,
    ) -> Result<PasswordVerdict> {
        let Some(stored) = StoredHash::read(&stored) else {
            tracing::warn!(
                "a stored password hash is unreadable or exceeds the work limits: no password will match it"
            );
            self.verify_nothing(lane, password, &stored).await?;
            return Ok(PasswordVerdict { matches: false, upgrade: None });
        };
        let today = self.shared().today;
        let salt = self.shared().env.random()?;
        self.submit(lane, stored.scheme(), move |bench| {
            let matches = bench.matches(&stored, &password)?;
            let outdated = matches && stored.scheme().is_outdated(today);
            let upgrade = outdated.then(|| bench.hash(today, &password, salt)).transpose()?;
            Ok(PasswordVerdict { matches, upgrade })
        })
        .await
    }

    /// Does the same work for a name without a password. The name determines the scheme, and the
    /// result is always a mismatch.
    ///
    /// # Errors
    /// `Unavailable` with a delay when the queue is full.
    pub async fn verify_nothing(&self, lane: Lane, password: Password, name: &str) -> Result<()> {
        let scheme = self.shared().draw.scheme(name);
        let stored = StoredHash::stand_in(scheme);
        self.submit(lane, scheme, move |bench| bench.matches(&stored, &password).map(|_| ())).await
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
        PoolStats { waiting: room.lanes.len(), busy: room.busy, threads }
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
        let (answer, told) = oneshot::channel();
        shared.admit(lane, QueuedJob { job: Box::new(HashRequest { work, answer }), extra });
        told.await.unwrap_or_else(|_| Err(Error::internal("a hashing job ended without a result")))
    }
}

/// Stops the threads when the last clone of the pool is dropped.
struct PoolHandle {
    shared: Arc<Shared>,
}

impl Drop for PoolHandle {
    fn drop(&mut self) {
        self.shared.room().open = false;
        self.shared.bell.notify_all();
    }
}

struct Shared {
    room: Mutex<HashQueue>,
    bell: Condvar,
    draw: DummyScheme,
    today: Scheme,
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
        self.bell.notify_one();
        if let Some(entry) = displaced {
            let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
            let delay = Duration::from_secs(seconds.max(1)).min(LONGEST_DELAY);
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
                return Some(entry);
            }
            room = self.bell.wait(room).unwrap_or_else(PoisonError::into_inner);
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
            self.bell.notify_all();
        }
    }
}

/// The main loop of a hashing thread.
fn work(shared: &Shared) {
    lower_priority();
    let mut bench = HashMemory::keeping(shared.today.memory());
    while let Some(QueuedJob { job, extra }) = shared.next() {
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
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::error::Kind;

    fn pool_of(threads: usize, queue: usize, memory: u32) -> Pool {
        let hashing = config::Hashing { memory, passes: 1, threads: Some(threads), queue };
        Pool::start(&hashing, &Env::real()).unwrap()
    }

    fn client(last: u8) -> Lane {
        Lane::Client(ClientIp::of([192, 0, 2, last].into()))
    }

    fn password(text: &str) -> Password {
        Password::new(text)
    }

    /// Keeps a thread busy until the sender is dropped. Returns once the thread has begun.
    async fn occupy(
        pool: &Pool,
        scheme: Scheme,
    ) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<()>>) {
        let (release, hold) = mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let pool = pool.clone();
        let job = tokio::spawn(async move {
            let work = move |_: &mut HashMemory| {
                begun.send(()).unwrap();
                hold.recv().unwrap_err();
                Ok(())
            };
            pool.submit(client(9), scheme, work).await
        });
        has_begun.await.unwrap();
        (release, job)
    }

    /// Lets spawned calls run until this many jobs are in the queue.
    async fn until_waiting(pool: &Pool, jobs: usize) {
        while pool.shared().room().lanes.len() != jobs {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_hashed_password_is_the_right_one_and_no_other() {
        let pool = pool_of(2, 8, 64);
        let hash = pool.hash(client(9), password("correct horse")).await.unwrap();
        assert_eq!(hash.scheme, "argon2id:64:1:1");
        let right =
            pool.verify(client(1), password("correct horse"), hash.text.clone()).await.unwrap();
        assert!(right.matches && right.upgrade.is_none());
        let wrong = pool.verify(client(1), password("Correct horse"), hash.text).await.unwrap();
        assert!(!wrong.matches && wrong.upgrade.is_none());
    }

    #[tokio::test]
    async fn imported_hashes_but_dearer_ones_are_upgraded_when_the_password_is_right() {
        let pool = pool_of(1, 8, 64);
        for (stored, better) in [
            (
                "$2y$04$/OK.fbVrR/bpIqNJ5ianF.RYxan6GqoWFZ.Gvlr69TFErQfu72DzK",
                Some("argon2id:64:1:1"),
            ),
            (
                "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                None,
            ),
        ] {
            let right =
                pool.verify(client(9), password("password"), stored.to_owned()).await.unwrap();
            assert_eq!(
                (right.matches, right.upgrade.as_ref().map(|hash| &*hash.scheme)),
                (true, better)
            );
            let kept = right.upgrade.map_or(stored.to_owned(), |hash| hash.text);
            let again = pool.verify(client(9), password("password"), kept).await.unwrap();
            assert!(again.matches && again.upgrade.is_none());
            let wrong =
                pool.verify(client(9), password("passwort"), stored.to_owned()).await.unwrap();
            assert!(!wrong.matches && wrong.upgrade.is_none());
        }
        pool.hash(client(9), password("the next job comes after the last one's end"))
            .await
            .unwrap();
        assert_eq!(pool.shared().room().spare, MOST_MEMORY, "booked memory is given back");
    }

    #[tokio::test]
    async fn passwords_match_as_received_and_in_nfc() {
        let pool = pool_of(1, 8, 64);
        let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}");
        let ours = pool.hash(client(9), password(decomposed)).await.unwrap().text;
        let scheme = pool.shared().today;
        let mut memory = vec![argon2::Block::new(); 64];
        let theirs =
            super::super::scheme::hash(scheme, decomposed.as_bytes(), [1; 16], &mut memory)
                .unwrap()
                .text;
        for (stored, typed, expected) in [
            (&ours, composed, true),
            (&ours, decomposed, true),
            (&theirs, decomposed, true),
            (&theirs, composed, false),
            (&ours, "cafe", false),
        ] {
            let verdict = pool.verify(client(9), password(typed), stored.clone()).await.unwrap();
            assert_eq!(verdict.matches, expected, "{typed:?}");
        }
    }

    #[tokio::test]
    async fn a_stored_hash_that_cannot_be_read_is_wrong() {
        let pool = pool_of(1, 8, 64);
        for stored in
            ["", "password", "$argon2id$v=19$m=4294967295,t=9,p=1$c29tZXNhbHQ$AAAA", "$2b$31$"]
        {
            let verdict =
                pool.verify(client(9), password("password"), stored.to_owned()).await.unwrap();
            assert!(!verdict.matches && verdict.upgrade.is_none());
        }
    }

    #[tokio::test]
    async fn a_name_without_a_password_costs_a_check_of_the_scheme_it_draws() {
        let pool = pool_of(1, 8, 64);
        pool.learn(vec![("bcrypt:4".to_owned(), 1)]);
        assert_eq!(pool.shared().draw.scheme("nobody").to_string(), "bcrypt:4");
        pool.verify_nothing(client(1), password("password"), "nobody").await.unwrap();
        assert!(pool.shared().room().lanes.take(|_| true).is_none());
    }

    #[tokio::test]
    async fn a_full_queue_answers_unavailable_at_once_and_the_longest_lane_pays() {
        let pool = pool_of(1, 2, 64);
        let (release, busy) = occupy(&pool, pool.shared().today).await;
        let ask = |lane| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.hash(lane, password("x")).await })
        };
        let first = ask(client(1));
        until_waiting(&pool, 1).await;
        let second = ask(client(1));
        until_waiting(&pool, 2).await;
        let refused = pool.hash(client(1), password("x")).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Unavailable);
        assert!(refused.retry_delay().is_some_and(|delay| delay >= Duration::from_secs(1)));
        let other = ask(client(2));
        assert_eq!(second.await.unwrap().unwrap_err().kind(), Kind::Unavailable);
        drop(release);
        busy.await.unwrap().unwrap();
        assert!(first.await.unwrap().is_ok() && other.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn a_flood_from_one_client_makes_another_wait_for_one_job_only() {
        let pool = pool_of(1, 100, 8);
        let (release, busy) = occupy(&pool, pool.shared().today).await;
        let (done, order) = mpsc::channel();
        let ask = |lane, name: &'static str| {
            let (pool, done) = (pool.clone(), done.clone());
            tokio::spawn(async move {
                let work = move |_: &mut HashMemory| {
                    done.send(name).map_err(|_| Error::internal("no receiver"))
                };
                pool.submit(lane, pool.shared().today, work).await
            })
        };
        let flood: Vec<_> = (0..50).map(|_| ask(client(1), "flood")).collect();
        until_waiting(&pool, 50).await;
        let guest = ask(client(2), "guest");
        until_waiting(&pool, 51).await;
        drop(release);
        for job in flood.into_iter().chain([guest, busy]) {
            job.await.unwrap().unwrap();
        }
        assert_eq!(order.try_iter().position(|name| name == "guest"), Some(1));
    }

    #[tokio::test]
    async fn the_work_of_a_caller_who_has_gone_is_skipped() {
        let pool = pool_of(1, 8, 8);
        let (release, busy) = occupy(&pool, pool.shared().today).await;
        let (done, order) = mpsc::channel::<()>();
        let gone = {
            let pool = pool.clone();
            tokio::spawn(async move {
                let work = move |_: &mut HashMemory| {
                    done.send(()).map_err(|_| Error::internal("no receiver"))
                };
                pool.submit(client(1), pool.shared().today, work).await
            })
        };
        until_waiting(&pool, 1).await;
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        drop(release);
        busy.await.unwrap().unwrap();
        pool.hash(client(2), password("x")).await.unwrap();
        assert!(order.try_recv().is_err());
    }

    #[tokio::test]
    async fn memory_beyond_the_own_is_booked_and_waited_for() {
        let pool = pool_of(3, 8, 8);
        let big: Scheme = "argon2id:40000:1:1".parse().unwrap();
        let (release, busy) = occupy(&pool, big).await;
        assert_eq!(pool.shared().room().spare, MOST_MEMORY - 40_000);
        let second = {
            let pool = pool.clone();
            tokio::spawn(async move { pool.submit(client(1), big, |_| Ok(())).await })
        };
        until_waiting(&pool, 1).await;
        pool.hash(client(2), password("x")).await.unwrap();
        assert_eq!(pool.shared().room().lanes.len(), 1, "it still waits, and blocks no other job");
        drop(release);
        busy.await.unwrap().unwrap();
        second.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_panic_costs_one_job_and_no_thread() {
        let pool = pool_of(1, 8, 8);
        let error = pool
            .submit::<()>(client(9), pool.shared().today, |_| panic!("as asked"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), Kind::Internal);
        pool.hash(client(9), password("x")).await.unwrap();
    }

    #[tokio::test]
    async fn the_backlog_is_what_waits_at_the_pace_so_far() {
        let pool = pool_of(1, 8, 8);
        assert_eq!(pool.backlog(), Duration::ZERO);
        let (release, first) = occupy(&pool, pool.shared().today).await;
        let waiting: Vec<_> =
            (0..3).map(|_| Box::pin(pool.hash(client(9), password("x")))).collect();
        let mut waiting = futures_util::future::join_all(waiting);
        assert!(futures_util::FutureExt::now_or_never(&mut waiting).is_none());
        pool.shared().room().pace = Duration::from_millis(8);
        assert_eq!(pool.backlog(), Duration::from_millis(24));
        drop(release);
        first.await.unwrap().unwrap();
        waiting.await;
        assert_eq!(pool.backlog(), Duration::ZERO);
    }

    #[test]
    fn the_threads_end_with_the_last_clone() {
        let pool = pool_of(2, 8, 8);
        let shared = Arc::downgrade(&pool.office.shared);
        drop(pool.clone());
        assert!(pool.shared().room().open);
        drop(pool);
        while shared.strong_count() > 0 {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_cost_that_could_not_be_read_back_is_refused_at_start() {
        for (memory, passes) in [(65_537, 1), (7, 1), (64, 0), (65_536, 33)] {
            let hashing = config::Hashing { memory, passes, threads: Some(1), queue: 1 };
            assert!(Pool::start(&hashing, &Env::real()).is_err(), "{memory} {passes}");
        }
    }
}
