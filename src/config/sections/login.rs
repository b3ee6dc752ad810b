//! `[login]`: what a login requires besides the password, and what may replace the password.

section! {
    /// `[login]`: logins with codes.
    pub struct LoginConfig = "login" {
        /// Which users must enter a code at login.
        otp: LoginOtp = choice(&[("off", LoginOtp::Off), ("email", LoginOtp::Email)]);
        /// Allows logins with a mailed code instead of the password.
        passwordless: bool = truth();
    }
}

/// Which users must enter a code at login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginOtp {
    /// Users who have a second factor.
    Off,
    /// All users. Those without a second factor get the code by mail.
    Email,
}
