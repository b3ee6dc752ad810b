//! The post room: renders and seals letters, seals requests, opens what is sealed, wakes the workers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::Mail;
use super::letter::Letter;
use super::smtp::message::sender;
use super::stationery::Stationery;
use crate::config::{self, Config};
use crate::env::{Env, Later};
use crate::error::{Error, Result};
use crate::model::{Email, Secret, Source, Time};
use crate::seal::MasterKey;
use crate::store::db::Db;
use crate::store::outbox::{self, Channel, Message, State};

/// Something whose answer must not depend on whether an account exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Request {
    /// Send the verification mail for this address (its key), if it has an account that waits for it.
    Verification {
        /// The address's key.
        email_key: String,
    },
    /// Send the first verification mail of this new account; no limit holds it back.
    Welcome {
        /// Which.
        account_id: String,
    },
    /// Tell the owner of this address that somebody tried to sign up with it.
    AlreadyRegistered {
        /// The address's key.
        email_key: String,
    },
    /// Send a code that logs in to this address (its key), if it has an account.
    LoginCode {
        /// The address's key.
        email_key: String,
    },
    /// Tell the owner that the password is closed to strangers.
    PasswordClosed {
        /// Whose.
        account_id: String,
    },
    /// Tell the owner that failures have locked the account's name.
    AccountLocked {
        /// Whose.
        account_id: String,
        /// Until when, in milliseconds.
        until: i64,
    },
    /// Send a link that sets a new password, if this address (its key) has an account.
    Reset {
        /// The address's key.
        email_key: String,
    },
    /// Send a code that sets a new password, if this address (its key) has an account.
    ResetCode {
        /// The address's key.
        email_key: String,
    },
    /// Send the proof of another address there, and a notice to the address before; a notice alone if it is taken.
    ChangeEmail {
        /// Whose.
        account_id: String,
        /// The account's stamp when it was asked for.
        stamp: i64,
        /// The new address as typed.
        email: String,
    },
}

impl Request {
    /// The outbox's word for it.
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

/// Who asked, as far as limits on mail need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedBy {
    /// The client's bytes, for the limit per client address.
    pub client: Vec<u8>,
}

impl RequestedBy {
    /// Keeps what the limits need of a source.
    #[must_use]
    pub fn of(source: &Source) -> Self {
        Self { client: source.client().to_bytes() }
    }
}

/// Fulfils requests; the core does, the worker calls it.
pub trait Fulfil: Send + Sync {
    /// Looks the account up and stores the letter (or nothing) and the end of the request (row `id`) in one write: where
    /// [`outbox::end_request`] says false, the request has been fulfilled before and nothing is stored.
    fn fulfil(&self, id: String, request: Request, source: RequestedBy) -> Later<'_, Result<()>>;
}

/// A row for the outbox, ready to be stored.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Its id.
    pub id: String,
    /// The template's or request's name.
    pub kind: &'static str,
    /// Whose account it is about.
    pub account_id: Option<String>,
    /// The address, absent while it is only a request.
    pub recipient: Option<String>,
    /// The sealed letter or request.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Time,
    /// After this it makes no sense to deliver it.
    pub expires_at: Option<Time>,
}

/// Stores a prepared row; call it inside the write of the change that it speaks of.
///
/// # Errors
/// What the database says.
pub fn enqueue(db: &mut dyn Db, prepared: &Prepared) -> Result<()> {
    let message = Message {
        id: prepared.id.clone(),
        kind: prepared.kind.to_owned(),
        account_id: prepared.account_id.clone(),
        recipient: prepared.recipient.clone(),
        sealed: Some(prepared.sealed.clone()),
        state: if prepared.recipient.is_some() { State::Waiting } else { State::Requested },
        attempts: 0,
        next_at: prepared.created_at,
        expires_at: prepared.expires_at,
        last_error: None,
        created_at: prepared.created_at,
        finished_at: None,
    };
    outbox::insert(db, &message)
}

/// The post room: prepares letters and wakes the worker. Cheap to clone.
#[derive(Clone)]
pub struct Post {
    room: Arc<Room>,
}

struct Room {
    env: Env,
    master: MasterKey,
    stationery: Stationery,
    from: String,
    domain: String,
    /// One for each worker: a bell wakes whoever waits at it first, and no other.
    bells: Bells,
}

#[derive(Default)]
struct Bells {
    mail: Notify,
    texts: Notify,
}

/// A letter as it lies sealed in the outbox. The sender is not in it: it is the one of the day of delivery.
#[derive(Serialize, Deserialize)]
pub(super) struct Sealed {
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

impl Post {
    /// A post room by the whole configuration.
    ///
    /// # Errors
    /// As [`Post::with`].
    #[allow(clippy::needless_pass_by_value, reason = "whoever has the configuration has it shared")]
    pub fn new(config: Arc<Config>, env: Env, master: MasterKey) -> Result<Self> {
        Self::with(&config.service, &config.mail, env, master)
    }

    /// A post room by the sections that it reads.
    ///
    /// # Errors
    /// When a template in the configured folder is broken, or the sender is no address.
    pub fn with(service: &config::Service, mail: &config::Mail, env: Env, master: MasterKey) -> Result<Self> {
        let stationery = Stationery::load(&service.name, mail.templates.as_deref())?;
        let domain = sender(&mail.from)?.email.domain().to_owned();
        let from = mail.from.clone();
        Ok(Self { room: Arc::new(Room { env, master, stationery, from, domain, bells: Bells::default() }) })
    }

    /// Renders and seals a letter to this address.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn letter(&self, to: &Email, account_id: &str, letter: &Letter) -> Result<Prepared> {
        let room = &self.room;
        let id = room.env.new_id()?;
        let rendered = room.stationery.render(letter)?;
        let sealed = Sealed {
            message_id: format!("<{id}@{}>", room.domain),
            subject: rendered.subject,
            text: rendered.text,
            html: rendered.html,
        };
        Ok(Prepared {
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
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn text_message(&self, number: &str, account_id: &str, text: &Secret, until: Time) -> Result<Prepared> {
        let room = &self.room;
        let id = room.env.new_id()?;
        let sealed = Sealed {
            message_id: id.clone(),
            subject: String::new(),
            text: text.reveal().to_owned(),
            html: String::new(),
        };
        Ok(Prepared {
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
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn request(&self, request: &Request, source: &Source) -> Result<Prepared> {
        let id = self.room.env.new_id()?;
        let sealed = SealedRequest { request: request.clone(), source: RequestedBy::of(source) };
        Ok(Prepared {
            kind: request.name(),
            account_id: None,
            recipient: None,
            sealed: seal(&self.room, &id, &sealed)?,
            created_at: self.room.env.now(),
            expires_at: None,
            id,
        })
    }

    /// Wakes the workers; call it after the write that stored something.
    pub fn ring(&self) {
        self.room.bells.mail.notify_one();
        self.room.bells.texts.notify_one();
    }

    /// Comes back when [`Post::ring`] was called.
    pub(super) async fn rung(&self, channel: Channel) {
        match channel {
            Channel::Mail => self.room.bells.mail.notified().await,
            Channel::Text => self.room.bells.texts.notified().await,
        }
    }

    pub(super) fn env(&self) -> &Env {
        &self.room.env
    }

    /// The finished message behind a letter's row.
    pub(super) fn open_letter(&self, message: &Message) -> Result<Mail> {
        let sealed: Sealed = open(&self.room.master, message)?;
        let to = message.recipient.clone().ok_or_else(|| Error::internal("a letter without a recipient"))?;
        Ok(Mail {
            message_id: sealed.message_id,
            from: self.room.from.clone(),
            to,
            subject: sealed.subject,
            text: sealed.text,
            html: sealed.html,
        })
    }

    /// What a request's row asks for, and who asked.
    pub(super) fn open_request(&self, message: &Message) -> Result<(Request, RequestedBy)> {
        let sealed: SealedRequest = open(&self.room.master, message)?;
        Ok((sealed.request, sealed.source))
    }
}

fn place(id: &str) -> String {
    format!("outbox.sealed.{id}")
}

fn seal(room: &Room, id: &str, body: &impl Serialize) -> Result<Vec<u8>> {
    let plain = serde_json::to_vec(body).map_err(|cause| Error::internal("sealing mail").caused_by(cause))?;
    room.master.seal(&room.env, &place(id), &zeroize::Zeroizing::new(plain))
}

/// Opens the body of a row.
pub(super) fn open<T: for<'a> Deserialize<'a>>(master: &MasterKey, message: &Message) -> Result<T> {
    let sealed = message.sealed.as_deref().ok_or_else(|| Error::internal("the body of this mail is erased"))?;
    let plain = zeroize::Zeroizing::new(master.open(&place(&message.id), sealed)?);
    // The parser's own words would quote what it could not read.
    serde_json::from_slice(&plain).map_err(|_| Error::internal("the body of this mail is of another form"))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn one_ring_wakes_both_workers() {
        let master = MasterKey::parse(&crate::model::secret::encode(&[1; 32])).unwrap();
        let service = config::Service { name: "Example".to_owned() };
        let mail = config::Mail { smtp: None, from: "no-reply@auth.example".to_owned(), templates: None };
        let post = Post::with(&service, &mail, Env::real(), master).unwrap();
        post.ring();
        for channel in [Channel::Text, Channel::Mail] {
            assert!(post.rung(channel).now_or_never().is_some(), "{channel:?} sleeps on");
            assert!(post.rung(channel).now_or_never().is_none(), "{channel:?} is woken twice");
        }
    }
}
