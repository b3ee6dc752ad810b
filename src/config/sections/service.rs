//! `[service]`: the name that users see.

use crate::config::reader::{ConfigReader, ReadResult};

/// `[service]`: the name that users see.
#[derive(Debug, Clone)]
pub struct ServiceConfig {
    /// The name in mails and pages. Passwords built from it may be refused.
    pub name: String,
}

impl ServiceConfig {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        Ok(Self { name: r.text("service.name", 64)? })
    }
}
