//! Health of the service: whether the database can be read and whether mail is being delivered.

use crate::error::Result;
use crate::identity::Core;
use crate::identity::system::backup;
use crate::store::tables::health;

/// A certificate should have been renewed before this part of its life is left.
const NEAR_EXPIRY: u32 = 6;

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

/// Fails when the database cannot be read.
///
/// # Errors
/// `Unavailable`.
pub async fn ready(core: &Core) -> Result<()> {
    core.store.read(health::read_anything).await
}

/// What does not keep the service from answering, but needs an operator, one sentence each.
pub async fn warnings(core: &Core) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(Some(age)) = backup::overdue(core).await {
        let hours = age.as_secs() / 3600;
        found.push(format!("a backup is overdue: none was made in the last {hours} hours"));
    }
    if let Some((begins, expires)) = core.metrics.certificate() {
        let (left, life) = (expires.since(core.env.wall()), expires.since(begins));
        if left < life / NEAR_EXPIRY {
            found.push(format!("the certificate expires at {expires}, and there is no new one"));
        }
    }
    let sends = core.config.mail.smtp.is_some();
    if sends && core.store.read(health::is_mail_stuck).await.is_ok_and(|is_stuck| is_stuck) {
        found.push("mail waits after failed attempts (authd mail list)".to_owned());
    }
    found
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
