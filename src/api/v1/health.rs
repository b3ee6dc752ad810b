//! Health check for people and load balancers.

use std::sync::Arc;

use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::V1Tag;
use super::types::{HealthReport, Services};
use crate::identity::Core;
use crate::identity::system::health;
use crate::identity::system::health::HealthState;

/// The health check operation.
pub(super) struct HealthApi {
    pub(super) core: Arc<Core>,
}

/// Responses to a health check.
#[derive(ApiResponse)]
enum HealthResponse {
    /// The service is healthy.
    #[oai(status = 200)]
    Well(Json<HealthReport>),
    /// The database cannot be read.
    #[oai(status = 503)]
    Unwell(Json<HealthReport>),
}

#[OpenApi]
impl HealthApi {
    /// Health check
    ///
    /// Reports the status of the service and of its dependencies, for people. Automated probes use
    /// `/livez` and `/readyz`.
    #[oai(path = "/health", method = "get", operation_id = "getHealth", tag = "V1Tag::Health")]
    async fn get(&self) -> HealthResponse {
        let health = health::check(&self.core).await;
        let well = health.database == HealthState::Healthy;
        let report = HealthReport {
            status: if well { "OK" } else { "UNAVAILABLE" }.into(),
            timestamp: self.core.env.now().to_seconds_text(),
            version: env!("CARGO_PKG_VERSION").into(),
            uptime: i64::try_from(self.core.counts.uptime(self.core.env.now()).as_secs())
                .unwrap_or(i64::MAX),
            services: Services {
                database: word(health.database).into(),
                redis: "not used".into(),
                email: word(health.email).into(),
            },
        };
        if well { HealthResponse::Well(Json(report)) } else { HealthResponse::Unwell(Json(report)) }
    }
}

fn word(state: HealthState) -> &'static str {
    match state {
        HealthState::Healthy => "healthy",
        HealthState::Unhealthy => "unhealthy",
        HealthState::NotConfigured => "not configured",
    }
}
