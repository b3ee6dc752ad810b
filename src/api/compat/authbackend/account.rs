//! The caller's password and sessions.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;

use crate::api::compat::authbackend::types::{
    AuthbackendChangePasswordRequest, AuthbackendDone, SessionsAnswer,
};
use crate::api::compat::authbackend::{AuthbackendTag, view};
use crate::error::limit;
use crate::http::extract::bearer::Bearer;
use crate::http::extract::body::Body;
use crate::http::extract::limited::Limited;
use crate::http::extract::request_context::RequestContext;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::account::password;
use crate::identity::session::holder::SessionHolder;
use crate::identity::session::{list, sign_out};

/// Operations on the caller's account.
pub(in crate::api) struct AuthbackendOwnAccountApi {
    pub(in crate::api) core: Arc<Core>,
}

#[OpenApi]
impl AuthbackendOwnAccountApi {
    /// Change password
    ///
    /// The session that makes this call continues; all other sessions end.
    #[oai(
        path = "/api/auth/change-password",
        method = "post",
        operation_id = "changePassword",
        tag = "AuthbackendTag::Account"
    )]
    async fn change_password(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        limit: Limited<limit::ChangePassword>,
        body: Body<AuthbackendChangePasswordRequest>,
    ) -> Answer<AuthbackendDone> {
        // The document limits no calls, so only wrong passwords count.
        let counted = limit.count_wrong_password().await?;
        let (current, new) = (body.0.current_password.0, body.0.new_password.0);
        password::change(&self.core, &bearer.0, current, new, &counted, &visit.source).await?;
        Ok(answer(view::done("Password changed successfully")))
    }

    /// Logout
    #[oai(
        path = "/api/auth/logout",
        method = "post",
        operation_id = "logout",
        tag = "AuthbackendTag::Account"
    )]
    async fn logout(&self, visit: RequestContext, bearer: Bearer) -> Answer<AuthbackendDone> {
        sign_out::here(&self.core, &SessionHolder::from(&bearer.0), &visit.source).await?;
        Ok(answer(view::done("Logged out successfully")))
    }

    /// Logout all devices
    #[oai(
        path = "/api/auth/logout-all",
        method = "post",
        operation_id = "logoutAll",
        tag = "AuthbackendTag::Account"
    )]
    async fn logout_all(&self, visit: RequestContext, bearer: Bearer) -> Answer<AuthbackendDone> {
        sign_out::everywhere(&self.core, &SessionHolder::from(&bearer.0), &visit.source).await?;
        Ok(answer(view::done("Logged out from all devices successfully")))
    }

    /// Get user sessions
    #[oai(
        path = "/api/auth/sessions",
        method = "get",
        operation_id = "listSessions",
        tag = "AuthbackendTag::Account"
    )]
    async fn sessions(&self, bearer: Bearer) -> Answer<SessionsAnswer> {
        let sessions = list::list(&self.core, &bearer.0.account.id).await?;
        Ok(answer(view::sessions(sessions, &bearer.0)))
    }

    /// Terminate specific session
    #[oai(
        path = "/api/auth/sessions/:sessionId",
        method = "delete",
        operation_id = "endSession",
        tag = "AuthbackendTag::Account"
    )]
    async fn end_session(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        #[oai(name = "sessionId")] session_id: Path<String>,
    ) -> Answer<AuthbackendDone> {
        list::end(&self.core, &bearer.0, &session_id.0, &visit.source).await?;
        Ok(answer(view::done("Session terminated successfully")))
    }
}
