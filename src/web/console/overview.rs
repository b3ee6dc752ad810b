//! The first page: how many accounts and sessions there are, logins over time, and what needs the
//! operator.

use askama::Template;
use poem::Response;

use crate::error::{Kind, Result};
use crate::identity::access::api_client;
use crate::identity::admin::stats::AccountTotals;
use crate::identity::admin::{settings, stats};
use crate::identity::system::statistics::{ChartStep, StatisticsChart};
use crate::identity::system::{backup, health, statistics};
use crate::model::finding::{Finding, Severity};
use crate::model::series::Series;
use crate::model::{Permission, Time};
use crate::web::console::cells;
use crate::web::console::chart::{BarChart, ChartTotal};
use crate::web::console::settings::section;
use crate::web::console::visit::{ConsoleFrame, ConsoleVisit};
use crate::web::stop::Stop;
use crate::web::target::{ACCOUNTS, MAIL, OVERVIEW, SETTINGS};
use crate::web::time::Moment;
use crate::web::visit::go;

/// With fewer accounts, an instance is new: the page says what it lacks.
const FEW_ACCOUNTS: i64 = 100;

/// The most findings about the configuration that are shown. All are on the page of the settings.
const MOST_CONFIGURED: usize = 2;

/// The page.
#[derive(Template)]
#[template(path = "pages/console/overview.html")]
struct ConsoleOverviewView<'a> {
    frame: ConsoleFrame<'a>,
    warnings: Vec<String>,
    findings: Vec<RemedyLine>,
    /// How many findings about the configuration are left out, and the page that has them.
    left_out: usize,
    settings: &'static str,
    /// What a new instance needs.
    steps: Vec<FirstStep>,
    /// Whether the figures are being counted for the first time.
    is_counting: bool,
    last_backup: Option<Moment>,
    figures: Vec<Figure>,
    /// The lengths of a period: path, words, and whether it is the chosen one.
    steps_of_time: Vec<(String, &'static str, bool)>,
    charts: Vec<BarChart>,
    /// The first and the last period.
    first: String,
    last: String,
    table: Vec<(String, Vec<String>)>,
    version: &'static str,
}

/// What needs the operator, and what to do about it.
struct RemedyLine {
    level: String,
    look: &'static str,
    key: String,
    message: String,
    remedy: String,
    /// Where the console shows more of it.
    path: Option<String>,
}

/// What a new instance needs: whether it is done, what it is, how it is done, and where.
struct FirstStep {
    /// The setting that it is about.
    key: &'static str,
    is_done: bool,
    title: &'static str,
    text: &'static str,
    path: Option<&'static str>,
}

/// A number with its name, and the page with what it counts.
struct Figure {
    name: &'static str,
    value: String,
    path: Option<String>,
}

/// `GET /console`: leads to the first page that the administrator may open.
pub(super) async fn lead(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let frame = visit.frame(visit.page.title);
    let first = frame.menu.first().map(|line| go(line.path));
    std::future::ready(first.ok_or_else(|| Stop::from(Kind::Forbidden))).await
}

/// `GET /console/overview`
pub(super) async fn open(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let core = visit.core();
    let totals = stats::known_totals(core).await?;
    let step = chosen_step(visit);
    let counts = statistics::read(core, step, step.usual_periods()).await?;
    let steps = match totals {
        Some(totals) if totals.users < FEW_ACCOUNTS => steps(visit).await?,
        _ => Vec::new(),
    };
    let (findings, left_out) = findings(visit, &steps).await;
    let view = ConsoleOverviewView {
        frame: visit.frame(visit.page.title),
        warnings: health::warnings(core).await,
        findings,
        left_out,
        settings: SETTINGS,
        steps,
        is_counting: totals.is_none(),
        last_backup: backup::last(core).await?.map(cells::time),
        figures: totals.map(|totals| figures(visit, &totals)).unwrap_or_default(),
        steps_of_time: STEPS
            .map(|(one, name, words)| (format!("{OVERVIEW}?by={name}"), words, one == step))
            .to_vec(),
        table: table(&counts, step),
        charts: charts(&counts, step),
        first: counts.periods.first().map(|time| period(*time, step)).unwrap_or_default(),
        last: counts.periods.last().map(|time| period(*time, step)).unwrap_or_default(),
        version: env!("CARGO_PKG_VERSION"),
    };
    visit.show(&view)
}

/// The lengths of a period, with their names in the query.
const STEPS: [(ChartStep, &str, &str); 4] = [
    (ChartStep::Hour, "hour", "Last 24 hours"),
    (ChartStep::Day, "day", "Last 30 days"),
    (ChartStep::Month, "month", "Last 12 months"),
    (ChartStep::Year, "year", "Last 5 years"),
];

fn chosen_step(visit: &ConsoleVisit) -> ChartStep {
    let asked = visit.parameter("by");
    let chosen = STEPS.into_iter().find(|(_, name, _)| Some(*name) == asked.as_deref());
    chosen.map_or(ChartStep::Day, |(step, ..)| step)
}

/// What a chart draws.
#[derive(Clone, Copy)]
enum Drawn {
    Sum(Series),
    /// Counts that have no sum: an account that is active on two days is one account.
    Most(Series),
    /// How much of the first comes to one of the second.
    Mean(Series, Series),
}

/// What is drawn: a title and the series.
fn drawn(step: ChartStep) -> [(&'static str, Drawn); 10] {
    use Drawn::{Mean, Most, Sum};
    [
        ("Logins", Sum(Series::Logins)),
        ("Refused logins", Sum(Series::LoginsRefused)),
        ("Active accounts at most", Most(step.active())),
        ("Sign-ups", Sum(Series::SignUps)),
        ("Mail delivered", Sum(Series::MailDelivered)),
        ("Mail that failed", Sum(Series::MailFailed)),
        ("Requests", Sum(Series::Requests)),
        ("Server errors", Sum(Series::ServerErrors)),
        ("Mean answer time, ms", Mean(Series::RequestMillis, Series::Requests)),
        ("Mean wait for hashing, ms", Mean(Series::HashWaitMillis, Series::Hashes)),
    ]
}

/// The values of a chart, oldest first.
fn values(counts: &StatisticsChart, drawn: Drawn) -> Vec<i64> {
    match drawn {
        Drawn::Sum(series) | Drawn::Most(series) => counts.of(series).to_vec(),
        Drawn::Mean(series, per) => {
            let both = counts.of(series).iter().zip(counts.of(per));
            both.map(|(all, per)| all / (*per).max(1)).collect()
        }
    }
}

/// What is written above a chart.
fn total(counts: &StatisticsChart, drawn: Drawn) -> ChartTotal {
    match drawn {
        Drawn::Sum(_) => ChartTotal::Sum,
        Drawn::Most(_) => ChartTotal::Most,
        Drawn::Mean(series, per) => {
            let sum = |series| counts.of(series).iter().sum::<i64>();
            ChartTotal::Mean(sum(series) / sum(per).max(1))
        }
    }
}

/// A period as text, in UTC.
fn period(time: Time, step: ChartStep) -> String {
    let text = time.to_seconds_text();
    let part = match step {
        ChartStep::Hour => text.get(..16).map(|text| text.replace('T', " ")),
        ChartStep::Day => text.get(..10).map(str::to_owned),
        ChartStep::Month => text.get(..7).map(str::to_owned),
        ChartStep::Year => text.get(..4).map(str::to_owned),
    };
    part.unwrap_or(text)
}

fn charts(counts: &StatisticsChart, step: ChartStep) -> Vec<BarChart> {
    let chart = |(title, drawn)| {
        let periods = counts.periods.iter().map(|time| period(*time, step));
        let values: Vec<_> = periods.zip(values(counts, drawn)).collect();
        BarChart::new(title, &values, total(counts, drawn))
    };
    drawn(step).map(chart).into()
}

/// The figures of all charts, newest first.
fn table(counts: &StatisticsChart, step: ChartStep) -> Vec<(String, Vec<String>)> {
    let columns = drawn(step).map(|(_, drawn)| values(counts, drawn));
    let row = |(at, time): (usize, &Time)| {
        let cell = |column: &Vec<i64>| cells::number(column.get(at).copied().unwrap_or(0));
        (period(*time, step), columns.iter().map(cell).collect())
    };
    counts.periods.iter().enumerate().rev().map(row).collect()
}

fn figures(visit: &ConsoleVisit, totals: &AccountTotals) -> Vec<Figure> {
    let may_read = visit.may(Permission::UsersRead);
    let list = |query: &str| may_read.then(|| format!("{ACCOUNTS}{query}"));
    let all = [
        ("Accounts", totals.users, list("")),
        ("Verified", totals.verified, None),
        ("Suspended", totals.suspended, list("?state=suspended")),
        ("Deleted", totals.deleted, list("?state=deleted")),
        ("Active sessions", totals.sessions, None),
        ("Logins in all", totals.logins, None),
    ];
    all.map(|(name, value, path)| Figure { name, value: cells::number(value), path }).into()
}

/// What `authd doctor` finds without looking far, and what a check of the configuration finds, for those
/// who may read it; but for what is only worth knowing or is among the first steps. Also how many of the
/// latter are left out.
async fn findings(visit: &ConsoleVisit, steps: &[FirstStep]) -> (Vec<RemedyLine>, usize) {
    let is_shown = |finding: &&Finding| {
        finding.level != Severity::Hint && steps.iter().all(|step| step.key != finding.key)
    };
    let report = visit.site.findings.current(visit.core()).await;
    let mut found: Vec<_> =
        report.findings.iter().filter(is_shown).map(|finding| line(finding, None)).collect();
    if !visit.may(Permission::Settings) {
        return (found, 0);
    }
    let configured = settings::findings(visit.core());
    let configured: Vec<_> = configured.iter().filter(is_shown).collect();
    let shown = configured.iter().take(MOST_CONFIGURED);
    found.extend(shown.map(|finding| line(finding, Some(section(&finding.key)))));
    (found, configured.len().saturating_sub(MOST_CONFIGURED))
}

fn line(finding: &Finding, path: Option<String>) -> RemedyLine {
    RemedyLine {
        level: finding.level.to_string(),
        look: if finding.level == Severity::Error { "bad" } else { "mark" },
        key: finding.key.clone(),
        message: finding.message.clone(),
        remedy: finding.remedy.clone(),
        path,
    }
}

/// What a new instance needs, unless it has all of it.
async fn steps(visit: &ConsoleVisit) -> Result<Vec<FirstStep>, Stop> {
    let core = visit.core();
    let config = &core.config;
    let has_app = !api_client::list(core).await?.is_empty();
    let has_backup = config.backup.every.is_some() || backup::last(core).await?.is_some();
    let page = |permission, path: &'static str| visit.may(permission).then_some(path);
    let step = |key, is_done, title, text, path| FirstStep { key, is_done, title, text, path };
    let steps = vec![
        step(
            "server.public_url",
            config.server.public_url.is_some(),
            "Public address",
            "Set server.public_url to the address that browsers see, so that links in mail lead to it.",
            None,
        ),
        step(
            "mail.smtp_url",
            config.mail.smtp.is_some(),
            "Mail",
            "Set mail.smtp_host, so that people get their links and codes.",
            page(Permission::Mail, MAIL),
        ),
        step(
            "apps",
            has_app,
            "First app",
            "Register the app that people log in to.",
            page(Permission::Apps, "/console/apps/new"),
        ),
        step(
            "backup.every",
            has_backup,
            "Backup",
            "Set backup.every and backup.to, so that the server backs up its database by itself.",
            None,
        ),
    ];
    let is_missing = steps.iter().any(|step| !step.is_done);
    Ok(if is_missing { steps } else { Vec::new() })
}
