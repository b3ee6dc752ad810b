//! Large pages for password hashing: a hash reads its 19 MiB in random order, and pages of 2 MiB
//! make that a few percent faster.
//!
//! If the system gives large pages only on request, glibc requests them if `GLIBC_TUNABLES` says so
//! when the process starts. The server therefore executes itself once more, in the same process,
//! with that variable set. If the administrator has set the variable, even to an empty value, it is
//! not changed. If anything fails, the server continues without large pages.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn ask() {
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    const TUNABLES: &str = "GLIBC_TUNABLES";
    /// Requests large pages, and returns freed blocks of one MiB or more to the system. Expensive
    /// imported hashes need such blocks, and glibc would keep them after the first ones are freed.
    const WORDS: &str = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1048576";
    /// Marks the second start, so that there is no third one if something removes `GLIBC_TUNABLES`
    /// in between.
    const ASKED: &str = "LARGE_PAGES_ASKED";

    let mut arguments = std::env::args_os();
    let (Ok(program), Some(name)) = (std::env::current_exe(), arguments.next()) else { return };
    // If authd was started through the dynamic loader, the current executable is the loader.
    let is_loader =
        program.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"ld"));
    if is_loader || [TUNABLES, ASKED].into_iter().any(is_set) || !are_given_on_request() {
        return;
    }
    // `exec` returns only if it failed. `Endings` restores the signal settings that it changed.
    let _failed = Command::new(program)
        .arg0(name)
        .args(arguments)
        .env(TUNABLES, WORDS)
        .env(ASKED, "1")
        .exec();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(
    clippy::disallowed_methods,
    reason = "it is not part of the configuration, which has not been read yet"
)]
fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some()
}

/// Whether the system gives large pages only to processes that request them.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn are_given_on_request() -> bool {
    std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled")
        .is_ok_and(|modes| modes.contains("[madvise]"))
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn ask() {}
