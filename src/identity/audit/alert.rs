//! What is reported to the operator of the server at once: a mail and a log line, once per episode
//! and kind, and daily while an episode lasts.

use std::sync::Arc;
use std::time::Duration;

use crate::config;
use crate::error::Result;
use crate::mail::{Composer, Letter};
use crate::model::{Email, Source, Time, secret};
use crate::outbox;
use crate::store::db::Db;
use crate::store::tables::attempts;
use crate::store::tables::attempts::{AttemptRow, Scope};
use crate::words::{Catalogue, Text, Words, english};

/// An episode ends after this time without an event.
const QUIET: Duration = Duration::from_hours(1);
/// An episode that does not end is reported again after this time.
const LONGEST: Duration = Duration::from_hours(24);

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertKind {
    /// Many logins from one client IP failed.
    FailureBurst,
    /// Many logins to one account failed, wherever they came from.
    AccountBurst,
    /// Many logins failed, wherever they came from.
    OverallBurst,
    /// A refresh token was used by two parties.
    RefreshTheft,
    /// A scheduled backup was not made in time.
    BackupOverdue,
    /// Mail waits after failed attempts.
    MailStuck,
    /// The server's own certificate ends soon and was not renewed.
    CertificateEnds,
}

impl AlertKind {
    /// The name in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AlertKind::FailureBurst => "failure_burst",
            AlertKind::AccountBurst => "account_burst",
            AlertKind::OverallBurst => "overall_burst",
            AlertKind::RefreshTheft => "refresh_theft",
            AlertKind::BackupOverdue => "backup_overdue",
            AlertKind::MailStuck => "mail_stuck",
            AlertKind::CertificateEnds => "certificate_ends",
        }
    }

    /// What happened, for the mail. It has nothing in it that a client chose.
    fn sentence(self) -> fn(&Words) -> &Text {
        match self {
            AlertKind::FailureBurst => |words| &words.letters.alert.failure_burst,
            AlertKind::AccountBurst => |words| &words.letters.alert.account_burst,
            AlertKind::OverallBurst => |words| &words.letters.alert.overall_burst,
            AlertKind::RefreshTheft => |words| &words.letters.alert.refresh_theft,
            AlertKind::BackupOverdue => |words| &words.letters.alert.backup_overdue,
            AlertKind::MailStuck => |words| &words.letters.alert.mail_stuck,
            AlertKind::CertificateEnds => |words| &words.letters.alert.certificate_ends,
        }
    }

    /// The command that shows more.
    fn command(self) -> &'static str {
        match self {
            AlertKind::FailureBurst | AlertKind::AccountBurst | AlertKind::OverallBurst => {
                "authd audit --event failure_burst"
            }
            AlertKind::BackupOverdue => "authd audit --event backup_made",
            AlertKind::RefreshTheft => "authd audit --event refresh_reused",
            AlertKind::MailStuck => "authd mail list --state waiting",
            AlertKind::CertificateEnds => "authd doctor",
        }
    }
}

/// Tells the operator.
pub struct Alerts {
    to: Option<Email>,
    mail: Composer,
    words: Arc<Catalogue>,
}

impl Alerts {
    /// Alerts to the configured address.
    #[must_use]
    pub fn new(config: &config::AlertsConfig, mail: Composer, words: Arc<Catalogue>) -> Self {
        Self { to: config.mail.clone(), mail, words }
    }

    /// Reports an event inside the write that records it, unless its episode is already reported.
    pub(in crate::identity::audit) fn raise(
        &self,
        db: &mut dyn Db,
        kind: AlertKind,
        at: Time,
        source: &Source,
    ) -> Result<()> {
        if !begins(db, kind, at)? {
            return Ok(());
        }
        let from = source.address.map_or_else(|| "-".to_owned(), |address| address.to_string());
        if let Some(to) = &self.to {
            let language = self.words.default_language();
            let letter = Letter::Alert {
                alert: kind.sentence(),
                at,
                place: from.clone(),
                command: kind.command(),
            };
            outbox::enqueue(db, &self.mail.compose_for_nobody(to, language, &letter)?)?;
        }
        db.after_commit(Box::new(move || {
            tracing::warn!(alert = kind.as_str(), client = from, "{}", kind.sentence()(&english()));
        }));
        Ok(())
    }
}

/// Counts the event. True if it begins an episode.
fn begins(db: &mut dyn Db, kind: AlertKind, at: Time) -> Result<bool> {
    let key = secret::digest(kind.as_str().as_bytes());
    let row = attempts::lock(db, Scope::Alert, &key, at)?;
    let expires_at = (at + QUIET).min(row.started_at + LONGEST);
    let next = AttemptRow { count: row.count + 1, expires_at, ..row };
    attempts::save(db, Scope::Alert, &key, &next)?;
    Ok(next.count == 1)
}
