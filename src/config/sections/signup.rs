//! `[signup]`: what a sign-up requires and what it returns.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::config::Links;
use crate::config::reader::ConfigReader;
use crate::config::values::span;

/// A sign-up field that the configuration may require.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignUpField {
    /// The user name.
    Username,
    /// The given name.
    FirstName,
    /// The family name.
    LastName,
}

impl SignUpField {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "username" => Some(Self::Username),
            "firstName" => Some(Self::FirstName),
            "lastName" => Some(Self::LastName),
            _ => None,
        }
    }
}

section! {
    /// `[signup]`: what a sign-up requires and what it returns.
    pub struct SignUp = "signup" {
        /// The address must be verified before the first session.
        verify_email: bool = truth();
        /// The response says that an address is taken. Otherwise it looks like a success, and the
        /// owner of the address gets a mail.
        reveal_existing: bool = truth();
        /// A sign-up starts a session at once, on APIs whose response has a place for one.
        logs_in: bool = truth();
        /// Required fields besides address and password.
        require: BTreeSet<SignUpField> = list(
            "\"username\", \"firstName\" and \"lastName\"",
            SignUpField::parse,
        ) => BTreeSet::from_iter;
        /// Every account needs an address. If false, a login with a provider that proves none makes an
        /// account without one.
        require_email: bool = truth();
        /// How long an account with an unverified address is kept.
        remove_unproved: Duration = duration(
            Duration::from_secs(1)..=Duration::from_hours(10 * 365 * 24)
        );
    }
}

impl SignUp {
    pub(in crate::config) fn validate(&self, links: &Links, r: &mut ConfigReader) {
        if self.logs_in && !self.reveal_existing {
            r.refuse(
                "signup.reveal_existing",
                "expected true because sign-up logs in (signup.logs_in), got false",
            );
        }
        if self.logs_in && self.verify_email {
            r.refuse(
                "signup.verify_email",
                "expected false because sign-up logs in (signup.logs_in), got true",
            );
        }
        if self.remove_unproved < links.verify_life {
            let (life, came) =
                (span::to_text(links.verify_life), span::to_text(self.remove_unproved));
            r.refuse(
                "signup.remove_unproved",
                format!("expected at least links.verify_life ({life}), got {came}"),
            );
        }
    }
}
