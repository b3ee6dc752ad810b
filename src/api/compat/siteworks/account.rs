//! The caller's account: profile and password.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::types::MaybeUndefined;

use crate::api::compat::siteworks::types::{
    SiteworksChangePasswordRequest, SiteworksDone, SiteworksProfileAnswer,
    SiteworksUpdateProfileRequest, UpdateProfileAnswer,
};
use crate::api::compat::siteworks::{SiteworksTag, view};
use crate::error::limit;
use crate::http::extract::bearer::Bearer;
use crate::http::extract::body::Body;
use crate::http::extract::limited::Limited;
use crate::http::extract::request_context::RequestContext;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::account::profile::Changes;
use crate::identity::account::{password, profile};

/// Operations on the caller's account.
pub(in crate::api) struct SiteworksOwnAccountApi {
    pub(in crate::api) core: Arc<Core>,
}

#[OpenApi]
impl SiteworksOwnAccountApi {
    /// Get the current user's profile
    #[oai(
        path = "/api/auth/profile",
        method = "get",
        operation_id = "getProfile",
        tag = "SiteworksTag::Profile"
    )]
    #[allow(clippy::unused_async, reason = "operations are")]
    async fn get(&self, bearer: Bearer) -> Answer<SiteworksProfileAnswer> {
        Ok(answer(view::own_account(&self.core, &bearer.0.account)))
    }

    /// Update the profile
    ///
    /// An absent field keeps its value; `null` or an empty string clears it.
    #[oai(
        path = "/api/auth/profile",
        method = "put",
        operation_id = "updateProfile",
        tag = "SiteworksTag::Profile"
    )]
    async fn update(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        body: Body<SiteworksUpdateProfileRequest>,
    ) -> Answer<UpdateProfileAnswer> {
        let account =
            profile::update(&self.core, &bearer.0, changes(body.0.name), &visit.source).await?;
        Ok(answer(view::updated(&self.core, &account)))
    }

    /// Change the password
    ///
    /// All other sessions of the account end.
    #[oai(
        path = "/api/auth/change-password",
        method = "put",
        operation_id = "changePassword",
        tag = "SiteworksTag::Profile"
    )]
    async fn change_password(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        limit: Limited<limit::ChangePassword>,
        body: Body<SiteworksChangePasswordRequest>,
    ) -> Answer<SiteworksDone> {
        let counted = limit.count().await?;
        let (current, new) = (body.0.current_password.0, body.0.new_password.0);
        password::change(&self.core, &bearer.0, current, new, &counted, &visit.source).await?;
        Ok(answer(view::done("Password changed successfully")))
    }
}

/// A full name replaces the name parts that were set through another wire.
fn changes(name: MaybeUndefined<String>) -> Changes {
    let name = match name {
        MaybeUndefined::Undefined => return Changes::default(),
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(name) => Some(name).filter(|name| !name.is_empty()),
    };
    Changes {
        name: Some(name),
        first_name: Some(None),
        last_name: Some(None),
        ..Changes::default()
    }
}
