//! `[apps]`: whether a call must say which app it comes from.

use super::reader::{Read, Reader};
use super::server::WireName;

/// `[apps]`: apps with keys of their own.
#[derive(Debug, Clone)]
pub struct Apps {
    /// Sign-up, login, codes and resets take the headers of a registered app, on every API.
    pub required: bool,
}

impl Apps {
    pub(super) fn read(r: &mut Reader) -> Read<Self> {
        Ok(Self { required: r.truth("apps.required")? })
    }

    pub(super) fn validate(&self, wire: WireName, r: &mut Reader) {
        if self.required && !wire.brings_app_headers() {
            let wire = wire.as_str();
            let why = format!("expected false for server.wire \"{wire}\", whose clients send no app headers, got true");
            r.refuse("apps.required", why);
        }
    }
}
