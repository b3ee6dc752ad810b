//! What the server looks for by itself and tells the operator, once an episode: mail that is stuck, and
//! its own certificate near its end. Bursts of failures, stolen refresh tokens and overdue backups are
//! reported where they happen.

use std::time::Duration;

use crate::error::Result;
use crate::identity::Core;
use crate::identity::audit::alert::AlertKind;
use crate::identity::audit::log::AuditLog;
use crate::identity::system::health::own_certificate;
use crate::model::Source;
use crate::store::tables::health;

/// Mail is stuck when it has waited for this long and an attempt has failed.
const PATIENCE: Duration = Duration::from_mins(15);

/// Tells the operator if mail is stuck. The letter about it leaves when mail does again; the warning in
/// the log is there at once.
///
/// # Errors
/// `Unavailable`.
pub async fn watch_mail(core: &Core) -> Result<()> {
    let before = core.env.now() - PATIENCE;
    let is_stuck = core.config.mail.smtp.is_some()
        && core.store.read(move |db| health::is_mail_stuck_since(db, before)).await?;
    if is_stuck { raise(core, AlertKind::MailStuck).await } else { Ok(()) }
}

/// Tells the operator if the server's own certificate should have been renewed by now.
///
/// # Errors
/// `Unavailable`.
pub async fn watch_certificate(core: &Core) -> Result<()> {
    match own_certificate(core) {
        Some(validity) if validity.ends_soon(core.env.wall()) => {
            raise(core, AlertKind::CertificateEnds).await
        }
        _ => Ok(()),
    }
}

async fn raise(core: &Core, kind: AlertKind) -> Result<()> {
    let log = AuditLog::new(core, &Source::command_line());
    core.store.write(move |db| log.alert(db, kind)).await
}
