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
    /// All limits that can refuse a request.
    pub fn all() -> impl Iterator<Item = Barrier> {
        let others = [
            Barrier::Throttle,
            Barrier::Lockout,
            Barrier::CodeAttempts,
            Barrier::FactorAttempts,
            Barrier::CodesSent,
            Barrier::MailAddress,
            Barrier::MailClient,
            Barrier::Uploads,
        ];
        Limit::ALL.into_iter().map(Barrier::Calls).chain(others)
    }

    /// The name under which its refusals are counted in the database.
    #[must_use]
    pub fn series(self) -> &'static str {
        match self {
            Barrier::Calls(limit) => limit.series(),
            Barrier::Throttle => "limit.throttle",
            Barrier::Lockout => "limit.lockout",
            Barrier::CodeAttempts => "limit.code_tries",
            Barrier::FactorAttempts => "limit.factor_tries",
            Barrier::CodesSent => "limit.codes_sent",
            Barrier::MailAddress => "limit.mail_address",
            Barrier::MailClient => "limit.mail_client",
            Barrier::Uploads => "limit.uploads",
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_counted_under_its_own_name() {
        let mut names: Vec<_> = Barrier::all().map(Barrier::series).collect();
        for barrier in Barrier::all() {
            assert_eq!(barrier.series(), format!("limit.{}", barrier.as_str()));
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!((names.len(), count), (Limit::ALL.len() + 8, Limit::ALL.len() + 8));
    }
}
