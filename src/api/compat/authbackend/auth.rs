//! Sign-up, login with password and code, token refresh, and password reset in three steps.

use std::sync::Arc;

use poem_openapi::OpenApi;

use crate::api::compat::authbackend::types::{
    AccessTokenRequest, AuthbackendDone, AuthbackendLinkRequest, AuthbackendLoginAnswer,
    AuthbackendLoginRequest, AuthbackendRefreshAnswer, AuthbackendRefreshRequest,
    AuthbackendSessionAnswer, CodeRequest, ForgotRequest, ResetRequest, SignUpAnswer,
    SignUpRequest, TokenAnswer,
};
use crate::api::compat::authbackend::{AuthbackendTag, view};
use crate::error::{Error, limit};
use crate::http::extract::api_client::FromApp;
use crate::http::extract::body::{Body, OptionalBody};
use crate::http::extract::limited::Limited;
use crate::http::extract::request_context::RequestContext;
use crate::http::extract::schema::required_row;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::access::caller;
use crate::identity::access::rate_key::RateKey;
use crate::identity::account::sign_up::NewAccount;
use crate::identity::account::{recover_by_code, sign_up, verify_email};
use crate::identity::login::remember::Remember;
use crate::identity::login::sign_in::{Credentials, Name};
use crate::identity::login::{challenge, sign_in};
use crate::identity::session::refresh;
use crate::identity::session::refresh::TokenTransport;

/// Operations that need no access token.
pub(in crate::api) struct AuthbackendAuthApi {
    pub(in crate::api) core: Arc<Core>,
}

#[OpenApi]
impl AuthbackendAuthApi {
    /// User registration
    ///
    /// Creates an account and emails a verification link to its address.
    #[oai(
        path = "/api/auth/signup",
        method = "post",
        operation_id = "signup",
        tag = "AuthbackendTag::Authentication"
    )]
    async fn sign_up(
        &self,
        visit: RequestContext,
        app: FromApp,
        limit: Limited<limit::SignUp>,
        body: Body<SignUpRequest>,
    ) -> Answer<SignUpAnswer> {
        let asked = body.0;
        let counted = limit.count_for(&app, RateKey::Email(&asked.email.0)).await?;
        sign_up::admit_role(asked.role.as_deref())?;
        let new = NewAccount {
            first_name: asked.first_name.filter(|name| !name.is_empty()),
            last_name: asked.last_name.filter(|name| !name.is_empty()),
            ..NewAccount::new(asked.email.0, asked.password.0)
        };
        let (made, number) =
            sign_up::register_numbered(&self.core, new, &counted, &visit.source).await?;
        Ok(answer(view::signed_up(&self.core, &made, number)))
    }

    /// Email verification
    ///
    /// Verifies the address that the token was mailed to. Further calls with the same token report
    /// that the address is already verified. If sign-ups with the address gave different passwords,
    /// none of them works, and the owner is mailed a link to choose one.
    #[oai(
        path = "/api/auth/verify-email",
        method = "post",
        operation_id = "verifyEmail",
        tag = "AuthbackendTag::Authentication"
    )]
    async fn verify_email(
        &self,
        visit: RequestContext,
        limit: Limited<limit::VerifyEmail>,
        body: Body<AuthbackendLinkRequest>,
    ) -> Answer<AuthbackendDone> {
        let counted = limit.count().await?;
        let proved =
            verify_email::prove(&self.core, body.0.token.0.reveal(), &counted, &visit.source)
                .await?;
        Ok(answer(view::proved(proved)))
    }

    /// User login
    ///
    /// The first of two steps: if the password is correct, the server emails a code, which
    /// `verify-otp` accepts for ten minutes. An account with an authenticator app gets no email and
    /// uses a code from the app instead.
    #[oai(
        path = "/api/auth/login",
        method = "post",
        operation_id = "login",
        tag = "AuthbackendTag::Authentication"
    )]
    async fn login(
        &self,
        visit: RequestContext,
        app: FromApp,
        limit: Limited<limit::SignIn>,
        body: Body<AuthbackendLoginRequest>,
    ) -> Answer<AuthbackendLoginAnswer> {
        let (email, password) = (body.0.email.0, body.0.password.0);
        let name = Name::Email(email.to_string());
        let not_locked = sign_in::refuse_locked(&self.core, &name, &visit.source).await?;
        let counted = limit.count_for(&app, RateKey::Name(&name)).await?;
        let credentials = Credentials { name, password, remember: Remember::Long };
        sign_in::begin(&self.core, credentials, &not_locked, &counted, &visit.source).await?;
        Ok(answer(view::waiting(&email)))
    }

    /// OTP verification (complete login)
    #[oai(
        path = "/api/auth/verify-otp",
        method = "post",
        operation_id = "verifyOtp",
        tag = "AuthbackendTag::Authentication"
    )]
    async fn verify_otp(
        &self,
        visit: RequestContext,
        app: FromApp,
        limit: Limited<limit::Factor>,
        body: Body<CodeRequest>,
    ) -> Answer<AuthbackendSessionAnswer> {
        let (email, code) = (body.0.email.0, body.0.otp_code.0);
        let counted = limit.count_for(&app, RateKey::Email(&email)).await?;
        let issued =
            challenge::complete_newest(&self.core, &email, code.reveal(), &counted, &visit.source)
                .await?;
        Ok(answer(view::logged_in(&self.core, &issued)?))
    }

    /// Password reset request
    ///
    /// Emails a code if the address has an account. The response is the same in either case.
    #[oai(
        path = "/api/auth/password-reset",
        method = "post",
        operation_id = "passwordReset",
        tag = "AuthbackendTag::Authentication"
    )]
    async fn forgot(
        &self,
        visit: RequestContext,
        app: FromApp,
        limit: Limited<limit::ForgotByCode>,
        body: Body<ForgotRequest>,
    ) -> Answer<AuthbackendDone> {
        let email = body.0.email.0;
        let counted = limit.count_for(&app, RateKey::Email(&email)).await?;
        recover_by_code::request(&self.core, &email, &counted, &visit.source).await?;
        Ok(answer(view::done("Password reset code sent to your email")))
    }

    /// Password reset OTP verification
    ///
    /// Checks the code without consuming it.
    #[oai(
        path = "/api/auth/password-reset/verify-otp",
        method = "post",
        operation_id = "passwordResetVerifyOtp",
        tag = "AuthbackendTag::Authentication"
    )]
    async fn look(
        &self,
        visit: RequestContext,
        app: FromApp,
        limit: Limited<limit::ResetCode>,
        body: Body<CodeRequest>,
    ) -> Answer<AuthbackendDone> {
        let (email, code) = (body.0.email.0, body.0.otp_code.0);
        let counted = limit.count_for(&app, RateKey::Email(&email)).await?;
        recover_by_code::look(&self.core, &email, code.reveal(), &counted, &visit.source).await?;
        Ok(answer(view::done("OTP verified successfully")))
    }

    /// Password reset confirmation
    ///
    /// Sets a new password and consumes the code. All sessions end.
    #[oai(
        path = "/api/auth/password-reset/confirm",
        method = "post",
        operation_id = "passwordResetConfirm",
        tag = "AuthbackendTag::Authentication"
    )]
    async fn confirm(
        &self,
        visit: RequestContext,
        app: FromApp,
        limit: Limited<limit::ResetByCode>,
        body: Body<ResetRequest>,
    ) -> Answer<AuthbackendDone> {
        let asked = body.0;
        let (email, code, new) = (asked.email.0, asked.otp_code.0, asked.new_password.0);
        let counted = limit.count_for(&app, RateKey::Email(&email)).await?;
        recover_by_code::reset(&self.core, &email, code.reveal(), new, &counted, &visit.source)
            .await?;
        Ok(answer(view::done("Password reset successfully")))
    }

    /// Token validation
    #[oai(
        path = "/api/auth/validate-token",
        method = "post",
        operation_id = "validateToken",
        tag = "AuthbackendTag::Authentication"
    )]
    async fn validate(&self, body: Body<AccessTokenRequest>) -> Answer<TokenAnswer> {
        let caller = caller::authenticate(&self.core, body.0.token.0.reveal()).await?;
        Ok(answer(view::valid(&caller)))
    }

    /// Refresh token
    ///
    /// Returns a new access token. The refresh token stays the same.
    #[oai(
        path = "/api/auth/refresh-token",
        method = "post",
        operation_id = "refreshToken",
        tag = "AuthbackendTag::Authentication"
    )]
    async fn refresh(
        &self,
        visit: RequestContext,
        limit: Limited<limit::Refresh>,
        body: OptionalBody<AuthbackendRefreshRequest>,
    ) -> Answer<AuthbackendRefreshAnswer> {
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
}
