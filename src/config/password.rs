//! `[password]`: what a new password must be, and how it may be set. Old ones go on working whatever is set here.

use super::reader::{Read, Reader};

/// `[password]`: what a new password must be, and how it may be set.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a rule of its own that a person switches on")]
pub struct PasswordRules {
    /// The fewest characters.
    pub min_length: usize,
    /// The most characters.
    pub max_length: usize,
    /// An upper-case letter is asked for.
    pub upper: bool,
    /// A lower-case letter is asked for.
    pub lower: bool,
    /// A digit is asked for.
    pub digit: bool,
    /// Something else than letters and digits is asked for.
    pub symbol: bool,
    /// Common passwords are refused.
    pub blocklist: bool,
    /// Passwords made of one's own name, address or the service's name are refused.
    pub personal: bool,
    /// A mailed code sets a new password, besides a link.
    pub reset_by_code: bool,
}

impl PasswordRules {
    pub(super) fn read(r: &mut Reader) -> Read<Self> {
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

    pub(super) fn validate(&self, r: &mut Reader) {
        if self.min_length > self.max_length {
            let (least, most) = (self.min_length, self.max_length);
            r.refuse("password.min_length", format!("expected at most password.max_length ({most}), got {least}"));
        }
    }
}
