//! The outbox worker: delivers the messages of one channel, a few at a time, and handles jobs.
//!
//! Every message has its own attempts: if the other server rejects one message, only that message
//! is postponed. If the server itself cannot be used, the worker probes it with one message at
//! short intervals, so that delivery resumes within a minute after the server returns.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt};

use super::{
    Channel, Deliver, Delivery, JobHandler, Message, MessageState, OpenedMessage, Outbox, SealedJob,
};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::metrics::{MessageFate, Metrics};
use crate::model::Time;
use crate::store::db::Db;
use crate::store::tables::outbox::{self, AttemptedMessage, ClaimRule};
use crate::store::{Store, Tenure};

/// How many messages and jobs are processed at a time.
const CONCURRENCY: usize = 4;
/// How often the worker polls for messages that the command line stored.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The age at which the worker gives up on an undelivered message.
const GIVE_UP_AFTER: Duration = Duration::from_hours(72);

/// How long a message is claimed. Longer than any attempt can take; if the worker dies, the message
/// is due again after this time.
const CLAIM: Duration = Duration::from_mins(3);
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// Delivers the messages of one channel, and handles jobs if it has a handler.
pub struct Worker {
    outbox: Outbox,
    store: Store,
    deliver: Arc<dyn Deliver>,
    jobs: Option<Arc<dyn JobHandler>>,
    metrics: Metrics,
    outage: Mutex<Outage>,
    /// Delivered messages whose state could not be stored: they must not be sent again.
    unmarked: Mutex<HashSet<String>>,
    /// The messages that it works on. One that is retried by hand meanwhile is due, but not sent twice.
    in_hand: Mutex<HashSet<String>>,
    /// Whether jobs are claimed first the next time.
    jobs_are_next: AtomicBool,
    next_sweep: AtomicI64,
}

/// A message that this worker may process while the others count on its server without a break.
struct ClaimedMessage<'w> {
    message: Message,
    tenure: Tenure,
    in_hand: InHand<'w>,
}

/// Keeps a message among those in hand until it is dropped.
struct InHand<'w> {
    worker: &'w Worker,
    id: String,
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.worker.in_hand().remove(&self.id);
    }
}

/// The state of the server that messages are delivered to.
#[derive(Default)]
struct Outage {
    failures: u32,
    probe_at: Time,
}

impl Worker {
    /// Creates a worker that delivers the messages of this channel.
    #[must_use]
    pub fn new(outbox: Outbox, store: Store, deliver: Arc<dyn Deliver>) -> Self {
        Self {
            outbox,
            store,
            deliver,
            jobs: None,
            metrics: Metrics::default(),
            outage: Mutex::default(),
            unmarked: Mutex::default(),
            in_hand: Mutex::default(),
            jobs_are_next: AtomicBool::new(true),
            next_sweep: AtomicI64::new(i64::MIN),
        }
    }

    /// Makes the worker handle jobs as well. One worker must do so.
    #[must_use]
    pub fn with_jobs(self, handler: Arc<dyn JobHandler>) -> Self {
        Self { jobs: Some(handler), ..self }
    }

    /// Makes the worker count what it delivers and gives up.
    #[must_use]
    pub fn counted_by(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }

    /// Runs until `stop` completes, then finishes the messages in progress.
    pub async fn run(&self, stop: impl Future<Output = ()> + Send) {
        // After a restart, perhaps with another mail server, all messages are due immediately.
        log_failure(self.make_all_due().await);
        let mut stop = std::pin::pin!(stop);
        let mut in_progress = FuturesUnordered::new();
        let mut stopping = false;
        loop {
            if !stopping {
                match self.take(CONCURRENCY - in_progress.len()).await {
                    Ok(claimed) => {
                        in_progress.extend(claimed.into_iter().map(|one| self.work(one)));
                    }
                    Err(error) => log_failure(Err(error)),
                }
            }
            if in_progress.is_empty() {
                self.deliver.rest().await;
                if stopping {
                    return;
                }
            }
            let has_room = in_progress.len() < CONCURRENCY;
            tokio::select! {
                Some(()) = in_progress.next() => {}
                () = &mut stop, if !stopping => stopping = true,
                () = self.wait(), if has_room && !stopping => {}
            }
        }
    }

    /// Processes all due messages once and returns how many there were.
    pub async fn run_once(&self) -> Result<usize> {
        let mut in_progress = FuturesUnordered::new();
        let mut done = 0;
        loop {
            let claimed = self.take(CONCURRENCY - in_progress.len()).await?;
            in_progress.extend(claimed.into_iter().map(|one| self.work(one)));
            if in_progress.next().await.is_none() {
                self.deliver.rest().await;
                return Ok(done);
            }
            done += 1;
        }
    }

    fn env(&self) -> &Env {
        self.outbox.env()
    }

    fn channel(&self) -> Channel {
        self.deliver.channel()
    }

    /// The channels whose rows this worker processes.
    fn channels(&self) -> impl Iterator<Item = Channel> + Send + use<> {
        self.jobs.as_ref().map(|_| Channel::Job).into_iter().chain([self.channel()])
    }

    fn outage(&self) -> MutexGuard<'_, Outage> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unmarked(&self) -> MutexGuard<'_, HashSet<String>> {
        self.unmarked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn in_hand(&self) -> MutexGuard<'_, HashSet<String>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn make_all_due(&self) -> Result<()> {
        let now = self.env().now();
        for channel in self.channels() {
            let server = self.server();
            let hurry = move |db: &mut dyn Db| outbox::hurry(db, channel, server.as_deref(), now);
            self.store.write(hurry).await?;
        }
        Ok(())
    }

    /// The server that claims messages, if there are several.
    fn server(&self) -> Option<String> {
        self.store.node().id().map(ToOwned::to_owned)
    }

    fn attempted(&self, message: &Message) -> AttemptedMessage {
        AttemptedMessage { id: message.id.clone(), server: self.server() }
    }

    /// Waits until a message is stored, or until it is time to poll.
    async fn wait(&self) {
        let mut stored: FuturesUnordered<_> =
            self.channels().map(|channel| self.outbox.notified(channel)).collect();
        // Notified or timed out: in both cases messages may be due.
        let _ = tokio::time::timeout(POLL_INTERVAL, stored.next()).await;
    }

    /// Claims due rows: jobs, and as many messages as the other server's state allows. They take turns in
    /// being first, so that many of one kind do not hold up the other.
    async fn take(&self, room: usize) -> Result<Vec<ClaimedMessage<'_>>> {
        let Some(tenure) = self.store.node().tenure() else { return Ok(Vec::new()) };
        self.mark_delivered().await?;
        self.sweep().await?;
        let jobs_first = self.jobs_are_next.fetch_xor(true, Ordering::Relaxed);
        let mut taken = Vec::new();
        for is_for_jobs in [jobs_first, !jobs_first] {
            let room = room - taken.len();
            let claimed = if is_for_jobs {
                self.claim_jobs(room).await
            } else {
                self.claim_deliveries(room).await
            };
            match claimed {
                Ok(more) => taken.extend(more),
                // What the first claim took is worked on.
                Err(error) if !taken.is_empty() => log_failure(Err(error)),
                Err(error) => return Err(error),
            }
        }
        let claimed = |message: Message| {
            let id = message.id.clone();
            let is_new = self.in_hand().insert(id.clone());
            is_new.then(|| ClaimedMessage { message, tenure, in_hand: InHand { worker: self, id } })
        };
        Ok(taken.into_iter().filter_map(claimed).collect())
    }

    async fn claim_jobs(&self, room: usize) -> Result<Vec<Message>> {
        if self.jobs.is_none() {
            return Ok(Vec::new());
        }
        self.claim(Channel::Job, MessageState::Requested, room).await
    }

    async fn claim_deliveries(&self, room: usize) -> Result<Vec<Message>> {
        let room = self.deliveries_allowed().min(room);
        let messages = self.claim(self.channel(), MessageState::Waiting, room).await?;
        if !messages.is_empty() {
            self.hold_while_probing();
        }
        Ok(messages)
    }

    async fn claim(
        &self,
        channel: Channel,
        state: MessageState,
        limit: usize,
    ) -> Result<Vec<Message>> {
        let (now, limit) = (self.env().now(), i64::try_from(limit).unwrap_or(i64::MAX));
        let rule = ClaimRule { channel, state, server: self.server(), now };
        let asked = rule.clone();
        if limit == 0 || !self.store.read(move |db| outbox::is_due(db, &asked)).await? {
            return Ok(Vec::new());
        }
        self.store.write(move |db| outbox::claim(db, &rule, now + CLAIM, limit)).await
    }

    /// Stores the state of delivered messages for which that failed before.
    async fn mark_delivered(&self) -> Result<()> {
        let now = self.env().now();
        let unmarked: Vec<String> = self.unmarked().iter().cloned().collect();
        for id in unmarked {
            let marked = id.clone();
            self.store.write(move |db| outbox::mark_delivered(db, &marked, now).map(drop)).await?;
            self.note_marked(&id);
        }
        Ok(())
    }

    /// Counts a delivered message, once.
    fn note_marked(&self, id: &str) {
        if self.unmarked().remove(id) {
            self.count(MessageFate::Delivered);
        }
    }

    async fn work(&self, claimed: ClaimedMessage<'_>) {
        let ClaimedMessage { message, tenure, in_hand: _in_hand } = claimed;
        let done = async {
            match &self.jobs {
                Some(handler) if message.channel == Channel::Job => {
                    self.handle(handler.as_ref(), &message).await
                }
                _ => self.deliver(&message, tenure).await,
            }
        };
        // A panic must not drop the other messages in progress: they would be sent again.
        log_failure(match AssertUnwindSafe(done).catch_unwind().await {
            Ok(done) => done,
            Err(_) => self.put_off(&message, "panic").await,
        });
    }

    async fn handle(&self, handler: &dyn JobHandler, message: &Message) -> Result<()> {
        let opened = self.outbox.open(message).and_then(|opened| opened.body::<SealedJob>());
        let SealedJob { job, source } = match opened {
            Ok(opened) => opened,
            Err(error) => return self.cannot_open(message, &error).await,
        };
        match handler.handle(message.id.clone(), job, source).await {
            Ok(()) => Ok(()),
            Err(error) => {
                tracing::warn!(
                    id = message.id,
                    kind = message.kind,
                    error = error.chain(),
                    "a job failed; will retry"
                );
                self.put_off(message, error.message()).await
            }
        }
    }

    async fn deliver(&self, message: &Message, tenure: Tenure) -> Result<()> {
        if message.expires_at.is_some_and(|at| at <= self.env().now()) {
            return self.end(|db, now| outbox::drop_expired(db, now).map(drop)).await;
        }
        let opened = match self.outbox.open(message) {
            Ok(opened) => opened,
            Err(error) => return self.cannot_open(message, &error).await,
        };
        // If the others went on without this server, one of them may be delivering it by now. Otherwise it is
        // due at once.
        let is_claimed = || self.store.node().tenure() == Some(tenure);
        let Some(attempt) = while_it_holds(is_claimed, self.attempt(message, &opened)).await else {
            tracing::warn!(id = message.id, "a delivery was broken off: other servers may make it");
            let (attempted, why) = (self.attempted(message), "broken off by its server");
            return self.end(move |db, now| outbox::give_back(db, &attempted, now, why)).await;
        };
        let delivery = match attempt {
            Ok(delivery) => delivery,
            Err(error) => return self.cannot_open(message, &error).await,
        };
        self.learn(&delivery);
        self.log(message, &delivery);
        let attempted = self.attempted(message);
        match delivery {
            Delivery::Delivered => {
                let id = message.id.clone();
                self.unmarked().insert(id.clone());
                self.end(move |db, now| outbox::mark_delivered(db, &id, now).map(drop)).await?;
                self.note_marked(&message.id);
                Ok(())
            }
            Delivery::Later(why) => self.put_off(message, &why).await,
            Delivery::Unreachable(why) => {
                if self.is_given_up(message) {
                    return self.give_up(message, &why).await;
                }
                let next_at = self.outage().probe_at;
                self.end(move |db, _| outbox::give_back(db, &attempted, next_at, &why)).await
            }
            Delivery::Never(why) => {
                self.end(move |db, now| outbox::fail(db, &attempted, now, &why)).await?;
                self.count(MessageFate::Failed);
                Ok(())
            }
        }
    }

    async fn attempt(&self, message: &Message, opened: &OpenedMessage) -> Result<Delivery> {
        if self.unmarked().contains(&message.id) {
            return Ok(Delivery::Delivered);
        }
        self.deliver.deliver(opened).await
    }

    fn log(&self, message: &Message, delivery: &Delivery) {
        let (channel, id, kind) = (self.channel().as_str(), &message.id, &message.kind);
        match delivery {
            Delivery::Delivered => tracing::info!(channel, id, kind, "message delivered"),
            Delivery::Later(why) => {
                tracing::warn!(channel, id, kind, why, "delivery failed; will retry");
            }
            Delivery::Unreachable(why) => {
                tracing::warn!(channel, id, kind, why, "delivery failed: server unreachable");
            }
            Delivery::Never(why) => {
                tracing::warn!(channel, id, kind, why, "delivery failed permanently");
            }
        }
    }

    async fn put_off(&self, message: &Message, why: &str) -> Result<()> {
        if self.is_given_up(message) {
            return self.give_up(message, why).await;
        }
        let attempted = self.attempted(message);
        let (why, wait) = (why.to_owned(), backoff(message.attempts));
        self.end(move |db, now| outbox::postpone(db, &attempted, now + wait, &why)).await
    }

    fn is_given_up(&self, message: &Message) -> bool {
        self.env().now().since(message.created_at) >= GIVE_UP_AFTER
    }

    async fn give_up(&self, message: &Message, why: &str) -> Result<()> {
        let attempted = self.attempted(message);
        let why = format!("given up; the last attempt: {why}");
        self.end(move |db, now| outbox::fail(db, &attempted, now, &why)).await?;
        if message.channel != Channel::Job {
            self.count(MessageFate::Failed);
        }
        Ok(())
    }

    fn count(&self, fate: MessageFate) {
        self.metrics.note_message(self.channel().as_str(), fate, self.env().now());
    }

    async fn cannot_open(&self, message: &Message, error: &Error) -> Result<()> {
        tracing::error!(
            channel = message.channel.as_str(),
            id = message.id,
            kind = message.kind,
            error = error.chain(),
            "a message cannot be opened"
        );
        let attempted = self.attempted(message);
        self.end(move |db, now| {
            outbox::fail(db, &attempted, now, "cannot be opened: wrong master key, or damaged")
        })
        .await
    }

    async fn end(
        &self,
        work: impl Fn(&mut dyn Db, Time) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let now = self.env().now();
        self.store.write(move |db| work(db, now)).await
    }

    /// Drops messages that expired while waiting for an attempt or a server.
    async fn sweep(&self) -> Result<()> {
        let now = self.env().now();
        if now.millis() < self.next_sweep.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.next_sweep.store((now + SWEEP_EVERY).millis(), Ordering::Relaxed);
        if self.store.read(move |db| outbox::is_any_expired(db, now)).await? {
            let dropped = self.store.write(move |db| outbox::drop_expired(db, now)).await?;
            tracing::info!(dropped, "messages dropped: their links or codes have expired");
        }
        Ok(())
    }

    fn deliveries_allowed(&self) -> usize {
        let outage = self.outage();
        match outage.failures {
            _ if !self.deliver.is_configured() => 0,
            0 => CONCURRENCY,
            _ if self.env().now() >= outage.probe_at => 1,
            _ => 0,
        }
    }

    /// While one message probes an unavailable server, no other does.
    fn hold_while_probing(&self) {
        let mut outage = self.outage();
        if outage.failures > 0 {
            outage.probe_at = self.env().now() + CLAIM;
        }
    }

    fn learn(&self, delivery: &Delivery) {
        let now = self.env().now();
        let mut outage = self.outage();
        if !matches!(delivery, Delivery::Unreachable(_)) {
            *outage = Outage::default();
            return;
        }
        outage.failures = outage.failures.saturating_add(1);
        outage.probe_at = now + pause(outage.failures);
    }
}

/// Goes on with work only while this holds; `None` if it was broken off. A process that stood still does not
/// take the next step of the work before it has asked.
async fn while_it_holds<T>(holds: impl Fn() -> bool, work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|context| {
        if holds() { work.as_mut().poll(context).map(Some) } else { Poll::Ready(None) }
    })
    .await
}

/// The delay after a message's own failure: 10 seconds, doubling up to 15 minutes.
fn backoff(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 10) - 1).unwrap_or(0);
    (Duration::from_secs(10) * 2_u32.pow(doublings)).min(Duration::from_mins(15))
}

/// The delay for all messages after the server failed: 2 seconds, doubling up to 20, so that the
/// worker soon notices when it returns.
fn pause(failures: u32) -> Duration {
    (Duration::from_secs(2) * 2_u32.pow(failures.clamp(1, 5) - 1)).min(Duration::from_secs(20))
}

fn log_failure(done: Result<()>) {
    if let Err(error) = done {
        tracing::error!(error = error.chain(), "processing the outbox failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_may_not_go_on_takes_no_further_step() {
        let holds = std::sync::atomic::AtomicBool::new(true);
        let steps = AtomicI64::new(0);
        let work = async {
            steps.fetch_add(1, Ordering::Relaxed);
            holds.store(false, Ordering::Relaxed);
            tokio::task::yield_now().await;
            steps.fetch_add(1, Ordering::Relaxed);
        };
        assert_eq!(while_it_holds(|| holds.load(Ordering::Relaxed), work).await, None);
        assert_eq!(steps.load(Ordering::Relaxed), 1);
        assert_eq!(while_it_holds(|| true, async { 7 }).await, Some(7));
    }

    #[test]
    fn waits_grow_and_stay_bounded() {
        let waits: Vec<u64> =
            [0, 1, 2, 3, 7, 8, i64::MAX].into_iter().map(|n| backoff(n).as_secs()).collect();
        assert_eq!(waits, [10, 10, 20, 40, 640, 900, 900]);
        let pauses: Vec<u64> =
            [0, 1, 2, 3, 4, 5, u32::MAX].into_iter().map(|n| pause(n).as_secs()).collect();
        assert_eq!(pauses, [2, 2, 4, 8, 16, 20, 20]);
    }
}
