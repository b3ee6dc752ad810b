//! `[password]`: rules for new passwords, and how they may be set. Existing passwords keep working.

use crate::config::reader::ConfigReader;

section! {
    /// `[password]`: rules for new passwords, and how they may be set.
    #[allow(
        clippy::struct_excessive_bools,
        reason = "each is an independent rule that the administrator switches on"
    )]
    pub struct PasswordRules = "password" {
        /// The smallest number of characters.
        min_length: usize = whole(1..=128);
        /// The largest number of characters.
        max_length: usize = whole(64..=1024);
        /// Requires an upper-case letter.
        upper: bool = truth();
        /// Requires a lower-case letter.
        lower: bool = truth();
        /// Requires a digit.
        digit: bool = truth();
        /// Requires a character that is neither letter nor digit.
        symbol: bool = truth();
        /// Refuses common passwords.
        blocklist: bool = truth();
        /// Refuses passwords built from the user's name or address, or from the service's name.
        personal: bool = truth();
        /// Allows a password reset with a mailed code, besides a link.
        reset_by_code: bool = truth();
    }
}

impl PasswordRules {
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
