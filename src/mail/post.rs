//! The outbox: renders and seals letters, seals requests, opens sealed rows and wakes the workers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::Mail;
use super::letter::Letter;
use super::smtp::message::sender;
use super::templates::Templates;
use crate::config::{self, Config};
use crate::env::{Env, Later};
use crate::error::{Error, Result};
use crate::model::{Email, Secret, Source, Time};
use crate::seal::MasterKey;
use crate::store::db::Db;
use crate::store::tables::outbox;
use crate::store::tables::outbox::{Channel, Message, MessageState};

/// A request for mail. The client's answer does not depend on whether an account exists, because
/// the account is looked up only later, by the worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Request {
    /// Send the verification mail, if the address has an unverified account.
    Verification {
        /// The key of the address.
        email_key: String,
    },
    /// Send the first verification mail of a new account; no limit applies.
    Welcome { account_id: String },
    /// Inform the owner of this address that someone attempted to sign up with it.
    AlreadyRegistered {
        /// The key of the address.
        email_key: String,
    },
    /// Send a login code, if the address has an account.
    LoginCode {
        /// The key of the address.
        email_key: String,
    },
    /// Inform the owner that the password is no longer accepted from unknown IPs.
    PasswordClosed { account_id: String },
    /// Inform the owner that failed attempts have locked the account.
    AccountLocked {
        account_id: String,
        /// The end of the lock, in Unix milliseconds.
        until: i64,
    },
    /// Send a password reset link, if the address has an account.
    Reset {
        /// The key of the address.
        email_key: String,
    },
    /// Send a password reset code, if the address has an account.
    ResetCode {
        /// The key of the address.
        email_key: String,
    },
    /// Send a confirmation link to the new address and a notice to the old one. If the new address
    /// is taken, send only a notice to its owner.
    ChangeEmail {
        account_id: String,
        /// The account's credential version at the time of the request.
        stamp: i64,
        /// The new address as the user typed it.
        email: String,
    },
}

impl Request {
    /// The `kind` column of its outbox row.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Request::Verification { .. } => "verification",
            Request::Welcome { .. } => "welcome",
            Request::AlreadyRegistered { .. } => "already_registered",
            Request::LoginCode { .. } => "login_code",
            Request::PasswordClosed { .. } => "password_closed",
            Request::AccountLocked { .. } => "account_locked",
            Request::Reset { .. } => "reset",
            Request::ResetCode { .. } => "reset_code",
            Request::ChangeEmail { .. } => "change_email",
        }
    }
}

/// The part of a request's source that the mail limits need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedBy {
    /// The client IP as bytes, for the limit per client IP.
    pub client: Vec<u8>,
}

impl RequestedBy {
    /// Extracts it from a source.
    #[must_use]
    pub fn of(source: &Source) -> Self {
        Self { client: source.client().to_bytes() }
    }
}

/// The job handler: turns a request into a letter. The core implements it and the worker calls it.
pub trait JobHandler: Send + Sync {
    /// Looks up the account, then stores the letter (if any) and ends the request (row `id`) in one
    /// write. If [`outbox::end_request`] returns false, the request was already handled and nothing
    /// is stored.
    fn fulfil(&self, id: String, request: Request, source: RequestedBy) -> Later<'_, Result<()>>;
}

/// An outbox row, ready to be stored.
#[derive(Debug, Clone)]
pub struct OutgoingMessage {
    pub id: String,
    /// The name of the template or the request.
    pub kind: &'static str,
    /// The account that the message concerns.
    pub account_id: Option<String>,
    /// The address; `None` for a request.
    pub recipient: Option<String>,
    /// The sealed letter or request.
    pub sealed: Vec<u8>,
    pub created_at: Time,
    /// The message is dropped after this time.
    pub expires_at: Option<Time>,
}

/// Stores a prepared row. Call it inside the write of the change that the message reports.
pub fn enqueue(db: &mut dyn Db, prepared: &OutgoingMessage) -> Result<()> {
    let message = Message {
        id: prepared.id.clone(),
        kind: prepared.kind.to_owned(),
        account_id: prepared.account_id.clone(),
        recipient: prepared.recipient.clone(),
        sealed: Some(prepared.sealed.clone()),
        state: if prepared.recipient.is_some() {
            MessageState::Waiting
        } else {
            MessageState::Requested
        },
        attempts: 0,
        next_at: prepared.created_at,
        expires_at: prepared.expires_at,
        last_error: None,
        created_at: prepared.created_at,
        finished_at: None,
    };
    outbox::insert(db, &message)
}

/// The outbox: prepares letters and wakes the workers. Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    room: Arc<OutboxInner>,
}

struct OutboxInner {
    env: Env,
    master: MasterKey,
    templates: Templates,
    from: String,
    domain: String,
    /// One per worker, because `notify_one` wakes only a single waiter.
    bells: Notifiers,
}

#[derive(Default)]
struct Notifiers {
    mail: Notify,
    texts: Notify,
}

/// The sealed body of a letter. It has no sender: the sender configured at delivery is used.
#[derive(Serialize, Deserialize)]
pub(super) struct SealedBody {
    pub(super) message_id: String,
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SealedRequest {
    pub(super) request: Request,
    pub(super) source: RequestedBy,
}

impl Outbox {
    /// Creates an outbox from the whole configuration.
    ///
    /// # Errors
    /// As [`Outbox::with`].
    #[allow(clippy::needless_pass_by_value, reason = "every caller holds a shared configuration")]
    pub fn new(config: Arc<Config>, env: Env, master: MasterKey) -> Result<Self> {
        Self::with(&config.service, &config.mail, env, master)
    }

    /// Creates an outbox from the sections that it reads.
    ///
    /// # Errors
    /// `Validation` if a template in the configured folder or the sender address is invalid.
    pub fn with(
        service: &config::ServiceConfig,
        mail: &config::MailConfig,
        env: Env,
        master: MasterKey,
    ) -> Result<Self> {
        let templates = Templates::load(&service.name, mail.templates.as_deref())?;
        let domain = sender(&mail.from)?.email.domain().to_owned();
        let from = mail.from.clone();
        Ok(Self {
            room: Arc::new(OutboxInner {
                env,
                master,
                templates,
                from,
                domain,
                bells: Notifiers::default(),
            }),
        })
    }

    /// Renders and seals a letter to this address.
    pub fn letter(&self, to: &Email, account_id: &str, letter: &Letter) -> Result<OutgoingMessage> {
        let room = &self.room;
        let id = room.env.new_id()?;
        let rendered = room.templates.render(letter)?;
        let sealed = SealedBody {
            message_id: format!("<{id}@{}>", room.domain),
            subject: rendered.subject,
            text: rendered.text,
            html: rendered.html,
        };
        Ok(OutgoingMessage {
            kind: letter.kind().name,
            account_id: Some(account_id.to_owned()),
            recipient: Some(to.mailbox()),
            sealed: seal(room, &id, &sealed)?,
            created_at: room.env.now(),
            expires_at: letter.expires_at(),
            id,
        })
    }

    /// Seals a text message to this number.
    pub fn text_message(
        &self,
        number: &str,
        account_id: &str,
        text: &Secret,
        until: Time,
    ) -> Result<OutgoingMessage> {
        let room = &self.room;
        let id = room.env.new_id()?;
        let sealed = SealedBody {
            message_id: id.clone(),
            subject: String::new(),
            text: text.reveal().to_owned(),
            html: String::new(),
        };
        Ok(OutgoingMessage {
            kind: outbox::TEXT,
            account_id: Some(account_id.to_owned()),
            recipient: Some(number.to_owned()),
            sealed: seal(room, &id, &sealed)?,
            created_at: room.env.now(),
            expires_at: Some(until),
            id,
        })
    }

    /// Seals a request.
    pub fn request(&self, request: &Request, source: &Source) -> Result<OutgoingMessage> {
        let id = self.room.env.new_id()?;
        let sealed = SealedRequest { request: request.clone(), source: RequestedBy::of(source) };
        Ok(OutgoingMessage {
            kind: request.name(),
            account_id: None,
            recipient: None,
            sealed: seal(&self.room, &id, &sealed)?,
            created_at: self.room.env.now(),
            expires_at: None,
            id,
        })
    }

    /// Notifies the workers. Call it after the write that stored a message.
    pub fn ring(&self) {
        self.room.bells.mail.notify_one();
        self.room.bells.texts.notify_one();
    }

    /// Waits until [`Outbox::ring`] is called.
    pub(super) async fn rung(&self, channel: Channel) {
        match channel {
            Channel::Mail => self.room.bells.mail.notified().await,
            Channel::Text => self.room.bells.texts.notified().await,
        }
    }

    pub(super) fn env(&self) -> &Env {
        &self.room.env
    }

    /// Opens a letter's row.
    pub(super) fn open_letter(&self, message: &Message) -> Result<Mail> {
        let sealed: SealedBody = open(&self.room.master, message)?;
        let to = message
            .recipient
            .clone()
            .ok_or_else(|| Error::internal("a letter without a recipient"))?;
        Ok(Mail {
            message_id: sealed.message_id,
            from: self.room.from.clone(),
            to,
            subject: sealed.subject,
            text: sealed.text,
            html: sealed.html,
        })
    }

    /// Opens a request's row.
    pub(super) fn open_request(&self, message: &Message) -> Result<(Request, RequestedBy)> {
        let sealed: SealedRequest = open(&self.room.master, message)?;
        Ok((sealed.request, sealed.source))
    }
}

fn place(id: &str) -> String {
    format!("outbox.sealed.{id}")
}

fn seal(room: &OutboxInner, id: &str, body: &impl Serialize) -> Result<Vec<u8>> {
    let plain = serde_json::to_vec(body)
        .map_err(|cause| Error::internal("sealing mail").caused_by(cause))?;
    room.master.seal(&room.env, &place(id), &zeroize::Zeroizing::new(plain))
}

/// Opens the body of a row.
pub(super) fn open<T: for<'a> Deserialize<'a>>(master: &MasterKey, message: &Message) -> Result<T> {
    let sealed = message
        .sealed
        .as_deref()
        .ok_or_else(|| Error::internal("the body of this mail is erased"))?;
    let plain = zeroize::Zeroizing::new(master.open(&place(&message.id), sealed)?);
    // The parser's message is dropped, because it would quote the decrypted text.
    serde_json::from_slice(&plain)
        .map_err(|_| Error::internal("the body of this mail has an unknown format"))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn one_ring_wakes_both_workers() {
        let master = MasterKey::parse(&crate::model::secret::encode(&[1; 32])).unwrap();
        let service = config::ServiceConfig { name: "Example".to_owned() };
        let mail = config::MailConfig {
            smtp: None,
            from: "no-reply@auth.example".to_owned(),
            templates: None,
        };
        let post = Outbox::with(&service, &mail, Env::real(), master).unwrap();
        post.ring();
        for channel in [Channel::Text, Channel::Mail] {
            assert!(post.rung(channel).now_or_never().is_some(), "{channel:?} sleeps on");
            assert!(post.rung(channel).now_or_never().is_none(), "{channel:?} is woken twice");
        }
    }
}
