//! Sign-up, login, token refresh and logout.

use std::sync::Arc;

use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use crate::api::compat::siteworks::types::{
    RegisterAnswer, SiteworksDone, SiteworksLoginAnswer, SiteworksLoginRequest,
    SiteworksLogoutRequest, SiteworksRefreshAnswer, SiteworksRefreshRequest,
    SiteworksRegisterRequest,
};
use crate::api::compat::siteworks::{SiteworksTag, view};
use crate::error::{Error, limit};
use crate::http::extract::bearer::Bearer;
use crate::http::extract::body::{Body, OptionalBody};
use crate::http::extract::limited::Limited;
use crate::http::extract::request_context::RequestContext;
use crate::http::extract::schema::required_row;
use crate::http::server::reject::Reject;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::account::sign_up;
use crate::identity::account::sign_up::NewAccount;
use crate::identity::login::remember::Remember;
use crate::identity::login::sign_in;
use crate::identity::login::sign_in::{Credentials, Name};
use crate::identity::session::holder::SessionHolder;
use crate::identity::session::refresh::TokenTransport;
use crate::identity::session::{refresh, sign_out};

/// Operations that create and end sessions.
pub(in crate::api) struct SiteworksAuthApi {
    pub(in crate::api) core: Arc<Core>,
}

/// Response to a sign-up.
#[derive(ApiResponse)]
enum SiteworksRegisterResponse {
    /// The account is created and logged in.
    #[oai(status = 201)]
    Account(Json<RegisterAnswer>),
}

#[OpenApi]
impl SiteworksAuthApi {
    /// Register a new user
    ///
    /// Creates an account and logs it in.
    #[oai(
        path = "/api/auth/register",
        method = "post",
        operation_id = "register",
        tag = "SiteworksTag::Authentication"
    )]
    async fn register(
        &self,
        visit: RequestContext,
        limit: Limited<limit::SignUp>,
        body: Body<SiteworksRegisterRequest>,
    ) -> Result<SiteworksRegisterResponse, Reject> {
        let counted = limit.count().await?;
        let asked = body.0;
        let new = NewAccount {
            name: asked.name.filter(|name| !name.is_empty()),
            ..NewAccount::new(asked.email.0, asked.password.0)
        };
        let issued =
            sign_up::register_and_enter(&self.core, new, Remember::Long, &counted, &visit.source)
                .await?;
        Ok(SiteworksRegisterResponse::Account(Json(view::registered(&self.core, &issued)?)))
    }

    /// Log in with email address and password
    #[oai(
        path = "/api/auth/login",
        method = "post",
        operation_id = "login",
        tag = "SiteworksTag::Authentication"
    )]
    async fn login(
        &self,
        visit: RequestContext,
        limit: Limited<limit::SignIn>,
        body: Body<SiteworksLoginRequest>,
    ) -> Answer<SiteworksLoginAnswer> {
        let name = Name::Email(body.0.email.0.to_string());
        let not_locked = sign_in::refuse_locked(&self.core, &name, &visit.source).await?;
        let counted = limit.count().await?;
        let credentials =
            Credentials { name, password: body.0.password.0, remember: Remember::Long };
        let issued =
            sign_in::with_password(&self.core, credentials, &not_locked, &counted, &visit.source)
                .await?;
        Ok(answer(view::logged_in(&self.core, &issued)?))
    }

    /// Refresh the access token
    ///
    /// The refresh token is rotated; the response contains the next one.
    #[oai(
        path = "/api/auth/refresh",
        method = "post",
        operation_id = "refresh",
        tag = "SiteworksTag::Authentication"
    )]
    async fn refresh(
        &self,
        visit: RequestContext,
        limit: Limited<limit::Refresh>,
        body: OptionalBody<SiteworksRefreshRequest>,
    ) -> Answer<SiteworksRefreshAnswer> {
        let token = body.0.map(|body| body.refresh_token.0);
        let token = token.ok_or_else(|| Error::invalid(vec![required_row("refreshToken")]))?;
        let checked = limit.check().await?;
        let issued = refresh::rotate(
            &self.core,
            token.reveal(),
            TokenTransport::Body,
            &checked,
            &visit.source,
        )
        .await?;
        Ok(answer(view::refreshed(&self.core, &issued)?))
    }

    /// Log out
    ///
    /// Ends the session of the access token. Also ends the session of the refresh token in the body
    /// if it belongs to the same account.
    #[oai(
        path = "/api/auth/logout",
        method = "post",
        operation_id = "logout",
        tag = "SiteworksTag::Authentication"
    )]
    async fn logout(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        body: OptionalBody<SiteworksLogoutRequest>,
    ) -> Answer<SiteworksDone> {
        let token = body.0.and_then(|body| body.refresh_token).map(|field| field.0);
        sign_out::here_and_of(&self.core, &bearer.0, token.as_ref(), &visit.source).await?;
        Ok(answer(view::done("Logged out successfully")))
    }

    /// Log out from all devices
    #[oai(
        path = "/api/auth/logout-all",
        method = "post",
        operation_id = "logoutAll",
        tag = "SiteworksTag::Authentication"
    )]
    async fn logout_all(&self, visit: RequestContext, bearer: Bearer) -> Answer<SiteworksDone> {
        sign_out::everywhere(&self.core, &SessionHolder::from(&bearer.0), &visit.source).await?;
        Ok(answer(view::done("Logged out from all devices successfully")))
    }
}
