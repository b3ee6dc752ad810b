//! The limits with what they refused, and the accounts that are locked out now.

use askama::Template;
use poem::Response;

use crate::error::Result;
use crate::identity::admin::limits;
use crate::identity::admin::limits::{LimitFigures, LockedAccount};
use crate::identity::admin::login_check::ObstacleKind;
use crate::model::Permission;
use crate::web::console::accounts::page_of;
use crate::web::console::cells;
use crate::web::console::settings::section;
use crate::web::console::visit::{ConsoleFrame, ConsoleVisit};
use crate::web::stop::Stop;
use crate::web::time::Moment;

/// The limits.
#[derive(Template)]
#[template(path = "pages/console/limits.html")]
struct LimitsView<'a> {
    frame: ConsoleFrame<'a>,
    limits: Vec<LimitLine>,
    is_quiet: bool,
    may_see_locks: bool,
}

struct LimitLine {
    name: String,
    key: Option<&'static str>,
    /// The page of its setting, for those who may open it.
    path: Option<String>,
    allows: String,
    counts: [String; 3],
    is_hit: bool,
}

/// The accounts that are locked out.
#[derive(Template)]
#[template(path = "pages/console/locked.html")]
struct LockedView<'a> {
    frame: ConsoleFrame<'a>,
    locked: Vec<LockedLine>,
    may_unlock: bool,
}

struct LockedLine {
    path: String,
    label: String,
    locks: Vec<(&'static str, Option<Moment>)>,
}

/// `GET /console/limits`
pub(super) async fn open(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let all = limits::list(visit.core()).await?;
    let view = LimitsView {
        frame: visit.frame(visit.page.title),
        is_quiet: all.iter().all(|one| one.month == 0),
        limits: all.into_iter().map(|one| line(visit, one)).collect(),
        may_see_locks: visit.may(Permission::UsersRead),
    };
    visit.show(&view)
}

fn line(visit: &ConsoleVisit, one: LimitFigures) -> LimitLine {
    let may_see = visit.may(Permission::Settings);
    LimitLine {
        name: name_of(one.name),
        path: one.key.filter(|_| may_see).map(section),
        key: one.key,
        allows: one.allows,
        counts: [one.hour, one.day, one.month].map(cells::number),
        is_hit: one.day > 0,
    }
}

/// What people call a limit.
fn name_of(name: &str) -> String {
    match name {
        "code_tries" => "One-time codes submitted".to_owned(),
        "factor_tries" => "Second factors submitted".to_owned(),
        "codes_sent" => "One-time codes sent".to_owned(),
        "general" => "All calls together".to_owned(),
        _ => cells::words(name),
    }
}

/// `GET /console/limits/locked`
pub(super) async fn locked(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let line = |one: LockedAccount| LockedLine {
        path: page_of(one.account.id.as_str()),
        label: cells::label(&one.account),
        locks: one
            .locks
            .iter()
            .map(|lock| (words(lock.kind), lock.until.map(cells::time)))
            .collect(),
    };
    let locked = limits::locked(visit.core()).await?.into_iter().map(line).collect();
    let may_unlock = visit.may(Permission::UsersWrite);
    visit.show(&LockedView { frame: visit.frame(visit.page.title), locked, may_unlock })
}

fn words(kind: ObstacleKind) -> &'static str {
    match kind {
        ObstacleKind::LockedOut => "Locked for every client",
        ObstacleKind::PasswordClosed => "Password accepted from known clients only",
        ObstacleKind::FactorsClosed => "Second factors accepted from known clients only",
        _ => "Locked",
    }
}
