//! `[login]`: what a login asks for besides the password, and what may stand in for it.

use super::reader::{Read, Reader};

/// `[login]`
#[derive(Debug, Clone)]
pub struct Login {
    /// Whom a login asks for a code.
    pub otp: LoginOtp,
    /// A mailed code logs in without a password.
    pub passwordless: bool,
}

/// Whom a login asks for a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginOtp {
    /// Those who have a second factor.
    Off,
    /// Everybody: those without one by e-mail.
    Email,
}

impl Login {
    pub(super) fn read(r: &mut Reader) -> Read<Self> {
        let otp = r.choice("login.otp", &[("off", LoginOtp::Off), ("email", LoginOtp::Email)]);
        let passwordless = r.truth("login.passwordless");
        Ok(Self { otp: otp?, passwordless: passwordless? })
    }
}
