//! Logins with providers (OpenID Connect, OAuth 2), and connected accounts.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;

use super::auth::cookie_path;
use super::types::{
    BeginIdentityRequest, BeginProviderRequest, BegunProviderAnswer, Done, IdentityAnswer,
    IdentityListAnswer, LinkIdentityRequest, LoginAnswer, ProviderCallbackRequest,
    ProviderCodeAnswer, ProviderCodeRequest, ProviderListAnswer, ProviderStepRequest,
    ProviderTokenRequest, ProviderTokenViewAnswer,
};
use super::{V1Tag, view};
use crate::error::{Error, Rule, limit};
use crate::http::extract::api_client::FromApp;
use crate::http::extract::bearer::Bearer;
use crate::http::extract::body::Body;
use crate::http::extract::limited::Limited;
use crate::http::extract::refresh_cookie;
use crate::http::extract::refresh_cookie::Naming;
use crate::http::extract::request_context::RequestContext;
use crate::http::extract::service::KeyedService;
use crate::http::server::response::{Answer, answer, with_cookie};
use crate::identity::access::fresh::Fresh;
use crate::identity::access::rate_key::RateKey;
use crate::identity::login::gate::Issued;
use crate::identity::login::remember::Remember;
use crate::identity::provider::{AppToken, Redirect, TokenReader};
use crate::identity::{Core, provider};
use crate::model::Secret;

/// Operations on logins with providers.
pub(super) struct ProvidersApi {
    pub(super) core: Arc<Core>,
}

#[OpenApi]
impl ProvidersApi {
    /// List the providers
    #[oai(
        path = "/auth/providers",
        method = "get",
        operation_id = "listProviders",
        tag = "V1Tag::Providers"
    )]
    async fn list(&self) -> Answer<ProviderListAnswer> {
        Ok(answer(view::providers(provider::offered(&self.core).await?).into()))
    }

    /// Begin a login at a provider
    ///
    /// Send the browser to `authorizationUrl`. The provider answers to `redirectUri`, whose page
    /// sends the answer and `flow` to the callback.
    #[oai(
        path = "/auth/providers/:name/begin",
        method = "post",
        operation_id = "beginProviderLogin",
        tag = "V1Tag::Providers"
    )]
    async fn begin(
        &self,
        app: FromApp,
        name: Path<String>,
        limit: Limited<limit::ProviderBegin>,
        body: Body<BeginProviderRequest>,
    ) -> Answer<BegunProviderAnswer> {
        let counted = limit.count_for(&app, RateKey::Credential(b"")).await?;
        let (redirect, remember) = (Redirect::App(body.0.redirect_uri), long(body.0.remember_me));
        let begun = provider::begin(&self.core, &name.0, &redirect, remember, &counted).await?;
        Ok(answer(view::begun(begun).into()))
    }

    /// Complete a login at a provider
    ///
    /// The response is that of a login with a password. If something is missing, the error
    /// `PROVIDER_STEP_REQUIRED` has a `providerToken` and a `step`: `email` (ask for an address and
    /// mail a code), `existing_account` (mail a code to the existing account, or log in to it and
    /// connect) or `login` (log in to the existing account and connect).
    #[oai(
        path = "/auth/providers/callback",
        method = "post",
        operation_id = "completeProviderLogin",
        tag = "V1Tag::Providers"
    )]
    async fn callback(
        &self,
        visit: RequestContext,
        app: FromApp,
        limit: Limited<limit::Provider>,
        body: Body<ProviderCallbackRequest>,
    ) -> Answer<LoginAnswer> {
        let flow = Secret::new(body.0.flow.as_str());
        let counted = limit.count_for(&app, RateKey::Provider(&flow)).await?;
        let (core, source) = (&self.core, &visit.source);
        let issued = provider::complete(core, &flow, &body.0.into(), &counted, source).await?;
        self.logged_in(&visit, &issued)
    }

    /// Log in with an ID token
    ///
    /// For apps that use the provider's own library. Each ID token counts once. Errors are those of
    /// the callback.
    #[oai(
        path = "/auth/providers/:name/token",
        method = "post",
        operation_id = "providerTokenLogin",
        tag = "V1Tag::Providers"
    )]
    async fn token(
        &self,
        visit: RequestContext,
        app: FromApp,
        name: Path<String>,
        limit: Limited<limit::Provider>,
        body: Body<ProviderTokenRequest>,
    ) -> Answer<LoginAnswer> {
        let sent = body.0;
        let token = AppToken {
            id_token: Secret::new(sent.id_token),
            nonce: sent.nonce.filter(|nonce| !nonce.is_empty()),
            given_name: sent.first_name,
            family_name: sent.last_name,
        };
        let counted = limit.count_for(&app, RateKey::Provider(&token.id_token)).await?;
        let (core, remember) = (&self.core, long(sent.remember_me));
        let issued =
            provider::with_id_token(core, &name.0, &token, remember, &counted, &visit.source)
                .await?;
        self.logged_in(&visit, &issued)
    }

    /// Mail a code for a login with a provider
    ///
    /// The response does not depend on whether the address has an account.
    #[oai(
        path = "/auth/providers/code",
        method = "post",
        operation_id = "requestProviderCode",
        tag = "V1Tag::Providers"
    )]
    async fn code(
        &self,
        visit: RequestContext,
        app: FromApp,
        limit: Limited<limit::ProviderCode>,
        body: Body<ProviderCodeRequest>,
    ) -> Answer<ProviderCodeAnswer> {
        let token = Secret::new(body.0.provider_token);
        let counted = limit.count_for(&app, RateKey::Provider(&token)).await?;
        let (core, email) = (&self.core, body.0.email.as_ref().map(|field| &field.0));
        let sent = provider::request_code(core, &token, email, &counted, &visit.source).await?;
        Ok(answer(view::code_sent(&sent).into()))
    }

    /// Complete a login with a provider by a mailed code
    ///
    /// Proves the address, and connects the account at the provider with the account that has it.
    #[oai(
        path = "/auth/providers/complete",
        method = "post",
        operation_id = "completeProviderStep",
        tag = "V1Tag::Providers"
    )]
    async fn complete(
        &self,
        visit: RequestContext,
        app: FromApp,
        limit: Limited<limit::ProviderStep>,
        body: Body<ProviderStepRequest>,
    ) -> Answer<LoginAnswer> {
        let token = Secret::new(body.0.provider_token);
        let counted = limit.count_for(&app, RateKey::Provider(&token)).await?;
        let (core, source) = (&self.core, &visit.source);
        let issued = provider::complete_step(core, &token, &body.0.code, &counted, source).await?;
        self.logged_in(&visit, &issued)
    }

    /// List the caller's connected accounts
    #[oai(
        path = "/users/me/identities",
        method = "get",
        operation_id = "listIdentities",
        tag = "V1Tag::Providers"
    )]
    async fn identities(&self, bearer: Bearer) -> Answer<IdentityListAnswer> {
        let rows = provider::list(&self.core, &bearer.0).await?;
        let views: Vec<_> = rows.into_iter().map(view::identity).collect();
        Ok(answer(views.into()))
    }

    /// Begin to connect an account at a provider
    ///
    /// Requires fresh authentication and a verified email address.
    #[oai(
        path = "/users/me/identities/begin",
        method = "post",
        operation_id = "beginIdentity",
        tag = "V1Tag::Providers"
    )]
    async fn begin_identity(
        &self,
        bearer: Bearer,
        body: Body<BeginIdentityRequest>,
    ) -> Answer<BegunProviderAnswer> {
        let fresh = Fresh::check(&self.core, &bearer.0).await?;
        let redirect = Redirect::App(body.0.redirect_uri);
        let begun = provider::begin_link(&self.core, &fresh, &body.0.provider, &redirect).await?;
        Ok(answer(view::begun(begun).into()))
    }

    /// Connect an account at a provider
    ///
    /// Takes the provider's answer to a flow of this session, or the `providerToken` of a login that
    /// needs it. Requires fresh authentication. The owner is notified by email.
    #[oai(
        path = "/users/me/identities",
        method = "post",
        operation_id = "linkIdentity",
        tag = "V1Tag::Providers"
    )]
    async fn link(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        limit: Limited<limit::Provider>,
        body: Body<LinkIdentityRequest>,
    ) -> Answer<IdentityAnswer> {
        let fresh = Fresh::check(&self.core, &bearer.0).await?;
        let counted = limit.count().await?;
        let (core, source) = (&self.core, &visit.source);
        let row = match (body.0.callback, body.0.provider_token) {
            (Some(sent), None) => {
                let flow = Secret::new(sent.flow.as_str());
                provider::link(core, &fresh, &flow, &sent.into(), &counted, source).await?
            }
            (None, Some(token)) => {
                provider::connect(core, &fresh, &Secret::new(token), &counted, source).await?
            }
            _ => return Err(Error::invalid_field("callback", Rule::Required).into()),
        };
        Ok(answer(view::identity(row).into()))
    }

    /// Remove a connected account
    ///
    /// Requires fresh authentication. The owner is notified by email.
    #[oai(
        path = "/users/me/identities/:id",
        method = "delete",
        operation_id = "unlinkIdentity",
        tag = "V1Tag::Providers"
    )]
    async fn unlink(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        id: Path<String>,
    ) -> Answer<Done> {
        let fresh = Fresh::check(&self.core, &bearer.0).await?;
        provider::unlink(&self.core, &fresh, &id.0, &visit.source).await?;
        Ok(answer(Done::saying("Account disconnected")))
    }

    /// Get a provider's access token
    ///
    /// For providers with `keep_tokens`. A token that ends within a minute is refreshed first. Requires
    /// fresh authentication, or the key of a service beside the user's access token.
    #[oai(
        path = "/users/me/identities/:id/token",
        method = "post",
        operation_id = "getProviderToken",
        tag = "V1Tag::Providers"
    )]
    async fn provider_token(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        service: KeyedService,
        id: Path<String>,
    ) -> Answer<ProviderTokenViewAnswer> {
        let reader = TokenReader::check(&self.core, &bearer.0, service.0.as_ref()).await?;
        let given = provider::current_token(&self.core, &reader, &id.0, &visit.source).await?;
        Ok(answer(view::provider_token(&given).into()))
    }
}

fn long(remember_me: Option<bool>) -> Remember {
    if remember_me.unwrap_or(true) { Remember::Long } else { Remember::Short }
}

impl ProvidersApi {
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
