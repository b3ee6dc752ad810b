//! The first page: how many accounts and sessions there are, logins over time, and what needs the
//! operator.

use askama::Template;
use poem::Response;

use crate::error::{Kind, Result};
use crate::identity::admin::stats;
use crate::identity::admin::stats::AccountTotals;
use crate::identity::system::health;
use crate::web::console::cells;
use crate::web::console::chart::BarChart;
use crate::web::console::desk::{ConsoleFrame, ConsoleVisit};
use crate::web::stop::Stop;
use crate::web::target::ACCOUNTS;
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
    charts: Vec<BarChart>,
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
    let logins = stats::logins(core).await?;
    let view = ConsoleOverviewView {
        frame: visit.frame(visit.page.title),
        warnings: health::warnings(core).await,
        steps: if totals.users <= FEW_ACCOUNTS { steps(visit) } else { Vec::new() },
        figures: figures(visit, &totals),
        charts: vec![
            BarChart::new("logins-daily", "Logins in the last 30 days", &logins.daily),
            BarChart::new("logins-monthly", "Logins in the last 12 months", &logins.monthly),
        ],
        version: env!("CARGO_PKG_VERSION"),
    };
    visit.show(&view)
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
