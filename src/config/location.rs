//! `[location]`: the database that maps client IPs to places.

use std::path::PathBuf;

use super::reader::{Read, Reader};

/// `[location]`: the database that maps client IPs to places.
#[derive(Debug, Clone)]
pub struct Location {
    /// A file in the `MaxMind` format with countries or cities. Without it, sessions have no
    /// location.
    pub file: Option<PathBuf>,
}

impl Location {
    pub(super) fn read(r: &mut Reader) -> Read<Self> {
        Ok(Self { file: r.optional_file("location.file")? })
    }
}
