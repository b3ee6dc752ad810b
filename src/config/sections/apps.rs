//! `[apps]`: whether a call must identify the API client that it comes from.

use crate::config::reader::{ConfigReader, ReadResult};

/// `[apps]`: registered API clients and their keys.
#[derive(Debug, Clone)]
pub struct AppsConfig {
    /// Sign-up, login, codes and resets require the headers of a registered app, on every API.
    pub required: bool,
}

impl AppsConfig {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        Ok(Self { required: r.truth("apps.required")? })
    }
}
