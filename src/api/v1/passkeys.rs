//! Passkeys and security keys.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::auth::cookie_path;
use super::types::{
    AddPasskeyOptionsRequest, AddPasskeyRequest, AddedPasskeyAnswer, Done, LoginAnswer,
    PasskeyAnswer, PasskeyCreationAnswer, PasskeyLoginRequest, PasskeyOverviewAnswer,
    PasskeyProofRequest, PasskeyRequestAnswer, RenamePasskeyRequest,
};
use super::{V1Tag, view};
use crate::error::limit;
use crate::http::extract::api_client::FromApp;
use crate::http::extract::bearer::{Bearer, EitherBearer};
use crate::http::extract::body::Body;
use crate::http::extract::limited::Limited;
use crate::http::extract::refresh_cookie;
use crate::http::extract::refresh_cookie::Naming;
use crate::http::extract::request_context::RequestContext;
use crate::http::server::reject::Reject;
use crate::http::server::response::{Answer, answer, with_cookie};
use crate::identity::Core;
use crate::identity::access::fresh::Fresh;
use crate::identity::access::rate_key::RateKey;
use crate::identity::login::gate::Issued;
use crate::identity::login::reauthenticate::ReauthenticationProof;
use crate::identity::login::remember::Remember;
use crate::identity::login::{self, passkey_step, reauthenticate};
use crate::identity::passkey::{self, PasskeyName};
use crate::webauthn::AssertionResponse;

/// Operations on passkeys, and logins with them.
pub(super) struct PasskeysApi {
    pub(super) core: Arc<Core>,
}

/// Response to the addition of a passkey.
#[derive(ApiResponse)]
enum AddedPasskeyResponse {
    /// The passkey is added.
    #[oai(status = 201)]
    Added(Json<AddedPasskeyAnswer>),
}

#[OpenApi]
impl PasskeysApi {
    /// Get options for a passkey login
    ///
    /// Returns the options for `navigator.credentials.get()`; use them for autofill too. The user
    /// chooses among the passkeys on their devices. The options name none, so they do not reveal
    /// who has an account.
    #[oai(
        path = "/auth/passkey/options",
        method = "post",
        operation_id = "passkeyOptions",
        tag = "V1Tag::Passkeys"
    )]
    async fn login_options(
        &self,
        app: FromApp,
        limit: Limited<limit::PasskeyOptions>,
    ) -> Answer<PasskeyRequestAnswer> {
        let counted = limit.count_for(&app, RateKey::Credential(b"")).await?;
        let options = login::passkey::options(&self.core, &counted).await?;
        Ok(answer(view::request_options(&options).into()))
    }

    /// Log in with a passkey
    ///
    /// The passkey's authenticator checks who the user is, so no second factor is asked for. The
    /// response is that of a login with a password.
    #[oai(
        path = "/auth/passkey",
        method = "post",
        operation_id = "passkeyLogin",
        tag = "V1Tag::Passkeys"
    )]
    async fn log_in(
        &self,
        visit: RequestContext,
        app: FromApp,
        limit: Limited<limit::Passkey>,
        body: Body<PasskeyLoginRequest>,
    ) -> Answer<LoginAnswer> {
        let remember =
            if body.0.remember_me.unwrap_or(true) { Remember::Long } else { Remember::Short };
        let response = AssertionResponse::from(body.0.credential);
        let counted = limit.count_for(&app, RateKey::Credential(&response.id)).await?;
        let (core, source) = (&self.core, &visit.source);
        let issued = login::passkey::complete(core, &response, remember, &counted, source).await?;
        self.logged_in(&visit, &issued)
    }

    /// Get options for a passkey as the second factor
    ///
    /// Takes the `mfaToken` of a login as bearer token.
    #[oai(
        path = "/auth/mfa/passkey/options",
        method = "post",
        operation_id = "mfaPasskeyOptions",
        tag = "V1Tag::Passkeys"
    )]
    async fn step_options(
        &self,
        visit: RequestContext,
        app: FromApp,
        bearer: EitherBearer,
        limit: Limited<limit::FactorSent>,
    ) -> Answer<PasskeyRequestAnswer> {
        let token = bearer.token()?;
        let counted = limit.count_for(&app, RateKey::Login(token)).await?;
        let options =
            passkey_step::options(&self.core, token.reveal(), &counted, &visit.source).await?;
        Ok(answer(view::request_options(&options).into()))
    }

    /// Complete a login with a passkey as the second factor
    ///
    /// Takes the `mfaToken` of a login as bearer token.
    #[oai(
        path = "/auth/mfa/passkey",
        method = "post",
        operation_id = "mfaPasskey",
        tag = "V1Tag::Passkeys"
    )]
    async fn step(
        &self,
        visit: RequestContext,
        app: FromApp,
        bearer: EitherBearer,
        limit: Limited<limit::Factor>,
        body: Body<PasskeyProofRequest>,
    ) -> Answer<LoginAnswer> {
        let token = bearer.token()?;
        let counted = limit.count_for(&app, RateKey::Login(token)).await?;
        let (core, response) = (&self.core, body.0.credential.into());
        let issued =
            passkey_step::complete(core, token.reveal(), &response, &counted, &visit.source)
                .await?;
        self.logged_in(&visit, &issued)
    }

    /// Get options to confirm your identity with a passkey
    #[oai(
        path = "/auth/reauthenticate/passkey/options",
        method = "post",
        operation_id = "reauthenticatePasskeyOptions",
        tag = "V1Tag::Passkeys"
    )]
    async fn reauthentication_options(&self, bearer: Bearer) -> Answer<PasskeyRequestAnswer> {
        let options = reauthenticate::passkey_options(&self.core, &bearer.0).await?;
        Ok(answer(view::request_options(&options).into()))
    }

    /// Confirm your identity with a passkey
    ///
    /// Makes the session's authentication fresh for 15 minutes, as `reauthenticate` does with a
    /// password.
    #[oai(
        path = "/auth/reauthenticate/passkey",
        method = "post",
        operation_id = "reauthenticatePasskey",
        tag = "V1Tag::Passkeys"
    )]
    async fn reauthenticate(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        limit: Limited<limit::Reauthenticate>,
        body: Body<PasskeyProofRequest>,
    ) -> Answer<Done> {
        let counted = limit.count().await?;
        let proof = ReauthenticationProof::Passkey(Box::new(body.0.credential.into()));
        reauthenticate::renew(&self.core, &bearer.0, proof, &counted, &visit.source).await?;
        Ok(answer(Done::saying("Authentication renewed")))
    }

    /// Get options to add a passkey or security key
    ///
    /// Returns the options for `navigator.credentials.create()`. Requires fresh authentication and
    /// a verified email address.
    #[oai(
        path = "/users/me/passkeys/options",
        method = "post",
        operation_id = "addPasskeyOptions",
        tag = "V1Tag::Passkeys"
    )]
    async fn creation_options(
        &self,
        bearer: Bearer,
        body: Body<AddPasskeyOptionsRequest>,
    ) -> Answer<PasskeyCreationAnswer> {
        let fresh = Fresh::check(&self.core, &bearer.0).await?;
        let options = passkey::options(&self.core, &fresh, body.0.kind.into()).await?;
        Ok(answer(view::creation_options(&options).into()))
    }

    /// Add a passkey or security key
    ///
    /// Takes what `navigator.credentials.create()` returned for the options of this session.
    /// Requires fresh authentication. The owner is notified by email.
    #[oai(
        path = "/users/me/passkeys",
        method = "post",
        operation_id = "addPasskey",
        tag = "V1Tag::Passkeys"
    )]
    async fn add(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        body: Body<AddPasskeyRequest>,
    ) -> Result<AddedPasskeyResponse, Reject> {
        let fresh = Fresh::check(&self.core, &bearer.0).await?;
        let name = PasskeyName::optional(body.0.name.as_deref())?;
        let (response, core, source) = (body.0.credential.into(), &self.core, &visit.source);
        let new = passkey::register(core, &fresh, &response, name.as_ref(), source).await?;
        Ok(AddedPasskeyResponse::Added(Json(view::added_passkey(new).into())))
    }

    /// List the caller's passkeys
    ///
    /// The response also has the arguments of `signalAllAcceptedCredentials()`, which removes
    /// deleted passkeys from the user's devices.
    #[oai(
        path = "/users/me/passkeys",
        method = "get",
        operation_id = "listPasskeys",
        tag = "V1Tag::Passkeys"
    )]
    async fn list(&self, bearer: Bearer) -> Answer<PasskeyOverviewAnswer> {
        let list = passkey::list(&self.core, &bearer.0).await?;
        Ok(answer(view::passkey_overview(list).into()))
    }

    /// Rename a passkey
    #[oai(
        path = "/users/me/passkeys/:id",
        method = "patch",
        operation_id = "renamePasskey",
        tag = "V1Tag::Passkeys"
    )]
    async fn rename(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        id: Path<String>,
        body: Body<RenamePasskeyRequest>,
    ) -> Answer<PasskeyAnswer> {
        let (core, source) = (&self.core, &visit.source);
        let name = PasskeyName::parse(&body.0.name)?;
        let key = passkey::rename(core, &bearer.0, &id.0, name, source).await?;
        Ok(answer(view::passkey(key).into()))
    }

    /// Remove a passkey
    ///
    /// Requires fresh authentication. The owner is notified by email.
    #[oai(
        path = "/users/me/passkeys/:id",
        method = "delete",
        operation_id = "removePasskey",
        tag = "V1Tag::Passkeys"
    )]
    async fn remove(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        id: Path<String>,
    ) -> Answer<Done> {
        let fresh = Fresh::check(&self.core, &bearer.0).await?;
        passkey::remove(&self.core, &fresh, &id.0, &visit.source).await?;
        Ok(answer(Done::saying("Passkey removed")))
    }
}

impl PasskeysApi {
    /// The response to a completed login, with its cookie.
    fn logged_in(&self, visit: &RequestContext, issued: &Issued) -> Answer<LoginAnswer> {
        let session = view::new_session(&self.core, issued)?;
        let cookie = refresh_cookie::set(
            &self.core.config,
            Naming::Guarded,
            &cookie_path(&visit.path),
            &issued.refresh,
            issued.cookie_life,
        );
        Ok(with_cookie(session.into(), cookie))
    }
}
