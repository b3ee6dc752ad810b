//! Health of the service: whether the database can be read and whether mail is being delivered.

use crate::error::{Error, Result};
use crate::identity::Core;
use crate::identity::system::backup;
use crate::model::Validity;
use crate::store::node::MOST_DIFFERENCE;
use crate::store::tables::health;

/// State of one dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthState {
    Healthy,
    Unhealthy,
    /// No SMTP server is configured, so mail stays in the outbox.
    NotConfigured,
}

/// Health of the service, by dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthSummary {
    pub database: HealthState,
    /// Mail delivery.
    pub email: HealthState,
}

/// Fails when the database cannot be read, and when the clocks of this machine and of the database that
/// several servers share are too far apart: one of them is wrong, and what tokens say of time with it.
///
/// # Errors
/// `Unavailable`.
pub async fn ready(core: &Core) -> Result<()> {
    if let Some(difference) = clock_difference(core) {
        return Err(Error::unavailable(difference));
    }
    core.store.read(health::read_anything).await
}

/// How far the clocks of this machine and the database are apart, in words, if that is too far.
#[must_use]
pub fn clock_difference(core: &Core) -> Option<String> {
    let ahead = core.store.clock_ahead()?;
    let (millis, most) = (u128::from(ahead.unsigned_abs()), MOST_DIFFERENCE.as_millis());
    let word = if ahead > 0 { "ahead of" } else { "behind" };
    (millis > most).then(|| {
        let seconds = millis / 1000;
        format!("the clock of this machine is {seconds} s {word} that of the database")
    })
}

/// What does not keep the service from answering, but needs an operator, one sentence each.
pub async fn warnings(core: &Core) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(Some(age)) = backup::overdue(core).await {
        let hours = age.as_secs() / 3600;
        found.push(format!("a backup is overdue: none was made in the last {hours} hours"));
    }
    if let Some(validity) = own_certificate(core).filter(|it| it.ends_soon(core.env.wall())) {
        let expires = validity.expires;
        found.push(format!("the certificate expires at {expires}, and there is no new one"));
    }
    let sends = core.config.mail.smtp.is_some();
    if sends && core.store.read(health::is_mail_stuck).await.is_ok_and(|is_stuck| is_stuck) {
        found.push("mail waits after failed attempts (authd mail list)".to_owned());
    }
    found
}

/// The validity of the certificate in force, if the server speaks TLS itself.
pub(in crate::identity) fn own_certificate(core: &Core) -> Option<Validity> {
    core.metrics.certificate().map(|(begins, expires)| Validity { begins, expires })
}

/// Whether mail waits after a failed attempt.
///
/// # Errors
/// `Unavailable`.
pub async fn is_mail_stuck(core: &Core) -> Result<bool> {
    core.store.read(health::is_mail_stuck).await
}

/// Checks the database and mail delivery.
pub async fn check(core: &Core) -> HealthSummary {
    let database =
        if ready(core).await.is_ok() { HealthState::Healthy } else { HealthState::Unhealthy };
    let email = match core.config.mail.smtp {
        None => HealthState::NotConfigured,
        Some(_) if core.store.read(health::is_mail_stuck).await.is_ok_and(|stuck| !stuck) => {
            HealthState::Healthy
        }
        Some(_) => HealthState::Unhealthy,
    };
    HealthSummary { database, email }
}
