//! Debian's `PgBouncer` in transaction mode, in front of a server of the tests. It ends with the test process.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

use crate::cluster;

const PROGRAM: &str = "/usr/sbin/pgbouncer";

/// Serves until the end of input.
const SCRIPT: &str = r#"
"$1" -q "$2" >/dev/null 2>&1 &
pooler=$!
cat <&0 >/dev/null &
wait -n
kill "$pooler" 2>/dev/null
wait "$pooler"
"#;

/// A pooler that hands each transaction to one of a few connections.
pub struct Pooler {
    pub port: u16,
    script: Child,
    _folder: TempDir,
}

static SHARED: OnceLock<Option<Pooler>> = OnceLock::new();

/// Whether the scenarios run behind a pooler: `AUTHD_TEST_POOLER=1 AUTHD_TEST_ENGINE=postgres cargo test`.
#[allow(clippy::disallowed_methods, reason = "this variable is for the tests, not for authd")]
fn is_wanted() -> bool {
    std::env::var_os("AUTHD_TEST_POOLER").is_some_and(|value| value == "1")
}

/// The port by which scenarios reach this server: the shared one, perhaps behind a pooler.
pub fn port_of(server: u16) -> u16 {
    if !is_wanted() || cluster::shared("a pooler").is_none_or(|shared| shared.port != server) {
        return server;
    }
    let shared = SHARED.get_or_init(|| Pooler::to(server, 40));
    shared.as_ref().map_or(server, |pooler| pooler.port)
}

impl Pooler {
    /// A pooler with so many connections to each database of the server; `None` if it is not installed.
    pub fn to(server: u16, connections: u32) -> Option<Self> {
        if !Path::new(PROGRAM).is_file() {
            crate::tools::missing("a pooler", "pgbouncer");
            return None;
        }
        let (folder, port) = (tempfile::tempdir().unwrap(), cluster::free_port());
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={server} user=authd\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nauth_type = any\npool_mode = transaction\ndefault_pool_size = {connections}\n\
             max_client_conn = 900\nunix_socket_dir =\nlogfile =\n"
        );
        let file = folder.path().join("bouncer.ini");
        std::fs::write(&file, settings).unwrap();
        crate::tools::succeed(
            std::process::Command::new("chmod").arg("-R").arg("a+rX").arg(folder.path()),
        );
        let mut script = cluster::as_server_user("bash");
        script.args(["-c", SCRIPT, "pooler", PROGRAM]).arg(&file).stdin(Stdio::piped());
        let script = script.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            sleep(Duration::from_millis(20));
        }
        Some(Self { port, script, _folder: folder })
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}
