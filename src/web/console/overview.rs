//! The first page: how many accounts and sessions there are, logins over time, and what needs the
//! operator.

use askama::Template;
use poem::Response;

use crate::error::{Kind, Result};
use crate::identity::admin::stats;
use crate::identity::admin::stats::AccountTotals;
use crate::identity::system::statistics::{ChartStep, StatisticsChart};
use crate::identity::system::{health, statistics};
use crate::model::Time;
use crate::model::series::Series;
use crate::web::console::cells;
use crate::web::console::chart::BarChart;
use crate::web::console::desk::{ConsoleFrame, ConsoleVisit};
use crate::web::stop::Stop;
use crate::web::target::{ACCOUNTS, OVERVIEW};
use crate::web::visit::go;

/// As many accounts as a new instance has: that of its administrator.
const FEW_ACCOUNTS: i64 = 1;

/// The page.
#[derive(Template)]
#[template(path = "pages/console/overview.html")]
struct ConsoleOverviewView<'a> {
    frame: ConsoleFrame<'a>,
    warnings: Vec<String>,
    /// What a new instance still needs: whether it is done, what it is, and how it is done.
    steps: Vec<(bool, &'static str, &'static str)>,
    figures: Vec<Figure>,
    /// The lengths of a period: path, words, and whether it is the chosen one.
    steps_of_time: Vec<(String, &'static str, bool)>,
    charts: Vec<BarChart>,
    table: Vec<(String, Vec<String>)>,
    version: &'static str,
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
    let first = frame.menu.first().map(|(path, ..)| go(path));
    std::future::ready(first.ok_or_else(|| Stop::from(Kind::Forbidden))).await
}

/// `GET /console/overview`
pub(super) async fn open(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let core = visit.core();
    let totals = stats::totals(core).await?;
    let step = chosen_step(visit);
    let counts = statistics::read(core, step, step.usual_periods()).await?;
    let view = ConsoleOverviewView {
        frame: visit.frame(visit.page.title),
        warnings: health::warnings(core).await,
        steps: if totals.users <= FEW_ACCOUNTS { steps(visit) } else { Vec::new() },
        figures: figures(visit, &totals),
        steps_of_time: STEPS
            .map(|(one, name, words)| (format!("{OVERVIEW}?by={name}"), words, one == step))
            .to_vec(),
        table: table(&counts, step),
        charts: charts(&counts, step),
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

/// What is drawn: an ID for the page, a title and the series.
fn drawn(step: ChartStep) -> [(&'static str, &'static str, Series); 8] {
    [
        ("logins", "Logins", Series::Logins),
        ("refused", "Refused logins", Series::LoginsRefused),
        ("active", "Active accounts", step.active()),
        ("sign-ups", "Sign-ups", Series::SignUps),
        ("mail", "Mail delivered", Series::MailDelivered),
        ("mail-failed", "Mail that failed", Series::MailFailed),
        ("requests", "Requests", Series::Requests),
        ("errors", "Server errors", Series::ServerErrors),
    ]
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
    let chart = |(id, title, series)| {
        let periods = counts.periods.iter().map(|time| period(*time, step));
        let values: Vec<_> = periods.zip(counts.of(series).iter().copied()).collect();
        BarChart::new(id, title, &values)
    };
    drawn(step).map(chart).into()
}

/// The figures of all charts, newest first.
fn table(counts: &StatisticsChart, step: ChartStep) -> Vec<(String, Vec<String>)> {
    let row = |(at, time): (usize, &Time)| {
        let of = |(_, _, series)| counts.of(series).get(at).copied().unwrap_or(0);
        (period(*time, step), drawn(step).map(of).map(cells::number).into())
    };
    counts.periods.iter().enumerate().rev().map(row).collect()
}

fn figures(visit: &ConsoleVisit, totals: &AccountTotals) -> Vec<Figure> {
    let may_read = visit.may(crate::model::Permission::UsersRead);
    let list = |query: &str| may_read.then(|| format!("{ACCOUNTS}{query}"));
    let all = [
        ("Accounts", totals.users, list("")),
        ("Verified addresses", totals.verified, None),
        ("Suspended", totals.suspended, list("?state=suspended")),
        ("Deleted", totals.deleted, list("?state=deleted")),
        ("Active sessions", totals.sessions, None),
        ("Logins in all", totals.logins, None),
    ];
    all.map(|(name, value, path)| Figure { name, value: cells::number(value), path }).into()
}

/// What a new instance still needs.
fn steps(visit: &ConsoleVisit) -> Vec<(bool, &'static str, &'static str)> {
    let config = &visit.core().config;
    vec![
        (
            config.server.public_url.is_some(),
            "Public address",
            "Set server.public_url to the address that browsers see, so that links in mail lead to it.",
        ),
        (
            config.mail.smtp.is_some(),
            "Mail",
            "Set mail.smtp_host, so that people get their links and codes.",
        ),
        (
            config.backup.every.is_some(),
            "Backup",
            "Set backup.every and backup.to, so that the server backs up its database by itself.",
        ),
        (false, "First account", "Invite someone, or point your app at /sign-in."),
    ]
}
