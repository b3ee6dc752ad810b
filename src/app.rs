//! Wires the parts of the program together; `main` and the tests both use it.

mod backups;
mod certificates;
pub mod lost_key;
mod outside;
mod passkeys;
mod stored;
mod traces;

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use poem::{Endpoint, Response};
use tokio::sync::watch;

use crate::config::{Config, Server};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::http::limits::Limiter;
use crate::http::server::boundary::{Surroundings, TokenCheck, boundary};
use crate::http::server::metrics::{alone, counted};
use crate::http::transport::listener::{EndpointSwap, Listener};
use crate::http::transport::pace::{PIECE, Timeouts};
use crate::http::transport::signals::Endings;
use crate::identity::access::shared_counts::SharedCounts;
use crate::identity::admin::{role_cache, search};
use crate::identity::audit::refusals::{self, Refusals, Until};
use crate::identity::login::in_flight::AttemptsInFlight;
use crate::identity::system::count_cache::CountCache;
use crate::identity::system::mail_jobs::MailJobs;
use crate::identity::system::{cleanup, upkeep};
use crate::identity::{Core, Reloadable};
use crate::mail::{MailChannel, Mailer};
use crate::metrics::Metrics;
use crate::model::event::What;
use crate::model::{Database, Event, Secret, Source};
use crate::outbox::{Deliver, Outbox, Worker};
use crate::password::pool::Pool;
use crate::seal::MasterKey;
use crate::store::{self, ProcessRole, Store};
use crate::token::{Tokens, VerifiedToken};
use crate::{api, web};

use certificates::{OwnCertificate, redirect_port};

pub use outside::{Configured, MoreRoutes, Outside};
use stored::{open_store, refuse_lost, unlock};

/// The key under which the profile of the first `serve` is recorded.
const PROFILE: &str = "profile";
/// The delay before a failed worker is restarted.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Opens the database and creates everything that depends on it.
///
/// # Errors
/// `Internal` if the database or the master key is missing, invalid or belongs to another server.
pub async fn open(
    config: Arc<Config>,
    master_key: Option<Secret>,
    role: ProcessRole,
    env: Env,
) -> Result<Arc<Core>> {
    check_needs(&config)?;
    refuse_lost(&config.database)?;
    let store = open_store(&config.database, role, &env).await?;
    let master = unlock(&store, &config.database, master_key, role, &env).await?;
    if role == ProcessRole::Server {
        passkeys::check_domain(&store, &config).await?;
        record_profile(&store, &config.profile, &env).await?;
    }
    let tokens = open_tokens(&config, &store, &master, role, &env).await?;
    let counts = Arc::new(CountCache::starting(&env));
    let metrics = if config.traces.is_some() { Metrics::with_spans() } else { Metrics::default() };
    let hashing = Pool::start(&config.hashing, &env)?;
    hashing.set_dummy_key(&master.mac("dummy work", b""));
    let outbox = Outbox::new(env.clone(), master.clone());
    Ok(Arc::new(Core {
        hashing,
        roles: role_cache::RoleCache::open(&store).await?,
        slots: crate::identity::account::upload_slots::Slots::new(
            config.files.in_flight,
            config.files.in_flight_account,
        ),
        exports: Arc::default(),
        in_flight: AttemptsInFlight::default(),
        operator_tokens: Arc::default(),
        backup_work: Arc::default(),
        mail_test_limit: Arc::default(),
        reloadable: Arc::new(Reloadable::open(config, &outbox, &env)?),
        outbox,
        store,
        tokens,
        master,
        refusals: Refusals::new(env.clone(), metrics.clone()),
        metrics,
        env,
        counts,
    }))
}

/// Refuses a configuration that the API at the root or the pages cannot be served with. Loading it for the
/// command line has reported each such setting with its place; this holds for every other caller.
fn check_needs(config: &Config) -> Result<()> {
    match api::needs::unmet(config).first() {
        Some(unmet) => Err(Error::refused(format!("{}: {}", unmet.key, unmet.message))),
        None => web::check(config),
    }
}

/// The profile that the first `serve` recorded in this database; `None` if there is no database.
/// It is read before the database is opened, so it must also work on an older schema: `serve`
/// migrates the file only later.
///
/// # Errors
/// `Internal` if the file exists and is not an authd database.
pub fn recorded_profile(database: &Database) -> Result<Option<String>> {
    let recorded = Store::inspect(database, |db, version| {
        store::tables::instance::text_at(db, version, PROFILE)
    })?;
    Ok(recorded.flatten())
}

/// Records the profile of the first `serve`, and updates the built-in roles to this version.
async fn record_profile(store: &Store, profile: &str, env: &Env) -> Result<()> {
    let (profile, now) = (profile.to_owned(), env.now());
    store
        .write(move |db| {
            store::tables::roles::write_built_in(db, now)?;
            store::tables::instance::set_text_if_absent(db, PROFILE, &profile)
        })
        .await
}

/// Opens the signing keys. A server creates them if there are none, and records that.
async fn open_tokens(
    config: &Config,
    store: &Store,
    master: &MasterKey,
    role: ProcessRole,
    env: &Env,
) -> Result<Tokens> {
    if role == ProcessRole::Command {
        return Tokens::open_stored(&config.tokens, &config.issuer(), store, master, env).await;
    }
    let tokens = Tokens::open(&config.tokens, &config.issuer(), store, master, env).await?;
    if let Some(kid) = tokens.made() {
        let event = Event::done(What::KeyMade).because(kid);
        let (id, at) = (env.new_id()?, env.now());
        store
            .write(move |db| {
                store::tables::audit::insert(db, &id, at, &event, &Source::command_line())
            })
            .await?;
    }
    Ok(tokens)
}

/// Tells the boundary whether a token is valid: callers with one get the higher limit.
struct Known(Tokens);

impl TokenCheck for Known {
    fn check(&self, token: &str) -> Option<VerifiedToken> {
        self.0.verify(token).ok()
    }
}

/// The HTTP endpoint: pages and wires behind the boundary.
#[must_use]
pub fn endpoint(
    core: &Arc<Core>,
    limiter: &Limiter,
) -> impl Endpoint<Output = Response> + 'static + use<> {
    endpoint_with(core, limiter, MoreRoutes::default())
}

/// As [`endpoint`], with more routes.
#[must_use]
pub fn endpoint_with(
    core: &Arc<Core>,
    limiter: &Limiter,
    more: MoreRoutes,
) -> impl Endpoint<Output = Response> + 'static + use<> {
    let mounted = api::mounted(&core.config);
    let surroundings = Surroundings {
        env: core.env.clone(),
        server: core.config.server.clone(),
        wires: api::wires(&mounted, web::paths(&core.config).and(more.paths)),
        limiter: limiter.clone(),
        refusals: core.refusals.clone(),
        tokens: Arc::new(Known(core.tokens.clone())),
        uncounted: web::uncounted(&core.config)
            .chain(api::uncounted(&mounted))
            .chain(more.uncounted)
            .collect(),
    };
    let looks = web::Looks::load(&core.config);
    let routes = api::routes(web::routes(more.routes, core, &looks), &mounted, core);
    let routes = web::late_routes(routes, core, &looks, api::v1::export_file);
    counted(boundary(routes.router(), surroundings), core.metrics.clone(), core.env.clone())
}

/// Creates the worker that handles the jobs in the outbox and sends its mail.
#[must_use]
pub fn worker(core: &Arc<Core>, mailer: Arc<dyn Mailer>) -> Worker {
    let channel = Arc::new(MailChannel::new(mailer, &core.config.mail.from));
    Worker::new(core.outbox.clone(), core.store.clone(), channel)
        .with_jobs(Arc::new(MailJobs(core.clone())))
        .counted_by(core.metrics.clone())
}

/// Creates the worker that sends the text messages in the outbox.
#[must_use]
pub fn text_worker(core: &Arc<Core>, gateway: Arc<dyn Deliver>) -> Worker {
    Worker::new(core.outbox.clone(), core.store.clone(), gateway).counted_by(core.metrics.clone())
}

/// Serves until a signal stops the server. Calls `ready` with the bound address and the signals
/// that end the server, and `reread` for
/// the new configuration and its warnings on SIGHUP.
///
/// # Errors
/// `Internal` if the address cannot be bound or the signal handlers cannot be installed.
pub async fn serve(
    core: Arc<Core>,
    outside: impl Outside,
    reread: impl Fn() -> Result<(Arc<Config>, Vec<String>)> + Send + 'static,
    ready: impl FnOnce(SocketAddr, &Endings),
) -> Result<()> {
    // An upload body consists of the file and a few more lines.
    let timeouts = Timeouts {
        upload: core.config.files.size.saturating_add(PIECE as u64),
        ..Timeouts::default()
    };
    let bind =
        async |server: &Server| Listener::bind(server, timeouts, &core.env, &core.metrics).await;
    let certificate = OwnCertificate::open(&core).await?;
    let served = certificate.as_ref().map(OwnCertificate::served);
    let listener = bind(&core.config.server).await?.with_certificate(served);
    let redirects = redirect_port(&core, timeouts, certificate.as_ref()).await?;
    let figures = match core.config.metrics.listen {
        Some(listen) => Some(bind(&Server { listen, ..core.config.server.clone() }).await?),
        None => None,
    };
    let connections = listener.connections();
    let (hangup, mut hangups) = watch::channel(());
    let endings = Endings::listen(move || hangup.send_replace(()))?;
    // A separate task, so that its timeout starts at the signal, no matter what this task awaits.
    let last = tokio::spawn(endings.last(timeouts.drain)).map(drop).shared();
    let mut limiter =
        Limiter::sharing(core.config.limits.clone(), core.env.clone(), SharedCounts::of(&core));
    let swap = EndpointSwap::new(outside.endpoint(&core, &limiter));
    ready(listener.local_addr(), &endings);
    let (drain, abort) = (endings.first(), endings.second());
    let mut listening = tokio::spawn(listener.serve(swap.clone(), drain, abort));
    let figures = figures.map(|figures| (figures, EndpointSwap::new(alone(core.clone()))));
    for (port, endpoint) in figures.into_iter().chain(redirects) {
        tokio::spawn(port.serve(endpoint, endings.first(), endings.second()));
    }
    let certificate = certificate.map(OwnCertificate::keep);
    let mut core = core;
    let mut background = Background::start(&core, &limiter, &outside);
    loop {
        tokio::select! {
            ended = &mut listening => {
                background.stop(last).await;
                upkeep::at_end(&core).await;
                return ended.map_err(|error| Error::internal("the listener task ended unexpectedly").caused_by(error));
            }
            Ok(()) = hangups.changed() => match reread().and_then(|read| renew(&core, read)) {
                Ok(renewed) => {
                    core = renewed;
                    limiter = limiter.under(core.config.limits.clone());
                    connections.configure(&core.config.server);
                    if let Some(certificate) = &certificate {
                        certificate.configure(&core.config).await;
                    }
                    swap.replace(outside.endpoint(&core, &limiter));
                    background.stop(last.clone()).await;
                    background = Background::start(&core, &limiter, &outside);
                    tracing::info!("configuration reloaded");
                }
                Err(error) => tracing::error!(
                    error = error.chain(),
                    "reloading the configuration failed; the previous one stays in force"
                ),
            },
        }
    }
}

/// Combines the existing parts with a new configuration. The address, the database, the keys and
/// the hashing pool stay the same until a restart.
///
/// # Errors
/// `Internal` if the configuration has another profile or wire. Part of such a configuration would
/// take effect and part would not, so none of it does.
fn renew(core: &Core, (config, notes): (Arc<Config>, Vec<String>)) -> Result<Arc<Core>> {
    check_needs(&config)?;
    let old = &core.config;
    refuse_another_policy(old, &config)?;
    for key in bound(old, &config) {
        tracing::warn!(key, "the new value takes effect only after a restart");
    }
    for note in notes {
        tracing::warn!("{note}");
    }
    let reloadable = Arc::new(Reloadable::open(config, &core.outbox, &core.env)?);
    Ok(Arc::new(Core { reloadable, ..core.clone() }))
}

/// Refuses a configuration whose profile or wire differs from the one in force.
fn refuse_another_policy(old: &Config, new: &Config) -> Result<()> {
    let wire = |of: &Config| of.server.wire.as_str();
    for (key, before, after) in [
        ("profile", old.profile.as_str(), new.profile.as_str()),
        ("server.wire", wire(old), wire(new)),
    ] {
        if before != after {
            return Err(Error::refused(format!(
                "{key} changed from {before} to {after}, which needs a restart"
            )));
        }
    }
    Ok(())
}

/// Formats a part of the configuration for comparison.
type Section = fn(&Config) -> String;

/// The changed keys that take effect only after a restart.
fn bound(old: &Config, new: &Config) -> Vec<&'static str> {
    let keys: [(&'static str, Section); 13] = [
        ("server.listen", |of| of.server.listen.to_string()),
        ("tls.cert", |of| of.tls.cert.is_some().to_string()),
        ("tls.acme", |of| format!("{:?}", of.tls.of_acme())),
        ("tls.redirect", |of| format!("{:?}", of.tls.redirect)),
        ("server.connections", |of| of.server.connections.to_string()),
        ("metrics.listen", |of| format!("{:?}", of.metrics.listen)),
        ("db", |of| of.database.to_string()),
        ("tokens", |of| format!("{:?}", of.tokens)),
        // The default is derived from `server.public_url`.
        ("tokens.issuer", Config::issuer),
        ("hashing", |of| format!("{:?}", of.hashing)),
        ("files.in_flight", |of| of.files.in_flight.to_string()),
        ("files.in_flight_account", |of| of.files.in_flight_account.to_string()),
        ("log", |of| format!("{:?}", of.log)),
    ];
    keys.into_iter()
        .filter(|(_, section)| section(old) != section(new))
        .map(|(key, _)| key)
        .collect()
}

/// The background tasks: mail, text messages and cleanup.
struct Background {
    stop: watch::Sender<()>,
    tasks: tokio::task::JoinSet<()>,
}

impl Background {
    fn start(core: &Arc<Core>, limiter: &Limiter, outside: &impl Outside) -> Self {
        let (stop, stopped) = watch::channel(());
        let mut tasks = tokio::task::JoinSet::new();
        let letters = worker(core, outside.mailer(core));
        tasks.spawn(every(
            RETRY_DELAY,
            stopped.clone(),
            Arc::new(letters),
            working(stopped.clone()),
        ));
        if core.config.sms.is_on() {
            let texts = text_worker(core, outside.gateway(core));
            tasks.spawn(every(
                RETRY_DELAY,
                stopped.clone(),
                Arc::new(texts),
                working(stopped.clone()),
            ));
        }
        tasks.spawn(every(Duration::from_mins(1), stopped.clone(), core.clone(), {
            let limiter = limiter.clone();
            move |_| {
                limiter.purge();
                std::future::ready(Ok(()))
            }
        }));
        tasks.spawn(every(
            Duration::from_secs(5),
            stopped.clone(),
            core.clone(),
            |core| async move { refusals::record(&core.refusals, &core.store, Until::LastMinute).await },
        ));
        // Requests that verify tokens notice key changes themselves; those that only sign do not.
        tasks.spawn(every(
            Duration::from_secs(1),
            stopped.clone(),
            core.clone(),
            |core| async move { crate::identity::system::key_reload::catch_up(&core).await.map(drop) },
        ));
        tasks.spawn(every(
            Duration::from_mins(1),
            stopped.clone(),
            core.clone(),
            |core| async move { upkeep::each_minute(&core).await },
        ));
        tasks.spawn(every(
            Duration::from_mins(1),
            stopped.clone(),
            core.clone(),
            |core| async move {
                if core.store.node().leads() { search::extend_index(&core).await } else { Ok(()) }
            },
        ));
        tasks.spawn(backups::scheduled(core.clone(), stopped.clone()));
        tasks.spawn(traces::export(core.clone(), stopped.clone()));
        tasks.spawn(every(Duration::from_hours(1), stopped, core.clone(), |core| async move {
            cleanup::learn_schemes(&core).await?;
            if core.store.node().leads() { cleanup::purge(&core).await } else { Ok(()) }
        }));
        Self { stop, tasks }
    }

    /// Stops the tasks after their current work. Work that `last` cuts off is repeated after the
    /// next start.
    async fn stop(mut self, last: impl Future<Output = ()>) {
        drop(self.stop);
        let ended = async {
            while let Some(ended) = self.tasks.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "a background task failed");
                }
            }
        };
        tokio::select! {
            () = ended => {}
            () = last => tracing::warn!("background tasks did not finish in time"),
        }
    }
}

/// Adapts a worker to [`every`]. The worker runs until it is stopped; after a panic, [`every`]
/// restarts it.
fn working(
    stopped: watch::Receiver<()>,
) -> impl Fn(Arc<Worker>) -> std::pin::Pin<Box<dyn Future<Output = Result<()>> + Send>> {
    move |worker| {
        let ends = until_dropped(stopped.clone());
        Box::pin(async move {
            worker.run(ends).await;
            Ok(())
        })
    }
}

async fn until_dropped(mut stopped: watch::Receiver<()>) {
    while stopped.changed().await.is_ok() {}
}

/// Runs a background job immediately and then at each interval, until it is stopped. A job that
/// fails or panics runs again at the next interval.
async fn every<T, F, W>(interval: Duration, stopped: watch::Receiver<()>, with: Arc<T>, work: F)
where
    F: Fn(Arc<T>) -> W,
    W: Future<Output = Result<()>>,
{
    let mut stopped = std::pin::pin!(until_dropped(stopped));
    loop {
        match AssertUnwindSafe(work(with.clone())).catch_unwind().await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = error.chain(), "a background job failed"),
            Err(_) => tracing::error!("a background job panicked (internal error)"),
        }
        tokio::select! {
            () = &mut stopped => return,
            () = tokio::time::sleep(interval) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_chore_that_panics_is_done_again_and_the_end_still_comes() {
        let (stop, stopped) = watch::channel(());
        let runs = Arc::new(AtomicU32::new(0));
        let (again, mut done) = watch::channel(0);
        let chore = every(Duration::ZERO, stopped, runs, move |runs| {
            let run = runs.fetch_add(1, Ordering::Relaxed);
            again.send_replace(run);
            async move { if run == 0 { panic!("the first time") } else { Ok(()) } }
        });
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(chore);
        done.wait_for(|run| *run > 0).await.unwrap();
        Background { stop, tasks }.stop(std::future::pending()).await;
    }

    #[tokio::test]
    async fn a_task_that_is_gone_does_not_keep_the_others_from_ending() {
        let (stop, stopped) = watch::channel(());
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async { panic!("gone") });
        tasks.spawn(until_dropped(stopped));
        Background { stop, tasks }.stop(std::future::pending()).await;
    }

    #[test]
    fn every_key_that_takes_a_restart_is_named() {
        let config = |set: &[(&str, &str)]| {
            let flags =
                set.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            crate::config::load(&crate::config::Inputs { flags, ..Default::default() })
                .unwrap()
                .config
        };
        let old = config(&[]);
        assert!(bound(&old, &config(&[("limits.sign_in.count", "3")])).is_empty());
        for (key, value, expected) in [
            ("server.connections", "7", "server.connections"),
            ("files.in_flight", "7", "files.in_flight"),
            ("files.in_flight_account", "7", "files.in_flight_account"),
            ("log.level", "debug", "log"),
            ("log.format", "text", "log"),
            ("server.public_url", "https://id.example.com", "tokens.issuer"),
            ("hashing.memory", "64", "hashing"),
        ] {
            assert_eq!(bound(&old, &config(&[(key, value)])), [expected], "{key}");
        }
    }
}
