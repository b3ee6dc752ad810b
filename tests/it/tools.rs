//! Programs that a scenario needs and a machine may lack; `.ci/run` installs them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether a program can be started.
pub fn is_here(program: &str) -> bool {
    let probe = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    probe.is_ok_and(|status| status.success())
}

/// Says aloud that a scenario was not played; the runner keeps back only what is printed with macros.
pub fn skip(scenario: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {scenario}: {why}");
}

/// What `.ci/run` installs outside the sources: its folder of this name, if it is there.
pub fn installed(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools").join(name);
    folder.is_dir().then_some(folder)
}

/// Runs a command to its end; gives back what it printed when it ended well.
pub fn succeed(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{out}\n{err}");
    out.into_owned()
}
