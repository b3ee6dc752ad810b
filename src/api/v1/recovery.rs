//! Getting back in, proving anew who one is, and another address.

use std::sync::Arc;

use poem_openapi::OpenApi;

use super::Tag;
use super::types::{
    ChangeEmailRequest, ChangePasswordRequest, Done, ForgotPasswordRequest, LinkRequest, ReauthenticateRequest,
    ResetPasswordRequest,
};
use crate::error::{Kind, Limit, Result};
use crate::http::app::FromApp;
use crate::http::bearer::Bearer;
use crate::http::body::Body;
use crate::http::response::{Answer, answer};
use crate::http::visit::Visit;
use crate::identity::reauthenticate::{self, Fresh, Proof};
use crate::identity::subject::Subject;
use crate::identity::{Core, change_email, password, recover};

/// The operations around passwords and addresses that one has or has lost.
pub(super) struct Recovery(pub(super) Arc<Core>);

#[OpenApi]
impl Recovery {
    /// Forgot password
    ///
    /// Mails a link that sets a new password if the address has an account; the answer is the same whether or not. A
    /// new link ends the one before.
    #[oai(path = "/auth/forgot-password", method = "post", operation_id = "forgotPassword", tag = "Tag::Password")]
    async fn forgot(&self, visit: Visit, app: FromApp, body: Body<ForgotPasswordRequest>) -> Answer<Done> {
        app.meter(&visit, Subject::Email(&body.0.email.0)).await?.count(Limit::Forgot)?;
        recover::request(&self.0, &body.0.email.0, &visit.source).await?;
        Ok(answer(Done::saying("Password reset email sent if account exists")))
    }

    /// Reset password
    ///
    /// Sets a new password with the token of a mailed link, which works once. All sessions end, a lockout is lifted, and
    /// an address that was not proved is proved by it. It logs nobody in.
    #[oai(path = "/auth/reset-password", method = "post", operation_id = "resetPassword", tag = "Tag::Password")]
    async fn reset(&self, visit: Visit, app: FromApp, body: Body<ResetPasswordRequest>) -> Answer<Done> {
        let asked = body.0;
        let meter = app.meter(&visit, Subject::Reset(&asked.token.0)).await?;
        meter.count(Limit::Reset)?;
        recover::reset(&self.0, asked.token.0.reveal(), asked.new_password.0, &visit.source)
            .await
            .map_err(|failure| meter.reset_failed(Limit::Reset, failure))?;
        Ok(answer(Done::saying("Password reset successfully")))
    }

    /// Change password
    ///
    /// The session that this is called in lives on, all others end.
    #[oai(path = "/auth/change-password", method = "put", operation_id = "changePassword", tag = "Tag::Password")]
    async fn change(&self, visit: Visit, bearer: Bearer, body: Body<ChangePasswordRequest>) -> Answer<Done> {
        visit.meter.count(Limit::ChangePassword)?;
        let asked = body.0;
        password::change(&self.0, &bearer.0, asked.current_password.0, asked.new_password.0, &visit.source).await?;
        Ok(answer(Done::saying("Password changed successfully")))
    }

    /// Prove anew who one is
    ///
    /// Makes the session fresh for 15 minutes, which changing the address, deleting and exporting the account ask for.
    /// A login does the same; a refresh does not.
    #[oai(path = "/auth/reauthenticate", method = "post", operation_id = "reauthenticate", tag = "Tag::Authentication")]
    async fn reauthenticate(&self, visit: Visit, bearer: Bearer, body: Body<ReauthenticateRequest>) -> Answer<Done> {
        visit.meter.count(Limit::Reauthenticate)?;
        let proof = proof(body.0)?;
        reauthenticate::renew(&self.0, &bearer.0, proof, &visit.source).await?;
        Ok(answer(Done::saying("Authentication renewed")))
    }

    /// Change the email address
    ///
    /// Mails a link to the new address that makes it the account's own, and a notice to the one before with a link that
    /// undoes the change for 7 days and ends all sessions. Needs a fresh proof. The answer is the same for an address
    /// that is taken.
    #[oai(path = "/users/me/email", method = "post", operation_id = "changeEmail", tag = "Tag::UserManagement")]
    async fn change_email(&self, visit: Visit, bearer: Bearer, body: Body<ChangeEmailRequest>) -> Answer<Done> {
        let fresh = Fresh::check(&self.0, &bearer.0)?;
        change_email::request(&self.0, &fresh, &body.0.new_email.0, &visit.source).await?;
        Ok(answer(Done::saying("Confirmation email sent to the new address if it can be used")))
    }

    /// Confirm a new email address
    #[oai(path = "/auth/confirm-email", method = "post", operation_id = "confirmEmail", tag = "Tag::EmailVerification")]
    async fn confirm_email(&self, visit: Visit, body: Body<LinkRequest>) -> Answer<Done> {
        visit.meter.count(Limit::ConfirmEmail)?;
        change_email::confirm(&self.0, body.0.token.0.reveal(), &visit.source).await?;
        Ok(answer(Done::saying("Email address changed successfully")))
    }

    /// Undo a change of the email address
    ///
    /// Gives the account back the address that the token was mailed to and ends all sessions. A link that sets a new
    /// password is mailed there.
    #[oai(path = "/auth/undo-email", method = "post", operation_id = "undoEmail", tag = "Tag::EmailVerification")]
    async fn undo_email(&self, visit: Visit, body: Body<LinkRequest>) -> Answer<Done> {
        visit.meter.count(Limit::UndoEmail)?;
        change_email::undo(&self.0, body.0.token.0.reveal(), &visit.source).await?;
        Ok(answer(Done::saying("Change of email address undone")))
    }
}

fn proof(asked: ReauthenticateRequest) -> Result<Proof> {
    let password = asked.password.map(|field| Proof::Password(field.0));
    let proof = password.or_else(|| asked.code.map(|field| Proof::Code(field.0)));
    Ok(proof.ok_or(Kind::Validation)?)
}
