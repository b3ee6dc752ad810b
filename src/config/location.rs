//! `[location]`: where client addresses are.

use std::path::PathBuf;

use super::reader::{Read, Reader};

/// `[location]`: where client addresses are.
#[derive(Debug, Clone)]
pub struct Location {
    /// A file in the `MaxMind` format with countries or cities; none: sessions have no location.
    pub file: Option<PathBuf>,
}

impl Location {
    pub(super) fn read(r: &mut Reader) -> Read<Self> {
        Ok(Self { file: r.optional_file("location.file")? })
    }
}
