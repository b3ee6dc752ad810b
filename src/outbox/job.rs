//! Jobs: what a client requested and the worker handles later, and the interface of their handler.

use serde::{Deserialize, Serialize};

use crate::env::Later;
use crate::error::Result;
use crate::model::{RequestSender, Source};

/// A job for the worker. The client's answer does not depend on whether an account exists, because
/// the account is looked up only when the job is handled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// Send the verification mail, if the address has an unverified account.
    Verification {
        /// The key of the address.
        email_key: String,
    },
    /// Send the verification mail again after a login with the right password, if the address has
    /// an unverified account.
    VerificationAtLogin {
        /// The key of the address.
        email_key: String,
    },
    /// Send the first verification mail of a new account; no limit holds it back.
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
    /// Inform the owner that wrong second factors were submitted, and how many in a row.
    FactorGuesses { account_id: String, count: i64 },
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
    /// is taken, send a notice to its owner instead of the link.
    ChangeEmail {
        account_id: String,
        /// The account's credential version at the time of the request.
        stamp: i64,
        /// The new address as the user typed it.
        email: String,
        /// The session that requested it; absent in jobs of earlier versions.
        #[serde(default)]
        session: Option<String>,
    },
}

impl Job {
    /// The `kind` column of its outbox row.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Job::Verification { .. } => "verification",
            Job::VerificationAtLogin { .. } => "verification_at_login",
            Job::Welcome { .. } => "welcome",
            Job::AlreadyRegistered { .. } => "already_registered",
            Job::LoginCode { .. } => "login_code",
            Job::PasswordClosed { .. } => "password_closed",
            Job::AccountLocked { .. } => "account_locked",
            Job::FactorGuesses { .. } => "factor_guesses",
            Job::Reset { .. } => "reset",
            Job::ResetCode { .. } => "reset_code",
            Job::ChangeEmail { .. } => "change_email",
        }
    }
}

/// The part of a request's source that the limits of a job need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedBy {
    /// The client IP as bytes, for the limit per client IP.
    pub client: Vec<u8>,
    /// Whose client IP it is.
    #[serde(default, skip_serializing_if = "RequestSender::is_client")]
    pub sender: RequestSender,
    /// The language that the client wishes for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

impl RequestedBy {
    /// Extracts it from a source.
    #[must_use]
    pub fn of(source: &Source) -> Self {
        Self {
            client: source.client().to_bytes(),
            sender: source.sender,
            language: source.language.map(|tag| tag.as_str().to_owned()),
        }
    }
}

/// The body of a job's outbox row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SealedJob {
    // The name in the rows that earlier versions stored.
    #[serde(rename = "request")]
    pub job: Job,
    pub source: RequestedBy,
}

/// Handles jobs. The core implements it, and the worker calls it.
pub trait JobHandler: Send + Sync {
    /// Looks up the account, then stores the resulting message (if any) and ends the job (row `id`)
    /// in one write. If [`end_job`](crate::store::tables::outbox::end_job) returns false, the job
    /// was already handled and nothing is stored.
    fn handle(&self, id: String, job: Job, requested_by: RequestedBy) -> Later<'_, Result<()>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_an_earlier_version_sealed_can_be_read() {
        let sealed = r#"{"request":{"kind":"account_locked","account_id":"a-1","until":7},"source":{"client":[192,0,2,1]}}"#;
        let SealedJob { job, source } = serde_json::from_str(sealed).unwrap();
        assert_eq!(job, Job::AccountLocked { account_id: "a-1".to_owned(), until: 7 });
        assert_eq!(job.name(), "account_locked");
        assert_eq!(source.client, [192, 0, 2, 1]);
        assert_eq!(serde_json::to_string(&SealedJob { job, source }).unwrap(), sealed);
    }
}
