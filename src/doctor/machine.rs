//! The machine: who may read which files, the kind of filesystem, space on the disk, and whether the
//! clock is synchronized.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::identity::Core;
use crate::identity::system::backup;
use crate::model::Database;
use crate::model::finding::CheckReport;

const MIB: u64 = 1024 * 1024;
/// With less space than this, changes are about to fail.
const NO_SPACE: u64 = 100 * MIB;
/// With less space than this, action is due soon.
const LITTLE_SPACE: u64 = 1024 * MIB;
/// Exists once systemd-timesyncd has set the clock.
const SYNCHRONIZED: &str = "/run/systemd/timesync/synchronized";

pub(super) fn find(core: &Core, env_file: Option<&Path>, found: &mut CheckReport) {
    for note in core.store.notes() {
        found.warning(
            "database",
            note.clone(),
            "a local disk, readable by the owner alone, is safe",
        );
    }
    let is_file = matches!(core.config.database, Database::File(_));
    if is_file && core.store.notes().is_empty() {
        found.pass("files", "the database is on a local disk, and only its owner can read it");
    }
    let key = core.config.database.key_file();
    readable_by_others(&key, "master_key", 0o077, found);
    if let Some(file) = env_file {
        // The service manager's group may read it.
        readable_by_others(file, "env_file", 0o007, found);
    }
    if let Some(to) = &core.config.backup.to
        && let Some(warning) = backup::open_folder_warning(to)
    {
        found.warning("backup.to", warning, "only the user of the server needs to write there");
    }
    space(core, found);
    if Path::new(SYNCHRONIZED).exists() {
        found.pass("clock", "systemd-timesyncd has synchronized it");
    }
}

fn readable_by_others(file: &Path, key: &str, bits: u32, found: &mut CheckReport) {
    let Ok(facts) = fs::metadata(file) else { return };
    let mode = facts.permissions().mode() & 0o777;
    if mode & bits != 0 {
        let shown = file.display();
        found.error(
            key,
            format!("other users can read or change {shown}, which has mode {mode:04o}"),
            format!("chmod {:04o} '{shown}'", mode & !bits),
        );
    }
}

fn space(core: &Core, found: &mut CheckReport) {
    let Some(free) = core.store.free_space() else { return };
    let Database::File(path) = &core.config.database else { return };
    let used = fs::metadata(path).map_or(0, |facts| facts.len());
    let shown =
        format!("{} MiB are free, and the database has {} MiB", free / MIB, used.div_ceil(MIB));
    let remedy = "see docs/rescue.md: what can be removed when the disk is full";
    if free < NO_SPACE {
        found.error("disk", shown, remedy);
    } else if free < LITTLE_SPACE.max(used) {
        // An upgrade and a backup to the same disk need the size of the database again.
        found.warning("disk", shown, remedy);
    } else {
        found.pass("disk", shown);
    }
}
