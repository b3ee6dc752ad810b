//! `[factors]`: second factors.

use crate::config::reader::{ConfigReader, ReadResult};

/// `[factors]`: second factors.
#[derive(Debug, Clone)]
pub struct Factors {
    /// By how many steps of 30 seconds an authenticator's clock may be behind.
    pub totp_behind: u8,
    /// By how many steps it may be ahead.
    pub totp_ahead: u8,
    /// Setting up the first factor requires a recent login too.
    pub first_asks: bool,
}

impl Factors {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        let totp_behind = r.whole("factors.totp_behind", 0..=4);
        let totp_ahead = r.whole("factors.totp_ahead", 0..=4);
        let first_asks = r.truth("factors.first_asks");
        Ok(Self { totp_behind: totp_behind?, totp_ahead: totp_ahead?, first_asks: first_asks? })
    }
}
