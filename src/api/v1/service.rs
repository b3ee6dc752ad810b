//! What other services ask: whether a token holds, the quota of an address, how tokens are signed.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;

use super::types::{
    CountUploadRequest, Introspection, IntrospectionAnswer, QuotaOfAddress, QuotaOfAddressAnswer, SecretView,
    SigningAnswer, SigningView, TokenRequest, UploadCountedAnswer, VerifiedToken, VerifyTokenAnswer,
};
use super::{Tag, view};
use crate::error::{Error, FieldError, Result, Rule};
use crate::http::body::Body;
use crate::http::response::{Answer, answer};
use crate::http::service::ServiceCaller;
use crate::http::visit::Visit;
use crate::identity::Core;
use crate::identity::introspect::{self, SharedSecret, Signing, Verified};
use crate::identity::quota::{self, Quota};
use crate::model::Email;

/// The operations that another service calls.
pub(super) struct Services(pub(super) Arc<Core>);

#[OpenApi]
impl Services {
    /// Verify a token
    ///
    /// For whoever holds it: says whose it is, or why it does not hold.
    #[oai(path = "/auth/verify-token", method = "post", operation_id = "verifyToken", tag = "Tag::Services")]
    async fn verify_token(&self, body: Body<TokenRequest>) -> Answer<VerifyTokenAnswer> {
        let verified = introspect::verify(&self.0, body.0.token.0.reveal()).await?;
        Ok(answer(shown(verified).into()))
    }

    /// Introspect a token
    ///
    /// For callers from `server.service_networks`, or with the key of a service. Of a token that does not hold nothing is
    /// said but that.
    #[oai(path = "/service/introspect", method = "post", operation_id = "introspectToken", tag = "Tag::Services")]
    async fn introspect(&self, service: ServiceCaller, body: Body<TokenRequest>) -> Answer<IntrospectionAnswer> {
        let found = introspect::introspect(&self.0, &service.0, body.0.token.0.reveal()).await?;
        Ok(answer(Introspection { active: found.is_some(), token: found.map(shown) }.into()))
    }

    /// Get the quota of an address
    ///
    /// For callers from `server.service_networks`, or with the key of a service.
    #[oai(path = "/service/quota/:email", method = "get", operation_id = "getQuotaOf", tag = "Tag::Services")]
    async fn quota(&self, service: ServiceCaller, email: Path<String>) -> Answer<QuotaOfAddressAnswer> {
        let email = address(&email)?;
        let quota = quota::find(&self.0, &service.0, &email).await?;
        Ok(answer(quota_of(&email, quota).into()))
    }

    /// Count an upload
    ///
    /// For callers from `server.service_networks`, or with the key of a service. One past the limit is refused.
    #[oai(path = "/service/quota/count", method = "post", operation_id = "countUpload", tag = "Tag::Services")]
    async fn count(
        &self,
        visit: Visit,
        service: ServiceCaller,
        body: Body<CountUploadRequest>,
    ) -> Answer<UploadCountedAnswer> {
        let email = body.0.email.0;
        let quota = quota::count(&self.0, &service.0, &email, &visit.source).await?;
        Ok(answer(quota_of(&email, quota).into()))
    }

    /// Get how tokens are signed
    ///
    /// For callers from `server.service_networks`, or with the key of a service. Of a shared secret no character is told:
    /// its fingerprint says whether another has the same.
    #[oai(path = "/service/jwt-info", method = "get", operation_id = "getJwtInfo", tag = "Tag::Services")]
    #[allow(clippy::unused_async, reason = "operations are")]
    async fn jwt_info(&self, service: ServiceCaller) -> Answer<SigningAnswer> {
        Ok(answer(signing(introspect::signing(&self.0, &service.0)).into()))
    }
}

/// The address in a path.
fn address(text: &str) -> Result<Email> {
    Email::parse(text).ok_or_else(|| {
        let row = FieldError::new("email", Rule::Email, "Invalid email format", "Email must be a valid address");
        Error::invalid(vec![row])
    })
}

fn quota_of(email: &Email, quota: Quota) -> QuotaOfAddress {
    QuotaOfAddress { email: email.to_string(), quota: view::quota(quota) }
}

fn shown(verified: Verified) -> VerifiedToken {
    let Verified { caller, issued_at, expires_at } = verified;
    VerifiedToken {
        user_id: caller.account.id.to_string(),
        email: caller.account.email.to_string(),
        username: caller.account.username,
        session_id: caller.session.to_string(),
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
