//! A PostgreSQL server for the measurements, with its data on the disk of the temporary folder. It ends with
//! the benchmark.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// Where Debian keeps the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Makes a cluster, and serves it until the end of input. No checkpoint falls into a measurement.
const SCRIPT: &str = r#"
set -e
bin=$1 dir=$2 port=$3
"$bin/initdb" -D "$dir/data" -U authd -A trust -E UTF8 --locale=C.UTF-8 >"$dir/server.log" 2>&1
"$bin/postgres" -D "$dir/data" -p "$port" -k "$dir" -c listen_addresses=127.0.0.1 -c max_connections=300 \
  -c shared_buffers=512MB -c max_wal_size=8GB -c checkpoint_timeout=1h >>"$dir/server.log" 2>&1 &
server=$!
cat <&0 >/dev/null &
wait -n || true
kill -INT "$server" 2>/dev/null || true
wait "$server" || true
"#;

/// The folder with the newest programs, or what is missing.
pub fn programs() -> Result<PathBuf, String> {
    let versions = std::fs::read_dir(VERSIONS).into_iter().flatten();
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    let has_all = |folder: &PathBuf| {
        ["initdb", "postgres", "psql", "pgbench"].iter().all(|name| folder.join(name).is_file())
    };
    let found = folders.filter(has_all).max();
    found.ok_or_else(|| format!("it is not installed in {VERSIONS} (apt-get install postgresql)"))
}

/// A running server.
pub struct Cluster {
    programs: PathBuf,
    port: u16,
    folder: TempDir,
    script: Child,
}

impl Cluster {
    pub fn start(programs: PathBuf) -> Self {
        let folder = tempfile::Builder::new().prefix("authd-bench-pg-").tempdir().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        // The server refuses root.
        let is_root = rustix::process::getuid().is_root();
        let mut script = Command::new(if is_root { "runuser" } else { "bash" });
        if is_root {
            let chown = Command::new("chown").arg("postgres").arg(folder.path()).status();
            assert!(chown.unwrap().success());
            script.args(["-u", "postgres", "--", "bash"]);
        }
        script.args(["-c", SCRIPT, "cluster"]).arg(&programs).arg(folder.path());
        let script = script.arg(port.to_string()).stdin(Stdio::piped()).spawn().unwrap();
        let cluster = Self { programs, port, folder, script };
        for _ in 0..600 {
            let mut ask = cluster.psql("postgres");
            if ask.args(["-c", "select 1"]).stderr(Stdio::null()).output().unwrap().status.success()
            {
                return cluster;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("PostgreSQL did not start: {}", cluster.log());
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://authd@127.0.0.1:{}/{database}", self.port)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("server.log")).unwrap_or_default()
    }

    pub fn create(&self, database: &str) {
        self.run("postgres", &format!("create database {database}"));
    }

    /// Runs commands, and returns what they print.
    pub fn run(&self, database: &str, sql: &str) -> String {
        let output = self.psql(database).args(["-v", "ON_ERROR_STOP=1", "-c", sql]).output();
        let output = output.unwrap();
        let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
        write!(said, "{}", String::from_utf8_lossy(&output.stderr)).unwrap();
        assert!(output.status.success(), "{sql}: {said}");
        said
    }

    /// Whether the statements of a database are in the log from now on.
    pub fn log_statements(&self, database: &str, are_logged: bool) {
        let level = if are_logged { "all" } else { "none" };
        let before = self.log().matches("parameter \"log_statement\"").count();
        self.run(database, &format!("alter system set log_statement = '{level}'"));
        self.run(database, "select pg_reload_conf()");
        while self.log().matches("parameter \"log_statement\"").count() == before {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Each process takes it over at its next statement.
        std::thread::sleep(Duration::from_millis(300));
    }

    pub fn pgbench(&self, script: &Path, database: &str) -> Command {
        let mut command = Command::new(self.programs.join("pgbench"));
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "authd"]);
        command.args(["-n", "-M", "prepared", "-j", "2", "-f"]).arg(script).arg(database);
        command
    }

    fn psql(&self, database: &str) -> Command {
        let mut command = Command::new(self.programs.join("psql"));
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "authd"]);
        command.args(["-qAtX", database]);
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}
