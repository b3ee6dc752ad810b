//! Health of the service: whether the database can be read and whether mail is being delivered.

use super::Core;
use crate::error::Result;
use crate::store::health;

/// State of one dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Healthy,
    Unhealthy,
    /// No SMTP server is configured, so mail stays in the outbox.
    NotConfigured,
}

/// Health of the service, by dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    pub database: State,
    /// Mail delivery.
    pub email: State,
}

/// Fails when the database cannot be read.
///
/// # Errors
/// `Unavailable`.
pub async fn ready(core: &Core) -> Result<()> {
    core.store.read(health::read_anything).await
}

/// Checks the database and mail delivery.
pub async fn check(core: &Core) -> Health {
    let database = if ready(core).await.is_ok() { State::Healthy } else { State::Unhealthy };
    let email = match core.config.mail.smtp {
        None => State::NotConfigured,
        Some(_) if core.store.read(health::is_mail_stuck).await.is_ok_and(|stuck| !stuck) => State::Healthy,
        Some(_) => State::Unhealthy,
    };
    Health { database, email }
}
