//! Getting back in with a mailed code, in three steps: asking, looking, setting the password.

use std::sync::Arc;

use poem_openapi::OpenApi;

use super::Tag;
use super::types::{Done, ResetCodeConfirmRequest, ResetCodeRequest, ResetCodeVerifyRequest};
use crate::error::Limit;
use crate::http::app::FromApp;
use crate::http::body::Body;
use crate::http::response::{Answer, answer};
use crate::http::visit::Visit;
use crate::identity::subject::Subject;
use crate::identity::{Core, recover_by_code};

/// The operations under `/auth/reset-code`.
pub(super) struct ResetCode(pub(super) Arc<Core>);

#[OpenApi]
impl ResetCode {
    /// Ask for a reset code
    ///
    /// Mails a code that sets a new password if the address has an account; the answer is the same whether or not. A new
    /// code ends the one before. Only where the service allows it.
    #[oai(path = "/auth/reset-code/request", method = "post", operation_id = "resetCodeRequest", tag = "Tag::Password")]
    async fn request(&self, visit: Visit, app: FromApp, body: Body<ResetCodeRequest>) -> Answer<Done> {
        let email = body.0.email.0;
        app.meter(&visit, Subject::Email(&email)).await?.count(Limit::ForgotByCode)?;
        recover_by_code::request(&self.0, &email, &visit.source).await?;
        Ok(answer(Done::saying("Password reset code sent if account exists")))
    }

    /// Verify a reset code
    ///
    /// Says whether it is right and leaves it as it is. Only where the service allows it.
    #[oai(path = "/auth/reset-code/verify", method = "post", operation_id = "resetCodeVerify", tag = "Tag::Password")]
    async fn verify(&self, visit: Visit, app: FromApp, body: Body<ResetCodeVerifyRequest>) -> Answer<Done> {
        let (email, code) = (body.0.email.0, body.0.code.0);
        app.meter(&visit, Subject::Email(&email)).await?.count(Limit::ResetCode)?;
        recover_by_code::look(&self.0, &email, code.reveal(), &visit.source).await?;
        Ok(answer(Done::saying("Code verified successfully")))
    }

    /// Reset the password with a code
    ///
    /// Sets a new password and uses the code up. All sessions end, a lockout is lifted, and an address that was not proved
    /// is proved by it. It logs nobody in. Only where the service allows it.
    #[oai(path = "/auth/reset-code/confirm", method = "post", operation_id = "resetCodeConfirm", tag = "Tag::Password")]
    async fn confirm(&self, visit: Visit, app: FromApp, body: Body<ResetCodeConfirmRequest>) -> Answer<Done> {
        let asked = body.0;
        let (email, code, new) = (asked.email.0, asked.code.0, asked.new_password.0);
        let meter = app.meter(&visit, Subject::Email(&email)).await?;
        meter.count(Limit::ResetByCode)?;
        let reset = recover_by_code::reset(&self.0, &email, code.reveal(), new, &visit.source).await;
        reset.map_err(|failure| meter.reset_failed(Limit::ResetByCode, failure))?;
        Ok(answer(Done::saying("Password reset successfully")))
    }
}
