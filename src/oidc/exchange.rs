//! From the code in a provider's answer to the account that it proves, and the tokens that came along.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::account::ProviderAccount;
use super::authorize::form;
use super::claims::ProviderClaims;
use super::failure::{ExchangeFailure, ExchangeStep};
use super::fetch::Fetch;
use super::id_token::{ExpectedNonce, IdTokenMark, IdTokenUse};
use super::{ProviderClient, ProviderMetadata, client_key};
use crate::model::provider::Provider;
use crate::model::{ProviderTokens, Secret, Time};

/// What the provider's answer is exchanged with.
#[derive(Debug, Clone, Copy)]
pub struct CodeExchange<'a> {
    pub code: &'a str,
    pub redirect_uri: &'a str,
    pub nonce: &'a str,
    /// The secret of PKCE.
    pub verifier: &'a str,
}

/// The account that a code proves, and the claims that it was read from.
#[derive(Debug, Clone)]
pub struct ProvedAccount {
    pub account: ProviderAccount,
    pub claims: Map<String, Value>,
    /// What the provider's API is called with.
    pub tokens: Option<ProviderTokens>,
}

/// What a token endpoint answers (RFC 6749, section 5.1).
#[derive(Deserialize)]
pub(super) struct GrantAnswer {
    access_token: Option<String>,
    id_token: Option<String>,
    refresh_token: Option<String>,
    /// In seconds. Some providers write it as text.
    expires_in: Option<Value>,
    scope: Option<String>,
}

/// The longest life of an access token that is believed.
const LONGEST_LIFE: Duration = Duration::from_hours(24 * 366 * 10);
/// The largest tokens that are kept.
const LARGEST: usize = 32 * 1024;

impl GrantAnswer {
    /// The tokens in it, if they can be kept.
    pub(super) fn tokens(&self, now: Time) -> Option<ProviderTokens> {
        let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let access = text(&self.access_token)?;
        let (refresh, scope) = (text(&self.refresh_token), text(&self.scope));
        let all = [Some(&access), refresh.as_ref(), scope.as_ref()];
        if all.into_iter().flatten().map(String::len).sum::<usize>() > LARGEST {
            return None;
        }
        let seconds = self.expires_in.as_ref().and_then(|value| {
            value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))
        });
        // Some write 0 for a token that does not end.
        let life = seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs);
        Some(ProviderTokens {
            access: Secret::new(access),
            refresh: refresh.map(Secret::new),
            expires_at: life.map(|life| now + life.min(LONGEST_LIFE)),
            scope,
        })
    }
}

impl ProviderClient {
    /// Exchanges a code for the account of the person who logged in at the provider.
    ///
    /// # Errors
    /// The step that failed.
    pub async fn exchange(
        &self,
        provider: &Provider,
        exchange: CodeExchange<'_>,
    ) -> Result<ProvedAccount, ExchangeFailure> {
        self.in_time(Box::pin(async {
            let metadata = self.metadata(provider).await?;
            let fields = [
                ("grant_type", "authorization_code"),
                ("code", exchange.code),
                ("redirect_uri", exchange.redirect_uri),
                ("code_verifier", exchange.verifier),
            ];
            let answer = self.ask_for_tokens(provider, &metadata, &fields).await?;
            let nonce = ExpectedNonce::Exactly(exchange.nonce.to_owned());
            self.proved_by(provider, &metadata, answer, &nonce).await
        }))
        .await
    }

    /// The account that the answer of a token endpoint proves.
    pub(super) async fn proved_by(
        &self,
        provider: &Provider,
        metadata: &Arc<ProviderMetadata>,
        answer: GrantAnswer,
        nonce: &ExpectedNonce,
    ) -> Result<ProvedAccount, ExchangeFailure> {
        let tokens = answer.tokens(self.env.now());
        let access = answer.access_token.map(Secret::new);
        let (account, claims) = if provider.endpoints.is_some() {
            let token = access.as_ref().ok_or_else(|| no_token("access_token"))?;
            self.by_access_token(provider, metadata, token).await?
        } else {
            let token = answer.id_token.map(Secret::new).ok_or_else(|| no_token("id_token"))?;
            let checked = (IdTokenUse::Server, nonce);
            let (issuer, claims) = self.check_id_token(provider, metadata, &token, checked).await?;
            self.by_claims(provider, metadata, issuer, claims, access.as_ref()).await?
        };
        Ok(ProvedAccount { account, claims: claims.0, tokens })
    }

    /// The account of an ID token that an app got from the provider, and what makes the token count
    /// once.
    ///
    /// # Errors
    /// The step that failed.
    pub async fn account_of(
        &self,
        provider: &Provider,
        token: &Secret,
        nonce: Option<&str>,
    ) -> Result<(ProviderAccount, IdTokenMark), ExchangeFailure> {
        if provider.endpoints.is_some() {
            let reason = "this provider issues no ID tokens";
            return Err(ExchangeFailure::refused(ExchangeStep::IdToken, reason));
        }
        let nonce = ExpectedNonce::OfApp(nonce.map(str::to_owned));
        let checked = self.in_time(Box::pin(async {
            let metadata = self.metadata(provider).await?;
            self.check_id_token(provider, &metadata, token, (IdTokenUse::App, &nonce)).await
        }));
        let (issuer, claims) = checked.await?;
        let mark = IdTokenMark::of(token, &claims, self.env.wall())?;
        let account = ProviderAccount::read(provider, issuer, &claims, ExchangeStep::IdToken)?;
        Ok((account, mark))
    }

    /// Sends a grant to the token endpoint.
    pub(super) async fn ask_for_tokens(
        &self,
        provider: &Provider,
        metadata: &ProviderMetadata,
        grant: &[(&str, &str)],
    ) -> Result<GrantAnswer, ExchangeFailure> {
        let proof = client_key::prove(provider, metadata, self.env.wall())?;
        let mut fields = form(grant);
        if !proof.fields.reveal().is_empty() {
            fields.push('&');
            fields.push_str(proof.fields.reveal());
        }
        let answer = self
            .fetch(Fetch {
                step: ExchangeStep::Token,
                url: &metadata.token_endpoint,
                authorization: proof.authorization,
                form: Some(Secret::new(fields)),
            })
            .await?;
        serde_json::from_value(answer).map_err(|_| {
            ExchangeFailure::refused(ExchangeStep::Token, "the answer has values of wrong types")
        })
    }

    async fn by_access_token(
        &self,
        provider: &Provider,
        metadata: &ProviderMetadata,
        token: &Secret,
    ) -> Result<(ProviderAccount, ProviderClaims), ExchangeFailure> {
        let claims = self.userinfo(metadata, token).await?;
        let issuer = provider.issuer.clone();
        let mut account = ProviderAccount::read(provider, issuer, &claims, ExchangeStep::UserInfo)?;
        // Only a signed token says how the login was.
        account.acr = None;
        if let Some(url) = provider.endpoints.as_ref().and_then(|own| own.emails.as_ref()) {
            let list = self.fetch(Fetch::get(ExchangeStep::Emails, url).bearing(token)).await?;
            account.take_address(&list);
        }
        Ok((account, claims))
    }

    /// Where the ID token has no address, the userinfo endpoint may have one (OpenID Connect Core
    /// 1.0, section 5.4).
    async fn by_claims(
        &self,
        provider: &Provider,
        metadata: &Arc<ProviderMetadata>,
        issuer: String,
        mut claims: ProviderClaims,
        access: Option<&Secret>,
    ) -> Result<(ProviderAccount, ProviderClaims), ExchangeFailure> {
        let mut account = ProviderAccount::read(provider, issuer, &claims, ExchangeStep::IdToken)?;
        if let (true, Some(token), Some(_)) =
            (account.email.is_none(), access, metadata.userinfo_endpoint.as_ref())
        {
            let more = self.userinfo(metadata, token).await?;
            if more.word("sub") != claims.word("sub") {
                let reason = "it is about another account than the ID token";
                return Err(ExchangeFailure::refused(ExchangeStep::UserInfo, reason));
            }
            account.take_more(provider, &more);
            for (name, value) in more.0 {
                claims.0.entry(name).or_insert(value);
            }
        }
        Ok((account, claims))
    }

    async fn userinfo(
        &self,
        metadata: &ProviderMetadata,
        token: &Secret,
    ) -> Result<ProviderClaims, ExchangeFailure> {
        let step = ExchangeStep::UserInfo;
        let url = metadata.userinfo_endpoint.as_deref().unwrap_or_default();
        match self.fetch(Fetch::get(step, url).bearing(token)).await? {
            Value::Object(claims) => Ok(ProviderClaims(claims)),
            _ => Err(ExchangeFailure::refused(step, "the answer is not an object")),
        }
    }
}

fn no_token(name: &str) -> ExchangeFailure {
    ExchangeFailure::refused(ExchangeStep::Token, format!("the answer has no {name}"))
}
