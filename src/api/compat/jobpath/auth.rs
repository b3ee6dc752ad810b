//! Sign-up, login, the current user and logout.

use std::sync::Arc;

use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use serde_json::json;

use crate::api::compat::jobpath::JobpathTag;
use crate::api::compat::jobpath::types::{
    CreatedUser, JobpathDone, JobpathLoginAnswer, JobpathLoginRequest, JobpathUser, SignupRequest,
};
use crate::error::limit;
use crate::http::extract::bearer::Bearer;
use crate::http::extract::body::Body;
use crate::http::extract::limited::Limited;
use crate::http::extract::request_context::RequestContext;
use crate::http::server::reject::Reject;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::account::sign_up;
use crate::identity::account::sign_up::NewAccount;
use crate::identity::login::remember::Remember;
use crate::identity::login::sign_in::{Credentials, Name};
use crate::identity::login::{gate, sign_in};
use crate::identity::session::holder::SessionHolder;
use crate::identity::session::sign_out;

/// All operations of this wire.
pub(in crate::api) struct JobpathAuthApi {
    pub(in crate::api) core: Arc<Core>,
}

/// Response to a sign-up.
#[derive(ApiResponse)]
enum JobpathRegisterResponse {
    /// The account is created.
    #[oai(status = 201)]
    User(Json<CreatedUser>),
}

#[OpenApi]
impl JobpathAuthApi {
    /// Sign up
    #[oai(
        path = "/auth/signup",
        method = "post",
        operation_id = "signup",
        tag = "JobpathTag::Authentication"
    )]
    async fn signup(
        &self,
        visit: RequestContext,
        limit: Limited<limit::SignUp>,
        body: Body<SignupRequest>,
    ) -> Result<JobpathRegisterResponse, Reject> {
        let counted = limit.count().await?;
        let new = NewAccount::new(body.0.email.0, body.0.password.0);
        let made = sign_up::register(&self.core, new, &counted, &visit.source).await?;
        Ok(JobpathRegisterResponse::User(Json(CreatedUser {
            id: made.id.to_string(),
            email: made.email.to_string(),
            created_at: made.created_at.to_seconds_text(),
        })))
    }

    /// Log in with email address and password
    ///
    /// The token cannot be refreshed. When it expires, log in again.
    #[oai(
        path = "/auth/login",
        method = "post",
        operation_id = "login",
        tag = "JobpathTag::Authentication"
    )]
    async fn login(
        &self,
        visit: RequestContext,
        limit: Limited<limit::SignIn>,
        body: Body<JobpathLoginRequest>,
    ) -> Answer<JobpathLoginAnswer> {
        let name = Name::Email(body.0.email.0.to_string());
        let not_locked = sign_in::refuse_locked(&self.core, &name, &visit.source).await?;
        let counted = limit.count().await?;
        let credentials =
            Credentials { name, password: body.0.password.0, remember: Remember::Long };
        let issued =
            sign_in::with_password(&self.core, credentials, &not_locked, &counted, &visit.source)
                .await?;
        let (id, email) = (issued.account.id.as_str(), issued.account.promised_email());
        let claims = vec![("user_id", json!(id)), ("email", json!(email))];
        Ok(answer(JobpathLoginAnswer {
            access_token: gate::access_token(&self.core, &issued, claims)?.token,
            token_type: "bearer".into(),
            user: JobpathUser::of(&issued.account),
        }))
    }

    /// Get the current user
    #[oai(
        path = "/auth/me",
        method = "get",
        operation_id = "getCurrentUser",
        tag = "JobpathTag::Authentication"
    )]
    #[allow(clippy::unused_async, reason = "operations are")]
    async fn me(&self, bearer: Bearer) -> Answer<JobpathUser> {
        Ok(answer(JobpathUser::of(&bearer.0.account)))
    }

    /// Log out
    ///
    /// Revokes the token permanently.
    #[oai(
        path = "/auth/logout",
        method = "post",
        operation_id = "logout",
        tag = "JobpathTag::Authentication"
    )]
    async fn logout(&self, visit: RequestContext, bearer: Bearer) -> Answer<JobpathDone> {
        sign_out::here(&self.core, &SessionHolder::from(&bearer.0), &visit.source).await?;
        Ok(answer(JobpathDone { message: "Logged out successfully".into() }))
    }
}
