//! `authd serve`: runs the server. It never prompts, and prints once at start where it listens and
//! what to do next.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use super::console::{Console, OutputFormat};
use super::failure::Failure;
use crate::cli::global::Global;
use crate::cli::log;
use crate::cli::opened;
use crate::config::{self, Config, WireName};
use crate::env::Env;
use crate::error::Error;
use crate::model::{ApiClient, Secret};
use crate::store::ProcessRole;
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
      Serve on http://127.0.0.1:3000 from authd.db in this folder
  authd serve --profile perfect21 --listen 0.0.0.0:8080
      Use another preset, and listen on all interfaces
  authd serve --set tokens.access=5m --set server.public_url=https://id.example.com
      Set any key of the configuration
  authd serve --listen 127.0.0.1:0 --json | head -1 | jq -r .url
      Take a free port and print the URL for a script")]
pub struct Serve {
    /// Listen on this address; port 0 takes a free port
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
}

impl Serve {
    /// Serves until a signal ends it.
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        let mut inputs = opened::inputs(global, self.listen)?;
        opened::recall_profile(&mut inputs)?;
        let loaded = opened::load(&inputs)?;
        let config = Arc::new(loaded.config);
        let level = log::level(&config.log.level, global.verbose);
        let _log = log::start(level, config.log.format, console)?;
        for note in &loaded.notes {
            tracing::warn!("{note}");
        }
        let reread = move || match config::load(&inputs) {
            Ok(again) => Ok((Arc::new(again.config), again.notes)),
            Err(problems) => Err(Error::refused(problems.to_string())),
        };
        let runtime = runtime()?;
        let served = runtime.block_on(async {
            let core =
                app::open(config, loaded.master_key, ProcessRole::Server, Env::real()).await?;
            let first = identity::access::api_client::create_first(&core).await?;
            app::serve(core.clone(), reread, |address| {
                // The server runs even if the greeting cannot be written.
                let _ = welcome(&core.config, address, first.as_ref(), console);
            })
            .await
        });
        runtime.shutdown_timeout(LAST_WORK);
        Ok(served?)
    }
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

/// Prints where everything is, and what to do next.
fn welcome(
    config: &Config,
    address: SocketAddr,
    first: Option<&(ApiClient, Secret)>,
    console: &mut Console,
) -> io::Result<()> {
    let base = config
        .server
        .public_url
        .clone()
        .unwrap_or_else(|| format!("http://{}", reachable(address)));
    let outlet = config.mail.smtp.as_ref().map(|smtp| format!("{}:{}", smtp.host, smtp.port));
    let (api, docs) = (format!("{base}/v1"), format!("{base}/docs"));
    let wire = config.server.wire;
    let apis = if wire == WireName::V1 {
        api.clone()
    } else {
        format!("{base} ({}), {api}", wire.as_str())
    };
    let trusted = trusts_this_machine(config);
    let mut lines = vec![
        ("api", apis),
        ("docs", docs.clone()),
        ("database", config.database.to_string()),
        ("mail", mail_in_words(outlet.as_deref())),
        (
            "new admin",
            "authd user create --email you@example.com --role admin --verified".to_owned(),
        ),
    ];
    if trusted {
        let callers = "/metrics and service calls, for every caller on this machine; behind a proxy here, set \
                       server.trusted_proxies";
        lines.insert(3, ("trusted", callers.to_owned()));
    }
    if console.form() == OutputFormat::People {
        console.line(&format!(
            "authd {} serves profile {}",
            env!("CARGO_PKG_VERSION"),
            config.profile
        ))?;
    }
    let app = first.map(|(app, key)| json!({ "id": app.id, "key": key.reveal() }));
    let json = json!({
        "url": base,
        "address": address.to_string(),
        "api": api,
        "wire": wire.as_str(),
        "docs": docs,
        "profile": config.profile,
        "db": config.database.to_string(),
        "smtp": outlet,
        "app": app,
        "trustsThisMachine": trusted,
    });
    console.details(&lines, &json)?;
    if let Some((app, key)) = first.filter(|_| console.form() == OutputFormat::People) {
        console.line("The first app is registered. Its key is not shown again:")?;
        console.line(&format!("X-App-ID: {}", app.id))?;
        console.line(&format!("X-Service-Key: {}", key.reveal()))?;
    }
    console.flush()
}

fn mail_in_words(outlet: Option<&str>) -> String {
    match outlet {
        Some(host) => format!("is sent through {host} (authd mail list)"),
        None => {
            "waits in the outbox, because no mail server is configured (authd mail list)".to_owned()
        }
    }
}

/// Whether callers on this machine may use service calls and metrics because no networks are
/// configured for them.
fn trusts_this_machine(config: &Config) -> bool {
    config.server.service_networks.is_none() && !config.service_networks().is_empty()
}

/// Replaces the unspecified address with loopback, under which this machine reaches the server.
fn reachable(address: SocketAddr) -> SocketAddr {
    let loopback: IpAddr =
        if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
    if address.ip().is_unspecified() { SocketAddr::new(loopback, address.port()) } else { address }
}
