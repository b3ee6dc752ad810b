//! The worker: fulfils requests and delivers letters, a few at a time, each with its own tries.
//!
//! A message's own refusal puts only that message off. When the mail server itself cannot be used, one message after
//! another asks for it at short intervals, so that mail leaves within a minute of its return.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt};

use super::post::{Fulfil, Post};
use super::{Delivery, Mailer};
use crate::env::Env;
use crate::error::Result;
use crate::model::Time;
use crate::store::outbox::{self, Channel, Message, State};
use crate::store::{Store, db::Db};

/// How many messages are in hand at a time.
pub const AT_A_TIME: usize = 4;
/// How often it looks for what the command line has stored.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After how long a message that cannot be delivered is given up.
pub const GIVE_UP_AFTER: Duration = Duration::from_hours(72);

/// Longer than a try can take; after it a message whose worker died is due again.
const CLAIM: Duration = Duration::from_mins(3);
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// Fulfils requests and delivers letters.
pub struct Worker {
    post: Post,
    store: Store,
    mailer: Arc<dyn Mailer>,
    fulfil: Arc<dyn Fulfil>,
    channel: Channel,
    outage: Mutex<Outage>,
    /// Delivered, but the database could not be told: they must not go out again.
    unmarked: Mutex<HashSet<String>>,
    next_sweep: AtomicI64,
}

/// What is known of the mail server.
#[derive(Default)]
struct Outage {
    failures: u32,
    ask_at: Time,
}

impl Worker {
    /// A worker for this post room.
    #[must_use]
    pub fn new(post: Post, store: Store, mailer: Arc<dyn Mailer>, fulfil: Arc<dyn Fulfil>) -> Self {
        let (outage, unmarked) = (Mutex::default(), Mutex::default());
        let channel = Channel::Mail;
        Self { post, store, mailer, fulfil, channel, outage, unmarked, next_sweep: AtomicI64::new(i64::MIN) }
    }

    /// A worker for the text messages alone.
    #[must_use]
    pub fn for_texts(post: Post, store: Store, gateway: Arc<dyn Mailer>, fulfil: Arc<dyn Fulfil>) -> Self {
        Self { channel: Channel::Text, ..Self::new(post, store, gateway, fulfil) }
    }

    /// Works until `stop` comes, then finishes what is in hand.
    pub async fn run(&self, stop: impl Future<Output = ()> + Send) {
        // After a restart, perhaps with another mail server, nothing has to wait for its turn.
        let (now, channel) = (self.env().now(), self.channel);
        note(self.store.write(move |db| outbox::hurry(db, channel, now)).await.map(drop));
        let mut stop = std::pin::pin!(stop);
        let mut hands = FuturesUnordered::new();
        let mut stopping = false;
        loop {
            if !stopping {
                match self.take(AT_A_TIME - hands.len()).await {
                    Ok(messages) => hands.extend(messages.into_iter().map(|message| self.work(message))),
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

    /// Does everything that is due now, once; gives back how many messages it had in hand.
    ///
    /// # Errors
    /// What the database says.
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
        // The one outcome or the other: there may be something to do.
        let _ = tokio::time::timeout(LOOK_EVERY, self.post.rung(self.channel)).await;
    }

    /// Takes what is due into hand: requests first, then letters as far as the mail server is there for them.
    async fn take(&self, room: usize) -> Result<Vec<Message>> {
        self.sweep().await?;
        let mut taken = self.claim(State::Requested, room).await?;
        let allowed = self.letters_allowed().min(room - taken.len());
        let letters = self.claim(State::Waiting, allowed).await?;
        if !letters.is_empty() {
            self.hold_while_asking();
        }
        taken.extend(letters);
        Ok(taken)
    }

    async fn claim(&self, state: State, limit: usize) -> Result<Vec<Message>> {
        let (now, limit, channel) = (self.env().now(), i64::try_from(limit).unwrap_or(i64::MAX), self.channel);
        if limit == 0 || !self.store.read(move |db| outbox::is_due(db, channel, state, now)).await? {
            return Ok(Vec::new());
        }
        self.store.write(move |db| outbox::claim(db, channel, state, now, now + CLAIM, limit)).await
    }

    async fn work(&self, message: Message) {
        let done = async {
            match message.state {
                State::Requested => self.fulfil(&message).await,
                _ => self.deliver(&message).await,
            }
        };
        // What else is in hand is not to be dropped, and sent again, for a fault in one.
        note(match AssertUnwindSafe(done).catch_unwind().await {
            Ok(done) => done,
            Err(_) => self.put_off(&message, "a fault of this program").await,
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
                tracing::warn!(id = message.id, kind = message.kind, error = error.chain(), "a request waits");
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
        let delivery =
            if self.unmarked().contains(&message.id) { Delivery::Delivered } else { self.mailer.deliver(&mail).await };
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
                tracing::warn!(id = message.id, kind = message.kind, why, "mail waits");
                self.put_off(message, &why).await
            }
            Delivery::Unreachable(why) => {
                tracing::warn!(id = message.id, why, "the mail server cannot be used");
                if self.is_given_up(message) {
                    return self.give_up(message, &why).await;
                }
                let next_at = self.outage().ask_at;
                self.end(move |db, _| outbox::give_back(db, &id, next_at, &why)).await
            }
            Delivery::Never(why) => {
                tracing::warn!(id = message.id, kind = message.kind, why, "mail refused for good");
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
        let (id, why) = (message.id.clone(), format!("given up; the last try: {why}"));
        self.end(move |db, now| outbox::fail(db, &id, now, &why)).await
    }

    async fn cannot_open(&self, message: &Message, error: &crate::error::Error) -> Result<()> {
        tracing::error!(id = message.id, kind = message.kind, error = error.chain(), "mail cannot be opened");
        let id = message.id.clone();
        self.end(move |db, now| outbox::fail(db, &id, now, "cannot be opened: another master key, or damaged")).await
    }

    async fn end(&self, work: impl Fn(&mut dyn Db, Time) -> Result<()> + Send + 'static) -> Result<()> {
        let now = self.env().now();
        self.store.write(move |db| work(db, now)).await
    }

    /// Drops what has become too old while it waited for a later try or for a mail server.
    async fn sweep(&self) -> Result<()> {
        let now = self.env().now();
        if now.millis() < self.next_sweep.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.next_sweep.store((now + SWEEP_EVERY).millis(), Ordering::Relaxed);
        if self.store.read(move |db| outbox::is_any_expired(db, now)).await? {
            let dropped = self.store.write(move |db| outbox::drop_expired(db, now)).await?;
            tracing::info!(dropped, "mail dropped: its links are dead");
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

    /// While one message asks for a lost mail server, no other does.
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

/// How long a message waits after its own failure: 10 seconds, doubling to 15 minutes.
fn backoff(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 10) - 1).unwrap_or(0);
    (Duration::from_secs(10) * 2_u32.pow(doublings)).min(Duration::from_mins(15))
}

/// How long all wait after the mail server failed: 2 seconds, doubling to 20, so that a return is noticed soon.
fn pause(failures: u32) -> Duration {
    (Duration::from_secs(2) * 2_u32.pow(failures.clamp(1, 5) - 1)).min(Duration::from_secs(20))
}

fn note(done: Result<()>) {
    if let Err(error) = done {
        tracing::error!(error = error.chain(), "the outbox cannot be worked on now");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_bounded() {
        let waits: Vec<u64> = [0, 1, 2, 3, 7, 8, i64::MAX].into_iter().map(|n| backoff(n).as_secs()).collect();
        assert_eq!(waits, [10, 10, 20, 40, 640, 900, 900]);
        let pauses: Vec<u64> = [0, 1, 2, 3, 4, 5, u32::MAX].into_iter().map(|n| pause(n).as_secs()).collect();
        assert_eq!(pauses, [2, 2, 4, 8, 16, 20, 20]);
    }
}
