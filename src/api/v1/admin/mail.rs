//! The outbox: waiting and failed messages, without their content.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};

use super::super::V1Tag;
use super::types::{LetterAnswer, LetterPage, LetterState, LettersAnswer};
use super::view;
use crate::http::extract::allowed::{Allowed, ManageMail};
use crate::http::extract::params::{self, NameQuery, PageLimit, Paging};
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::admin::messages;
use crate::identity::admin::messages::MessageState;
use crate::model::AccountId;

/// Operations under `/admin/mail`.
pub struct MailApi {
    pub(super) core: Arc<Core>,
}

#[OpenApi]
impl MailApi {
    /// List messages in the outbox
    ///
    /// Returns messages, newest first, without their bodies.
    #[oai(path = "/admin/mail", method = "get", operation_id = "listMail", tag = "V1Tag::Admin")]
    async fn list(
        &self,
        _admin: Allowed<ManageMail>,
        /// Only messages about this account.
        #[oai(name = "userId")]
        user_id: Query<Option<NameQuery>>,
        /// Only messages in this state.
        state: Query<Option<LetterState>>,
        /// Only messages created before the message with this ID.
        before: Query<Option<NameQuery>>,
        /// Maximum number of entries, from 1 to 100. Defaults to 20.
        limit: Query<Option<PageLimit>>,
    ) -> Answer<LettersAnswer> {
        let limit = Paging::read(None, limit.0)?.limit;
        let before = params::name("before", before.0)?;
        let (state, before) = (state.0.map(MessageState::from), before.as_deref());
        let (letters, next) = match params::name("userId", user_id.0)?.map(AccountId::new) {
            Some(account) => messages::list_of(&self.core, &account, state, before, limit).await?,
            None => messages::list(&self.core, state, before, limit).await?,
        };
        Ok(answer(
            LetterPage { letters: letters.into_iter().map(view::letter).collect(), next }.into(),
        ))
    }

    /// Retry a message
    #[oai(
        path = "/admin/mail/:messageId/retry",
        method = "post",
        operation_id = "retryMail",
        tag = "V1Tag::Admin"
    )]
    async fn retry(
        &self,
        admin: Allowed<ManageMail>,
        #[oai(name = "messageId")] message_id: Path<String>,
    ) -> Answer<LetterAnswer> {
        let message = messages::retry(&self.core, &admin.by(), &message_id.0).await?;
        Ok(answer(view::letter(message).into()))
    }
}
