//! Free disk space next to the database.

use std::path::Path;

/// The bytes that can still be written on this file's filesystem; `None` if the operating system
/// does not report it.
#[must_use]
pub fn free(file: &Path) -> Option<u64> {
    let folder =
        file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let space = rustix::fs::statvfs(folder).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}
