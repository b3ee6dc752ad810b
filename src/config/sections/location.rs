//! `[location]`: the database that maps client IPs to places.

use std::path::PathBuf;

use crate::config::reader::{ConfigReader, ReadResult};

/// `[location]`: the database that maps client IPs to places.
#[derive(Debug, Clone)]
pub struct LocationConfig {
    /// A file in the `MaxMind` format with countries or cities. Without it, sessions have no
    /// location.
    pub file: Option<PathBuf>,
}

impl LocationConfig {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        Ok(Self { file: r.optional_file("location.file")? })
    }
}
