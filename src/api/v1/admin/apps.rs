//! Management of API clients and their keys.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::super::V1Tag;
use super::super::types::Done;
use super::types::{AppAnswer, AppsAnswer, CreateAppRequest};
use super::view;
use crate::http::extract::allowed::{Allowed, FreshProof, ManageApps};
use crate::http::extract::body::Body;
use crate::http::server::reject::Reject;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::access::api_client;

/// Operations under `/admin/apps`.
pub struct AppsApi {
    pub(super) core: Arc<Core>,
}

/// Response to the registration of an app.
#[derive(ApiResponse)]
pub enum AppCreatedResponse {
    /// The app is registered. The response is the only one that shows its key.
    #[oai(status = 201)]
    App(Json<AppAnswer>),
}

#[OpenApi]
impl AppsApi {
    /// List apps
    #[oai(path = "/admin/apps", method = "get", operation_id = "listApps", tag = "V1Tag::Admin")]
    async fn list(&self, _admin: Allowed<ManageApps>) -> Answer<AppsAnswer> {
        let apps = api_client::list(&self.core).await?;
        Ok(answer(apps.into_iter().map(|app| view::app(app, None)).collect::<Vec<_>>().into()))
    }

    /// Register an app
    ///
    /// The app's key is shown only in this response.
    #[oai(path = "/admin/apps", method = "post", operation_id = "createApp", tag = "V1Tag::Admin")]
    async fn create(
        &self,
        admin: Allowed<ManageApps>,
        body: Body<CreateAppRequest>,
    ) -> Result<AppCreatedResponse, Reject> {
        let (app, key) =
            api_client::create(&self.core, &admin.by(), &body.0.name, body.0.kind.into()).await?;
        Ok(AppCreatedResponse::App(Json(view::app(app, Some(key.reveal().to_owned())).into())))
    }

    /// Rotate an app's key
    ///
    /// The previous key stops working immediately.
    #[oai(
        path = "/admin/apps/:appId/rotate",
        method = "post",
        operation_id = "rotateApp",
        tag = "V1Tag::Admin"
    )]
    async fn rotate(
        &self,
        admin: Allowed<FreshProof<ManageApps>>,
        #[oai(name = "appId")] app_id: Path<String>,
    ) -> Answer<AppAnswer> {
        let (app, key) = api_client::rotate(&self.core, &admin.fresh()?, &app_id.0).await?;
        Ok(answer(view::app(app, Some(key.reveal().to_owned())).into()))
    }

    /// Delete an app
    #[oai(
        path = "/admin/apps/:appId",
        method = "delete",
        operation_id = "deleteApp",
        tag = "V1Tag::Admin"
    )]
    async fn delete(
        &self,
        admin: Allowed<FreshProof<ManageApps>>,
        #[oai(name = "appId")] app_id: Path<String>,
    ) -> Answer<Done> {
        api_client::delete(&self.core, &admin.fresh()?, &app_id.0).await?;
        Ok(answer(Done::saying("App deleted successfully")))
    }
}
