//! `[limits]`: rate limits per client IP. See `http` for the counting.

use crate::config::reader::{ConfigReader, ReadResult};
use crate::config::values::rate::Rate;
use crate::error::Limit;
use crate::error::limit::limit_table;

/// The keys of a rate: its own, which accepts `"off"`, and its three parts.
macro_rules! rate_keys {
    ($name:ident) => {
        [
            concat!("limits.", stringify!($name)),
            concat!("limits.", stringify!($name), ".count"),
            concat!("limits.", stringify!($name), ".window"),
            concat!("limits.", stringify!($name), ".shape"),
        ]
    };
}

/// The rates of the section: a field each, read from the key of the same name. The factor stands
/// after the general limit, which it multiplies.
macro_rules! rates {
    ($(#[$general_doc:meta])* $general:ident; $($(#[$doc:meta])* $name:ident;)*) => {
        /// `[limits]`: rate limits per client IP. `None` means no limit.
        #[derive(Debug, Clone)]
        pub struct Limits {
            $(#[$general_doc])*
            pub $general: Option<Rate>,
            /// Calls that need an access token get the general limit times this factor.
            pub token_factor: u32,
            $($(#[$doc])* pub $name: Option<Rate>,)*
        }

        impl Limits {
            pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
                let $general = r.rate(rate_keys!($general));
                let token_factor = r.whole("limits.token_factor", 1..=1000);
                $(let $name = r.rate(rate_keys!($name));)*
                Ok(Self {
                    $general: $general?,
                    token_factor: token_factor?,
                    $($name: $name?,)*
                })
            }

            /// Every rate with its key.
            pub(in crate::config) fn all(&self) -> Vec<(&'static str, Option<Rate>)> {
                vec![
                    (concat!("limits.", stringify!($general)), self.$general),
                    $((concat!("limits.", stringify!($name)), self.$name),)*
                ]
            }
        }
    };
}

rates! {
    /// All calls together.
    general;
    /// Logins.
    sign_in;
    /// Sign-ups.
    sign_up;
    /// Failed refreshes.
    refresh;
    /// Requests for another verification mail.
    resend;
    /// Uses of links from mail, except links that set a password.
    verify_email;
    /// Requests for a password reset.
    forgot;
    /// Attempts to complete a password reset.
    reset;
    /// Submitting or resending a second factor, confirming or changing the password.
    factor;
    /// Requesting or submitting one-time codes.
    code;
    /// Second factors submitted for one account by each client IP that has logged in to it, and by
    /// all others together.
    factor_account;
    /// Mails to one address that an anonymous client can trigger.
    mail_address;
    /// Mails that an anonymous client can trigger from one client IP.
    mail_client;
}

macro_rules! rate_of_limit {
    ($($(#[$doc:meta])* $name:ident = $word:literal at $rate:ident;)*) => {
        impl Limits {
            /// The configured rate of a limit.
            #[must_use]
            pub fn rate(&self, limit: Limit) -> Option<Rate> {
                match limit {
                    $(Limit::$name => self.$rate,)*
                }
            }

            /// The key of the rate of a limit.
            #[must_use]
            pub fn key(limit: Limit) -> &'static str {
                match limit {
                    $(Limit::$name => concat!("limits.", stringify!($rate)),)*
                }
            }
        }
    };
}

limit_table!(rate_of_limit);
