//! The caller's account.

use std::sync::Arc;

use poem::http::header::CONTENT_DISPOSITION;
use poem_openapi::OpenApi;
use poem_openapi::types::MaybeUndefined;

use super::auth::cookie_path;
use super::types::{Done, ExportAnswer, ProfileAnswer, UpdateProfileAnswer, UpdateProfileRequest};
use super::{V1Tag, view};
use crate::http::extract::bearer::Bearer;
use crate::http::extract::body::Body;
use crate::http::extract::fields::LanguageField;
use crate::http::extract::refresh_cookie;
use crate::http::extract::refresh_cookie::Naming;
use crate::http::extract::request_context::RequestContext;
use crate::http::server::response::{Answer, QuickAnswer, answer, streamed, with_cookie, written};
use crate::identity::Core;
use crate::identity::access::fresh::Fresh;
use crate::identity::account::profile::Changes;
use crate::identity::account::{delete, export, profile};
use crate::model::LanguageTag;

/// Operations under `/users`.
pub(super) struct UsersApi {
    pub(super) core: Arc<Core>,
}

#[OpenApi]
impl UsersApi {
    /// Get the caller's profile
    ///
    /// Returns the account, its roles and the permissions that they grant.
    #[oai(
        path = "/users/me",
        method = "get",
        operation_id = "getProfile",
        tag = "V1Tag::UserManagement"
    )]
    #[allow(clippy::unused_async, reason = "operations are")]
    async fn get(&self, bearer: Bearer) -> QuickAnswer<ProfileAnswer> {
        written(&view::profile(&self.core, bearer.0).into())
    }

    /// Update the caller's profile
    ///
    /// Absent fields keep their values; `null` or an empty string clears a field.
    #[oai(
        path = "/users/me",
        method = "put",
        operation_id = "updateProfile",
        tag = "V1Tag::UserManagement"
    )]
    async fn update(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        body: Body<UpdateProfileRequest>,
    ) -> Answer<UpdateProfileAnswer> {
        let (first_name, last_name) = (change(body.0.first_name), change(body.0.last_name));
        let changes = Changes {
            // A full name that was set through another wire would contradict the new parts.
            name: (first_name.is_some() || last_name.is_some()).then_some(None),
            first_name,
            last_name,
            phone: change(body.0.phone),
            locale: language(&body.0.locale),
            ..Changes::default()
        };
        let account = profile::update(&self.core, &bearer.0, changes, &visit.source).await?;
        Ok(answer(view::updated(account).into()))
    }

    /// Delete the caller's account
    ///
    /// Hides the account immediately, ends all its sessions and erases it after 30 days. Requires
    /// fresh authentication. The last administrator cannot be deleted.
    #[oai(
        path = "/users/me",
        method = "delete",
        operation_id = "deleteAccount",
        tag = "V1Tag::UserManagement"
    )]
    async fn delete(&self, visit: RequestContext, bearer: Bearer) -> Answer<Done> {
        let fresh = Fresh::check(&self.core, &bearer.0).await?;
        delete::own_account(&self.core, &fresh, &visit.source).await?;
        let cookie =
            refresh_cookie::clear(&self.core.config, Naming::Guarded, &cookie_path(&visit.path));
        Ok(with_cookie(Done::saying("Account deleted successfully"), cookie))
    }

    /// Export the caller's account
    ///
    /// Returns all data that the server stores about the caller, without hashes of secrets.
    /// Requires fresh authentication.
    #[oai(
        path = "/users/me/export",
        method = "get",
        operation_id = "exportAccount",
        tag = "V1Tag::UserManagement"
    )]
    async fn export(&self, visit: RequestContext, bearer: Bearer) -> QuickAnswer<ExportAnswer> {
        let fresh = Fresh::check(&self.core, &bearer.0).await?;
        let begun = export::begin(&self.core, &fresh, &visit.source).await?;
        Ok(streamed(view::export_answer(self.core.clone(), begun)?)
            .header(CONTENT_DISPOSITION, "attachment; filename=\"account.json\""))
    }
}

/// A change of the language that the owner reads.
#[allow(clippy::option_option, reason = "the three cases are the core's")]
pub(super) fn language(field: &MaybeUndefined<LanguageField>) -> Option<Option<LanguageTag>> {
    match field {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(LanguageField(tag)) => Some(Some(*tag)),
    }
}

#[allow(clippy::option_option, reason = "the three cases are the core's")]
pub(super) fn change(field: MaybeUndefined<String>) -> Option<Option<String>> {
    match field {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(text) => Some(Some(text).filter(|text| !text.is_empty())),
    }
}
