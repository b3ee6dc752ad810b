//! One account on one page, with what can be done to it.

use askama::Template;
use poem::Response;

use crate::error::Result;
use crate::identity::account::quota;
use crate::identity::admin::login_check::{LoginCheck, LoginMethods};
use crate::identity::admin::search::AccountDetails;
use crate::identity::admin::{login_check, messages, search};
use crate::identity::audit::log;
use crate::identity::audit::log::AuditFilter;
use crate::identity::passkey;
use crate::model::account::AddressState;
use crate::model::{AccountId, Permission, Status, percent};
use crate::web::console::accounts::page_of;
use crate::web::console::cells::{self, Tag};
use crate::web::console::mail::{MessageLine, line};
use crate::web::console::record::{RecordEntry, entries};
use crate::web::console::visit::{ConsoleFrame, ConsoleVisit};
use crate::web::notice::Notice;
use crate::web::stop::Stop;
use crate::web::time::Moment;

/// Records on the page.
const RECORDS: i64 = 10;

/// Messages on the page.
const LETTERS: i64 = 5;

/// An account.
#[derive(Template)]
#[template(path = "pages/console/account.html")]
struct ConsoleAccountView<'a> {
    frame: ConsoleFrame<'a>,
    path: String,
    state: Tag,
    roles: Vec<String>,
    /// What can be done, as path, words and whether something is lost by it.
    actions: Vec<(&'static str, &'static str, bool)>,
    facts: Vec<(&'static str, String)>,
    times: Vec<(&'static str, Moment)>,
    methods: Vec<String>,
    obstacles: usize,
    passkeys: Vec<AccountKeyLine>,
    sessions: Vec<SessionLine>,
    uploads: Option<String>,
    letters: Option<Vec<MessageLine>>,
    letters_path: String,
    records: Option<Vec<RecordEntry>>,
    record_path: String,
    may_write: bool,
}

struct AccountKeyLine {
    id: String,
    name: String,
    authenticator: &'static str,
    since: Moment,
    is_suspect: bool,
}

struct SessionLine {
    id: String,
    device: String,
    place: String,
    since: Moment,
    active: Moment,
}

/// `GET /console/accounts/{id}`
pub(super) async fn open(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let (core, id) = (visit.core(), visit.id()?);
    let details = search::details(core, &id).await?;
    let account = &details.entry.account;
    let status = account.status(core.verification());
    let check = login_check::explain(core, &id).await?;
    let sessions = match status {
        Status::Deleted => Vec::new(),
        _ => search::sessions(core, &id).await?,
    };
    let may_write = visit.may(Permission::UsersWrite);
    let has_quota = may_write && status != Status::Deleted;
    let uploads = match has_quota.then(|| quota::of_account(core, account)) {
        Some(quota) => {
            let quota = quota.await?;
            Some(format!("{} of {} uploads used", quota.uploaded, quota.limit))
        }
        None => None,
    };
    let records = if visit.may(Permission::Audit) { Some(newest(visit, &id).await?) } else { None };
    let letters =
        if visit.may(Permission::Mail) { Some(newest_letters(visit, &id).await?) } else { None };
    let title = cells::label(account);
    let mut frame = visit.frame(&title);
    frame.undo = undo(visit.notice).map(|action| format!("{}/{action}", page_of(&id)));
    let view = ConsoleAccountView {
        frame,
        state: cells::state(core, account),
        roles: details.entry.roles.clone(),
        actions: actions(visit, status, &details),
        facts: facts(&details),
        times: times(&details),
        methods: methods(&check.methods),
        obstacles: check.obstacles.len(),
        passkeys: keys(visit, &id).await?,
        sessions: sessions.into_iter().map(session).collect(),
        uploads,
        letters,
        letters_path: format!("/console/mail?account={}", percent::encode(&id)),
        records,
        record_path: format!("/console/record?account={}", percent::encode(&id)),
        path: page_of(&id),
        may_write: may_write && status != Status::Deleted,
    };
    visit.show(&view)
}

/// The action that takes back what was done just now.
fn undo(notice: Option<Notice>) -> Option<&'static str> {
    match notice? {
        Notice::AccountSuspended => Some("reinstate"),
        Notice::AccountReinstated => Some("suspend"),
        Notice::AccountRemoved => Some("restore"),
        _ => None,
    }
}

async fn newest(visit: &ConsoleVisit, id: &str) -> Result<Vec<RecordEntry>, Stop> {
    let filter = AuditFilter { account: Some(AccountId::new(id)), ..AuditFilter::default() };
    let (records, _) = log::newest(visit.core(), &filter, None, RECORDS).await?;
    Ok(entries(visit, &records).await?)
}

async fn newest_letters(visit: &ConsoleVisit, id: &str) -> Result<Vec<MessageLine>, Stop> {
    let id = AccountId::new(id);
    let (found, _) = messages::list_of(visit.core(), &id, None, None, LETTERS).await?;
    Ok(found.into_iter().map(line).collect())
}

async fn keys(visit: &ConsoleVisit, id: &str) -> Result<Vec<AccountKeyLine>, Stop> {
    let keys = passkey::list_of(visit.core(), &AccountId::new(id)).await?;
    let line = |key: crate::model::Passkey| AccountKeyLine {
        authenticator: passkey::authenticator(&key),
        since: cells::time(key.created_at),
        is_suspect: key.suspect_at.is_some(),
        id: percent::encode(&key.id),
        name: key.name,
    };
    Ok(keys.into_iter().map(line).collect())
}

fn session(session: crate::identity::session::list::SessionView) -> SessionLine {
    let place = session.place.map(|place| {
        [place.city, place.country].into_iter().flatten().collect::<Vec<_>>().join(", ")
    });
    let place = [Some(session.address), place].into_iter().flatten();
    SessionLine {
        id: percent::encode(session.id.as_str()),
        device: session.device.label(),
        place: place.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · "),
        since: cells::time(session.created_at),
        active: cells::time(session.last_active_at),
    }
}

fn actions(
    visit: &ConsoleVisit,
    status: Status,
    details: &AccountDetails,
) -> Vec<(&'static str, &'static str, bool)> {
    let (may_write, may_suspend) =
        (visit.may(Permission::UsersWrite), visit.may(Permission::UsersSuspend));
    if status == Status::Deleted {
        return if may_write { vec![("restore", "Restore", false)] } else { Vec::new() };
    }
    let is_suspended = status == Status::Suspended;
    let account = &details.entry.account;
    let offered = [
        (may_write, ("profile", "Edit profile", false)),
        (visit.may(Permission::Roles), ("roles", "Change roles", false)),
        (
            may_write && !is_suspended && account.email.is_some(),
            ("reset-password", "Send password link", false),
        ),
        (may_write && account.is_unproved(), ("verify", "Mark verified", false)),
        (may_write && details.failed_logins > 0, ("unlock", "Unlock", false)),
        (may_write, ("quota", "Change quota", false)),
        (may_suspend && is_suspended, ("reinstate", "Lift suspension", false)),
        (may_write, ("end-sessions", "End all sessions", true)),
        (may_suspend && !is_suspended, ("suspend", "Suspend", true)),
        (may_write, ("reset-factors", "Remove second factors", true)),
        (may_write, ("delete", "Delete", true)),
    ];
    offered.into_iter().filter(|(is_offered, _)| *is_offered).map(|(_, action)| action).collect()
}

fn facts(details: &AccountDetails) -> Vec<(&'static str, String)> {
    let account = &details.entry.account;
    let failed = (details.failed_logins > 0).then(|| details.failed_logins.to_string());
    let verified = match account.address_state() {
        AddressState::Absent => None,
        AddressState::Unverified => Some("no".to_owned()),
        AddressState::Verified => Some("yes".to_owned()),
    };
    let all = [
        ("Name", account.full_name()),
        ("Username", account.username.clone()),
        ("Address", account.email_text()),
        ("Address verified", verified),
        ("Phone number", account.phone.clone()),
        ("Company", account.company_name.clone()),
        ("Language", account.locale.map(|tag| tag.to_string())),
        ("Wrong passwords that count", failed),
        ("Permissions", Some(details.permissions.join(", "))),
        ("ID", Some(account.id.to_string())),
    ];
    let known = all.into_iter().filter_map(|(name, value)| Some((name, value?)));
    known.filter(|(_, value)| !value.is_empty()).collect()
}

fn times(details: &AccountDetails) -> Vec<(&'static str, Moment)> {
    let account = &details.entry.account;
    let all = [
        ("Created", Some(account.created_at)),
        ("Last login", account.last_login_at),
        ("Last failed login", details.last_failed_login),
        ("Locked until", details.locked_until),
        ("Suspended", account.suspended_at),
        ("Deleted", account.deleted_at),
        ("Changed", Some(account.updated_at)),
    ];
    all.into_iter().filter_map(|(name, at)| Some((name, cells::time(at?)))).collect()
}

/// What an account logs in with, one line each.
pub(super) fn methods(methods: &LoginMethods) -> Vec<String> {
    let counted = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(one.to_owned()),
        count => Some(format!("{count} {many}")),
    };
    let mut lines: Vec<String> = [
        methods.has_password.then(|| "Password".to_owned()),
        counted(methods.passkeys, "Passkey", "passkeys"),
        methods.has_mailed_codes.then(|| "Mailed code".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect();
    lines.extend(methods.providers.iter().map(|provider| format!("Provider: {provider}")));
    lines.extend(counted(methods.security_keys, "Second factor: security key", "security keys"));
    lines.extend(methods.factors.iter().map(|factor| {
        let kind = match factor.kind {
            crate::model::FactorKind::Totp => "authenticator app",
            crate::model::FactorKind::Email => "mailed code",
            crate::model::FactorKind::Sms => "text message",
        };
        format!("Second factor: {kind}")
    }));
    if methods.backup_codes > 0 {
        lines.push(format!("{} backup codes left", methods.backup_codes));
    }
    lines
}

/// Whether the account can log in as far as this check knows.
pub(super) fn is_free(check: &LoginCheck) -> bool {
    check.obstacles.is_empty()
}
