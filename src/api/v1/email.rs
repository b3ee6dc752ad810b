//! Email verification: using the link, requesting a new link, and disowning an account that
//! another person created.

use std::sync::Arc;

use poem_openapi::OpenApi;

use super::V1Tag;
use super::types::{Done, LinkRequest, ResendRequest};
use crate::error::limit;
use crate::http::extract::body::Body;
use crate::http::extract::limited::Limited;
use crate::http::extract::request_context::RequestContext;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::account::verify_email;
use crate::identity::account::verify_email::Proved;

/// Operations on verification links.
pub(super) struct EmailVerification {
    pub(super) core: Arc<Core>,
}

#[OpenApi]
impl EmailVerification {
    /// Verify an email address
    ///
    /// Verifies the address that the token was mailed to. Further calls with the same token report
    /// that the address is already verified. If sign-ups with the address gave different passwords,
    /// none of them works, and the owner is mailed a link to choose one.
    #[oai(
        path = "/auth/verify-email",
        method = "post",
        operation_id = "verifyEmail",
        tag = "V1Tag::EmailVerification"
    )]
    async fn verify(
        &self,
        visit: RequestContext,
        limit: Limited<limit::VerifyEmail>,
        body: Body<LinkRequest>,
    ) -> Answer<Done> {
        let counted = limit.count().await?;
        let proved =
            verify_email::prove(&self.core, body.0.token.0.reveal(), &counted, &visit.source)
                .await?;
        Ok(answer(Done::saying(match proved {
            Proved::Now => "Email verified successfully",
            Proved::Already => "Email is already verified",
        })))
    }

    /// Resend the verification email
    ///
    /// Emails a new link if an account with this address is not verified yet. The response is the
    /// same in either case.
    #[oai(
        path = "/auth/resend-verification",
        method = "post",
        operation_id = "resendVerification",
        tag = "V1Tag::EmailVerification"
    )]
    async fn resend(
        &self,
        visit: RequestContext,
        limit: Limited<limit::Resend>,
        body: Body<ResendRequest>,
    ) -> Answer<Done> {
        let counted = limit.count().await?;
        verify_email::request(&self.core, &body.0.email.0, &counted, &visit.source).await?;
        Ok(answer(Done::saying(
            "Verification email sent if the account exists and is not verified",
        )))
    }

    /// Disown an account
    ///
    /// For the owner of an email address that another person used to sign up. Removes the account
    /// that the token was mailed for, unless its address has been verified.
    #[oai(
        path = "/auth/verify-email/disown",
        method = "post",
        operation_id = "disownEmail",
        tag = "V1Tag::EmailVerification"
    )]
    async fn disown(
        &self,
        visit: RequestContext,
        limit: Limited<limit::Disown>,
        body: Body<LinkRequest>,
    ) -> Answer<Done> {
        let counted = limit.count().await?;
        verify_email::disown(&self.core, body.0.token.0.reveal(), &counted, &visit.source).await?;
        Ok(answer(Done::saying("Account removed")))
    }
}
