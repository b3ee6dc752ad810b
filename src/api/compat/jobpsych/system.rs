//! API index and health check.

use std::sync::Arc;

use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use crate::api::compat::jobpsych::JobpsychTag;
use crate::api::compat::jobpsych::types::{
    Features, JobpsychEndpoints, JobpsychHealthReport, JobpsychIndex,
};
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::system::health;
use crate::identity::system::health::HealthState;

/// The API version that this wire reports.
const VERSION: &str = "2.0.0";

/// Operations at the root.
pub(in crate::api) struct JobpsychSystemApi {
    pub(in crate::api) core: Arc<Core>,
}

/// Responses to a health check.
#[derive(ApiResponse)]
enum JobpsychHealthResponse {
    /// The service is healthy.
    #[oai(status = 200)]
    Well(Json<JobpsychHealthReport>),
    /// The database cannot be read.
    #[oai(status = 503)]
    Unwell(Json<JobpsychHealthReport>),
}

#[OpenApi]
impl JobpsychSystemApi {
    /// API documentation
    #[oai(path = "/", method = "get", operation_id = "getIndex", tag = "JobpsychTag::System")]
    #[allow(clippy::unused_async, reason = "operations are")]
    async fn index(&self) -> Answer<JobpsychIndex> {
        Ok(answer(JobpsychIndex {
            success: true,
            message: "JobPsych Auth API".into(),
            version: VERSION.into(),
            endpoints: JobpsychEndpoints {
                auth: "/api/auth".into(),
                files: "/api/files".into(),
                health: "/health".into(),
            },
            documentation: "/docs".into(),
        }))
    }

    /// Health check
    #[oai(
        path = "/health",
        method = "get",
        operation_id = "getHealth",
        tag = "JobpsychTag::System"
    )]
    async fn health(&self) -> JobpsychHealthResponse {
        let well = health::check(&self.core).await.database == HealthState::Healthy;
        let active = || "active".to_owned();
        let report = JobpsychHealthReport {
            status: if well { "OK" } else { "UNAVAILABLE" }.into(),
            service: "jobpsych-auth-api".into(),
            uptime: self.core.counts.uptime(self.core.env.now()).as_secs_f64(),
            timestamp: self.core.env.now().to_millis_text(),
            version: VERSION.into(),
            environment: self.core.config.server.environment.as_str().to_owned(),
            database: if well { "connected" } else { "disconnected" }.into(),
            features: Features {
                authentication: active(),
                rate_limiting: active(),
                file_uploads: active(),
                fastapi_integration: active(),
            },
        };
        if well {
            JobpsychHealthResponse::Well(Json(report))
        } else {
            JobpsychHealthResponse::Unwell(Json(report))
        }
    }
}
