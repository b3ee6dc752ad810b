//! How much room is left beside the database.

use std::path::Path;

/// Bytes that may still be written where this file is; nothing when the system does not tell.
#[must_use]
pub fn free(file: &Path) -> Option<u64> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let space = rustix::fs::statvfs(folder).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}
