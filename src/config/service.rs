//! `[service]`: the name that users see.

use super::reader::{Read, Reader};

/// `[service]`: the name that users see.
#[derive(Debug, Clone)]
pub struct Service {
    /// The name in mails and pages. Passwords built from it may be refused.
    pub name: String,
}

impl Service {
    pub(super) fn read(r: &mut Reader) -> Read<Self> {
        Ok(Self { name: r.text("service.name", 64)? })
    }
}
