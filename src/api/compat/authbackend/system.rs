//! API index and health check.

use std::sync::Arc;

use poem_openapi::OpenApi;

use crate::api::compat::authbackend::types::{AuthbackendHealth, AuthbackendIndex};
use crate::api::compat::authbackend::{AuthbackendTag, view};
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::system::health;

/// Operations at the root.
pub(in crate::api) struct AuthbackendSystemApi {
    pub(in crate::api) core: Arc<Core>,
}

#[OpenApi]
impl AuthbackendSystemApi {
    /// Health check
    #[oai(
        path = "/health",
        method = "get",
        operation_id = "getHealth",
        tag = "AuthbackendTag::System"
    )]
    async fn health(&self) -> Answer<AuthbackendHealth> {
        health::ready(&self.core).await?;
        Ok(answer(view::health(&self.core)))
    }

    /// API information
    #[oai(path = "/", method = "get", operation_id = "getIndex", tag = "AuthbackendTag::System")]
    #[allow(clippy::unused_async, reason = "operations are")]
    async fn index(&self) -> Answer<AuthbackendIndex> {
        Ok(answer(view::index()))
    }
}
