//! A PostgreSQL server for the tests, made in a temporary folder on loopback, and databases in it. It
//! ends with the test process.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

use authd::model::{Database, PostgresUrl};
use authd::store::Value;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls};

use crate::database::Found;
use crate::tools;

/// Where Debian keeps the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Makes a cluster whose texts sort as people sort them (if the server was built to), serves it, and removes it at
/// the end of input. The role `locked` needs a password.
const SCRIPT: &str = r#"
set -e
bin=$1 dir=$2 port=$3 primary=$4; shift 4
if [ "$primary" = none ]; then
make() { "$bin/initdb" -D "$dir/data" -U authd -A trust -E UTF8 --locale=C.UTF-8 "$@" --no-sync >>"$dir/server.log" 2>&1; }
make --locale-provider=icu --icu-locale=en-US || make
hba="$dir/data/pg_hba.conf"
printf 'host all locked 127.0.0.1/32 scram-sha-256\n' | cat - "$hba" >"$hba.new"
mv "$hba.new" "$hba"
else
"$bin/pg_basebackup" -h 127.0.0.1 -p "$primary" -U authd -D "$dir/data" -R -X stream -c fast >"$dir/copy.log" 2>&1
fi
"$bin/postgres" -D "$dir/data" -p "$port" -k "$dir" -c listen_addresses=127.0.0.1 -c max_connections=500 \
  -c shared_buffers=64MB -c log_min_messages=fatal "$@" >>"$dir/server.log" 2>&1 &
server=$!
cat <&0 >/dev/null &
wait -n || true
kill -INT "$server" 2>/dev/null || true
wait "$server" || true
rm -rf "$dir"
"#;

/// A running server.
pub struct Cluster {
    pub port: u16,
    pub folder: PathBuf,
    /// Ends when its input does.
    script: Child,
}

static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
static NAMES: AtomicU32 = AtomicU32::new(0);

/// The server that all tests share, or `None` if PostgreSQL is not installed: then the scenario is
/// skipped, or fails if tools are required.
pub fn shared(scenario: &str) -> Option<&'static Cluster> {
    let shared = SHARED.get_or_init(|| Some(Cluster::start(&programs()?, &[])));
    if shared.is_none() {
        tools::missing(scenario, "PostgreSQL");
    }
    shared.as_ref()
}

/// Whether the scenarios run on PostgreSQL: `AUTHD_TEST_ENGINE=postgres cargo test`.
#[allow(clippy::disallowed_methods, reason = "this variable is for the tests, not for authd")]
pub fn is_wanted() -> bool {
    std::env::var_os("AUTHD_TEST_ENGINE").is_some_and(|value| value == "postgres")
}

/// The folder with the server's programs: that of `AUTHD_TEST_POSTGRES`, or the newest that Debian installed.
#[allow(clippy::disallowed_methods, reason = "this variable is for the tests, not for authd")]
pub fn programs() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("AUTHD_TEST_POSTGRES") {
        return Some(folder.into());
    }
    let versions = std::fs::read_dir(VERSIONS).ok()?;
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    folders.filter(|folder| folder.join("initdb").is_file()).max()
}

/// Whether these programs were built with support for TLS.
pub fn speaks_tls(programs: &Path) -> bool {
    tools::succeed(Command::new(programs.join("pg_config")).arg("--configure")).contains("ssl")
}

/// Options that `AUTHD_TEST_POSTGRES_OPTIONS` adds to every server, such as
/// `-c default_transaction_isolation=serializable`.
#[allow(clippy::disallowed_methods, reason = "this variable is for the tests, not for authd")]
fn more_options() -> Vec<String> {
    let options = std::env::var("AUTHD_TEST_POSTGRES_OPTIONS").unwrap_or_default();
    options.split_whitespace().map(str::to_owned).collect()
}

/// A command as a user that may run a server: the server refuses root.
pub fn as_server_user(program: &str) -> Command {
    if rustix::process::getuid().is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", program]);
        command
    } else {
        Command::new(program)
    }
}

/// A port that no program uses now.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

impl Cluster {
    /// Starts a server with these additional options.
    pub fn start(programs: &Path, options: &[&str]) -> Self {
        let cluster = Self::launch(programs, None, options);
        cluster.run("postgres", "create role locked login superuser password 'open sesame'");
        cluster
    }

    /// Starts a standby, to which the primary waits for each commit to be sent from now on.
    pub fn standby(&self, programs: &Path) -> Self {
        let standby = Self::launch(programs, Some(self.port), &[]);
        self.run("postgres", "alter system set synchronous_standby_names = '*'");
        self.run("postgres", "select pg_reload_conf()");
        let synchronous = "select pid from pg_stat_replication where sync_state = 'sync'";
        while query(self.port, "postgres", synchronous).is_empty() {
            sleep(Duration::from_millis(20));
        }
        standby
    }

    /// Makes a standby a primary.
    pub fn promote(&self) {
        self.run("postgres", "alter system reset synchronous_standby_names");
        self.run("postgres", "select pg_promote()");
    }

    /// Ends the server as a failure of its machine would.
    pub fn kill(&self) {
        let file = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let process = file.lines().next().unwrap().parse().unwrap();
        let process = rustix::process::Pid::from_raw(process).unwrap();
        rustix::process::kill_process(process, rustix::process::Signal::QUIT).unwrap();
        // Until it has ended, its processes may still complete what they have begun.
        while rustix::process::test_kill_process(process).is_ok() {
            sleep(Duration::from_millis(5));
        }
    }

    fn launch(programs: &Path, primary: Option<u16>, options: &[&str]) -> Self {
        // Data in memory: a test is not about the disk, and the server must not run without `fsync`.
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let mut name = tempfile::Builder::new();
        let folder = name.prefix("authd-pg-").rand_bytes(12).tempdir_in(parent).unwrap().keep();
        if rustix::process::getuid().is_root() {
            tools::succeed(Command::new("chown").arg("postgres").arg(&folder));
        }
        let port = free_port();
        let mut script = as_server_user("bash");
        let script = script
            .args(["-c", SCRIPT, "cluster"])
            .arg(programs)
            .arg(&folder)
            .arg(port.to_string())
            .arg(primary.map_or_else(|| "none".to_owned(), |port| port.to_string()))
            .args(options)
            .args(more_options())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut cluster = Self { port, folder, script };
        cluster.wait_until_ready();
        cluster
    }

    fn wait_until_ready(&mut self) {
        for _ in 0..3000 {
            if self.script.try_wait().unwrap().is_some() {
                break;
            }
            if connected(self.port, "postgres", async |_| ()).is_some() {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        let log = std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
        panic!("PostgreSQL did not start: {log}");
    }

    /// Runs commands as the superuser.
    pub fn run(&self, database: &str, sql: &str) {
        query(self.port, database, sql);
    }

    /// A new database, which is dropped at the end.
    pub fn database(&self) -> TestDatabase {
        let number = NAMES.fetch_add(1, Ordering::Relaxed);
        let name = format!("t{}_{number}", std::process::id());
        self.run("postgres", &format!("create database {name}"));
        TestDatabase { port: self.port, name }
    }
}

/// A database of its own.
pub struct TestDatabase {
    pub port: u16,
    pub name: String,
}

impl TestDatabase {
    pub fn url(&self) -> String {
        self.url_of("authd", crate::pooler::port_of(self.port))
    }

    /// The URL for a user, at another port.
    pub fn url_of(&self, user: &str, port: u16) -> String {
        format!("postgres://{user}@127.0.0.1:{port}/{}", self.name)
    }

    pub fn place(&self) -> Database {
        place(&self.url())
    }

    /// The rows of a query as text.
    pub fn texts(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        query(self.port, &self.name, sql)
    }

    /// A connection that stays open, for a test with a runtime.
    pub async fn client(&self) -> Client {
        connect(self.port, &self.name).await.expect("the server answers")
    }

    /// Runs one statement; returns how many rows it changed.
    pub fn execute(&self, sql: &str) -> u64 {
        let sql = sql.to_owned();
        connected(self.port, &self.name, async move |client: Client| {
            client.execute(&sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
        })
        .expect("the server answers")
    }

    /// All rows of a query.
    pub fn query(&self, sql: &str) -> Found {
        let sql = sql.to_owned();
        connected(self.port, &self.name, async move |client: Client| {
            let failed = |error| -> tokio_postgres::Statement { panic!("{sql}: {error:?}") };
            let statement = client.prepare(&sql).await.unwrap_or_else(failed);
            let columns = statement.columns().iter().map(|column| column.name().to_owned());
            let columns: Vec<String> = columns.collect();
            let rows = client.query(&statement, &[]).await.unwrap();
            let rows = rows
                .iter()
                .map(|row| (0..columns.len()).map(|at| value(row, at)).collect())
                .collect();
            Found { columns, rows }
        })
        .expect("the server answers")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let drop = format!("drop database if exists {} with (force)", self.name);
        if !std::thread::panicking() {
            query(self.port, "postgres", &drop);
        }
    }
}

/// The place that a URL names.
pub fn place(url: &str) -> Database {
    Database::of_server(PostgresUrl::parse(url, Path::new("")).unwrap())
}

fn value(row: &tokio_postgres::Row, at: usize) -> Value {
    let kind = row.columns()[at].type_().clone();
    match kind {
        Type::INT4 => row.get::<_, Option<i32>>(at).map(i64::from).into(),
        Type::INT8 => row.get::<_, Option<i64>>(at).into(),
        Type::BYTEA => row.get::<_, Option<Vec<u8>>>(at).into(),
        _ => row.get::<_, Option<String>>(at).into(),
    }
}

fn query(port: u16, database: &str, sql: &str) -> Vec<Vec<Option<String>>> {
    let sql = sql.to_owned();
    connected(port, database, async move |client: Client| {
        let answer = client.simple_query(&sql).await;
        let messages = answer.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let rows = messages.into_iter().filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        rows.map(|row| (0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect()).collect()
    })
    .expect("the server answers")
}

/// Connects as the superuser and waits for the work, on a thread of its own: the test may run on a runtime
/// already. Returns `None` if the server does not answer.
fn connected<T: Send>(
    port: u16,
    database: &str,
    work: impl AsyncFnOnce(Client) -> T + Send,
) -> Option<T> {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = connect(port, database).await?;
            Some(work(client).await)
        })
    };
    std::thread::scope(|scope| scope.spawn(run).join().unwrap())
}

async fn connect(port: u16, database: &str) -> Option<Client> {
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let mut config = tokio_postgres::Config::new();
    config.user("authd").dbname(database);
    // A standby refuses a default that is serializable.
    config.options("-c default_transaction_isolation=read\\ committed");
    let (client, connection) = config.connect_raw(stream, NoTls).await.ok()?;
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Some(client)
}
