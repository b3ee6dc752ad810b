//! Sign-up, login, token refresh and logout.

use std::sync::Arc;

use poem::http::header::SET_COOKIE;
use poem_openapi::payload::{Json, Response};
use poem_openapi::{ApiResponse, OpenApi};

use super::types::{
    Done, LoginAnswer, LoginRequest, LogoutRequest, RefreshAnswer, RefreshRequest, RegisterAnswer,
    RegisterRequest,
};
use super::{MOUNTS, V1Tag, view};
use crate::error::{Kind, Result, limit};
use crate::http::extract::api_client::FromApp;
use crate::http::extract::bearer::{Bearer, MaybeBearer};
use crate::http::extract::body::{Body, OptionalBody};
use crate::http::extract::fields::TokenField;
use crate::http::extract::limited::Limited;
use crate::http::extract::refresh_cookie;
use crate::http::extract::refresh_cookie::{Naming, OwnCookie};
use crate::http::extract::request_context::{RefreshCookie, RequestContext};
use crate::http::server::reject::Reject;
use crate::http::server::response::{Answer, QuickAnswer, with_cookie, written};
use crate::http::server::wires::is_under;
use crate::identity::access::rate_key::RateKey;
use crate::identity::account::sign_up;
use crate::identity::account::sign_up::NewAccount;
use crate::identity::login::remember::Remember;
use crate::identity::login::sign_in;
use crate::identity::login::sign_in::{Credentials, Name};
use crate::identity::session::holder::SessionHolder;
use crate::identity::session::refresh::TokenTransport;
use crate::identity::session::{refresh, sign_out};
use crate::identity::{Caller, Core};
use crate::model::Secret;

/// Operations under `/auth` that create and end sessions.
pub(super) struct AuthApi {
    pub(super) core: Arc<Core>,
}

/// Response to a sign-up.
#[derive(ApiResponse)]
enum RegisterResponse {
    /// The account is created, and a verification email is on its way.
    #[oai(status = 201)]
    Account(Json<RegisterAnswer>),
}

#[OpenApi]
impl AuthApi {
    /// Sign up
    ///
    /// Creates an account and emails a verification link to its address.
    #[oai(
        path = "/auth/register",
        method = "post",
        operation_id = "register",
        tag = "V1Tag::Authentication"
    )]
    async fn register(
        &self,
        visit: RequestContext,
        app: FromApp,
        limit: Limited<limit::SignUp>,
        body: Body<RegisterRequest>,
    ) -> Result<RegisterResponse, Reject> {
        let asked = body.0;
        let counted = limit.count_for(&app, RateKey::Email(&asked.email.0)).await?;
        let new = NewAccount {
            username: asked.username.map(|field| field.0),
            first_name: asked.first_name.filter(|name| !name.is_empty()),
            last_name: asked.last_name.filter(|name| !name.is_empty()),
            phone: asked.phone.filter(|phone| !phone.is_empty()),
            locale: asked.locale.map(|field| field.0),
            ..NewAccount::new(asked.email.0, asked.password.0)
        };
        let made = sign_up::register(&self.core, new, &counted, &visit.source).await?;
        Ok(RegisterResponse::Account(Json(view::registered(made).into())))
    }

    /// Log in
    ///
    /// Takes a password with `email` or `username`. The response carries the refresh token in the
    /// body and in an `HttpOnly` cookie.
    #[oai(
        path = "/auth/login",
        method = "post",
        operation_id = "login",
        tag = "V1Tag::Authentication"
    )]
    async fn login(
        &self,
        visit: RequestContext,
        app: FromApp,
        limit: Limited<limit::SignIn>,
        body: Body<LoginRequest>,
    ) -> Answer<LoginAnswer> {
        let credentials = credentials(body.0)?;
        let (core, source) = (&self.core, &visit.source);
        let not_locked = sign_in::refuse_locked(core, &credentials.name, source).await?;
        let counted = limit.count_for(&app, RateKey::Name(&credentials.name)).await?;
        let issued =
            sign_in::with_password(core, credentials, &not_locked, &counted, source).await?;
        let session = view::new_session(&self.core, &issued)?;
        let cookie = refresh_cookie::set(
            &self.core.config,
            Naming::Guarded,
            &cookie_path(&visit.path),
            &issued.refresh,
            issued.cookie_life,
        );
        Ok(with_cookie(session.into(), cookie))
    }

    /// Refresh the access token
    ///
    /// Takes the refresh token from the cookie or, without a cookie, from the body. The next
    /// refresh token is returned the same way: in the body if the token came in the body, otherwise
    /// only in the cookie.
    #[oai(
        path = "/auth/refresh",
        method = "post",
        operation_id = "refresh",
        tag = "V1Tag::Authentication"
    )]
    async fn refresh(
        &self,
        visit: RequestContext,
        cookie: RefreshCookie,
        limit: Limited<limit::Refresh>,
        body: OptionalBody<RefreshRequest>,
    ) -> QuickAnswer<RefreshAnswer> {
        let (core, path) = (&self.core, cookie_path(&visit.path));
        if let Some(token) = cookie.at(&path).take()? {
            let issued = token.refresh(&limit.check().await?, &visit.source).await?;
            let cookie = refresh_cookie::set(
                &core.config,
                Naming::Guarded,
                &path,
                &issued.refresh,
                issued.cookie_life,
            );
            let session = view::refreshed(core, &issued)?;
            return Ok(written(&session.into())?.header(SET_COOKIE, cookie));
        }
        let token = given(body.0.and_then(|body| body.refresh_token));
        let (token, checked) = (token.ok_or(Kind::MissingRefreshToken)?, limit.check().await?);
        let (body, source) = (TokenTransport::Body, &visit.source);
        let issued = refresh::rotate(core, token.reveal(), body, &checked, source).await?;
        let mut session = view::refreshed(core, &issued)?;
        session.refresh_token = issued.rotated.then(|| issued.refresh.reveal().to_owned());
        written(&session.into())
    }

    /// Log out
    ///
    /// Ends the session that the access token, the cookie or the refresh token in the body belongs
    /// to. With `logoutAllDevices`, ends all sessions of the account.
    #[oai(
        path = "/auth/logout",
        method = "post",
        operation_id = "logout",
        tag = "V1Tag::Authentication"
    )]
    async fn logout(
        &self,
        visit: RequestContext,
        bearer: MaybeBearer,
        cookie: RefreshCookie,
        body: OptionalBody<LogoutRequest>,
    ) -> Answer<Done> {
        let (everywhere, in_body) =
            body.0.map_or((None, None), |body| (body.logout_all_devices, body.refresh_token));
        let cookie = cookie.at(&cookie_path(&visit.path));
        let holder = self.holder(bearer.0, cookie, given(in_body)).await?;
        if everywhere == Some(true) {
            sign_out::everywhere(&self.core, &holder, &visit.source).await?;
        } else {
            sign_out::here(&self.core, &holder, &visit.source).await?;
        }
        Ok(self.logged_out(&visit))
    }

    /// Log out everywhere
    ///
    /// Ends all sessions of the account.
    #[oai(
        path = "/auth/logout-all",
        method = "post",
        operation_id = "logoutAll",
        tag = "V1Tag::Authentication"
    )]
    async fn logout_all(&self, visit: RequestContext, bearer: Bearer) -> Answer<Done> {
        sign_out::everywhere(&self.core, &SessionHolder::from(&bearer.0), &visit.source).await?;
        Ok(self.logged_out(&visit))
    }
}

impl AuthApi {
    /// Finds the session to log out: by the access token if it is valid, even beside an unusable
    /// cookie; otherwise by the refresh token. The cookie takes precedence over the body.
    async fn holder(
        &self,
        bearer: Result<Caller>,
        cookie: OwnCookie,
        in_body: Option<Secret>,
    ) -> Result<SessionHolder> {
        let missing = match bearer {
            Ok(caller) => return Ok(SessionHolder::from(&caller)),
            Err(missing) => missing,
        };
        match (cookie.take()?, in_body) {
            (Some(token), _) => token.holder().await,
            (None, Some(token)) => refresh::holder(&self.core, token.reveal()).await,
            (None, None) => Err(missing),
        }
    }

    fn logged_out(&self, visit: &RequestContext) -> Response<Json<Done>> {
        let cookie =
            refresh_cookie::clear(&self.core.config, Naming::Guarded, &cookie_path(&visit.path));
        with_cookie(Done::saying("Logged out successfully"), cookie)
    }
}

/// The refresh token of a body; an empty one is none.
fn given(token: Option<TokenField>) -> Option<Secret> {
    token.map(|field| field.0).filter(|token| !token.reveal().is_empty())
}

/// The path of the auth routes under the mount that this request used.
pub(super) fn cookie_path(path: &str) -> String {
    let mount = MOUNTS.into_iter().find(|mount| is_under(path, mount)).unwrap_or(MOUNTS[0]);
    format!("{mount}/auth")
}

fn credentials(asked: LoginRequest) -> Result<Credentials> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let name =
        given(asked.email).map(Name::Email).or_else(|| given(asked.username).map(Name::Username));
    let remember = if asked.remember_me.unwrap_or(true) { Remember::Long } else { Remember::Short };
    Ok(Credentials {
        name: name.ok_or(Kind::MissingCredentials)?,
        password: asked.password.0,
        remember,
    })
}
