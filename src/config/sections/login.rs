//! `[login]`: what a login requires besides the password, and what may replace the password.

use crate::config::reader::{ConfigReader, ReadResult};

/// `[login]`: logins with codes.
#[derive(Debug, Clone)]
pub struct LoginConfig {
    /// Which users must enter a code at login.
    pub otp: LoginOtp,
    /// Allows logins with a mailed code instead of the password.
    pub passwordless: bool,
}

/// Which users must enter a code at login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginOtp {
    /// Users who have a second factor.
    Off,
    /// All users. Those without a second factor get the code by mail.
    Email,
}

impl LoginConfig {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        let otp = r.choice("login.otp", &[("off", LoginOtp::Off), ("email", LoginOtp::Email)]);
        let passwordless = r.truth("login.passwordless");
        Ok(Self { otp: otp?, passwordless: passwordless? })
    }
}
