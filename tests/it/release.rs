//! The archive that `scripts/release` makes: a static program, which needs nothing of the system around it.
//! A long test, because it builds the program twice optimised.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Running, is_long};
use crate::tools::{is_here, missing, succeed};

#[test]
fn the_program_of_a_release_serves_where_there_is_nothing_else() {
    if !is_long() {
        return;
    }
    if !is_here("musl-gcc") {
        return missing("a release", "musl-gcc");
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
    succeed(Command::new(sources.join("scripts/release")).current_dir(sources));
    let dist = sources.join("dist");
    succeed(
        Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(&dist),
    );

    let unpacked = TempDir::new().unwrap();
    let name = concat!("authd-", env!("CARGO_PKG_VERSION"), "-x86_64-unknown-linux-musl");
    let archive = dist.join(format!("{name}.tar.gz"));
    succeed(Command::new("tar").arg("xzf").arg(archive).current_dir(unpacked.path()));
    let alone = TempDir::new().unwrap();
    let program = alone.path().join("authd");
    std::fs::copy(unpacked.path().join(name).join("authd"), &program).unwrap();
    let size = std::fs::metadata(&program).unwrap().len();
    assert!(size <= 30 * 1024 * 1024, "{size} bytes");

    let mut serve = Command::new("unshare");
    serve.arg("--map-root-user").arg("--root").arg(alone.path()).args(["--wd", "/", "/authd"]);
    serve.args(["serve", "--json", "--listen", "127.0.0.1:0"]).env_clear();
    serve.env("PATH", "/usr/bin:/bin").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut server = Running(serve.spawn().unwrap());
    let mut greeting = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut greeting).unwrap();
    let greeting: Value = serde_json::from_str(&greeting).unwrap();
    let register = format!("http://{}/v1/auth/register", greeting["address"].as_str().unwrap());
    let body = r#"{"email":"jo@example.com","password":"a long enough passphrase"}"#;
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--fail", "-H", "content-type: application/json", "-d", body]).arg(register);
    assert!(succeed(&mut curl).contains("\"success\":true"));
    assert!(alone.path().join("authd.db").exists());
}
