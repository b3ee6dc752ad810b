//! Password recovery, reauthentication and changes of the email address.

use std::sync::Arc;

use poem_openapi::OpenApi;

use super::V1Tag;
use super::types::{
    ChangeEmailRequest, ChangePasswordRequest, Done, ForgotPasswordRequest, LinkRequest,
    ReauthenticateRequest, ResetPasswordRequest,
};
use crate::error::{Kind, Result, limit};
use crate::http::extract::api_client::FromApp;
use crate::http::extract::bearer::Bearer;
use crate::http::extract::body::Body;
use crate::http::extract::limited::Limited;
use crate::http::extract::request_context::RequestContext;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::access::fresh::Fresh;
use crate::identity::access::rate_key::RateKey;
use crate::identity::account::{change_email, password, recover};
use crate::identity::login::reauthenticate;
use crate::identity::login::reauthenticate::ReauthenticationProof;

/// Operations on the caller's password and email address.
pub(super) struct Recovery {
    pub(super) core: Arc<Core>,
}

#[OpenApi]
impl Recovery {
    /// Request a password reset
    ///
    /// Emails a link that sets a new password if the address has an account. The response is the
    /// same in either case. A new link replaces the previous one.
    #[oai(
        path = "/auth/forgot-password",
        method = "post",
        operation_id = "forgotPassword",
        tag = "V1Tag::Password"
    )]
    async fn forgot(
        &self,
        visit: RequestContext,
        app: FromApp,
        limit: Limited<limit::Forgot>,
        body: Body<ForgotPasswordRequest>,
    ) -> Answer<Done> {
        let counted = limit.count_for(&app, RateKey::Email(&body.0.email.0)).await?;
        recover::request(&self.core, &body.0.email.0, &counted, &visit.source).await?;
        Ok(answer(Done::saying("Password reset email sent if account exists")))
    }

    /// Reset the password
    ///
    /// Sets a new password with the token from an emailed link. The link works once. All sessions
    /// end, a lockout is lifted, and the email address counts as verified. The call does not log
    /// in.
    #[oai(
        path = "/auth/reset-password",
        method = "post",
        operation_id = "resetPassword",
        tag = "V1Tag::Password"
    )]
    async fn reset(
        &self,
        visit: RequestContext,
        app: FromApp,
        limit: Limited<limit::Reset>,
        body: Body<ResetPasswordRequest>,
    ) -> Answer<Done> {
        let asked = body.0;
        let counted = limit.count_for(&app, RateKey::Reset(&asked.token.0)).await?;
        recover::reset(
            &self.core,
            asked.token.0.reveal(),
            asked.new_password.0,
            &counted,
            &visit.source,
        )
        .await?;
        Ok(answer(Done::saying("Password reset successfully")))
    }

    /// Change the password of the caller's account
    ///
    /// The session that makes this call continues; all other sessions end.
    #[oai(
        path = "/auth/change-password",
        method = "put",
        operation_id = "changePassword",
        tag = "V1Tag::Password"
    )]
    async fn change(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        limit: Limited<limit::ChangePassword>,
        body: Body<ChangePasswordRequest>,
    ) -> Answer<Done> {
        let counted = limit.count().await?;
        let asked = body.0;
        password::change(
            &self.core,
            &bearer.0,
            asked.current_password.0,
            asked.new_password.0,
            &counted,
            &visit.source,
        )
        .await?;
        Ok(answer(Done::saying("Password changed successfully")))
    }

    /// Confirm your identity again
    ///
    /// Makes the session's authentication fresh for 15 minutes. Fresh authentication is required to
    /// change the email address and to delete or export the account, for example. A login has the
    /// same effect; a token refresh does not.
    #[oai(
        path = "/auth/reauthenticate",
        method = "post",
        operation_id = "reauthenticate",
        tag = "V1Tag::Authentication"
    )]
    async fn reauthenticate(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        limit: Limited<limit::Reauthenticate>,
        body: Body<ReauthenticateRequest>,
    ) -> Answer<Done> {
        let counted = limit.count().await?;
        let proof = proof(body.0)?;
        reauthenticate::renew(&self.core, &bearer.0, proof, &counted, &visit.source).await?;
        Ok(answer(Done::saying("Authentication renewed")))
    }

    /// Change the email address
    ///
    /// Emails a confirmation link to the new address, and a notice to the current address. For 7
    /// days, a link in the notice undoes the change and ends all sessions. Requires fresh
    /// authentication. The response is the same if the new address is already taken.
    #[oai(
        path = "/users/me/email",
        method = "post",
        operation_id = "changeEmail",
        tag = "V1Tag::UserManagement"
    )]
    async fn change_email(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        body: Body<ChangeEmailRequest>,
    ) -> Answer<Done> {
        let fresh = Fresh::check(&self.core, &bearer.0).await?;
        change_email::request(&self.core, &fresh, &body.0.new_email.0, &visit.source).await?;
        Ok(answer(Done::saying("Confirmation email sent to the new address if it can be used")))
    }

    /// Confirm a new email address
    #[oai(
        path = "/auth/confirm-email",
        method = "post",
        operation_id = "confirmEmail",
        tag = "V1Tag::EmailVerification"
    )]
    async fn confirm_email(
        &self,
        visit: RequestContext,
        limit: Limited<limit::ConfirmEmail>,
        body: Body<LinkRequest>,
    ) -> Answer<Done> {
        let counted = limit.count().await?;
        change_email::confirm(&self.core, body.0.token.0.reveal(), &counted, &visit.source).await?;
        Ok(answer(Done::saying("Email address changed successfully")))
    }

    /// Undo a change of the email address
    ///
    /// Restores the address that the token was mailed to and ends all sessions. A link that sets a
    /// new password is sent to that address.
    #[oai(
        path = "/auth/undo-email",
        method = "post",
        operation_id = "undoEmail",
        tag = "V1Tag::EmailVerification"
    )]
    async fn undo_email(
        &self,
        visit: RequestContext,
        limit: Limited<limit::UndoEmail>,
        body: Body<LinkRequest>,
    ) -> Answer<Done> {
        let counted = limit.count().await?;
        change_email::undo(&self.core, body.0.token.0.reveal(), &counted, &visit.source).await?;
        Ok(answer(Done::saying("Change of email address undone")))
    }
}

fn proof(asked: ReauthenticateRequest) -> Result<ReauthenticationProof> {
    let password = asked.password.map(|field| ReauthenticationProof::Password(field.0));
    let proof = password.or_else(|| asked.code.map(|field| ReauthenticationProof::Code(field.0)));
    Ok(proof.ok_or(Kind::Validation)?)
}
