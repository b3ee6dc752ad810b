//! `[alerts]`: what is reported to the operator of the server.

use crate::config::reader::{ConfigReader, ReadResult};
use crate::model::Email;

/// `[alerts]`: what is reported to the operator of the server.
#[derive(Debug, Clone)]
pub struct AlertsConfig {
    /// Where alerts are mailed. `None` only logs them.
    pub mail: Option<Email>,
}

impl AlertsConfig {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        let mail =
            r.option("alerts.mail", "an e-mail address", |raw| Email::parse(raw.to_text().trim()));
        Ok(Self { mail: mail? })
    }
}
