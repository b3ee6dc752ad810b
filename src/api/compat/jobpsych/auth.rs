//! Sign-up, login, token refresh and logout. Only the cookie carries the refresh token.

use std::sync::Arc;

use poem_openapi::payload::{Json, Response};
use poem_openapi::{ApiResponse, OpenApi};

use crate::api::compat::jobpsych::types::{
    JobpsychDone, JobpsychLoginRequest, JobpsychRefreshAnswer, JobpsychRegisterRequest,
    JobpsychResetPasswordRequest, JobpsychSessionAnswer,
};
use crate::api::compat::jobpsych::{JobpsychTag, view};
use crate::error::{Error, Kind, Result, limit};
use crate::http::extract::bearer::MaybeBearer;
use crate::http::extract::body::Body;
use crate::http::extract::limited::Limited;
use crate::http::extract::refresh_cookie;
use crate::http::extract::refresh_cookie::Naming;
use crate::http::extract::request_context::{PlainRefreshCookie, RequestContext};
use crate::http::extract::schema::required_row;
use crate::http::server::reject::Reject;
use crate::http::server::response::{Answer, answer, with_cookie};
use crate::identity::Core;
use crate::identity::account::sign_up::NewAccount;
use crate::identity::account::{quota, recover, sign_up};
use crate::identity::login::gate::Issued;
use crate::identity::login::remember::Remember;
use crate::identity::login::sign_in;
use crate::identity::login::sign_in::{Credentials, Name};
use crate::identity::session::holder::SessionHolder;
use crate::identity::session::sign_out;

/// The path to which browsers send the refresh cookie.
const COOKIE_PATH: &str = "/api/auth";

/// Operations that create and end sessions.
pub(in crate::api) struct JobpsychAuthApi {
    pub(in crate::api) core: Arc<Core>,
}

/// Response to a sign-up.
#[derive(ApiResponse)]
enum JobpsychRegisterResponse {
    /// The account is created and logged in.
    #[oai(status = 201)]
    Account(Json<JobpsychSessionAnswer>),
}

#[OpenApi]
impl JobpsychAuthApi {
    /// Register new user
    ///
    /// Creates an account and logs it in. The refresh token is in an `HttpOnly` cookie.
    #[oai(
        path = "/api/auth/register",
        method = "post",
        operation_id = "register",
        tag = "JobpsychTag::Authentication"
    )]
    async fn register(
        &self,
        visit: RequestContext,
        limit: Limited<limit::SignUp>,
        body: Body<JobpsychRegisterRequest>,
    ) -> Result<Response<JobpsychRegisterResponse>, Reject> {
        let counted = limit.count().await?;
        let asked = body.0;
        let new = NewAccount {
            name: Some(asked.name),
            company_name: Some(asked.company_name),
            ..NewAccount::new(asked.email.0, asked.password.0)
        };
        let issued =
            sign_up::register_and_enter(&self.core, new, Remember::Long, &counted, &visit.source)
                .await?;
        let (session, cookie) = self.session("User registered successfully", issued).await?;
        Ok(Response::new(JobpsychRegisterResponse::Account(Json(session)))
            .header("set-cookie", cookie))
    }

    /// Login user
    #[oai(
        path = "/api/auth/login",
        method = "post",
        operation_id = "login",
        tag = "JobpsychTag::Authentication"
    )]
    async fn login(
        &self,
        visit: RequestContext,
        limit: Limited<limit::SignIn>,
        body: Body<JobpsychLoginRequest>,
    ) -> Answer<JobpsychSessionAnswer> {
        let name = Name::Email(body.0.email.0.to_string());
        let not_locked = sign_in::refuse_locked(&self.core, &name, &visit.source).await?;
        let counted = limit.count().await?;
        let credentials =
            Credentials { name, password: body.0.password.0, remember: Remember::Long };
        let issued =
            sign_in::with_password(&self.core, credentials, &not_locked, &counted, &visit.source)
                .await?;
        let (session, cookie) = self.session("Login successful", issued).await?;
        Ok(with_cookie(session, cookie))
    }

    /// Refresh access token
    ///
    /// Takes the refresh token from its cookie and sets the next one there.
    #[oai(
        path = "/api/auth/refresh",
        method = "post",
        operation_id = "refresh",
        tag = "JobpsychTag::Authentication"
    )]
    async fn refresh(
        &self,
        visit: RequestContext,
        cookie: PlainRefreshCookie,
        limit: Limited<limit::Refresh>,
    ) -> Answer<JobpsychRefreshAnswer> {
        let token = cookie.at(COOKIE_PATH).take()?.ok_or(Kind::MissingRefreshToken)?;
        let issued = token.refresh(&limit.check().await?, &visit.source).await?;
        let access_token = view::access_token(&self.core, &issued)?;
        let message = "Token refreshed successfully".into();
        Ok(with_cookie(
            JobpsychRefreshAnswer { success: true, message, access_token },
            self.cookie(&issued),
        ))
    }

    /// Logout user
    ///
    /// Ends the sessions of the cookie and of the access token, if the request has them, and clears
    /// the cookie.
    #[oai(
        path = "/api/auth/logout",
        method = "post",
        operation_id = "logout",
        tag = "JobpsychTag::Authentication"
    )]
    async fn logout(
        &self,
        visit: RequestContext,
        cookie: PlainRefreshCookie,
        bearer: MaybeBearer,
    ) -> Answer<JobpsychDone> {
        // An unusable cookie does not keep a good access token from ending its session.
        let token = match (cookie.at(COOKIE_PATH).take(), &bearer.0) {
            (Err(_), Ok(_)) => None,
            (token, _) => token?,
        };
        if let Some(token) = token {
            match token.holder().await {
                Ok(holder) => sign_out::here(&self.core, &holder, &visit.source).await?,
                Err(error) if error.kind().is_bad_refresh() => {}
                Err(error) => return Err(error.into()),
            }
        }
        if let Ok(caller) = bearer.0 {
            sign_out::here(&self.core, &SessionHolder::from(&caller), &visit.source).await?;
        }
        let cleared = refresh_cookie::clear(&self.core.config, Naming::AsDocumented, COOKIE_PATH);
        Ok(with_cookie(view::done("Logged out successfully"), cleared))
    }

    /// Reset password
    ///
    /// With `email` alone, requests a reset link; the response does not reveal whether the account
    /// exists. With the `token` from the link and `newPassword`, sets the new password.
    #[oai(
        path = "/api/auth/reset-password",
        method = "post",
        operation_id = "resetPassword",
        tag = "JobpsychTag::Authentication"
    )]
    async fn reset_password(
        &self,
        visit: RequestContext,
        forgot_limit: Limited<limit::Forgot>,
        reset_limit: Limited<limit::Reset>,
        body: Body<JobpsychResetPasswordRequest>,
    ) -> Answer<JobpsychDone> {
        let asked = body.0;
        match (asked.token, asked.new_password, asked.email) {
            (Some(token), Some(new), _) => {
                let counted = reset_limit.count().await?;
                recover::reset(&self.core, token.0.reveal(), new.0, &counted, &visit.source)
                    .await?;
                Ok(answer(view::done("Password reset successfully")))
            }
            (Some(_), None, _) => Err(Error::invalid(vec![required_row("newPassword")]).into()),
            (None, None, Some(email)) => {
                let counted = forgot_limit.count().await?;
                recover::request(&self.core, &email.0, &counted, &visit.source).await?;
                Ok(answer(view::done("Password reset email sent if account exists")))
            }
            (None, Some(_), _) => Err(Error::invalid(vec![required_row("token")]).into()),
            (None, None, None) => Err(Error::invalid(vec![required_row("email")]).into()),
        }
    }
}

impl JobpsychAuthApi {
    async fn session(
        &self,
        message: &str,
        issued: Issued,
    ) -> Result<(JobpsychSessionAnswer, String)> {
        let cookie = self.cookie(&issued);
        let access_token = view::access_token(&self.core, &issued)?;
        let quota = quota::of_account(&self.core, &issued.account).await?;
        let user = view::user(&issued.account, quota);
        Ok((
            JobpsychSessionAnswer {
                success: true,
                message: message.to_owned(),
                access_token,
                user,
            },
            cookie,
        ))
    }

    fn cookie(&self, issued: &Issued) -> String {
        refresh_cookie::set(
            &self.core.config,
            Naming::AsDocumented,
            COOKIE_PATH,
            &issued.refresh,
            issued.cookie_life,
        )
    }
}
