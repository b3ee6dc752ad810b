//! One's own account.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::types::MaybeUndefined;

use super::types::{ProfileAnswer, UpdateProfileAnswer, UpdateProfileRequest};
use super::{Tag, view};
use crate::http::bearer::Bearer;
use crate::http::body::Body;
use crate::http::response::{Answer, answer};
use crate::http::visit::Visit;
use crate::identity::Core;
use crate::identity::profile::{self, Changes};

/// The operations under `/users`.
pub(super) struct Users(pub(super) Arc<Core>);

#[OpenApi]
impl Users {
    /// Get one's own profile
    #[oai(path = "/users/me", method = "get", operation_id = "getProfile", tag = "Tag::UserManagement")]
    #[allow(clippy::unused_async, reason = "operations are")]
    async fn get(&self, bearer: Bearer) -> Answer<ProfileAnswer> {
        Ok(answer(view::profile(&self.0, bearer.0).into()))
    }

    /// Update one's own profile
    ///
    /// A field that is absent stays as it is; null or an empty text empties it.
    #[oai(path = "/users/me", method = "put", operation_id = "updateProfile", tag = "Tag::UserManagement")]
    async fn update(
        &self,
        visit: Visit,
        bearer: Bearer,
        body: Body<UpdateProfileRequest>,
    ) -> Answer<UpdateProfileAnswer> {
        let (first_name, last_name) = (change(body.0.first_name), change(body.0.last_name));
        let changes = Changes {
            // A whole name that another wire was given would contradict the new parts.
            name: (first_name.is_some() || last_name.is_some()).then_some(None),
            first_name,
            last_name,
            phone: change(body.0.phone),
            ..Changes::default()
        };
        let account = profile::update(&self.0, &bearer.0, changes, &visit.source).await?;
        Ok(answer(view::updated(account).into()))
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
