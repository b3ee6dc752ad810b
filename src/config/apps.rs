//! `[apps]`: whether a call must say which app it comes from.

use super::reader::{Read, Reader};

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
}
