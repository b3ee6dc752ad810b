//! The providers that users log in with.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::types::MaybeUndefined;
use poem_openapi::{ApiResponse, OpenApi};

use super::super::V1Tag;
use super::super::types::Done;
use super::provider_types::{
    ProviderPlace, ProviderSettingsRequest, ProviderTestAnswer, ProviderTestStep, ProvidersAnswer,
    ShownProvider, ShownProviderAnswer,
};
use crate::config::given_key;
use crate::http::extract::allowed::{Allowed, FreshProof, ManageProviders};
use crate::http::extract::body::{Body, Payload};
use crate::http::server::reject::Reject;
use crate::http::server::response::{Answer, answer};
use crate::identity::admin::providers;
use crate::identity::admin::providers::{ProviderOrigin, ProviderRecord};
use crate::identity::{Core, provider};
use crate::model::provider::{ClientKey, ProviderKeys};
use crate::model::{ProviderSettings, Secret};

/// Operations under `/admin/providers`.
pub struct AdminProvidersApi {
    pub(super) core: Arc<Core>,
}

/// Response to a new provider.
#[derive(ApiResponse)]
pub enum ProviderCreatedResponse {
    /// Users can log in with it.
    #[oai(status = 201)]
    Provider(Json<ShownProviderAnswer>),
}

#[OpenApi]
impl AdminProvidersApi {
    /// List the providers with their settings
    #[oai(
        path = "/admin/providers",
        method = "get",
        operation_id = "listProviderSettings",
        tag = "V1Tag::Admin"
    )]
    async fn list(&self, _admin: Allowed<ManageProviders>) -> Answer<ProvidersAnswer> {
        let all = providers::list(&self.core).await?;
        Ok(answer(all.into_iter().map(|one| shown(one, None)).collect::<Vec<_>>().into()))
    }

    /// Show a provider
    #[oai(
        path = "/admin/providers/:provider",
        method = "get",
        operation_id = "getProvider",
        tag = "V1Tag::Admin"
    )]
    async fn show(
        &self,
        _admin: Allowed<ManageProviders>,
        provider: Path<String>,
    ) -> Answer<ShownProviderAnswer> {
        let (record, identities) = providers::show(&self.core, &provider.0).await?;
        Ok(answer(shown(record, Some(identities)).into()))
    }

    /// Add a provider
    #[oai(
        path = "/admin/providers/:provider",
        method = "post",
        operation_id = "createProvider",
        tag = "V1Tag::Admin"
    )]
    async fn create(
        &self,
        admin: Allowed<FreshProof<ManageProviders>>,
        provider: Path<String>,
        body: Body<ProviderSettingsRequest>,
    ) -> Result<ProviderCreatedResponse, Reject> {
        let (mut settings, mut keys) = (ProviderSettings::default(), ProviderKeys::default());
        body.0.apply(&mut settings, &mut keys);
        let by = admin.fresh()?;
        let made = providers::create(&self.core, &by, &provider.0, &settings, &keys).await?;
        Ok(ProviderCreatedResponse::Provider(Json(shown(made, None).into())))
    }

    /// Change a provider
    #[oai(
        path = "/admin/providers/:provider",
        method = "patch",
        operation_id = "updateProvider",
        tag = "V1Tag::Admin"
    )]
    async fn update(
        &self,
        admin: Allowed<FreshProof<ManageProviders>>,
        provider: Path<String>,
        body: Body<ProviderSettingsRequest>,
    ) -> Answer<ShownProviderAnswer> {
        let (by, body) = (admin.fresh()?, body.0);
        let patch = move |settings: &mut ProviderSettings, keys: &mut ProviderKeys| {
            body.apply(settings, keys);
        };
        let changed = providers::change(&self.core, &by, &provider.0, None, patch).await?;
        Ok(answer(shown(changed, None).into()))
    }

    /// Remove a provider
    ///
    /// Its connected accounts stay for a provider with the same issuer; kept tokens are deleted.
    #[oai(
        path = "/admin/providers/:provider",
        method = "delete",
        operation_id = "deleteProvider",
        tag = "V1Tag::Admin"
    )]
    async fn delete(
        &self,
        admin: Allowed<FreshProof<ManageProviders>>,
        provider: Path<String>,
    ) -> Answer<Done> {
        providers::remove(&self.core, &admin.fresh()?, &provider.0).await?;
        Ok(answer(Done::saying("Provider removed successfully")))
    }

    /// Read a provider's discovery document and keys again
    #[oai(
        path = "/admin/providers/:provider/test",
        method = "post",
        operation_id = "testProvider",
        tag = "V1Tag::Admin"
    )]
    async fn test(
        &self,
        _admin: Allowed<ManageProviders>,
        provider: Path<String>,
    ) -> Answer<ProviderTestAnswer> {
        let steps = provider::probe(&self.core, &provider.0).await?.into_iter().map(|step| {
            let (ok, answer) = match step.result {
                Ok(found) => (true, found),
                Err(failure) => (false, failure.reason),
            };
            ProviderTestStep { name: step.name.to_owned(), ok, answer }
        });
        Ok(answer(steps.collect::<Vec<_>>().into()))
    }
}

impl Payload for ProviderSettingsRequest {}

impl ProviderSettingsRequest {
    /// Lays the settings of the request over others.
    fn apply(&self, settings: &mut ProviderSettings, keys: &mut ProviderKeys) {
        set(&mut settings.preset, &self.preset, String::clone);
        set(&mut settings.label, &self.label, String::clone);
        set(&mut settings.issuer, &self.issuer, String::clone);
        set(&mut settings.client_id, &self.client_id, String::clone);
        set(&mut settings.tenant, &self.tenant, String::clone);
        set(&mut settings.team_id, &self.team_id, String::clone);
        set(&mut settings.key_id, &self.key_id, String::clone);
        set(&mut settings.proved_by, &self.proved_by, |word| word.clone().into());
        set_key(&mut keys.client_secret, &self.client_secret, |field| &field.0);
        set_key(&mut keys.private_key, &self.private_key, |field| &field.0);
        settings.keep_tokens = self.keep_tokens.unwrap_or(settings.keep_tokens);
        for (into, from) in [
            (&mut settings.scopes, &self.scopes),
            (&mut settings.redirect_uris, &self.redirect_uris),
            (&mut settings.audiences, &self.audiences),
            (&mut settings.trusted_acr, &self.trusted_acr),
        ] {
            if let Some(list) = from {
                into.clone_from(list);
            }
        }
    }
}

/// An empty secret is none.
fn set_key<F>(
    into: &mut Option<Secret>,
    field: &MaybeUndefined<F>,
    secret: impl Fn(&F) -> &Secret,
) {
    match field {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => *into = None,
        MaybeUndefined::Value(key) => *into = given_key(secret(key).reveal()),
    }
}

fn set<T, F>(into: &mut Option<T>, field: &MaybeUndefined<F>, convert: impl Fn(&F) -> T) {
    match field {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => *into = None,
        MaybeUndefined::Value(value) => *into = Some(convert(value)),
    }
}

fn shown(record: ProviderRecord, identities: Option<i64>) -> ShownProvider {
    let in_force = record.is_in_force();
    let provider = record.provider.as_ref().ok();
    let settings = provider.map(|provider| provider.settings.clone()).unwrap_or_default();
    let problem = match &record.provider {
        Err(why) => Some(why.clone()),
        Ok(_) if in_force => None,
        Ok(_) => Some(
            "the configuration has a provider with this name or issuer, which is used".to_owned(),
        ),
    };
    ShownProvider {
        in_force,
        problem,
        origin: match record.origin {
            ProviderOrigin::Configuration => ProviderPlace::Configuration,
            ProviderOrigin::Database => ProviderPlace::Database,
        },
        preset: provider.and_then(|provider| provider.preset.clone()),
        label: provider.map(|provider| provider.label.clone()),
        issuer: provider.map(|provider| provider.issuer.clone()),
        client_id: provider.map(|provider| provider.client_id.clone()),
        has_key: provider.is_some_and(|provider| !matches!(provider.key, ClientKey::None)),
        proved_by: provider.map(|provider| provider.proof.clone().into()),
        tenant: settings.tenant,
        team_id: settings.team_id,
        key_id: settings.key_id,
        scopes: settings.scopes,
        redirect_uris: settings.redirect_uris,
        audiences: settings.audiences,
        trusted_acr: settings.trusted_acr,
        keep_tokens: settings.keep_tokens,
        redirect_address: record.redirect_address,
        created_at: record.created_at.map(crate::model::Time::to_seconds_text),
        updated_at: record.updated_at.map(crate::model::Time::to_seconds_text),
        name: record.name,
        identities,
    }
}
