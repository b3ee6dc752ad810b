//! Limits that can refuse a request, named as in the audit log and the metrics.

use crate::error::Limit;

/// A limit that refuses requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Barrier {
    /// Calls from a client IP, or calls of an API client about one account name.
    Calls(Limit),
    /// Wrong passwords from one client IP for one account name.
    Throttle,
    /// Wrong passwords for one account name from all client IPs together.
    Lockout,
    /// One-time codes submitted for an account name.
    CodeAttempts,
    /// Second factors submitted for an account.
    FactorAttempts,
    /// Codes sent to an account.
    CodesSent,
    /// Mail that unauthenticated callers can trigger, per recipient address.
    MailAddress,
    /// Mail that unauthenticated callers can trigger, per client IP.
    MailClient,
    /// The upload quota of an account.
    Uploads,
}

impl Barrier {
    /// The name used in the audit log and the metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Barrier::Calls(limit) => limit.as_str(),
            Barrier::Throttle => "throttle",
            Barrier::Lockout => "lockout",
            // The old words: stored audit records have them.
            Barrier::CodeAttempts => "code_tries",
            Barrier::FactorAttempts => "factor_tries",
            Barrier::CodesSent => "codes_sent",
            Barrier::MailAddress => "mail_address",
            Barrier::MailClient => "mail_client",
            Barrier::Uploads => "uploads",
        }
    }
}
