//! The limits of mail that clients can cause without logging in: per client IP and per recipient
//! address.
//!
//! A client sees what is left of its own limit by the mail that it can cause to mailboxes of its
//! own. So a job is charged to the client before its account is looked up, whether or not it leads
//! to mail. What is left of an address's limit shows only in that address's mailbox.

use crate::config::Rate;
use crate::error::Result;
use crate::identity::Core;
use crate::model::{Account, Email, RequestSender, Source, Time};
use crate::outbox::{Job, RequestedBy};
use crate::store::db::Db;
use crate::store::tables::attempts;
use crate::store::tables::attempts::Scope;

/// A counter that limits mail.
#[derive(Debug, Clone)]
pub(in crate::identity) struct MailLimit {
    scope: Scope,
    key: [u8; 32],
    rate: Rate,
}

impl MailLimit {
    /// The limit of the client that requested a job; `None` if the job is not charged to it.
    pub(super) fn of_client(core: &Core, job: &Job, by: &RequestedBy) -> Option<Self> {
        let purpose = match job {
            Job::Verification { .. }
            | Job::LoginCode { .. }
            | Job::Reset { .. }
            | Job::ResetCode { .. }
            | Job::ChangeEmail { .. } => "mail from",
            // Sign-ups have a limit of their own per client IP. What they cause is counted apart, so
            // that many people can sign up behind one IP and still reset their passwords.
            Job::AlreadyRegistered { .. } | Job::Welcome { .. } => "mail from sign-ups",
            // The login was charged for the first. The server decides when to send the others, and
            // sends each once. A name without an account leads to none of them.
            Job::VerificationAtLogin { .. }
            | Job::PasswordClosed { .. }
            | Job::AccountLocked { .. }
            | Job::FactorGuesses { .. } => return None,
        };
        // A service acts for all its users, so its client IP says nothing about who asks.
        let key =
            (by.sender == RequestSender::Client).then(|| core.master.mac(purpose, &by.client));
        Self::new(Scope::MailFrom, key?, core.config.limits.mail_client)
    }

    /// The limit of the client that sent a request, for mail that is not made by a job.
    pub(in crate::identity) fn of_source(core: &Core, source: &Source) -> Option<Self> {
        let client = source.client().to_bytes();
        let key = source.sender.is_client().then(|| core.master.mac("mail from", &client));
        Self::new(Scope::MailFrom, key?, core.config.limits.mail_client)
    }

    /// The limit of mail to an address.
    pub(in crate::identity) fn of_address(core: &Core, address: &Email) -> Option<Self> {
        let key = core.master.mac("mail to", address.key().as_bytes());
        Self::new(Scope::MailTo, key, core.config.limits.mail_address)
    }

    /// The limit of changes of address that an account requests. An unverified address may belong to a
    /// stranger, whose limit counts then.
    pub(in crate::identity) fn of_change(core: &Core, account: &Account) -> Option<Self> {
        if let Some(email) = account.email.as_ref().filter(|_| account.is_unproved()) {
            return Self::of_address(core, email);
        }
        let key = core.master.mac("changes of address", account.id.as_str().as_bytes());
        Self::new(Scope::MailTo, key, core.config.limits.mail_address)
    }

    fn new(scope: Scope, key: [u8; 32], rate: Option<Rate>) -> Option<Self> {
        rate.map(|rate| Self { scope, key, rate })
    }

    /// Counts one mail. Returns false if the limit is reached.
    pub(super) fn allows(&self, db: &mut dyn Db, now: Time) -> Result<bool> {
        let rate = (self.rate.count, self.rate.window);
        Ok(attempts::count(db, self.scope, &self.key, rate, now)?.is_none())
    }
}

/// Counts one mail under a limit, if there is one. Returns false if it is reached.
pub(in crate::identity) fn allows(
    limit: Option<&MailLimit>,
    db: &mut dyn Db,
    now: Time,
) -> Result<bool> {
    limit.map_or(Ok(true), |limit| limit.allows(db, now))
}
