//! API index and health check.

use std::sync::Arc;

use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::Tag;
use super::types::{Endpoints, Features, HealthReport, Index};
use crate::http::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::health::{self, State};

/// The API version that this wire reports.
const VERSION: &str = "2.0.0";

/// Operations at the root.
pub(super) struct System(pub(super) Arc<Core>);

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
impl System {
    /// API documentation
    #[oai(path = "/", method = "get", operation_id = "getIndex", tag = "Tag::System")]
    #[allow(clippy::unused_async, reason = "operations are")]
    async fn index(&self) -> Answer<Index> {
        Ok(answer(Index {
            success: true,
            message: "JobPsych Auth API".into(),
            version: VERSION.into(),
            endpoints: Endpoints { auth: "/api/auth".into(), files: "/api/files".into(), health: "/health".into() },
            documentation: "/docs".into(),
        }))
    }

    /// Health check
    #[oai(path = "/health", method = "get", operation_id = "getHealth", tag = "Tag::System")]
    async fn health(&self) -> Report {
        let well = health::check(&self.0).await.database == State::Healthy;
        let active = || "active".to_owned();
        let report = HealthReport {
            status: if well { "OK" } else { "UNAVAILABLE" }.into(),
            service: "jobpsych-auth-api".into(),
            uptime: self.0.census.uptime(self.0.env.now()).as_secs_f64(),
            timestamp: self.0.env.wall().to_millis_text(),
            version: VERSION.into(),
            environment: self.0.config.server.environment.as_str().to_owned(),
            database: if well { "connected" } else { "disconnected" }.into(),
            features: Features {
                authentication: active(),
                rate_limiting: active(),
                file_uploads: active(),
                fastapi_integration: active(),
            },
        };
        if well { Report::Well(Json(report)) } else { Report::Unwell(Json(report)) }
    }
}
