//! Calls for a second service: upload quotas by email address, token verification, and how the
//! server signs tokens.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;

use crate::api::compat::jobpsych::JobpsychTag;
use crate::api::compat::jobpsych::types::{
    Decoded, IncrementAnswer, IncrementRequest, JwtInfo, JwtInfoAnswer, UploadsAnswer,
    VerifyTokenAnswer, VerifyTokenRequest,
};
use crate::error::{Error, Field, Result, Rule};
use crate::http::extract::body::Body;
use crate::http::extract::request_context::RequestContext;
use crate::http::extract::service::ServiceCaller;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::access::introspect;
use crate::identity::access::introspect::{SharedSecret, Signing};
use crate::identity::account::quota;
use crate::model::Email;

/// Operations that other services call.
pub(in crate::api) struct JobpsychServiceApi {
    pub(in crate::api) core: Arc<Core>,
}

#[OpenApi]
impl JobpsychServiceApi {
    /// Get upload count
    ///
    /// For callers from `server.service_networks`, or with a service's key.
    #[oai(
        path = "/api/auth/user-uploads/:email",
        method = "get",
        operation_id = "getUserUploads",
        tag = "JobpsychTag::Quota"
    )]
    async fn uploads(&self, service: ServiceCaller, email: Path<String>) -> Answer<UploadsAnswer> {
        let email = address(&email)?;
        let quota = quota::find(&self.core, &service.0, &email).await?;
        Ok(answer(UploadsAnswer {
            success: true,
            email: email.to_string(),
            files_uploaded: quota.uploaded,
            limit: quota.limit,
            remaining: quota.remaining(),
            message: "Upload statistics retrieved successfully".into(),
        }))
    }

    /// Increment count
    ///
    /// For callers from `server.service_networks`, or with a service's key. An increment beyond the
    /// limit is refused.
    #[oai(
        path = "/api/auth/increment-upload",
        method = "post",
        operation_id = "incrementUpload",
        tag = "JobpsychTag::Quota"
    )]
    async fn increment(
        &self,
        visit: RequestContext,
        service: ServiceCaller,
        body: Body<IncrementRequest>,
    ) -> Answer<IncrementAnswer> {
        let email = body.0.email.0;
        let quota = quota::count(&self.core, &service.0, &email, &visit.source).await?;
        Ok(answer(IncrementAnswer {
            success: true,
            message: "Upload count incremented successfully".into(),
            email: email.to_string(),
            files_uploaded: quota.uploaded,
            limit: quota.limit,
            remaining: quota.remaining(),
        }))
    }

    /// Verify JWT token
    #[oai(
        path = "/api/auth/verify-token",
        method = "post",
        operation_id = "verifyToken",
        tag = "JobpsychTag::Tokens"
    )]
    async fn verify_token(&self, body: Body<VerifyTokenRequest>) -> Answer<VerifyTokenAnswer> {
        let verified = introspect::verify(&self.core, body.0.token.0.reveal()).await?;
        let account = &verified.caller.account;
        let decoded = Decoded {
            user_id: account.number.to_string(),
            email: account.promised_email(),
            iat: verified.issued_at.seconds(),
            exp: verified.expires_at.seconds(),
        };
        Ok(answer(VerifyTokenAnswer { success: true, decoded }))
    }

    /// Get JWT config info
    ///
    /// For callers from `server.service_networks`, or with a service's key. The characters of the
    /// secret are shown only if `server.reveal_secret_ends` is set, and never in production; compare
    /// the fingerprint instead.
    #[oai(
        path = "/api/auth/jwt-info",
        method = "get",
        operation_id = "getJwtInfo",
        tag = "JobpsychTag::Tokens"
    )]
    #[allow(clippy::unused_async, reason = "operations are")]
    async fn jwt_info(&self, service: ServiceCaller) -> Answer<JwtInfoAnswer> {
        Ok(answer(JwtInfoAnswer {
            success: true,
            message: "JWT configuration information".into(),
            jwt_info: jwt_info(&self.core, &introspect::signing(&self.core, &service.0)),
            note: "Share this info with FastAPI team to ensure JWT secrets match".into(),
        }))
    }
}

/// Parses the email address in a path.
fn address(text: &str) -> Result<Email> {
    Email::parse(text).ok_or_else(|| Error::invalid_field(Field::Email, Rule::EmailInPath))
}

fn jwt_info(core: &Core, signing: &Signing) -> JwtInfo {
    let length = |shared: &SharedSecret| i64::try_from(shared.length).unwrap_or(i64::MAX);
    let secret = signing.secret.as_ref();
    JwtInfo {
        algorithm: signing.algorithm.to_owned(),
        access_token_expiry: short(signing.access),
        refresh_token_expiry: short(signing.refresh),
        secret_length: secret.map(length),
        secret_first_chars: secret.and_then(|shared| shared.first.clone()),
        secret_last_chars: secret.and_then(|shared| shared.last.clone()),
        secret_fingerprint: secret.map(|shared| shared.fingerprint.clone()),
        environment: signing.environment.as_str().to_owned(),
        timestamp: core.env.now().to_millis_text(),
    }
}

/// Formats a duration in its largest exact unit, such as `15m` or `7d`.
fn short(span: std::time::Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let fits = units.into_iter().find(|(size, _)| seconds > 0 && seconds.is_multiple_of(*size));
    fits.map_or_else(|| format!("{seconds}s"), |(size, unit)| format!("{}{unit}", seconds / size))
}
