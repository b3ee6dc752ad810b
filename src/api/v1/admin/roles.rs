//! Roles and their permissions.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::super::V1Tag;
use super::super::types::Done;
use super::types::{CreateRoleRequest, RoleAnswer, RolesAnswer, UpdateRoleRequest};
use super::view;
use crate::http::extract::allowed::{Allowed, FreshProof, ManageRoles};
use crate::http::extract::body::Body;
use crate::http::extract::fields::RoleNameField;
use crate::http::server::reject::Reject;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::admin::roles;

/// Operations under `/admin/roles`.
pub struct RolesApi {
    pub(super) core: Arc<Core>,
}

/// Response to the creation of a role.
#[derive(ApiResponse)]
pub enum RoleCreatedResponse {
    /// The role is created.
    #[oai(status = 201)]
    Role(Json<RoleAnswer>),
}

#[OpenApi]
impl RolesApi {
    /// List roles
    #[oai(path = "/admin/roles", method = "get", operation_id = "listRoles", tag = "V1Tag::Admin")]
    async fn list(&self, _admin: Allowed<ManageRoles>) -> Answer<RolesAnswer> {
        let roles = roles::list(&self.core).await?;
        Ok(answer(roles.into_iter().map(view::role).collect::<Vec<_>>().into()))
    }

    /// Create a role
    ///
    /// Administrators can grant only permissions that they have themselves.
    #[oai(
        path = "/admin/roles",
        method = "post",
        operation_id = "createRole",
        tag = "V1Tag::Admin"
    )]
    async fn create(
        &self,
        admin: Allowed<ManageRoles>,
        body: Body<CreateRoleRequest>,
    ) -> Result<RoleCreatedResponse, Reject> {
        let (name, permissions) = (body.0.name.0, names(body.0.permissions));
        let role = roles::create(&self.core, &admin.by(), &name, permissions).await?;
        Ok(RoleCreatedResponse::Role(Json(view::role(role).into())))
    }

    /// Set the permissions of a role
    #[oai(
        path = "/admin/roles/:role",
        method = "put",
        operation_id = "updateRole",
        tag = "V1Tag::Admin"
    )]
    async fn update(
        &self,
        admin: Allowed<ManageRoles>,
        role: Path<String>,
        body: Body<UpdateRoleRequest>,
    ) -> Answer<RoleAnswer> {
        let role =
            roles::change(&self.core, &admin.by(), &role.0, names(body.0.permissions)).await?;
        Ok(answer(view::role(role).into()))
    }

    /// Delete a role
    ///
    /// All accounts that have the role lose it. Built-in roles cannot be deleted.
    #[oai(
        path = "/admin/roles/:role",
        method = "delete",
        operation_id = "deleteRole",
        tag = "V1Tag::Admin"
    )]
    async fn delete(
        &self,
        admin: Allowed<FreshProof<ManageRoles>>,
        role: Path<String>,
    ) -> Answer<Done> {
        roles::delete(&self.core, &admin.fresh()?, &role.0).await?;
        Ok(answer(Done::saying("Role deleted successfully")))
    }
}

fn names(fields: Vec<RoleNameField>) -> Vec<String> {
    fields.into_iter().map(|field| field.0).collect()
}
