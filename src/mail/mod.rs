//! Mail: what letters there are, the outbox they wait in, and the worker that sends them.
//!
//! A letter is prepared (rendered and sealed) outside the write and stored in the same transaction as the change that it
//! speaks of. What must not tell whether an account exists is stored as a request, which the worker fulfils later.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::config::Config;
use crate::env::{Env, Later};
use crate::error::{Error, Result};
use crate::model::{Email, Secret, Source, Time};
use crate::seal::MasterKey;
use crate::store::db::Db;

/// A finished message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Stays the same over all tries, so that a mail server can tell a repeated one.
    pub message_id: String,
    /// The sender.
    pub from: String,
    /// The one recipient.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// How one try at delivering ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The mail server has taken it.
    Delivered,
    /// It did not work now; the reason is kept for the outbox.
    Later(String),
    /// It will never work: the mail server refuses this message for good.
    Never(String),
}

/// Hands finished messages to whoever delivers them.
pub trait Mailer: Send + Sync {
    /// One try at delivering one message.
    fn deliver<'a>(&'a self, mail: &'a Mail) -> Later<'a, Delivery>;

    /// False when no way out is configured: the outbox then holds everything.
    fn is_configured(&self) -> bool;
}

/// A letter with everything that its template names.
#[derive(Debug, Clone)]
pub enum Letter {
    /// Prove this address; `disown` says that it was not the reader.
    VerifyEmail {
        /// Opens the page that proves the address.
        link: Secret,
        /// Opens the page that removes an account nobody proved.
        disown: Secret,
        /// When the link dies.
        until: Time,
    },
    /// Somebody tried to sign up with an address that has an account.
    AlreadyRegistered,
    /// Failures from unknown places have closed the password to strangers; the link opens it where it is followed.
    PasswordClosed {
        /// Opens the page that lets the client address in that follows it.
        link: Secret,
        /// When the link dies.
        until: Time,
    },
    /// A spent refresh token was used again: somebody else may have had it.
    SessionStolen,
    /// The password was set by somebody else than through the account's own session.
    PasswordSet,
}

/// Something whose answer must not depend on whether an account exists.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Request {
    /// Send the verification mail for this address (its key), if it has an account that waits for it.
    Verification {
        /// The address's key.
        email_key: String,
    },
    /// Tell the owner of this address that somebody tried to sign up with it.
    AlreadyRegistered {
        /// The address's key.
        email_key: String,
    },
    /// Tell the owner that the password is closed to strangers.
    PasswordClosed {
        /// Whose.
        account_id: String,
    },
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

/// Fulfils requests; the core does, the worker calls it.
pub trait Fulfil: Send + Sync {
    /// Looks the account up and stores the letter (or nothing) and the end of the request (row `id`) in one write.
    fn fulfil(&self, id: String, request: Request, source: RequestedBy) -> Later<'_, Result<()>>;
}

/// Who asked, as far as limits on mail need it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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

/// The post room: prepares letters and wakes the worker. Cheap to clone.
#[derive(Clone)]
pub struct Post {
    bell: Arc<Notify>,
}

impl Post {
    /// A post room.
    ///
    /// # Errors
    /// When a template in the configured folder is broken.
    pub fn new(_config: Arc<Config>, _env: Env, _master: MasterKey) -> Result<Self> {
        Ok(Self { bell: Arc::new(Notify::new()) })
    }

    /// Renders and seals a letter to this address.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn letter(&self, _to: &Email, _account_id: &str, _letter: &Letter) -> Result<Prepared> {
        Err(Error::internal("not built"))
    }

    /// Seals a request.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn request(&self, _request: &Request, _source: &Source) -> Result<Prepared> {
        Err(Error::internal("not built"))
    }

    /// Wakes the worker; call it after the write that stored something.
    pub fn ring(&self) {
        self.bell.notify_one();
    }
}

/// Stores a prepared row; call it inside the write of the change that it speaks of.
///
/// # Errors
/// What the database says.
pub fn enqueue(_db: &mut dyn Db, _prepared: &Prepared) -> Result<()> {
    Err(Error::internal("not built"))
}
