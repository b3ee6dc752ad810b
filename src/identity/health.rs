//! How the service is: whether its database can be read and its mail gets out.

use super::Core;
use crate::error::Result;
use crate::store::health;

/// How something that the service needs is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It works.
    Healthy,
    /// It does not work now.
    Unhealthy,
    /// There is none: mail stays in the outbox.
    NotConfigured,
}

/// How the service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// The database.
    pub database: State,
    /// The way out for mail.
    pub email: State,
}

/// Refuses when the database cannot be read.
///
/// # Errors
/// `Unavailable`.
pub async fn ready(core: &Core) -> Result<()> {
    core.store.read(health::read_anything).await
}

/// Looks at everything that the service needs.
pub async fn check(core: &Core) -> Health {
    let database = if ready(core).await.is_ok() { State::Healthy } else { State::Unhealthy };
    let email = match core.config.mail.smtp {
        None => State::NotConfigured,
        Some(_) if core.store.read(health::is_mail_stuck).await.is_ok_and(|stuck| !stuck) => State::Healthy,
        Some(_) => State::Unhealthy,
    };
    Health { database, email }
}
