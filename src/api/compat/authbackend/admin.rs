//! Operations on other accounts, and statistics.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};

use crate::api::compat::authbackend::types::{
    AuthbackendDone, LoginsAnswer, RoleRequest, StatisticsAnswer, UserAnswer, UsersAnswer,
};
use crate::api::compat::authbackend::{AuthbackendTag, view};
use crate::http::extract::allowed::{
    Allowed, FreshProof, ManageRoles, ReadStats, ReadUsers, SuspendUsers, WriteUsers,
};
use crate::http::extract::body::Body;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::admin::changes::Changes;
use crate::identity::admin::{accounts, changes, search, stats};

/// Operations under `/api/admin`.
pub(in crate::api) struct AuthbackendAdminApi {
    pub(in crate::api) core: Arc<Core>,
}

/// Number of accounts in a list if the query has no limit.
const MANY: i64 = 1000;

#[OpenApi]
impl AuthbackendAdminApi {
    /// Get all users
    ///
    /// Returns accounts in the order of their IDs: the first 1,000 unless `page` and `limit` select
    /// others.
    #[oai(
        path = "/api/admin/users",
        method = "get",
        operation_id = "listUsers",
        tag = "AuthbackendTag::Admin"
    )]
    async fn list(
        &self,
        _admin: Allowed<ReadUsers>,
        /// The page number, from 1.
        #[oai(validator(minimum(value = "1")))]
        page: Query<Option<i64>>,
        /// Entries per page, at most 1,000.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
        limit: Query<Option<i64>>,
    ) -> Answer<UsersAnswer> {
        let found =
            search::present(&self.core, page.0.unwrap_or(1), limit.0.unwrap_or(MANY)).await?;
        Ok(answer(view::users(found)))
    }

    /// Get user by ID
    #[oai(
        path = "/api/admin/users/:userId",
        method = "get",
        operation_id = "getUser",
        tag = "AuthbackendTag::Admin"
    )]
    async fn get(
        &self,
        _admin: Allowed<ReadUsers>,
        #[oai(name = "userId")] user_id: Path<String>,
    ) -> Answer<UserAnswer> {
        Ok(answer(view::one_user(search::by_number(&self.core, &user_id.0).await?)))
    }

    /// Update user role
    ///
    /// The new role replaces all roles of the account.
    #[oai(
        path = "/api/admin/users/:userId/role",
        method = "put",
        operation_id = "setUserRole",
        tag = "AuthbackendTag::Admin"
    )]
    async fn set_role(
        &self,
        admin: Allowed<ManageRoles>,
        #[oai(name = "userId")] user_id: Path<String>,
        body: Body<RoleRequest>,
    ) -> Answer<AuthbackendDone> {
        let id = search::by_number(&self.core, &user_id.0).await?.account.id;
        let changes = Changes { roles: Some(vec![body.0.role]), ..Changes::default() };
        changes::update(&self.core, &admin.by(), id.as_str(), changes).await?;
        Ok(answer(view::done("User role updated successfully")))
    }

    /// Toggle user lock
    ///
    /// Locks an account and ends its sessions, or unlocks a locked account.
    #[oai(
        path = "/api/admin/users/:userId/lock",
        method = "put",
        operation_id = "toggleUserLock",
        tag = "AuthbackendTag::Admin"
    )]
    async fn toggle_lock(
        &self,
        admin: Allowed<SuspendUsers>,
        #[oai(name = "userId")] user_id: Path<String>,
    ) -> Answer<AuthbackendDone> {
        let id = search::by_number(&self.core, &user_id.0).await?.account.id;
        changes::toggle_suspension(&self.core, &admin.by(), id.as_str()).await?;
        Ok(answer(view::done("User lock status updated")))
    }

    /// Delete user
    ///
    /// The account is hidden immediately and erased after 30 days. An account whose email address
    /// was never verified is erased immediately. This requires a login in the last 15 minutes, or
    /// `POST /v1/auth/reauthenticate` with the same access token.
    #[oai(
        path = "/api/admin/users/:userId",
        method = "delete",
        operation_id = "deleteUser",
        tag = "AuthbackendTag::Admin"
    )]
    async fn delete(
        &self,
        admin: Allowed<FreshProof<WriteUsers>>,
        #[oai(name = "userId")] user_id: Path<String>,
    ) -> Answer<AuthbackendDone> {
        let id = search::by_number(&self.core, &user_id.0).await?.account.id;
        accounts::delete(&self.core, &admin.fresh()?, id.as_str()).await?;
        Ok(answer(view::done("User deleted successfully")))
    }

    /// Get system statistics
    #[oai(
        path = "/api/admin/stats",
        method = "get",
        operation_id = "getStats",
        tag = "AuthbackendTag::Admin"
    )]
    async fn stats(&self, _admin: Allowed<ReadStats>) -> Answer<StatisticsAnswer> {
        Ok(answer(view::statistics(stats::totals(&self.core).await?)))
    }

    /// Get login analytics
    ///
    /// Returns the number of completed logins for each of the last 30 days and the last 12 months,
    /// in UTC. Days and months without logins are included.
    #[oai(
        path = "/api/admin/analytics/logins",
        method = "get",
        operation_id = "getLogins",
        tag = "AuthbackendTag::Admin"
    )]
    async fn logins(&self, _admin: Allowed<ReadStats>) -> Answer<LoginsAnswer> {
        Ok(answer(view::logins(stats::logins(&self.core).await?)))
    }
}
