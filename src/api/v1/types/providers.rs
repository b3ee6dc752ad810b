//! Requests and responses for logins with providers, and for connected accounts.

use poem_openapi::Object;
use serde::Serialize;

use crate::http::extract::fields::EmailField;

/// A provider that users can log in with.
#[derive(Debug, Object)]
pub struct ProviderView {
    /// Its name in paths.
    pub name: String,
    /// What users call it.
    pub label: String,
    /// The preset that it was made from, such as `google`.
    pub preset: Option<String>,
}

/// Request to begin a login at a provider.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct BeginProviderRequest {
    /// The page of the app that takes the provider's answer: one of the provider's `redirect_uris`.
    #[oai(validator(max_length = 500))]
    pub redirect_uri: String,
    /// If `false`, the session ends when the browser closes or after one day. Defaults to `true`.
    pub remember_me: Option<bool>,
}

/// Request to begin connecting an account at a provider.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct BeginIdentityRequest {
    /// The name of the provider.
    #[oai(validator(max_length = 32))]
    pub provider: String,
    /// As for a login.
    #[oai(validator(max_length = 500))]
    pub redirect_uri: String,
}

/// Where to send the browser.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct BegunProvider {
    /// The page of the provider.
    pub authorization_url: String,
    /// Keep it in the browser, and send it with the provider's answer.
    pub flow: String,
    /// How long the user may take, in seconds.
    pub expires_in: u64,
}

/// A provider's answer.
#[derive(Debug, Object)]
pub struct ProviderCallbackRequest {
    /// What `begin` returned.
    #[oai(validator(max_length = 8192))]
    pub flow: String,
    /// The parameters of the provider's answer.
    #[oai(validator(max_length = 4096))]
    pub code: Option<String>,
    #[oai(validator(max_length = 512))]
    pub state: String,
    #[oai(validator(max_length = 512))]
    pub iss: Option<String>,
    #[oai(validator(max_length = 512))]
    pub error: Option<String>,
    #[oai(validator(max_length = 2048))]
    pub error_description: Option<String>,
}

/// An ID token from the provider's library in an app.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ProviderTokenRequest {
    /// The ID token.
    #[oai(validator(max_length = 16384))]
    pub id_token: String,
    /// The nonce that the app gave to the library, before it was hashed.
    #[oai(validator(max_length = 512))]
    pub nonce: Option<String>,
    /// The user's name, if the library returned it beside the token.
    #[oai(validator(max_length = 100))]
    pub first_name: Option<String>,
    #[oai(validator(max_length = 100))]
    pub last_name: Option<String>,
    /// If `false`, the session ends when the browser closes or after one day. Defaults to `true`.
    pub remember_me: Option<bool>,
}

/// Request to mail a code.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ProviderCodeRequest {
    /// The `providerToken` of the login.
    #[oai(validator(max_length = 8192))]
    pub provider_token: String,
    /// The address. Defaults to the one that the step is about.
    pub email: Option<EmailField>,
}

/// A code is on its way.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ProviderCodeSent {
    /// Replaces the `providerToken`.
    pub provider_token: String,
    /// The address.
    pub email: String,
    /// How long the code is valid, in seconds.
    pub expires_in: u64,
}

/// A mailed code.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ProviderStepRequest {
    /// The `providerToken` that came with the code.
    #[oai(validator(max_length = 8192))]
    pub provider_token: String,
    /// The code.
    #[oai(validator(max_length = 64))]
    pub code: String,
}

/// An account at a provider to connect: a provider's answer, or a login that waits for it.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct LinkIdentityRequest {
    /// The provider's answer.
    pub callback: Option<ProviderCallbackRequest>,
    /// The `providerToken` of a login that needs the step `existing_account` or `login`.
    #[oai(validator(max_length = 8192))]
    pub provider_token: Option<String>,
}

/// A connected account at a provider.
#[derive(Debug, Object, Serialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct IdentityView {
    /// Its ID.
    pub id: String,
    /// The name of the provider.
    pub provider: String,
    /// The account at the provider.
    pub issuer: String,
    pub subject: String,
    /// The address that the provider last stated.
    pub email: Option<String>,
    /// What its owner is called there.
    pub name: Option<String>,
    /// When it was connected.
    pub created_at: String,
    /// When it last logged in.
    pub last_used: Option<String>,
}

/// A token with which the provider's API is called.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ProviderTokenView {
    /// The access token.
    pub access_token: String,
    /// When it ends, if the provider says so.
    pub expires_at: Option<String>,
    /// The scopes that the user granted, if the provider says which.
    pub scope: Option<String>,
}

super::answers! {
    /// The providers that users can log in with.
    ProviderListAnswer(Vec<ProviderView>);
    /// Where to send the browser.
    BegunProviderAnswer(BegunProvider);
    /// A code is on its way.
    ProviderCodeAnswer(ProviderCodeSent);
    /// A connected account at a provider.
    IdentityAnswer(IdentityView);
    /// The caller's connected accounts, oldest first.
    IdentityListAnswer(Vec<IdentityView>);
    /// A token with which the provider's API is called.
    ProviderTokenViewAnswer(ProviderTokenView);
}
