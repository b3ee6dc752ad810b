//! Why the owner of an account cannot log in: what stands in the way in words, with what helps.

use askama::Template;
use poem::Response;

use crate::error::Result;
use crate::identity::admin::login_check::{Obstacle, ObstacleKind, explain};
use crate::model::Permission;
use crate::web::console::account::{is_free, methods};
use crate::web::console::accounts::page_of;
use crate::web::console::cells;
use crate::web::console::visit::{ConsoleFrame, ConsoleVisit};
use crate::web::stop::Stop;
use crate::web::target::{AUDIT, MAIL};
use crate::web::time::Moment;

/// The page.
#[derive(Template)]
#[template(path = "pages/console/login.html")]
struct LoginCheckView<'a> {
    frame: ConsoleFrame<'a>,
    account: String,
    path: String,
    methods: Vec<String>,
    now: Vec<ObstacleLine>,
    lately: Vec<ObstacleLine>,
    is_free: bool,
}

/// What stands in the way.
struct ObstacleLine {
    title: &'static str,
    text: String,
    since_word: &'static str,
    since: Option<Moment>,
    until: Option<Moment>,
    /// The page that helps, and its words.
    remedy: Option<(String, &'static str)>,
}

/// `GET /console/accounts/{id}/login`
pub(super) async fn open(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let id = visit.id()?;
    let check = explain(visit.core(), &id).await?;
    let (now, lately): (Vec<_>, Vec<_>) =
        check.obstacles.iter().partition(|obstacle| !is_past(obstacle.kind));
    let lines = |obstacles: Vec<&Obstacle>| {
        obstacles.into_iter().map(|obstacle| line(visit, &id, obstacle)).collect()
    };
    let view = LoginCheckView {
        frame: visit.frame(visit.page.title),
        account: cells::label(&check.account),
        path: page_of(&id),
        methods: methods(&check.methods),
        is_free: is_free(&check),
        now: lines(now),
        lately: lines(lately),
    };
    visit.show(&view)
}

/// Whether it was refused before, and nothing stands in the way now.
fn is_past(kind: ObstacleKind) -> bool {
    use ObstacleKind::{CodeRefused, FactorRefused, LimitHit, LoginRefused};
    matches!(kind, LimitHit | LoginRefused | FactorRefused | CodeRefused)
}

fn line(visit: &ConsoleVisit, id: &str, obstacle: &Obstacle) -> ObstacleLine {
    let remedy = remedy(visit, obstacle.kind).map(|(page, words)| {
        let is_of_account = !page.starts_with('/');
        (if is_of_account { format!("{}/{page}", page_of(id)) } else { page.to_owned() }, words)
    });
    ObstacleLine {
        title: title(obstacle.kind),
        text: text(obstacle),
        since_word: if is_past(obstacle.kind) { "Last on" } else { "Since" },
        since: obstacle.since.map(cells::time),
        until: obstacle.until.map(cells::time),
        remedy,
    }
}

fn title(kind: ObstacleKind) -> &'static str {
    use ObstacleKind as Kind;
    match kind {
        Kind::Deleted => "The account is deleted",
        Kind::Suspended => "The account is suspended",
        Kind::AddressUnverified => "The address is not verified",
        Kind::NoMethod => "There is nothing to log in with",
        Kind::LockedOut => "The account is locked after wrong passwords",
        Kind::PasswordClosed => "The password is accepted only from known addresses",
        Kind::FactorsClosed => "Second factors are accepted only from known addresses",
        Kind::ClientWaits => "A client has to wait after wrong passwords",
        Kind::ProxyNotTrusted => "The server takes a proxy for the client",
        Kind::MailNotConfigured => "The server cannot send mail",
        Kind::MailFailed => "A mail to the owner could not be delivered",
        Kind::MailWaits => "A mail to the owner is still waiting",
        Kind::LimitHit => "A limit refused requests",
        Kind::LoginRefused => "Logins were refused",
        Kind::FactorRefused => "Second factors were refused",
        Kind::CodeRefused => "Mailed codes were refused",
    }
}

/// What an obstacle means that has nothing of its own to say.
const DELETED: &str =
    "Every login is refused. It can be restored until it is erased, 30 days after the deletion.";
const SUSPENDED: &str = "Every login is refused until the suspension is lifted.";
const UNVERIFIED: &str = "This server lets people in only after they have opened the link in the verification mail. They can ask for another one on the sign-in page.";
const NO_METHOD: &str = "The account has no password, no passkey and no connected provider.";
const LOCKED: &str = "Every login is refused until the lock ends, also with the right password.";
const PASSWORD_CLOSED: &str = "There were too many wrong passwords from all clients together. The owner was sent a mail with a link that opens the login again from where they are.";
const FACTORS_CLOSED: &str = "There were a hundred wrong codes without a right one. The owner was sent a mail with a link that opens the login again from where they are.";
const NO_MAIL: &str = "No SMTP server is configured, so links and codes stay in the outbox. See mail.smtp_host in the settings.";

fn text(obstacle: &Obstacle) -> String {
    use ObstacleKind as Kind;
    let client = obstacle.client_ip.as_deref().unwrap_or("an unknown address");
    let detail = obstacle.detail.as_deref().unwrap_or("no reason given");
    let often = times(obstacle.count);
    let fixed = match obstacle.kind {
        Kind::Deleted => DELETED,
        Kind::Suspended => SUSPENDED,
        Kind::AddressUnverified => UNVERIFIED,
        Kind::NoMethod => NO_METHOD,
        Kind::LockedOut => LOCKED,
        Kind::PasswordClosed => PASSWORD_CLOSED,
        Kind::FactorsClosed => FACTORS_CLOSED,
        Kind::MailNotConfigured => NO_MAIL,
        Kind::ClientWaits => {
            return format!(
                "Logins from {client} are refused until the wait ends. Logins from other addresses work."
            );
        }
        Kind::ProxyNotTrusted => {
            return format!(
                "Logins come from {client}, an address of a private network. If that is your proxy, all users share its limits: list it in server.trusted_proxies."
            );
        }
        Kind::MailFailed => return format!("It was given up: {detail}"),
        Kind::MailWaits => return format!("There will be another attempt: {detail}"),
        Kind::LimitHit => return format!("Limit {detail}, from {client}, {often}."),
        Kind::LoginRefused | Kind::FactorRefused | Kind::CodeRefused => {
            return format!("{} from {client}, {often}.", reason(detail));
        }
    };
    fixed.to_owned()
}

fn times(count: i64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{count} times"),
    }
}

/// The reason in the audit log in words.
fn reason(detail: &str) -> String {
    match detail {
        "wrong_password" => "The password was wrong,".to_owned(),
        "wrong_code" => "The code was wrong,".to_owned(),
        "unverified" => "The password was right, but the address is not verified,".to_owned(),
        other => format!("{},", cells::words(other)),
    }
}

/// What helps: an action on the account or another page, if the administrator may use it.
fn remedy(visit: &ConsoleVisit, kind: ObstacleKind) -> Option<(&'static str, &'static str)> {
    use ObstacleKind as Kind;
    let (permission, page, words) = match kind {
        Kind::Deleted => (Permission::UsersWrite, "restore", "Restore the account"),
        Kind::Suspended => (Permission::UsersSuspend, "reinstate", "Lift the suspension"),
        Kind::AddressUnverified => {
            (Permission::UsersWrite, "verify", "Mark the address as verified")
        }
        Kind::NoMethod | Kind::LoginRefused => {
            (Permission::UsersWrite, "reset-password", "Send a link for a new password")
        }
        Kind::LockedOut | Kind::PasswordClosed | Kind::FactorsClosed | Kind::ClientWaits => {
            (Permission::UsersWrite, "unlock", "Unlock")
        }
        Kind::FactorRefused => {
            (Permission::UsersWrite, "reset-factors", "Remove second factors and passkeys")
        }
        Kind::MailFailed | Kind::MailWaits => (Permission::Mail, MAIL, "Open the outbox"),
        Kind::LimitHit => (Permission::Audit, AUDIT, "Open the security record"),
        Kind::ProxyNotTrusted | Kind::MailNotConfigured | Kind::CodeRefused => return None,
    };
    visit.may(permission).then_some((page, words))
}
