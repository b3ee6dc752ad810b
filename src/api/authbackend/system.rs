//! API index and health check.

use std::sync::Arc;

use poem_openapi::OpenApi;

use super::types::{Health, Index};
use super::{Tag, view};
use crate::http::response::{Answer, answer};
use crate::identity::{Core, health};

/// Operations at the root.
pub(super) struct System(pub(super) Arc<Core>);

#[OpenApi]
impl System {
    /// Health check
    #[oai(path = "/health", method = "get", operation_id = "getHealth", tag = "Tag::System")]
    async fn health(&self) -> Answer<Health> {
        health::ready(&self.0).await?;
        Ok(answer(view::health(&self.0)))
    }

    /// API information
    #[oai(path = "/", method = "get", operation_id = "getIndex", tag = "Tag::System")]
    #[allow(clippy::unused_async, reason = "operations are")]
    async fn index(&self) -> Answer<Index> {
        Ok(answer(view::index()))
    }
}
