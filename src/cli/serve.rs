//! `authd serve`: runs the server. It never prompts, and prints once at start where it listens and
//! what to do next.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use clap::builder::UnknownArgumentValueParser;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use super::console::{Console, OutputFormat};
use super::failure::Failure;
use crate::app::{Configured, Outside};
use crate::cli::global::Global;
use crate::cli::log::{self, LineFormat, LineMark};
use crate::cli::opened;
use crate::cli::systemd::ServiceManager;
use crate::cli::test_mode::{self, TestOptions, TestStart};
use crate::config::{self, Config, Inputs, WireName};
use crate::env::Env;
use crate::error::Error;
use crate::http::transport::listener::Listener;
use crate::identity::Core;
use crate::model::{ApiClient, Secret};
use crate::store::ProcessRole;
use crate::testing::{self, DatabaseUse, TestMode};
use crate::{app, identity};

/// Threads for lists and scans. Hashing, writing and sending have their own threads.
const BLOCKING_THREADS: usize = 16;

/// How long work that cannot be cancelled may delay the shutdown.
const LAST_WORK: Duration = Duration::from_secs(1);

/// Serve the API
///
/// The first start creates the database and its keys. SIGTERM shuts down gracefully, a second
/// SIGTERM at once. SIGHUP reloads the configuration.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd serve
      Serve on http://localhost:3000 from authd.db in this folder
  authd serve --profile perfect21 --listen 0.0.0.0:8080
      Use another preset, and listen on all interfaces
  authd serve --set tokens.access=5m --set server.public_url=https://id.example.com
      Set any key of the configuration
  authd serve --test --test-code 123456
      Serve for the tests of an app: read mail at /test/mails, move the clock at /test/clock
  authd serve --listen 127.0.0.1:0 --ready-file ready.json &
  until [ -e ready.json ]; do sleep 0.1; done; jq -r .url ready.json
      Take a free port in the background, and print the URL for a script")]
pub struct Serve {
    /// Listen on this address; port 0 takes a free port
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,

    #[arg(long, hide = true, value_parser = UnknownArgumentValueParser::suggest_arg("--listen"))]
    _port: Option<String>,

    /// While the server accepts connections, keep what --json prints in this file
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,

    #[command(flatten)]
    test: TestOptions,
}

impl Serve {
    /// Serves until a signal ends it.
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        let mut inputs = opened::inputs(global, self.listen)?;
        if let Some(TestStart { mode, env, folder }) = self.test.start(&mut inputs)? {
            let run = ServeRun { outside: mode, env, mode: DatabaseUse::Tests };
            let served = run.serve(inputs, self.ready_file, global, console);
            drop(folder);
            return served;
        }
        let run = ServeRun { outside: Configured, env: Env::real(), mode: DatabaseUse::Real };
        run.serve(inputs, self.ready_file, global, console)
    }
}

/// How to serve: in test mode or not.
struct ServeRun<O> {
    outside: O,
    env: Env,
    mode: DatabaseUse,
}

impl<O: Outside> ServeRun<O> {
    /// Serves until a signal ends it.
    fn serve(
        self,
        mut inputs: Inputs,
        ready_file: Option<PathBuf>,
        global: &Global,
        console: &mut Console,
    ) -> Result<(), Failure> {
        opened::recall_profile(&mut inputs)?;
        let mut loaded = opened::load(&inputs)?;
        let mode = self.mode;
        if mode == DatabaseUse::Tests {
            TestMode::check(&loaded.config)?;
            test_mode::choose_port(&loaded.config, &mut inputs)?;
            loaded = opened::load(&inputs)?;
        }
        testing::check_database(&loaded.config.database, mode)?;
        let warnings = loaded.warnings();
        let config = Arc::new(loaded.config);
        let _log = start_log(&config, mode, global, console)?;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        let manager = ServiceManager::of(&inputs);
        let reread = move || reread(&inputs, mode);
        let ready_file = ready_file.map(ReadyFile::at).transpose()?;
        let runtime = runtime()?;
        let served = runtime.block_on(async {
            let core = open(config, loaded.master_key, self.env, mode).await?;
            let first = identity::access::api_client::create_first(&core).await?;
            let has_admin = identity::admin::roles::has_admin(&core).await?;
            app::serve(core.clone(), self.outside, reread, |address, endings| {
                let mut greeting = Greeting::of(&core.config, address, first.as_ref(), mode);
                if !has_admin && mode == DatabaseUse::Real {
                    greeting.add_first_admin();
                }
                // The server runs even if the greeting cannot be written.
                let _ = greeting.print(console);
                if let Some(Err(error)) = ready_file.as_ref().map(|file| file.write(&greeting.json)) {
                    tracing::error!(%error, "the file that says the server is ready was not written");
                }
                manager.attend(core.clone(), endings);
            })
            .await
        });
        runtime.shutdown_timeout(LAST_WORK);
        if served.is_ok() {
            tracing::info!("the server has stopped");
        }
        Ok(served?)
    }
}

/// Opens the core. A port in use is noticed before any file is made.
async fn open(
    config: Arc<Config>,
    master_key: Option<Secret>,
    env: Env,
    mode: DatabaseUse,
) -> crate::error::Result<Arc<Core>> {
    if !config.database.exists() {
        Listener::check_address(&config.server).await?;
    }
    let core = app::open(config, master_key, ProcessRole::Server, env).await?;
    if mode == DatabaseUse::Tests {
        testing::mark_database(&core).await?;
    }
    Ok(core)
}

fn start_log(
    config: &Config,
    mode: DatabaseUse,
    global: &Global,
    console: &Console,
) -> io::Result<impl Sized + use<>> {
    let mark = match mode {
        DatabaseUse::Tests => LineMark::TestMode,
        DatabaseUse::Real => LineMark::None,
    };
    let level = log::level(&config.log.level, global.verbose);
    log::start(level, LineFormat::of_server(config.log.format), mark, console)
}

/// The configuration as it is now, for SIGHUP.
fn reread(inputs: &Inputs, mode: DatabaseUse) -> crate::error::Result<(Arc<Config>, Vec<String>)> {
    let again = config::load(inputs).map_err(|problems| Error::refused(problems.to_string()))?;
    if mode == DatabaseUse::Tests {
        TestMode::check(&again.config)?;
    }
    Ok((Arc::new(again.config), again.notes))
}

/// One worker per processor. Hashing, writing and sending have their own threads.
fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .enable_all()
        .thread_name("authd-worker")
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .map_err(|error| {
            Failure::failed(format_args!("the server threads could not start: {error}"))
        })
}

fn mail_in_words(outlet: Option<&str>) -> String {
    match outlet {
        Some(host) => format!("is sent through {host} (authd mail list)"),
        None => {
            "waits in the outbox, because no mail server is configured (authd mail list)".to_owned()
        }
    }
}

/// What a server in test mode says about itself.
fn test_lines(base: &str, config: &Config) -> Vec<(&'static str, String)> {
    vec![
        ("TEST MODE", "for tests alone, reachable from this machine alone".to_owned()),
        ("api", format!("{base}/v1")),
        ("docs", format!("{base}/docs")),
        ("database", config.database.to_string()),
        ("mail", format!("{base}/test/mails")),
        ("clock", format!("{base}/test/clock")),
        ("users", format!("POST {base}/test/users")),
        ("reset", format!("DELETE {base}/test")),
    ]
}

/// Whether callers on this machine may use service calls and metrics because no networks are
/// configured for them.
fn trusts_this_machine(config: &Config) -> bool {
    config.server.service_networks.is_none() && !config.service_networks().is_empty()
}

/// Whether the API at the root is there for a second service that checks tokens, and no secret is
/// configured that it could share.
fn lacks_shared_secret(config: &Config) -> bool {
    config.server.wire == WireName::Jobpsych
        && config.tokens.algorithm.is_shared()
        && config.tokens.secret.is_none()
}

/// Where everything is, and what to do next.
struct Greeting<'a> {
    profile: &'a str,
    lines: Vec<(&'static str, String)>,
    json: Value,
    first: Option<&'a (ApiClient, Secret)>,
}

impl<'a> Greeting<'a> {
    fn of(
        config: &'a Config,
        address: SocketAddr,
        first: Option<&'a (ApiClient, Secret)>,
        mode: DatabaseUse,
    ) -> Self {
        let base = config.url_at(address);
        let outlet = config.mail.smtp.as_ref().map(|smtp| format!("{}:{}", smtp.host, smtp.port));
        let (api, docs) = (format!("{base}/v1"), format!("{base}/docs"));
        let pages = config.serves_pages().then(|| format!("{base}/sign-in"));
        let wire = config.server.wire;
        let apis = if wire == WireName::V1 {
            api.clone()
        } else {
            format!("{base} ({}), {api}", wire.as_str())
        };
        let mut lines = vec![
            ("api", apis),
            ("docs", docs.clone()),
            ("database", config.database.to_string()),
            ("mail", mail_in_words(outlet.as_deref())),
        ];
        if mode == DatabaseUse::Tests {
            lines = test_lines(&base, config);
        }
        let after_docs =
            lines.iter().position(|(label, _)| *label == "docs").map_or(0, |at| at + 1);
        lines.splice(after_docs..after_docs, pages.clone().map(|pages| ("pages", pages)));
        let trusted = trusts_this_machine(config);
        if trusted && mode != DatabaseUse::Tests {
            let callers = "/metrics and service calls, for every caller on this machine; behind a \
                           proxy here, set server.trusted_proxies";
            lines.insert(after_docs + 1, ("trusted", callers.to_owned()));
        }
        if lacks_shared_secret(config) {
            let secret = "signed with a secret that the server makes, so no second service can check \
                          them; set JWT_SECRET or tokens.secret";
            lines.insert(after_docs + 1, ("tokens", secret.to_owned()));
        }
        if config.server.public_url.is_some() {
            lines.insert(0, ("listens on", address.to_string()));
        }
        let app = first.map(|(app, key)| json!({ "id": app.id, "key": key.reveal() }));
        let json = json!({
            "url": base,
            "address": address.to_string(),
            "api": api,
            "wire": wire.as_str(),
            "docs": docs,
            "pages": pages,
            "profile": config.profile,
            "db": config.database.to_string(),
            "smtp": outlet,
            "app": app,
            "trustsThisMachine": trusted,
            "test": mode == DatabaseUse::Tests,
        });
        Self { profile: &config.profile, lines, json, first }
    }

    /// Adds how to create the first administrator.
    fn add_first_admin(&mut self) {
        let create = "authd user create --email you@example.com --role admin --verified";
        self.lines.push(("first admin", create.to_owned()));
    }

    fn print(&self, console: &mut Console) -> io::Result<()> {
        let is_for_people = console.form() == OutputFormat::People;
        if is_for_people {
            let version = env!("CARGO_PKG_VERSION");
            console.line(&format!("authd {version} serves profile {}", self.profile))?;
        }
        console.details(&self.lines, &self.json)?;
        if let Some((app, key)) = self.first.filter(|_| is_for_people) {
            console.line("The first app is registered. Its key is not shown again:")?;
            console.line(&format!("X-App-ID: {}", app.id))?;
            console.line(&format!("X-Service-Key: {}", key.reveal()))?;
        }
        console.flush()
    }
}

/// A file that is there, complete, while the server accepts connections. Only its owner can read it:
/// it may have the key of the first app.
struct ReadyFile(PathBuf);

impl ReadyFile {
    /// Removes what an earlier server left behind, and refuses to replace anything else.
    fn at(path: PathBuf) -> Result<Self, Failure> {
        let is_earlier = match fs::read(&path) {
            Ok(content) => serde_json::from_slice::<Value>(&content)
                .is_ok_and(|greeting| greeting["address"].is_string()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self(path)),
            Err(_) => false,
        };
        if is_earlier && fs::remove_file(&path).is_ok() {
            return Ok(Self(path));
        }
        Err(Failure::failed(format_args!(
            "{} exists, and no earlier server wrote it: remove it, or name another --ready-file",
            path.display()
        )))
    }

    fn write(&self, greeting: &Value) -> io::Result<()> {
        let mut unfinished = self.0.clone().into_os_string();
        unfinished.push(".new");
        let mut open = OpenOptions::new();
        open.write(true).create(true).truncate(true).mode(0o600);
        writeln!(open.open(&unfinished)?, "{greeting}")?;
        fs::rename(&unfinished, &self.0)
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
