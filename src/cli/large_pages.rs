//! Memory for hashing in large pages: a hash reads its 19 MiB in no order, and with pages of 2 MiB the processor finds its
//! way some percent faster.
//!
//! Where they are given only on request, the C library asks for them when it is told to as the process starts. So the
//! server starts itself once more, with that word in its environment, as the same process. Whoever sets the variable,
//! empty or not, is left alone; where anything fails the server goes on as it is.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn ask() {
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    const TUNABLES: &str = "GLIBC_TUNABLES";
    /// Large pages, and blocks of a mebibyte and more, which dear imported hashes take, back to the system when they are
    /// free: the library would keep them once it has seen some.
    const WORDS: &str = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1048576";
    /// Set before the second start, so that there is no third where the first variable is taken away on the way.
    const ASKED: &str = "LARGE_PAGES_ASKED";

    let mut arguments = std::env::args_os();
    let (Ok(program), Some(name)) = (std::env::current_exe(), arguments.next()) else { return };
    // Started through the loader, the loader is the program.
    let is_loader = program.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"ld"));
    if is_loader || [TUNABLES, ASKED].into_iter().any(is_set) || !are_given_on_request() {
        return;
    }
    // It comes back only when it failed; what it leaves changed then, `Endings` sets right.
    let _failed = Command::new(program).arg0(name).args(arguments).env(TUNABLES, WORDS).env(ASKED, "1").exec();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(clippy::disallowed_methods, reason = "it is not our configuration, and nothing of that is read yet")]
fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some()
}

/// Whether the system has large pages for those who ask, and for no others.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn are_given_on_request() -> bool {
    std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled")
        .is_ok_and(|modes| modes.contains("[madvise]"))
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn ask() {}
