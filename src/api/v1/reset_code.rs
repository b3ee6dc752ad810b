//! Password reset with an emailed code, in three steps: request a code, verify it, set the
//! password.

use std::sync::Arc;

use poem_openapi::OpenApi;

use super::V1Tag;
use super::types::{Done, ResetCodeConfirmRequest, ResetCodeRequest, ResetCodeVerifyRequest};
use crate::error::limit;
use crate::http::extract::api_client::FromApp;
use crate::http::extract::body::Body;
use crate::http::extract::limited::Limited;
use crate::http::extract::request_context::RequestContext;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::access::rate_key::RateKey;
use crate::identity::account::recover_by_code;

/// Operations under `/auth/reset-code`.
pub(super) struct ResetCode {
    pub(super) core: Arc<Core>,
}

#[OpenApi]
impl ResetCode {
    /// Request a reset code
    ///
    /// Emails a code that sets a new password if the address has an account. The response is the
    /// same in either case. A new code replaces the previous one. Available only if the server
    /// allows reset by code.
    #[oai(
        path = "/auth/reset-code/request",
        method = "post",
        operation_id = "resetCodeRequest",
        tag = "V1Tag::Password"
    )]
    async fn request(
        &self,
        visit: RequestContext,
        app: FromApp,
        limit: Limited<limit::ForgotByCode>,
        body: Body<ResetCodeRequest>,
    ) -> Answer<Done> {
        let email = body.0.email.0;
        let counted = limit.count_for(&app, RateKey::Email(&email)).await?;
        recover_by_code::request(&self.core, &email, &counted, &visit.source).await?;
        Ok(answer(Done::saying("Password reset code sent if account exists")))
    }

    /// Verify a reset code
    ///
    /// Checks whether the code is correct without consuming it. Available only if the server allows
    /// reset by code.
    #[oai(
        path = "/auth/reset-code/verify",
        method = "post",
        operation_id = "resetCodeVerify",
        tag = "V1Tag::Password"
    )]
    async fn verify(
        &self,
        visit: RequestContext,
        app: FromApp,
        limit: Limited<limit::ResetCode>,
        body: Body<ResetCodeVerifyRequest>,
    ) -> Answer<Done> {
        let (email, code) = (body.0.email.0, body.0.code.0);
        let counted = limit.count_for(&app, RateKey::Email(&email)).await?;
        recover_by_code::look(&self.core, &email, code.reveal(), &counted, &visit.source).await?;
        Ok(answer(Done::saying("Code verified successfully")))
    }

    /// Reset the password with a code
    ///
    /// Sets a new password and consumes the code. All sessions end, a lockout is lifted, and the
    /// email address counts as verified. The call does not log in. Available only if the server
    /// allows reset by code.
    #[oai(
        path = "/auth/reset-code/confirm",
        method = "post",
        operation_id = "resetCodeConfirm",
        tag = "V1Tag::Password"
    )]
    async fn confirm(
        &self,
        visit: RequestContext,
        app: FromApp,
        limit: Limited<limit::ResetByCode>,
        body: Body<ResetCodeConfirmRequest>,
    ) -> Answer<Done> {
        let asked = body.0;
        let (email, code, new) = (asked.email.0, asked.code.0, asked.new_password.0);
        let counted = limit.count_for(&app, RateKey::Email(&email)).await?;
        recover_by_code::reset(&self.core, &email, code.reveal(), new, &counted, &visit.source)
            .await?;
        Ok(answer(Done::saying("Password reset successfully")))
    }
}
