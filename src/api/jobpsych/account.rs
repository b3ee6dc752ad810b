//! The caller's account: profile, password and quota.

use std::sync::Arc;

use poem_openapi::OpenApi;

use super::types::{ChangePasswordRequest, Done, ProfileAnswer, UploadStats, UploadStatsAnswer};
use super::{Tag, view};
use crate::error::Limit;
use crate::http::bearer::Bearer;
use crate::http::body::Body;
use crate::http::response::{Answer, answer};
use crate::http::visit::Visit;
use crate::identity::{Core, password, quota};

/// Operations on the caller's account.
pub(super) struct OwnAccount(pub(super) Arc<Core>);

#[OpenApi]
impl OwnAccount {
    /// Get user profile
    #[oai(path = "/api/auth/profile", method = "get", operation_id = "getProfile", tag = "Tag::Authentication")]
    async fn profile(&self, bearer: Bearer) -> Answer<ProfileAnswer> {
        Ok(answer(ProfileAnswer { success: true, user: view::own(&self.0, &bearer.0).await? }))
    }

    /// Change password
    ///
    /// All other sessions of the account end.
    #[oai(
        path = "/api/auth/change-password",
        method = "post",
        operation_id = "changePassword",
        tag = "Tag::Authentication"
    )]
    async fn change_password(&self, visit: Visit, bearer: Bearer, body: Body<ChangePasswordRequest>) -> Answer<Done> {
        visit.meter.count(Limit::ChangePassword)?;
        let (current, new) = (body.0.current_password.0, body.0.new_password.0);
        password::change(&self.0, &bearer.0, current, new, &visit.source).await?;
        Ok(answer(view::done("Password changed successfully")))
    }

    /// Get detailed stats
    #[oai(path = "/api/auth/upload-stats", method = "get", operation_id = "getUploadStats", tag = "Tag::Quota")]
    async fn upload_stats(&self, bearer: Bearer) -> Answer<UploadStatsAnswer> {
        let quota = quota::own(&self.0, &bearer.0).await?;
        let account = &bearer.0.account;
        let stats = UploadStats {
            email: account.email.to_string(),
            name: account.full_name().unwrap_or_default(),
            total_uploads: quota.uploaded,
            limit: quota.limit,
            remaining: quota.remaining(),
            percentage: quota.percentage(),
            can_upload: quota.remaining() > 0,
        };
        Ok(answer(UploadStatsAnswer { success: true, stats }))
    }
}
