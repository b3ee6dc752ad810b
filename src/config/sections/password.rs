//! `[password]`: rules for new passwords, and how they may be set. Existing passwords keep working.

use crate::config::reader::{ConfigReader, ReadResult};

/// `[password]`: rules for new passwords, and how they may be set.
#[derive(Debug, Clone)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an independent rule that the administrator switches on"
)]
pub struct PasswordRules {
    /// The smallest number of characters.
    pub min_length: usize,
    /// The largest number of characters.
    pub max_length: usize,
    /// Requires an upper-case letter.
    pub upper: bool,
    /// Requires a lower-case letter.
    pub lower: bool,
    /// Requires a digit.
    pub digit: bool,
    /// Requires a character that is neither letter nor digit.
    pub symbol: bool,
    /// Refuses common passwords.
    pub blocklist: bool,
    /// Refuses passwords built from the user's name or address, or from the service's name.
    pub personal: bool,
    /// Allows a password reset with a mailed code, besides a link.
    pub reset_by_code: bool,
}

impl PasswordRules {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        let min_length = r.whole("password.min_length", 1..=128);
        let max_length = r.whole("password.max_length", 64..=1024);
        let upper = r.truth("password.upper");
        let lower = r.truth("password.lower");
        let digit = r.truth("password.digit");
        let symbol = r.truth("password.symbol");
        let blocklist = r.truth("password.blocklist");
        let personal = r.truth("password.personal");
        let reset_by_code = r.truth("password.reset_by_code");
        Ok(Self {
            min_length: min_length?,
            max_length: max_length?,
            upper: upper?,
            lower: lower?,
            digit: digit?,
            symbol: symbol?,
            blocklist: blocklist?,
            personal: personal?,
            reset_by_code: reset_by_code?,
        })
    }

    pub(in crate::config) fn validate(&self, r: &mut ConfigReader) {
        if self.min_length > self.max_length {
            let (least, most) = (self.min_length, self.max_length);
            r.refuse(
                "password.min_length",
                format!("expected at most password.max_length ({most}), got {least}"),
            );
        }
    }
}
