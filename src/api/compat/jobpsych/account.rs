//! The caller's account: profile, password and quota.

use std::sync::Arc;

use poem_openapi::OpenApi;

use crate::api::compat::jobpsych::types::{
    JobpsychChangePasswordRequest, JobpsychDone, JobpsychProfileAnswer, UploadStats,
    UploadStatsAnswer,
};
use crate::api::compat::jobpsych::{JobpsychTag, view};
use crate::error::limit;
use crate::http::extract::bearer::Bearer;
use crate::http::extract::body::Body;
use crate::http::extract::limited::Limited;
use crate::http::extract::request_context::RequestContext;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::account::{password, quota};

/// Operations on the caller's account.
pub(in crate::api) struct JobpsychOwnAccountApi {
    pub(in crate::api) core: Arc<Core>,
}

#[OpenApi]
impl JobpsychOwnAccountApi {
    /// Get user profile
    #[oai(
        path = "/api/auth/profile",
        method = "get",
        operation_id = "getProfile",
        tag = "JobpsychTag::Authentication"
    )]
    async fn profile(&self, bearer: Bearer) -> Answer<JobpsychProfileAnswer> {
        Ok(answer(JobpsychProfileAnswer {
            success: true,
            user: view::own(&self.core, &bearer.0).await?,
        }))
    }

    /// Change password
    ///
    /// All other sessions of the account end.
    #[oai(
        path = "/api/auth/change-password",
        method = "post",
        operation_id = "changePassword",
        tag = "JobpsychTag::Authentication"
    )]
    async fn change_password(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        limit: Limited<limit::ChangePassword>,
        body: Body<JobpsychChangePasswordRequest>,
    ) -> Answer<JobpsychDone> {
        let counted = limit.count().await?;
        let (current, new) = (body.0.current_password.0, body.0.new_password.0);
        password::change(&self.core, &bearer.0, current, new, &counted, &visit.source).await?;
        Ok(answer(view::done("Password changed successfully")))
    }

    /// Get detailed stats
    #[oai(
        path = "/api/auth/upload-stats",
        method = "get",
        operation_id = "getUploadStats",
        tag = "JobpsychTag::Quota"
    )]
    async fn upload_stats(&self, bearer: Bearer) -> Answer<UploadStatsAnswer> {
        let quota = quota::own(&self.core, &bearer.0).await?;
        let account = &bearer.0.account;
        let stats = UploadStats {
            email: account.promised_email(),
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
