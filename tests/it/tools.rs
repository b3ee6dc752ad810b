//! Optional programs that scenarios need; `.ci/setup` installs them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether a program can be started.
pub fn is_here(program: &str) -> bool {
    let probe =
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    probe.is_ok_and(|status| status.success())
}

/// Ends a scenario that needs a tool this machine lacks. It fails if `REQUIRE_TOOLS=1` is set, as
/// `.ci/run` does, and is skipped otherwise.
pub fn missing(scenario: &str, tool: &str) {
    assert!(!are_required(), "{scenario}: {tool} is missing (.ci/setup installs it)");
    skip(scenario, &format!("{tool} is missing (.ci/setup installs it)"));
}

#[allow(clippy::disallowed_methods, reason = "this variable is for the tests, not for authd")]
fn are_required() -> bool {
    std::env::var_os("REQUIRE_TOOLS").is_some_and(|value| value == "1")
}

/// Reports that a scenario was skipped; the test runner captures only output of the print macros.
pub fn skip(scenario: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {scenario}: {why}");
}

/// The folder of this name with tools that `.ci/setup` installed outside the sources, if it exists.
pub fn installed(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools").join(name);
    folder.is_dir().then_some(folder)
}

/// Runs a command; returns its output if it succeeded.
pub fn succeed(command: &mut Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{out}\n{err}");
    out.into_owned()
}
