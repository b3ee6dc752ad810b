//! Calls for other services: token checks, upload quotas by email address, and how the server signs
//! tokens.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;

use super::types::{
    CountUploadRequest, Introspection, IntrospectionAnswer, QuotaOfAddress, QuotaOfAddressAnswer,
    SecretView, SigningAnswer, SigningView, TokenRequest, TokenVerification, UploadCountedAnswer,
    VerifyTokenAnswer,
};
use super::{V1Tag, view};
use crate::error::{Error, Field, Result, Rule};
use crate::http::extract::body::Body;
use crate::http::extract::request_context::RequestContext;
use crate::http::extract::service::ServiceCaller;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::access::introspect;
use crate::identity::access::introspect::{ActiveToken, SharedSecret, Signing};
use crate::identity::account::quota;
use crate::identity::account::quota::Quota;
use crate::model::Email;

/// Operations that other services call.
pub(super) struct ServiceApi {
    pub(super) core: Arc<Core>,
}

#[OpenApi]
impl ServiceApi {
    /// Verify a token
    ///
    /// Returns the account that the token belongs to, or the reason why the token is not valid. No
    /// further credentials are needed.
    #[oai(
        path = "/auth/verify-token",
        method = "post",
        operation_id = "verifyToken",
        tag = "V1Tag::Services"
    )]
    async fn verify_token(&self, body: Body<TokenRequest>) -> Answer<VerifyTokenAnswer> {
        let verified = introspect::verify(&self.core, body.0.token.0.reveal()).await?;
        Ok(answer(shown(verified).into()))
    }

    /// Introspect a token
    ///
    /// For callers from `server.service_networks`, or with a service's key. For a token that is not
    /// valid, the response says only that it is not active.
    #[oai(
        path = "/service/introspect",
        method = "post",
        operation_id = "introspectToken",
        tag = "V1Tag::Services"
    )]
    async fn introspect(
        &self,
        service: ServiceCaller,
        body: Body<TokenRequest>,
    ) -> Answer<IntrospectionAnswer> {
        let found = introspect::introspect(&self.core, &service.0, body.0.token.0.reveal()).await?;
        Ok(answer(Introspection { active: found.is_some(), token: found.map(shown) }.into()))
    }

    /// Get the upload quota of an email address
    ///
    /// For callers from `server.service_networks`, or with a service's key.
    #[oai(
        path = "/service/quota/:email",
        method = "get",
        operation_id = "getQuotaOf",
        tag = "V1Tag::Services"
    )]
    async fn quota(
        &self,
        service: ServiceCaller,
        email: Path<String>,
    ) -> Answer<QuotaOfAddressAnswer> {
        let email = address(&email)?;
        let quota = quota::find(&self.core, &service.0, &email).await?;
        Ok(answer(quota_of(&email, quota).into()))
    }

    /// Count an upload
    ///
    /// For callers from `server.service_networks`, or with a service's key. An upload beyond the
    /// limit is refused.
    #[oai(
        path = "/service/quota/count",
        method = "post",
        operation_id = "countUpload",
        tag = "V1Tag::Services"
    )]
    async fn count(
        &self,
        visit: RequestContext,
        service: ServiceCaller,
        body: Body<CountUploadRequest>,
    ) -> Answer<UploadCountedAnswer> {
        let email = body.0.email.0;
        let quota = quota::count(&self.core, &service.0, &email, &visit.source).await?;
        Ok(answer(quota_of(&email, quota).into()))
    }

    /// Get how the server signs tokens
    ///
    /// For callers from `server.service_networks`, or with a service's key. The response contains
    /// no part of a shared secret. Compare the fingerprint to check that another service uses the
    /// same secret.
    #[oai(
        path = "/service/jwt-info",
        method = "get",
        operation_id = "getJwtInfo",
        tag = "V1Tag::Services"
    )]
    #[allow(clippy::unused_async, reason = "operations are")]
    async fn jwt_info(&self, service: ServiceCaller) -> Answer<SigningAnswer> {
        Ok(answer(signing(introspect::signing(&self.core, &service.0)).into()))
    }
}

/// Parses the email address in a path.
fn address(text: &str) -> Result<Email> {
    Email::parse(text).ok_or_else(|| Error::invalid_field(Field::Email, Rule::EmailInPath))
}

fn quota_of(email: &Email, quota: Quota) -> QuotaOfAddress {
    QuotaOfAddress { email: email.to_string(), quota: view::quota(quota) }
}

fn shown(verified: ActiveToken) -> TokenVerification {
    let ActiveToken { caller, issued_at, expires_at } = verified;
    let session_id = caller.session().to_string();
    TokenVerification {
        user_id: caller.account.id.to_string(),
        email: caller.account.email_text(),
        username: caller.account.username,
        session_id,
        roles: caller.roles,
        permissions: caller.permissions,
        issued_at: issued_at.to_seconds_text(),
        expires_at: expires_at.to_seconds_text(),
    }
}

fn signing(signing: Signing) -> SigningView {
    SigningView {
        algorithm: signing.algorithm.to_owned(),
        access_expires_in: signing.access.as_secs(),
        refresh_expires_in: signing.refresh.as_secs(),
        secret: signing.secret.map(secret),
        environment: signing.environment.as_str().to_owned(),
    }
}

fn secret(shared: SharedSecret) -> SecretView {
    SecretView { length: shared.length as u64, fingerprint: shared.fingerprint }
}
