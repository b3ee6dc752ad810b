//! `[signup]`: what a sign-up requires and what it returns.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::config::Links;
use crate::config::reader::{ConfigReader, ReadResult};
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

/// `[signup]`: what a sign-up requires and what it returns.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// The address must be verified before the first session.
    pub verify_email: bool,
    /// The response says that an address is taken. Otherwise it looks like a success, and the owner
    /// of the address gets a mail.
    pub reveal_existing: bool,
    /// A sign-up starts a session at once, on APIs whose response has a place for one.
    pub logs_in: bool,
    /// Required fields besides address and password.
    pub require: BTreeSet<SignUpField>,
    /// How long an account with an unverified address is kept.
    pub remove_unproved: Duration,
}

impl SignUp {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        let verify_email = r.truth("signup.verify_email");
        let reveal_existing = r.truth("signup.reveal_existing");
        let logs_in = r.truth("signup.logs_in");
        let require =
            r.list("signup.require", "\"username\", \"firstName\" and \"lastName\"", |item| {
                match item {
                    "username" => Some(SignUpField::Username),
                    "firstName" => Some(SignUpField::FirstName),
                    "lastName" => Some(SignUpField::LastName),
                    _ => None,
                }
            });
        let remove_unproved = r.duration(
            "signup.remove_unproved",
            Duration::from_secs(1)..=Duration::from_hours(10 * 365 * 24),
        );
        Ok(Self {
            verify_email: verify_email?,
            reveal_existing: reveal_existing?,
            logs_in: logs_in?,
            require: require?.into_iter().collect(),
            remove_unproved: remove_unproved?,
        })
    }

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
