//! `authd top`: what a running server does, live in the terminal, from its metrics.

mod samples;
mod view;

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Read, Write};
use std::time::Duration;

use clap::Args;
use rustix::termios::tcgetwinsize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::console::{Console, OutputFormat};
use super::failure::Failure;
use super::prompt::Silence;
use crate::cli::global::Global;
use crate::cli::opened;
use crate::config::AllowedHost;
use crate::env::Env;
use crate::identity::Core;
use crate::identity::system::operator_token::{self, TokenPurpose};
use crate::metrics::Stopwatch;
use crate::model::{HttpUrl, Secret};
use crate::outbound::{HttpClient, HttpRequest, OutboundPolicy, RequestLimits, UrlSchemes};
use crate::tls::OwnServer;
use samples::{Between, Scrape};
use view::TopFigures;

const LIMITS: RequestLimits = RequestLimits {
    connect: Duration::from_secs(3),
    total: Duration::from_secs(10),
    max_body: 4 * 1024 * 1024,
};
/// The size of a terminal that does not tell its own.
const USUAL_SIZE: (u16, u16) = (80, 24);
/// Ctrl-C, which is read as a key.
const CANCEL: u8 = 3;

/// Show what the server does, live: requests, times, logins, queues, mail
///
/// Reads the metrics of the server that uses this database. Ends with q or Ctrl-C.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd top
      Show requests, logins and queues, renewed every second
  authd top --once
      Show the figures of one second and end
  authd top --once --json
      Print them as JSON")]
pub struct TopCommand {
    /// Print the figures of one interval and end
    #[arg(long)]
    once: bool,

    /// Seconds between two looks at the metrics
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    interval: u64,
}

impl TopCommand {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        let is_live = !self.once && console.form() == OutputFormat::People;
        if is_live && !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
            return Err(Failure::usage("a live display needs a terminal")
                .hint("print the figures once with --once"));
        }
        opened::with_core(global, console, async |core, console| {
            let source = MetricsSource::find(core).await?;
            let pause = Duration::from_secs(self.interval);
            if is_live {
                show(core, &source, pause).await
            } else {
                print(core, &source, pause, console).await
            }
        })
    }
}

/// Where the metrics of the server are.
struct MetricsSource {
    way: MetricsWay,
    /// As it is shown.
    place: String,
}

/// How a request reaches them.
enum MetricsWay {
    /// To the server's own port on this machine.
    Here(OwnServer),
    Url(HttpUrl),
}

impl MetricsSource {
    /// The first place that answers: the port of the metrics, that of the API, the public URL.
    async fn find(core: &Core) -> Result<Self, Failure> {
        let mut last = Failure::failed("no server answers");
        for source in Self::all(core).await? {
            match source.scrape(core).await {
                Ok(_) => return Ok(source),
                Err(failure) => last = failure,
            }
        }
        Err(last.hint("is the server running with this configuration? see: authd doctor --local"))
    }

    async fn all(core: &Core) -> Result<Vec<Self>, Failure> {
        let of_url = |place: String| {
            let url = HttpUrl::parse(&format!("{place}/metrics"))?;
            Some(Self { way: MetricsWay::Url(url), place })
        };
        let config = &core.config;
        let alone = config.metrics.listen.and_then(|listen| of_url(format!("http://{listen}")));
        let own = OwnServer::of(config, &core.store, &core.master, &core.env).await?;
        let place = own.origin().to_owned();
        let own = Self { way: MetricsWay::Here(own), place };
        let public = config.server.public_url.clone().and_then(of_url);
        Ok(alone.into_iter().chain([own]).chain(public).collect())
    }

    async fn scrape(&self, core: &Core) -> Result<Scrape, Failure> {
        let question = operator_token::ask(&core.master, &Env::real(), TokenPurpose::Metrics)?;
        let headers = [(operator_token::HEADER.to_owned(), Secret::new(question.token))];
        let answer = match &self.way {
            MetricsWay::Here(server) => server.get("/metrics", &headers, LIMITS).await,
            MetricsWay::Url(url) => {
                let allowed = vec![AllowedHost::from(url.host().clone())];
                let policy = OutboundPolicy::new(UrlSchemes::HttpAndHttps, allowed);
                let request = HttpRequest { method: "GET", url, headers: &headers, body: b"" };
                HttpClient::new(policy).send(&request, LIMITS).await
            }
        };
        let place = &self.place;
        let answer = answer.map_err(|error| Failure::failed(format_args!("{place}: {error}")))?;
        match (answer.status, answer.body) {
            (200, Ok(body)) => Ok(Scrape::parse(&String::from_utf8_lossy(&body))),
            (404, _) => Err(Failure::failed(format_args!("{place} has no metrics"))),
            (200, Err(error)) => Err(Failure::failed(format_args!("{place}: {error}"))),
            (status, _) => {
                Err(Failure::failed(format_args!("{place} answers with {status} to /metrics")))
            }
        }
    }
}

/// Prints the figures of one interval.
async fn print(
    core: &Core,
    source: &MetricsSource,
    pause: Duration,
    console: &mut Console,
) -> Result<(), Failure> {
    let (watch, before) = (Stopwatch::start(), source.scrape(core).await?);
    tokio::time::sleep(pause).await;
    let after = source.scrape(core).await?;
    let between = Between { before: &before, after: &after, seconds: watch.seconds() };
    let figures = TopFigures::of(&between);
    match console.form() {
        OutputFormat::Json => console.json(&figures.json())?,
        OutputFormat::People => {
            for line in figures.lines(&source.place, usize::MAX, usize::MAX) {
                console.line(line.trim_end())?;
            }
        }
    }
    Ok(())
}

/// Why the display is drawn again.
enum Occasion {
    Scrape,
    Resize,
    End,
}

/// Shows the figures until a key or a signal ends it.
async fn show(core: &Core, source: &MetricsSource, pause: Duration) -> Result<(), Failure> {
    let _screen = Screen::begin()?;
    let mut keys = keys();
    let mut ends = [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()]
        .map(signal)
        .into_iter()
        .collect::<io::Result<Vec<_>>>()?;
    let mut resized = signal(SignalKind::window_change())?;
    let mut ticks = tokio::time::interval(pause);
    let mut before = (Stopwatch::start(), source.scrape(core).await?);
    let mut shown = vec!["measuring …".to_owned()];
    let mut figures: Option<TopFigures> = None;
    ticks.tick().await;
    loop {
        Screen::draw(&shown)?;
        let ended =
            futures_util::future::select_all(ends.iter_mut().map(|end| Box::pin(end.recv())));
        let occasion = tokio::select! {
            _ = ticks.tick() => Occasion::Scrape,
            Some(()) = resized.recv() => Occasion::Resize,
            Some(key) = keys.recv() => match key {
                b'q' | b'Q' | CANCEL => Occasion::End,
                _ => Occasion::Resize,
            },
            _ = ended => Occasion::End,
        };
        let mut title = source.place.clone();
        match occasion {
            Occasion::End => return Ok(()),
            Occasion::Resize => {}
            Occasion::Scrape => match source.scrape(core).await {
                Ok(after) => {
                    let (watch, last) = &before;
                    let between = Between { before: last, after: &after, seconds: watch.seconds() };
                    figures = Some(TopFigures::of(&between));
                    before = (Stopwatch::start(), after);
                }
                // A server that restarts is back soon.
                Err(failure) => failure.message().clone_into(&mut title),
            },
        }
        let (columns, rows) = size();
        let lines = figures.as_ref().map(|figures| figures.lines(&title, columns, rows));
        shown = lines.unwrap_or_else(|| vec![title]);
    }
}

/// The terminal's columns and rows.
fn size() -> (usize, usize) {
    let size = tcgetwinsize(io::stdout()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    let (columns, rows) = size.map_or(USUAL_SIZE, |size| (size.ws_col, size.ws_row));
    (usize::from(columns), usize::from(rows))
}

/// The keys that are pressed. The thread that reads them ends with the process.
fn keys() -> mpsc::Receiver<u8> {
    let (pressed, keys) = mpsc::channel(8);
    std::thread::spawn(move || {
        for key in io::stdin().lock().bytes().map_while(Result::ok) {
            if pressed.blocking_send(key).is_err() {
                return;
            }
        }
    });
    keys
}

/// The terminal's other screen, without a cursor, until this is dropped.
struct Screen {
    _silence: Silence,
}

impl Screen {
    fn begin() -> io::Result<Self> {
        let silence = Silence::begin()?;
        write!(io::stdout(), "\x1b[?1049h\x1b[?25l").and_then(|()| io::stdout().flush())?;
        Ok(Self { _silence: silence })
    }

    fn draw(lines: &[String]) -> io::Result<()> {
        let mut text = "\x1b[H".to_owned();
        for (at, line) in lines.iter().enumerate() {
            let next = if at == 0 { "" } else { "\r\n" };
            // Nothing that a route contains may control the terminal.
            let plain: String = line.chars().filter(|letter| !letter.is_control()).collect();
            let _ = write!(text, "{next}{plain}\x1b[K");
        }
        text.push_str("\x1b[J");
        io::stdout().write_all(text.as_bytes())?;
        io::stdout().flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = write!(io::stdout(), "\x1b[?25h\x1b[?1049l").and_then(|()| io::stdout().flush());
    }
}
