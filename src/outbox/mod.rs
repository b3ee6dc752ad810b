//! The outbox: a queue in the database of messages to deliver and jobs to handle, the worker that
//! processes it, and the sealing of its bodies.
//!
//! A message is sealed outside the write and stored in the same transaction as the change it
//! reports. What must not reveal whether an account exists is stored as a [`Job`], and the worker
//! looks the account up later. Mail and text messages are channels: each owns the format of its
//! bodies and delivers them ([`Deliver`]); this module knows neither.

mod delivery;
mod job;
mod queue;
mod sealing;
mod worker;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::Notify;

use crate::env::Env;
use crate::error::Result;
use crate::model::{Source, Time};
use crate::seal::MasterKey;
use crate::store::db::Db;
use crate::store::tables;

pub use self::delivery::{Deliver, Delivery};
pub use self::job::{Job, JobHandler, RequestedBy, SealedJob};
pub use self::queue::{get, list};
pub use self::sealing::OpenedMessage;
pub use self::worker::Worker;
pub use crate::store::tables::outbox::{Channel, Message, MessageState};

/// The outbox: seals messages and jobs, and notifies the workers. Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    inner: Arc<OutboxInner>,
}

struct OutboxInner {
    env: Env,
    master: MasterKey,
    notifiers: Notifiers,
}

/// One per channel: `notify_one` wakes only a single waiter, and each channel has one worker.
#[derive(Default)]
struct Notifiers {
    mail: Notify,
    sms: Notify,
    jobs: Notify,
}

impl Notifiers {
    fn of(&self, channel: Channel) -> &Notify {
        match channel {
            Channel::Mail => &self.mail,
            Channel::Sms => &self.sms,
            Channel::Job => &self.jobs,
        }
    }
}

/// A message before it is sealed.
#[derive(Debug)]
pub struct NewMessage<'a> {
    /// From [`Outbox::new_id`], so that the body can contain it.
    pub id: String,
    pub channel: Channel,
    /// The name of its template.
    pub kind: &'static str,
    /// The account that the message concerns, if there is one.
    pub account_id: Option<&'a str>,
    pub recipient: String,
    /// The tag of the language that it is written in.
    pub language: Option<&'a str>,
    /// The message is dropped after this time.
    pub expires_at: Option<Time>,
}

/// A sealed message or job, ready to be stored by [`enqueue`].
#[derive(Debug, Clone)]
pub struct OutgoingMessage {
    pub id: String,
    channel: Channel,
    kind: &'static str,
    account_id: Option<String>,
    recipient: Option<String>,
    language: Option<String>,
    sealed: Vec<u8>,
    created_at: Time,
    expires_at: Option<Time>,
    outbox: Outbox,
}

/// Stores messages as [`enqueue`] does. A letter to an account without an address is none.
pub fn enqueue_all<'a>(
    db: &mut dyn Db,
    outgoing: impl IntoIterator<Item = &'a OutgoingMessage>,
) -> Result<()> {
    outgoing.into_iter().try_for_each(|message| enqueue(db, message))
}

/// Stores a message or a job, and notifies its worker once the write is committed. Call it inside
/// the write of the change that the message reports.
pub fn enqueue(db: &mut dyn Db, outgoing: &OutgoingMessage) -> Result<()> {
    let message = Message {
        id: outgoing.id.clone(),
        channel: outgoing.channel,
        kind: outgoing.kind.to_owned(),
        account_id: outgoing.account_id.clone(),
        recipient: outgoing.recipient.clone(),
        language: outgoing.language.clone(),
        sealed: Some(outgoing.sealed.clone()),
        state: match outgoing.channel {
            Channel::Job => MessageState::Requested,
            Channel::Mail | Channel::Sms => MessageState::Waiting,
        },
        attempts: 0,
        next_at: outgoing.created_at,
        expires_at: outgoing.expires_at,
        last_error: None,
        created_at: outgoing.created_at,
        finished_at: None,
    };
    tables::outbox::insert(db, &message)?;
    outgoing.outbox.notify_after_commit(db, outgoing.channel);
    Ok(())
}

impl Outbox {
    /// Creates the outbox of this process.
    #[must_use]
    pub fn new(env: Env, master: MasterKey) -> Self {
        Self { inner: Arc::new(OutboxInner { env, master, notifiers: Notifiers::default() }) }
    }

    /// Makes the id of a new message. Ids sort by time.
    pub fn new_id(&self) -> Result<String> {
        self.inner.env.new_id()
    }

    /// Seals a message with the body that its channel delivers.
    pub fn message(&self, new: NewMessage<'_>, body: &impl Serialize) -> Result<OutgoingMessage> {
        Ok(OutgoingMessage {
            sealed: self.seal(&new.id, body)?,
            id: new.id,
            channel: new.channel,
            kind: new.kind,
            account_id: new.account_id.map(str::to_owned),
            recipient: Some(new.recipient),
            language: new.language.map(str::to_owned),
            created_at: self.inner.env.now(),
            expires_at: new.expires_at,
            outbox: self.clone(),
        })
    }

    /// Seals a job that a client requested.
    pub fn job(&self, job: &Job, source: &Source) -> Result<OutgoingMessage> {
        let id = self.new_id()?;
        let body = SealedJob { job: job.clone(), source: RequestedBy::of(source) };
        Ok(OutgoingMessage {
            sealed: self.seal(&id, &body)?,
            id,
            channel: Channel::Job,
            kind: job.name(),
            account_id: None,
            recipient: None,
            language: None,
            created_at: self.inner.env.now(),
            expires_at: None,
            outbox: self.clone(),
        })
    }

    /// Opens the sealed body of a message.
    ///
    /// # Errors
    /// `Internal` if the body is erased, damaged, or sealed under another master key.
    pub fn open(&self, message: &Message) -> Result<OpenedMessage> {
        sealing::open(&self.inner.master, message)
    }

    fn seal(&self, id: &str, body: &impl Serialize) -> Result<Vec<u8>> {
        sealing::seal(&self.inner.master, &self.inner.env, id, body)
    }

    fn env(&self) -> &Env {
        &self.inner.env
    }

    /// Notifies the worker of a channel once the write is committed, and never if it is rolled
    /// back.
    fn notify_after_commit(&self, db: &mut dyn Db, channel: Channel) {
        let inner = Arc::clone(&self.inner);
        db.after_commit(Box::new(move || inner.notifiers.of(channel).notify_one()));
    }

    /// Waits until a message of this channel is stored. Returns immediately if one was stored
    /// since the last call.
    async fn notified(&self, channel: Channel) {
        self.inner.notifiers.of(channel).notified().await;
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::error::Kind;
    use crate::model::Database;
    use crate::store::{Decision, ProcessRole, Store};

    fn outbox() -> Outbox {
        let master = MasterKey::parse(&crate::model::secret::encode(&[1; 32])).unwrap();
        Outbox::new(Env::real(), master)
    }

    fn message(outbox: &Outbox, channel: Channel) -> OutgoingMessage {
        let new = NewMessage {
            id: outbox.new_id().unwrap(),
            channel,
            kind: "test",
            account_id: Some("a-1"),
            recipient: "joe@example.org".to_owned(),
            language: None,
            expires_at: None,
        };
        outbox.message(new, &"body").unwrap()
    }

    fn is_notified(outbox: &Outbox, channel: Channel) -> bool {
        outbox.notified(channel).now_or_never().is_some()
    }

    #[tokio::test]
    async fn enqueue_notifies_after_the_commit_and_never_after_a_rollback() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::File(folder.path().join("authd.db"));
        let store = Store::open(&database, ProcessRole::Server, &Env::real()).unwrap();
        let outbox = outbox();

        let lost = message(&outbox, Channel::Mail);
        let rolled_back = store.write(move |db| {
            enqueue(db, &lost)?;
            Err::<(), _>(Kind::Conflict.into())
        });
        rolled_back.await.unwrap_err();
        assert!(!is_notified(&outbox, Channel::Mail), "nothing was stored");

        let stored = message(&outbox, Channel::Mail);
        let probe = outbox.clone();
        let committed = store.write(move |db| {
            enqueue(db, &stored)?;
            assert!(!is_notified(&probe, Channel::Mail), "the message is not committed yet");
            Ok(())
        });
        committed.await.unwrap();
        assert!(is_notified(&outbox, Channel::Mail));
        assert!(!is_notified(&outbox, Channel::Mail), "one message notifies once");

        let kept = message(&outbox, Channel::Mail);
        let refused = store.decide::<(), _>(move |db| {
            enqueue(db, &kept)?;
            Ok(Decision::CommitThenRefuse(Kind::CodeInvalid.into()))
        });
        refused.await.unwrap_err();
        assert!(is_notified(&outbox, Channel::Mail), "a refusal keeps its messages");
    }

    #[tokio::test]
    async fn a_message_notifies_the_worker_of_its_channel_alone() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::File(folder.path().join("authd.db"));
        let store = Store::open(&database, ProcessRole::Server, &Env::real()).unwrap();
        let outbox = outbox();
        let job = Job::Reset { email_key: "joe@example.org".to_owned() };
        let outgoing = [
            message(&outbox, Channel::Mail),
            message(&outbox, Channel::Sms),
            outbox.job(&job, &Source::command_line()).unwrap(),
        ];
        for message in outgoing {
            let (id, channel) = (message.id.clone(), message.channel);
            store.write(move |db| enqueue(db, &message)).await.unwrap();
            let all = [Channel::Mail, Channel::Sms, Channel::Job];
            assert_eq!(all.map(|one| is_notified(&outbox, one)), all.map(|one| one == channel));
            let found = store.read(move |db| tables::outbox::find(db, &id)).await.unwrap();
            let is_job = channel == Channel::Job;
            let state = if is_job { MessageState::Requested } else { MessageState::Waiting };
            assert_eq!(found.unwrap().state, state);
        }
    }
}
