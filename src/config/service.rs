//! `[service]`: what people know it as.

use super::reader::{Read, Reader};

/// `[service]`: what people know it as.
#[derive(Debug, Clone)]
pub struct Service {
    /// The name in mails and pages, which no password may be made of.
    pub name: String,
}

impl Service {
    pub(super) fn read(r: &mut Reader) -> Read<Self> {
        Ok(Self { name: r.text("service.name", 64)? })
    }
}
