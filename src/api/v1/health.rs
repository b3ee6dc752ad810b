//! Health check for people and load balancers.

use std::sync::Arc;

use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::Tag;
use super::types::{HealthReport, Services};
use crate::identity::Core;
use crate::identity::health::{self, State};

/// The health check operation.
pub(super) struct Health(pub(super) Arc<Core>);

/// Responses to a health check.
#[derive(ApiResponse)]
enum Report {
    /// The service is healthy.
    #[oai(status = 200)]
    Well(Json<HealthReport>),
    /// The database cannot be read.
    #[oai(status = 503)]
    Unwell(Json<HealthReport>),
}

#[OpenApi]
impl Health {
    /// Health check
    ///
    /// Reports the status of the service and of its dependencies, for people. Automated probes use
    /// `/livez` and `/readyz`.
    #[oai(path = "/health", method = "get", operation_id = "getHealth", tag = "Tag::Health")]
    async fn get(&self) -> Report {
        let health = health::check(&self.0).await;
        let well = health.database == State::Healthy;
        let report = HealthReport {
            status: if well { "OK" } else { "UNAVAILABLE" }.into(),
            timestamp: self.0.env.wall().to_seconds_text(),
            version: env!("CARGO_PKG_VERSION").into(),
            uptime: i64::try_from(self.0.census.uptime(self.0.env.now()).as_secs()).unwrap_or(i64::MAX),
            services: Services {
                database: word(health.database).into(),
                redis: "not used".into(),
                email: word(health.email).into(),
            },
        };
        if well { Report::Well(Json(report)) } else { Report::Unwell(Json(report)) }
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::Healthy => "healthy",
        State::Unhealthy => "unhealthy",
        State::NotConfigured => "not configured",
    }
}
