//! Other people's accounts, and figures.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};

use super::types::{Done, LoginsAnswer, RoleRequest, StatisticsAnswer, UserAnswer, UsersAnswer};
use super::{Tag, view};
use crate::http::allowed::{Allowed, ManageRoles, ReadStats, ReadUsers, SuspendUsers, WriteUsers};
use crate::http::body::Body;
use crate::http::response::{Answer, answer};
use crate::identity::directory::{self, Changes};
use crate::identity::{Core, admin, stats};

/// The operations under `/api/admin`.
pub(super) struct Admin(pub(super) Arc<Core>);

/// How many accounts a list gives that does not say how many.
const MANY: i64 = 1000;

#[OpenApi]
impl Admin {
    /// Get all users
    ///
    /// In the order of their ids, the first 1,000 unless `page` and `limit` say otherwise.
    #[oai(path = "/api/admin/users", method = "get", operation_id = "listUsers", tag = "Tag::Admin")]
    async fn list(
        &self,
        _admin: Allowed<ReadUsers>,
        /// The page, from 1.
        #[oai(validator(minimum(value = "1")))]
        page: Query<Option<i64>>,
        /// How many on a page, at most 1,000.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
        limit: Query<Option<i64>>,
    ) -> Answer<UsersAnswer> {
        let found = directory::present(&self.0, page.0.unwrap_or(1), limit.0.unwrap_or(MANY)).await?;
        Ok(answer(view::users(found)))
    }

    /// Get user by ID
    #[oai(path = "/api/admin/users/:userId", method = "get", operation_id = "getUser", tag = "Tag::Admin")]
    async fn get(
        &self,
        _admin: Allowed<ReadUsers>,
        #[oai(name = "userId")] user_id: Path<String>,
    ) -> Answer<UserAnswer> {
        Ok(answer(view::one_user(directory::by_number(&self.0, &user_id.0).await?)))
    }

    /// Update user role
    ///
    /// The role takes the place of all that the account had.
    #[oai(path = "/api/admin/users/:userId/role", method = "put", operation_id = "setUserRole", tag = "Tag::Admin")]
    async fn set_role(
        &self,
        admin: Allowed<ManageRoles>,
        #[oai(name = "userId")] user_id: Path<String>,
        body: Body<RoleRequest>,
    ) -> Answer<Done> {
        let id = directory::by_number(&self.0, &user_id.0).await?.account.id;
        let changes = Changes { roles: Some(vec![body.0.role]), ..Changes::default() };
        directory::update(&self.0, &admin.by(), id.as_str(), changes).await?;
        Ok(answer(view::done("User role updated successfully")))
    }

    /// Toggle user lock
    ///
    /// Locks an account and ends its sessions, or lets a locked one in again.
    #[oai(path = "/api/admin/users/:userId/lock", method = "put", operation_id = "toggleUserLock", tag = "Tag::Admin")]
    async fn toggle_lock(
        &self,
        admin: Allowed<SuspendUsers>,
        #[oai(name = "userId")] user_id: Path<String>,
    ) -> Answer<Done> {
        let id = directory::by_number(&self.0, &user_id.0).await?.account.id;
        directory::toggle_suspension(&self.0, &admin.by(), id.as_str()).await?;
        Ok(answer(view::done("User lock status updated")))
    }

    /// Delete user
    ///
    /// It is hidden at once and erased after 30 days; one whose address nobody proved goes at once. Asks for no fresh
    /// proof, unlike the native API, for its clients have no call that brings one.
    #[oai(path = "/api/admin/users/:userId", method = "delete", operation_id = "deleteUser", tag = "Tag::Admin")]
    async fn delete(&self, admin: Allowed<WriteUsers>, #[oai(name = "userId")] user_id: Path<String>) -> Answer<Done> {
        let id = directory::by_number(&self.0, &user_id.0).await?.account.id;
        admin::delete(&self.0, &admin.by(), id.as_str()).await?;
        Ok(answer(view::done("User deleted successfully")))
    }

    /// Get system statistics
    #[oai(path = "/api/admin/stats", method = "get", operation_id = "getStats", tag = "Tag::Admin")]
    async fn stats(&self, _admin: Allowed<ReadStats>) -> Answer<StatisticsAnswer> {
        Ok(answer(view::statistics(stats::totals(&self.0).await?)))
    }

    /// Get login analytics
    ///
    /// Completed logins of the last 30 days and 12 months, in UTC, those without any too.
    #[oai(path = "/api/admin/analytics/logins", method = "get", operation_id = "getLogins", tag = "Tag::Admin")]
    async fn logins(&self, _admin: Allowed<ReadStats>) -> Answer<LoginsAnswer> {
        Ok(answer(view::logins(stats::logins(&self.0).await?)))
    }
}
