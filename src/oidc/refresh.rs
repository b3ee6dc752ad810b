//! New tokens for ones that end (RFC 6749, section 6).

use super::ProviderClient;
use super::failure::{ExchangeFailure, ExchangeStep};
use crate::model::provider::Provider;
use crate::model::{ProviderTokens, Secret};

impl ProviderClient {
    /// Refreshes tokens. What the provider does not issue again stays as it is.
    ///
    /// # Errors
    /// The step that failed.
    pub async fn refresh(
        &self,
        provider: &Provider,
        before: &ProviderTokens,
        refresh: &Secret,
    ) -> Result<ProviderTokens, ExchangeFailure> {
        self.in_time(Box::pin(async {
            let metadata = self.metadata(provider).await?;
            let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.reveal())];
            let answer = self.ask_for_tokens(provider, &metadata, &fields).await?;
            let tokens = answer.tokens(self.env.now()).ok_or_else(|| {
                let reason = "the answer has no access_token that can be kept";
                ExchangeFailure::refused(ExchangeStep::Token, reason)
            })?;
            Ok(ProviderTokens {
                refresh: tokens.refresh.or_else(|| Some(refresh.clone())),
                scope: tokens.scope.or_else(|| before.scope.clone()),
                ..tokens
            })
        }))
        .await
    }
}
