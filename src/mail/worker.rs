//! The outbox worker: handles requests and delivers letters, a few at a time.
//!
//! Every message has its own attempts: if the mail server rejects one message, only that message is
//! postponed. If the mail server itself cannot be used, the worker probes it with one message at
//! short intervals, so that delivery resumes within a minute after the server returns.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt};

use super::post::{JobHandler, Outbox};
use super::{Delivery, Mailer};
use crate::env::Env;
use crate::error::Result;
use crate::model::Time;
use crate::store::Store;
use crate::store::db::Db;
use crate::store::tables::outbox;
use crate::store::tables::outbox::{Channel, Message, MessageState};

/// How many messages are processed at a time.
pub const AT_A_TIME: usize = 4;
/// How often the worker polls for messages that the command line stored.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The age at which the worker gives up on an undelivered message.
pub const GIVE_UP_AFTER: Duration = Duration::from_hours(72);

/// How long a message is claimed. Longer than any attempt can take; if the worker dies, the message
/// is due again after this time.
const CLAIM: Duration = Duration::from_mins(3);
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// Handles requests and delivers letters.
pub struct Worker {
    post: Outbox,
    store: Store,
    mailer: Arc<dyn Mailer>,
    fulfil: Arc<dyn JobHandler>,
    channel: Channel,
    outage: Mutex<Outage>,
    /// Delivered messages whose state could not be stored: they must not be sent again.
    unmarked: Mutex<HashSet<String>>,
    next_sweep: AtomicI64,
}

/// The state of the mail server.
#[derive(Default)]
struct Outage {
    failures: u32,
    ask_at: Time,
}

impl Worker {
    /// Creates a worker for the mail in this outbox.
    #[must_use]
    pub fn new(
        post: Outbox,
        store: Store,
        mailer: Arc<dyn Mailer>,
        fulfil: Arc<dyn JobHandler>,
    ) -> Self {
        let (outage, unmarked) = (Mutex::default(), Mutex::default());
        let channel = Channel::Mail;
        Self {
            post,
            store,
            mailer,
            fulfil,
            channel,
            outage,
            unmarked,
            next_sweep: AtomicI64::new(i64::MIN),
        }
    }

    /// Creates a worker for text messages only.
    #[must_use]
    pub fn for_texts(
        post: Outbox,
        store: Store,
        gateway: Arc<dyn Mailer>,
        fulfil: Arc<dyn JobHandler>,
    ) -> Self {
        Self { channel: Channel::Text, ..Self::new(post, store, gateway, fulfil) }
    }

    /// Runs until `stop` completes, then finishes the messages in progress.
    pub async fn run(&self, stop: impl Future<Output = ()> + Send) {
        // After a restart, perhaps with another mail server, all messages are due immediately.
        let (now, channel) = (self.env().now(), self.channel);
        note(self.store.write(move |db| outbox::hurry(db, channel, now)).await.map(drop));
        let mut stop = std::pin::pin!(stop);
        let mut hands = FuturesUnordered::new();
        let mut stopping = false;
        loop {
            if !stopping {
                match self.take(AT_A_TIME - hands.len()).await {
                    Ok(messages) => {
                        hands.extend(messages.into_iter().map(|message| self.work(message)));
                    }
                    Err(error) => note(Err(error)),
                }
            }
            if hands.is_empty() {
                self.mailer.rest().await;
                if stopping {
                    return;
                }
            }
            let has_room = hands.len() < AT_A_TIME;
            tokio::select! {
                Some(()) = hands.next() => {}
                () = &mut stop, if !stopping => stopping = true,
                () = self.called(), if has_room && !stopping => {}
            }
        }
    }

    /// Processes all due messages once and returns how many there were.
    pub async fn run_once(&self) -> Result<usize> {
        let mut hands = FuturesUnordered::new();
        let mut done = 0;
        loop {
            let messages = self.take(AT_A_TIME - hands.len()).await?;
            hands.extend(messages.into_iter().map(|message| self.work(message)));
            if hands.next().await.is_none() {
                self.mailer.rest().await;
                return Ok(done);
            }
            done += 1;
        }
    }

    fn env(&self) -> &Env {
        self.post.env()
    }

    fn outage(&self) -> MutexGuard<'_, Outage> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unmarked(&self) -> MutexGuard<'_, HashSet<String>> {
        self.unmarked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn called(&self) {
        // Notified or timed out: in both cases messages may be due.
        let _ = tokio::time::timeout(LOOK_EVERY, self.post.rung(self.channel)).await;
    }

    /// Claims due messages: requests first, then as many letters as the mail server's state allows.
    async fn take(&self, room: usize) -> Result<Vec<Message>> {
        self.sweep().await?;
        let mut taken = self.claim(MessageState::Requested, room).await?;
        let allowed = self.letters_allowed().min(room - taken.len());
        let letters = self.claim(MessageState::Waiting, allowed).await?;
        if !letters.is_empty() {
            self.hold_while_asking();
        }
        taken.extend(letters);
        Ok(taken)
    }

    async fn claim(&self, state: MessageState, limit: usize) -> Result<Vec<Message>> {
        let (now, limit, channel) =
            (self.env().now(), i64::try_from(limit).unwrap_or(i64::MAX), self.channel);
        if limit == 0 || !self.store.read(move |db| outbox::is_due(db, channel, state, now)).await?
        {
            return Ok(Vec::new());
        }
        self.store.write(move |db| outbox::claim(db, channel, state, now, now + CLAIM, limit)).await
    }

    async fn work(&self, message: Message) {
        let done = async {
            match message.state {
                MessageState::Requested => self.fulfil(&message).await,
                _ => self.deliver(&message).await,
            }
        };
        // A panic must not drop the other messages in progress: they would be sent again.
        note(match AssertUnwindSafe(done).catch_unwind().await {
            Ok(done) => done,
            Err(_) => self.put_off(&message, "panic").await,
        });
    }

    async fn fulfil(&self, message: &Message) -> Result<()> {
        let (request, source) = match self.post.open_request(message) {
            Ok(opened) => opened,
            Err(error) => return self.cannot_open(message, &error).await,
        };
        match self.fulfil.fulfil(message.id.clone(), request, source).await {
            Ok(()) => Ok(()),
            Err(error) => {
                tracing::warn!(
                    id = message.id,
                    kind = message.kind,
                    error = error.chain(),
                    "mail request failed"
                );
                self.put_off(message, error.message()).await
            }
        }
    }

    async fn deliver(&self, message: &Message) -> Result<()> {
        if message.expires_at.is_some_and(|at| at <= self.env().now()) {
            return self.end(|db, now| outbox::drop_expired(db, now).map(drop)).await;
        }
        let mail = match self.post.open_letter(message) {
            Ok(mail) => mail,
            Err(error) => return self.cannot_open(message, &error).await,
        };
        let delivery = if self.unmarked().contains(&message.id) {
            Delivery::Delivered
        } else {
            self.mailer.deliver(&mail).await
        };
        self.learn(&delivery);
        let id = message.id.clone();
        match delivery {
            Delivery::Delivered => {
                tracing::info!(id = message.id, kind = message.kind, "mail delivered");
                self.unmarked().insert(message.id.clone());
                self.end(move |db, now| outbox::mark_delivered(db, &id, now).map(drop)).await?;
                self.unmarked().remove(&message.id);
                Ok(())
            }
            Delivery::Later(why) => {
                tracing::warn!(
                    id = message.id,
                    kind = message.kind,
                    why,
                    "mail delivery failed; will retry"
                );
                self.put_off(message, &why).await
            }
            Delivery::Unreachable(why) => {
                tracing::warn!(id = message.id, why, "mail delivery failed: server unreachable");
                if self.is_given_up(message) {
                    return self.give_up(message, &why).await;
                }
                let next_at = self.outage().ask_at;
                self.end(move |db, _| outbox::give_back(db, &id, next_at, &why)).await
            }
            Delivery::Never(why) => {
                tracing::warn!(
                    id = message.id,
                    kind = message.kind,
                    why,
                    "mail delivery failed permanently"
                );
                self.end(move |db, now| outbox::fail(db, &id, now, &why)).await
            }
        }
    }

    async fn put_off(&self, message: &Message, why: &str) -> Result<()> {
        if self.is_given_up(message) {
            return self.give_up(message, why).await;
        }
        let (id, why, wait) = (message.id.clone(), why.to_owned(), backoff(message.attempts));
        self.end(move |db, now| outbox::postpone(db, &id, now + wait, &why)).await
    }

    fn is_given_up(&self, message: &Message) -> bool {
        self.env().now().since(message.created_at) >= GIVE_UP_AFTER
    }

    async fn give_up(&self, message: &Message, why: &str) -> Result<()> {
        let (id, why) = (message.id.clone(), format!("given up; the last attempt: {why}"));
        self.end(move |db, now| outbox::fail(db, &id, now, &why)).await
    }

    async fn cannot_open(&self, message: &Message, error: &crate::error::Error) -> Result<()> {
        tracing::error!(
            id = message.id,
            kind = message.kind,
            error = error.chain(),
            "mail cannot be opened"
        );
        let id = message.id.clone();
        self.end(move |db, now| {
            outbox::fail(db, &id, now, "cannot be opened: wrong master key, or damaged")
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

    /// Drops messages that expired while waiting for an attempt or a mail server.
    async fn sweep(&self) -> Result<()> {
        let now = self.env().now();
        if now.millis() < self.next_sweep.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.next_sweep.store((now + SWEEP_EVERY).millis(), Ordering::Relaxed);
        if self.store.read(move |db| outbox::is_any_expired(db, now)).await? {
            let dropped = self.store.write(move |db| outbox::drop_expired(db, now)).await?;
            tracing::info!(dropped, "mail dropped: its links have expired");
        }
        Ok(())
    }

    fn letters_allowed(&self) -> usize {
        let outage = self.outage();
        match outage.failures {
            _ if !self.mailer.is_configured() => 0,
            0 => AT_A_TIME,
            _ if self.env().now() >= outage.ask_at => 1,
            _ => 0,
        }
    }

    /// While one message probes an unavailable mail server, no other does.
    fn hold_while_asking(&self) {
        let mut outage = self.outage();
        if outage.failures > 0 {
            outage.ask_at = self.env().now() + CLAIM;
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
        outage.ask_at = now + pause(outage.failures);
    }
}

/// The delay after a message's own failure: 10 seconds, doubling up to 15 minutes.
fn backoff(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 10) - 1).unwrap_or(0);
    (Duration::from_secs(10) * 2_u32.pow(doublings)).min(Duration::from_mins(15))
}

/// The delay for all messages after the mail server failed: 2 seconds, doubling up to 20, so that
/// the worker soon notices when it returns.
fn pause(failures: u32) -> Duration {
    (Duration::from_secs(2) * 2_u32.pow(failures.clamp(1, 5) - 1)).min(Duration::from_secs(20))
}

fn note(done: Result<()>) {
    if let Err(error) = done {
        tracing::error!(error = error.chain(), "processing the outbox failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
