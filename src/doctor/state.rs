//! What the database says: whether it is whole, how old its keys and its last backup are, and whether
//! mail waits.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::identity::Core;
use crate::identity::audit::log::{self, AuditFilter, From};
use crate::identity::passkey;
use crate::identity::system::{backup, health, key};
use crate::model::Database;
use crate::model::finding::CheckReport;
use crate::seal;

const DAY: Duration = Duration::from_hours(24);
/// Without a schedule, a backup may be this old.
const OLD_BACKUP: Duration = Duration::from_hours(7 * 24);
/// A key that no schedule rotates may be this old.
const OLD_KEY: Duration = Duration::from_hours(400 * 24);
/// How far ahead of the clock a record may be: requests finish in another order than they began.
const AHEAD: Duration = Duration::from_mins(1);

/// Reads the whole database.
pub(super) async fn find_whole(core: &Core, found: &mut CheckReport) {
    if let Err(error) = integrity(core, found).await {
        unreadable(&error, found);
    }
}

/// Reads a few rows.
pub(super) async fn find_fast(core: &Core, found: &mut CheckReport) {
    let checks = [
        keys(core, found).await,
        backups(core, found).await,
        mail(core, found).await,
        clock(core, found).await,
        servers(core, found).await,
        passkeys(core, found).await,
    ];
    for error in checks.into_iter().filter_map(Result::err) {
        unreadable(&error, found);
    }
    let id = seal::key_id(&core.master.check_value());
    found.pass("version", format!("authd {}, master key {id}", env!("CARGO_PKG_VERSION")));
}

fn unreadable(error: &Error, found: &mut CheckReport) {
    found.error(
        "database",
        format!("it cannot be read: {}", error.chain()),
        "if this stays so, restore a backup: docs/backup.md",
    );
}

async fn integrity(core: &Core, found: &mut CheckReport) -> Result<()> {
    // A PostgreSQL server checks its own files.
    if !matches!(core.config.database, Database::File(_)) {
        return Ok(());
    }
    match core.store.fault().await? {
        None => found.pass("database", "every page, index and reference is in order"),
        Some(fault) => found.error(
            "database",
            format!("it is damaged: {fault}"),
            "stop the server, keep the file, and restore the last backup: docs/backup.md",
        ),
    }
    Ok(())
}

/// The servers that share a PostgreSQL database.
async fn servers(core: &Core, found: &mut CheckReport) -> Result<()> {
    if let Some(difference) = health::clock_difference(core) {
        found.error("clock", difference, "synchronize the clocks of both machines, as with NTP");
    }
    let all = core.store.nodes().await?;
    let Some(first) = all.first() else { return Ok(()) };
    let named = all.iter().map(|one| {
        let leads = if one.leads { ", which does what one does for all" } else { "" };
        format!("{} ({}){leads}", one.name, one.version)
    });
    let list = named.collect::<Vec<_>>().join("; ");
    if all.iter().any(|one| one.version != first.version) {
        found.warning(
            "servers",
            format!("they run different versions: {list}"),
            "complete the update: docs/postgresql.md",
        );
    } else {
        found.pass("servers", list);
    }
    Ok(())
}

async fn keys(core: &Core, found: &mut CheckReport) -> Result<()> {
    let now = core.env.now();
    let keys = key::list(core).await?;
    let Some(signing) = keys.iter().find(|one| one.used_for == key::Use::Signing) else {
        found.hint("tokens", "there is no signing key yet", "authd serve makes one when it starts");
        return Ok(());
    };
    let age = now.since(signing.signs_from);
    let days = age.as_secs() / DAY.as_secs();
    match core.config.tokens.rotate_every {
        Some(every) if age > every + DAY => found.warning(
            "tokens.rotate_every",
            format!("the signing key is {days} days old, and its rotation is overdue"),
            "the server rotates it while it runs; by hand: authd key rotate",
        ),
        None if age > OLD_KEY => found.warning(
            "tokens.rotate_every",
            format!("the signing key is {days} days old, and nothing rotates it"),
            "set tokens.rotate_every to 90 days, or run authd key rotate",
        ),
        _ => found.pass("key", format!("the signing key {} is {days} days old", signing.id)),
    }
    Ok(())
}

async fn backups(core: &Core, found: &mut CheckReport) -> Result<()> {
    let last = backup::last(core).await?;
    let age = last.map(|last| core.env.now().since(last));
    let hours = age.map_or(0, |age| age.as_secs() / 3600);
    let remedy = "look for failures of the schedule in the log, and run authd backup FILE now";
    if backup::overdue(core).await?.is_some() {
        found.error(
            "backup",
            match last {
                Some(last) => {
                    format!("it is overdue: the last one was made at {last}, {hours} hours ago")
                }
                None => "it is overdue: none was made since backups are scheduled".to_owned(),
            },
            remedy,
        );
        return Ok(());
    }
    match age {
        None => found.warning(
            "backup",
            "no backup was ever made of this database",
            "run authd backup FILE, or set backup.every and backup.to; keep the master key in another place",
        ),
        Some(age) if age > OLD_BACKUP && core.config.backup.every.is_none() => {
            found.warning("backup", format!("the last one was made {hours} hours ago"), remedy);
        }
        Some(_) if hours == 0 => found.pass("backup", "the last one was made within the hour"),
        Some(_) => found.pass("backup", format!("the last one was made {hours} hours ago")),
    }
    Ok(())
}

async fn mail(core: &Core, found: &mut CheckReport) -> Result<()> {
    if core.config.mail.smtp.is_none() {
        return Ok(());
    }
    if health::is_mail_stuck(core).await? {
        found.error(
            "mail",
            "messages wait after failed attempts",
            "authd mail list --state waiting shows what the mail server answered",
        );
    } else {
        found.pass("mail", "no message waits after a failed attempt");
    }
    Ok(())
}

/// Passkeys are bound to a domain for good, and browsers refuse them elsewhere.
async fn passkeys(core: &Core, found: &mut CheckReport) -> Result<()> {
    let (webauthn, url) = (&core.config.webauthn, core.config.public_url());
    let Some(domain) = passkey::bound_to(core).await?.filter(|_| webauthn.enabled) else {
        return Ok(());
    };
    if webauthn.may_use(&domain, &url) {
        found.pass("passkeys", format!("they are bound to {domain}, and {url} may use them"));
    } else {
        found.error(
            "server.public_url",
            format!("passkeys are bound to {domain}, and pages of {url} cannot use them"),
            format!("set it to a URL under {domain}, or list {url} in webauthn.origins and serve {domain} too"),
        );
    }
    Ok(())
}

/// A record from the future says that the clock was set back.
async fn clock(core: &Core, found: &mut CheckReport) -> Result<()> {
    let newest = log::read(core, &AuditFilter::default(), &From::Newest, 1).await?;
    let now = core.env.wall();
    if let Some(record) = newest.first().filter(|record| record.at > now + AHEAD) {
        found.error(
            "clock",
            format!("the newest record is of {}, which is in the future", record.at),
            "the clock was wrong then or is wrong now: synchronize it with NTP (timedatectl)",
        );
    }
    Ok(())
}
