//! A copy of this Debian system that is gone after its scenario, and packages of the program under test
//! to install in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

use crate::tools::succeed;

/// Makes a copy of this system in memory, in name spaces of its own, and runs a script in it.
const COPY: &str = r#"
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/system"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/system"
mount -t proc proc "$1/system/proc"
mount --bind /dev "$1/system/dev"
mkdir -p "$1/system/exchange"
mount --bind "$2" "$1/system/exchange"
ip link set lo up
exec chroot "$1/system" bash /exchange/script.sh
"#;

/// A copy of this system, with a network of its own. Its folder `/exchange` is one of this system.
pub struct SystemCopy {
    shared: TempDir,
}

impl SystemCopy {
    /// Fails with the tool that this machine lacks.
    pub fn new() -> Result<Self, &'static str> {
        if !has_cargo_deb() {
            return Err("cargo-deb");
        }
        if Command::new("ip").arg("-V").output().is_err() {
            return Err("ip");
        }
        as_root("unshare").ok_or("a superuser")?;
        Ok(Self { shared: TempDir::new().unwrap() })
    }

    /// A path in its shared folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.shared.path().join(name)
    }

    /// Puts packages of the program under test into `/exchange/old` and `/exchange/new`.
    pub fn add_packages(&self) -> [PathBuf; 2] {
        [("old", "0.1.0-1"), ("new", "0.1.0-2")]
            .map(|(name, version)| build(&self.path(name), version))
    }

    /// Runs a script in it, which must succeed; returns its output. No process survives it.
    pub fn run(&self, script: &str) -> String {
        let place = TempDir::new().unwrap();
        fs::write(self.path("script.sh"), script).unwrap();
        let mut unshare = as_root("unshare").unwrap();
        unshare.args(["--mount", "--net", "--pid", "--fork", "--kill-child"]);
        unshare.args(["bash", "-c", COPY, "copy"]).arg(place.path()).arg(self.shared.path());
        succeed(&mut unshare)
    }
}

/// A command as the superuser, if that can be had.
fn as_root(program: &str) -> Option<Command> {
    if rustix::process::getuid().is_root() {
        return Some(Command::new(program));
    }
    let may = Command::new("sudo").args(["-n", "true"]).stderr(Stdio::null()).status();
    may.is_ok_and(|status| status.success()).then(|| {
        let mut command = Command::new("sudo");
        command.args(["-n", program]);
        command
    })
}

/// Where cargo-deb is, besides the folders of programs.
#[allow(clippy::disallowed_methods, reason = "the scripts find their programs by it")]
fn search_path() -> String {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/ci-tools/bin");
    format!("{}:{}", std::env::var("PATH").unwrap_or_default(), tools.display())
}

fn has_cargo_deb() -> bool {
    let mut ask = Command::new("cargo");
    ask.args(["deb", "--version"]).env("PATH", search_path());
    ask.stdout(Stdio::null()).stderr(Stdio::null());
    ask.status().is_ok_and(|status| status.success())
}

/// The script prepares each package in the same folder.
static BUILDING: Mutex<()> = Mutex::new(());

/// Builds a package of this version from the program under test.
fn build(folder: &Path, version: &str) -> PathBuf {
    let _alone = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/deb");
    let mut build = Command::new(script);
    build.arg(env!("CARGO_BIN_EXE_authd")).arg(folder).arg(version).env("PATH", search_path());
    succeed(&mut build);
    let mut packages = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    packages.find(|path| path.extension().is_some_and(|extension| extension == "deb")).unwrap()
}
