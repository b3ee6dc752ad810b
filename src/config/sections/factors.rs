//! `[factors]`: second factors.

section! {
    /// `[factors]`: second factors.
    pub struct Factors = "factors" {
        /// By how many steps of 30 seconds an authenticator's clock may be behind.
        totp_behind: u8 = whole(0..=4);
        /// By how many steps it may be ahead.
        totp_ahead: u8 = whole(0..=4);
        /// Setting up the first factor requires a recent login too.
        first_asks: bool = truth();
    }
}
