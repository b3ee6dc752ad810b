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
    /// Owners may set up factors. Factors that are set up guard their account in any case.
    pub enabled: bool,
    /// The name that authenticator apps show. `None` means the name of the service.
    pub issuer: Option<String>,
}

impl Factors {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        let totp_behind = r.whole("factors.totp_behind", 0..=4);
        let totp_ahead = r.whole("factors.totp_ahead", 0..=4);
        let first_asks = r.truth("factors.first_asks");
        let enabled = r.truth("factors.enabled");
        let issuer = r.optional_text("factors.issuer", 64);
        Ok(Self {
            totp_behind: totp_behind?,
            totp_ahead: totp_ahead?,
            first_asks: first_asks?,
            enabled: enabled?,
            issuer: issuer?,
        })
    }
}
