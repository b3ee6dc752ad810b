//! Second factors, and login with emailed codes.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::{Json, Response};

use super::auth::cookie_path;
use super::types::{
    BackupCodes, BackupCodesAnswer, Done, LoginAnswer, MfaChallengeRequest, MfaDeviceAnswer,
    MfaOverviewAnswer, MfaRenameRequest, MfaSetupAnswer, MfaSetupRequest, MfaVerifyAnswer,
    MfaVerifyRequest, OtpRequest, OtpVerifyRequest,
};
use super::{V1Tag, view};
use crate::error::{Result, limit};
use crate::http::extract::api_client::FromApp;
use crate::http::extract::bearer::{Bearer, EitherBearer};
use crate::http::extract::body::{Body, OptionalBody};
use crate::http::extract::limited::Limited;
use crate::http::extract::refresh_cookie;
use crate::http::extract::refresh_cookie::Naming;
use crate::http::extract::request_context::RequestContext;
use crate::http::server::response::{Answer, answer, with_cookie};
use crate::identity::access::fresh::Fresh;
use crate::identity::access::rate_key::RateKey;
use crate::identity::login::gate::Issued;
use crate::identity::login::remember::Remember;
use crate::identity::login::{challenge, passwordless};
use crate::identity::{Core, factor};

/// Operations on second factors and login codes.
pub(super) struct Mfa {
    pub(super) core: Arc<Core>,
}

#[OpenApi]
impl Mfa {
    /// Set up a second factor
    ///
    /// The factor has no effect until a code confirms it. The secrets in the response are shown
    /// only once. Requires fresh authentication and a verified email address.
    #[oai(path = "/auth/mfa/setup", method = "post", operation_id = "mfaSetup", tag = "V1Tag::Mfa")]
    async fn set_up(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        body: Body<MfaSetupRequest>,
    ) -> Answer<MfaSetupAnswer> {
        let name = body.0.device_name.unwrap_or_default();
        let started =
            factor::set_up(&self.core, &bearer.0, body.0.kind.into(), &name, &visit.source).await?;
        Ok(answer(view::set_up(started).into()))
    }

    /// Verify a code
    ///
    /// With the `mfaToken` of a login as bearer token, completes that login. With an access token,
    /// confirms a factor that is being set up; if there is none, checks the code against a
    /// confirmed factor and makes the session's authentication fresh. Backup codes are accepted
    /// too.
    #[oai(
        path = "/auth/mfa/verify",
        method = "post",
        operation_id = "mfaVerify",
        tag = "V1Tag::Mfa"
    )]
    async fn verify(
        &self,
        visit: RequestContext,
        app: FromApp,
        bearer: EitherBearer,
        limit: Limited<limit::Factor>,
        body: Body<MfaVerifyRequest>,
    ) -> Answer<MfaVerifyAnswer> {
        let counted = limit.count_for(&app, subject(&bearer)).await?;
        let (code, device) = (body.0.code.0, body.0.device_id);
        match bearer {
            EitherBearer::Opaque(token) => {
                let issued = challenge::complete(
                    &self.core,
                    token.reveal(),
                    code.reveal(),
                    &counted,
                    &visit.source,
                )
                .await?;
                let login = self.logged_in(&visit, &issued)?;
                Ok(login.map(|data| MfaVerifyAnswer {
                    success: true,
                    message: data.message,
                    data: Some(data.data),
                }))
            }
            EitherBearer::Caller(caller) => {
                factor::verify(
                    &self.core,
                    &caller,
                    code.reveal(),
                    device.as_deref(),
                    &counted,
                    &visit.source,
                )
                .await?;
                let message = "MFA verified successfully".to_owned();
                Ok(answer(MfaVerifyAnswer { success: true, message, data: None }))
            }
        }
    }

    /// Resend a login code
    ///
    /// Takes the `mfaToken` as bearer token and sends a new code by one of the login's methods. The
    /// previous code stops working.
    #[oai(
        path = "/auth/mfa/challenge",
        method = "post",
        operation_id = "mfaChallenge",
        tag = "V1Tag::Mfa"
    )]
    async fn challenge(
        &self,
        visit: RequestContext,
        app: FromApp,
        bearer: EitherBearer,
        limit: Limited<limit::FactorSent>,
        body: OptionalBody<MfaChallengeRequest>,
    ) -> Answer<Done> {
        let counted = limit.count_for(&app, subject(&bearer)).await?;
        let wanted = body.0.and_then(|body| body.method).map(Into::into);
        let sent =
            challenge::send(&self.core, bearer.token()?.reveal(), wanted, &counted, &visit.source)
                .await?;
        Ok(answer(Done::saying(&format!("Verification code sent by {}", sent.as_str()))))
    }

    /// Create new backup codes
    ///
    /// The previous backup codes stop working. Requires fresh authentication.
    #[oai(
        path = "/auth/mfa/backup-codes",
        method = "post",
        operation_id = "mfaBackupCodes",
        tag = "V1Tag::Mfa"
    )]
    async fn backup_codes(
        &self,
        visit: RequestContext,
        bearer: Bearer,
    ) -> Answer<BackupCodesAnswer> {
        let fresh = Fresh::check(&self.core, &bearer.0).await?;
        let codes = factor::renew_backup_codes(&self.core, &fresh, &visit.source).await?;
        Ok(answer(BackupCodes { backup_codes: view::codes(&codes) }.into()))
    }

    /// List the caller's second factors
    #[oai(path = "/users/me/mfa", method = "get", operation_id = "listMfa", tag = "V1Tag::Mfa")]
    async fn list(&self, bearer: Bearer) -> Answer<MfaOverviewAnswer> {
        Ok(answer(view::overview(factor::list(&self.core, &bearer.0).await?).into()))
    }

    /// Rename a second factor
    #[oai(
        path = "/users/me/mfa/:id",
        method = "patch",
        operation_id = "renameMfa",
        tag = "V1Tag::Mfa"
    )]
    async fn rename(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        id: Path<String>,
        body: Body<MfaRenameRequest>,
    ) -> Answer<MfaDeviceAnswer> {
        let renamed =
            factor::rename(&self.core, &bearer.0, &id.0, &body.0.device_name, &visit.source)
                .await?;
        Ok(answer(view::device(renamed).into()))
    }

    /// Rename a second factor (same as `PATCH`)
    #[oai(
        path = "/users/me/mfa/:id",
        method = "put",
        operation_id = "replaceMfaName",
        tag = "V1Tag::Mfa"
    )]
    async fn replace_name(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        id: Path<String>,
        body: Body<MfaRenameRequest>,
    ) -> Answer<MfaDeviceAnswer> {
        self.rename(visit, bearer, id, body).await
    }

    /// Remove a second factor
    ///
    /// Removing the last factor also removes the backup codes. Requires fresh authentication.
    #[oai(
        path = "/users/me/mfa/:id",
        method = "delete",
        operation_id = "removeMfa",
        tag = "V1Tag::Mfa"
    )]
    async fn remove(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        id: Path<String>,
    ) -> Answer<Done> {
        let fresh = Fresh::check(&self.core, &bearer.0).await?;
        factor::remove(&self.core, &fresh, &id.0, &visit.source).await?;
        Ok(answer(Done::saying("MFA device removed")))
    }

    /// Request a login code
    ///
    /// Emails a code for login without a password if the address has an account. The response is
    /// the same in either case. Available only if the server allows passwordless login.
    #[oai(
        path = "/auth/otp/request",
        method = "post",
        operation_id = "otpRequest",
        tag = "V1Tag::Authentication"
    )]
    async fn otp_request(
        &self,
        visit: RequestContext,
        app: FromApp,
        limit: Limited<limit::CodeRequest>,
        body: Body<OtpRequest>,
    ) -> Answer<Done> {
        let counted = limit.count_for(&app, RateKey::Email(&body.0.email.0)).await?;
        passwordless::request(&self.core, &body.0.email.0, &counted, &visit.source).await?;
        Ok(answer(Done::saying("Login code sent if account exists")))
    }

    /// Log in with an emailed code
    ///
    /// An account with an authenticator app must also provide a code from it. Available only if the
    /// server allows passwordless login.
    #[oai(
        path = "/auth/otp/verify",
        method = "post",
        operation_id = "otpVerify",
        tag = "V1Tag::Authentication"
    )]
    async fn otp_verify(
        &self,
        visit: RequestContext,
        app: FromApp,
        limit: Limited<limit::Code>,
        body: Body<OtpVerifyRequest>,
    ) -> Answer<LoginAnswer> {
        let counted = limit.count_for(&app, RateKey::Email(&body.0.email.0)).await?;
        let remember =
            if body.0.remember_me.unwrap_or(true) { Remember::Long } else { Remember::Short };
        let (email, code) = (body.0.email.0, body.0.code.0);
        let issued = passwordless::verify(
            &self.core,
            &email,
            code.reveal(),
            remember,
            &counted,
            &visit.source,
        )
        .await?;
        let login = self.logged_in(&visit, &issued)?;
        Ok(login.map(|login| login))
    }
}

impl Mfa {
    /// The response to a completed login, with its cookie.
    fn logged_in(&self, visit: &RequestContext, issued: &Issued) -> Result<Login> {
        let session = view::new_session(&self.core, issued)?;
        let path = cookie_path(&visit.path);
        let cookie = refresh_cookie::set(
            &self.core.config,
            Naming::Guarded,
            &path,
            &issued.refresh,
            issued.cookie_life,
        );
        Ok(Login { body: session.into(), cookie })
    }
}

/// The rate key for a call with either kind of token.
fn subject(bearer: &EitherBearer) -> RateKey<'_> {
    match bearer {
        EitherBearer::Opaque(token) => RateKey::Login(token),
        EitherBearer::Caller(caller) => RateKey::Caller(caller),
    }
}

/// A completed login, before it is converted to the response of a particular operation.
struct Login {
    body: LoginAnswer,
    cookie: String,
}

impl Login {
    fn map<T>(self, form: impl FnOnce(LoginAnswer) -> T) -> Response<Json<T>> {
        with_cookie(form(self.body), self.cookie)
    }
}
