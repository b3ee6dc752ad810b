//! What may refuse somebody for how often they try, in the words of audit log and metrics.

use crate::error::Limit;

/// A limit that refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Barrier {
    /// Calls of a client address, or of an app for an account name.
    Calls(Limit),
    /// Wrong passwords of a client address at an account name.
    Throttle,
    /// Wrong passwords at an account name, from wherever.
    Lockout,
    /// One-time codes shown for an account name.
    CodeTries,
    /// Second factors shown for an account.
    FactorTries,
    /// Codes sent to an account.
    CodesSent,
    /// Mails to an address that anybody can cause.
    MailAddress,
    /// Mails from a client address that anybody can cause.
    MailClient,
    /// Uploads of an account: its quota.
    Uploads,
}

impl Barrier {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Barrier::Calls(limit) => limit.as_str(),
            Barrier::Throttle => "throttle",
            Barrier::Lockout => "lockout",
            Barrier::CodeTries => "code_tries",
            Barrier::FactorTries => "factor_tries",
            Barrier::CodesSent => "codes_sent",
            Barrier::MailAddress => "mail_address",
            Barrier::MailClient => "mail_client",
            Barrier::Uploads => "uploads",
        }
    }
}
