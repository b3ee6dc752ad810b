//! The caller's sessions, and the audit log entries about the caller.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};

use super::V1Tag;
use super::admin::shown::{self, AuditAnswer, AuditPage, SessionsAnswer};
use super::types::Done;
use crate::http::extract::bearer::Bearer;
use crate::http::extract::params::{self, NameQuery, PageLimit, Paging};
use crate::http::extract::request_context::RequestContext;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::audit::log;
use crate::identity::session::list;

/// Operations under `/users/me/sessions` and `/users/me/audit`.
pub(super) struct SessionsApi {
    pub(super) core: Arc<Core>,
}

#[OpenApi]
impl SessionsApi {
    /// List the caller's sessions
    ///
    /// Returns all active sessions, most recently used first.
    #[oai(
        path = "/users/me/sessions",
        method = "get",
        operation_id = "listSessions",
        tag = "V1Tag::SessionManagement"
    )]
    async fn list(&self, bearer: Bearer) -> Answer<SessionsAnswer> {
        let sessions = list::list(&self.core, &bearer.0.account.id).await?;
        let shown = |session| shown::session(session, Some(bearer.0.session()));
        Ok(answer(sessions.into_iter().map(shown).collect::<Vec<_>>().into()))
    }

    /// End a session
    #[oai(
        path = "/users/me/sessions/:sessionId",
        method = "delete",
        operation_id = "endSession",
        tag = "V1Tag::SessionManagement"
    )]
    async fn end(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        #[oai(name = "sessionId")] session_id: Path<String>,
    ) -> Answer<Done> {
        list::end(&self.core, &bearer.0, &session_id.0, &visit.source).await?;
        Ok(answer(Done::saying("Session terminated successfully")))
    }

    /// End all other sessions
    #[oai(
        path = "/users/me/sessions",
        method = "delete",
        operation_id = "endOtherSessions",
        tag = "V1Tag::SessionManagement"
    )]
    async fn end_others(&self, visit: RequestContext, bearer: Bearer) -> Answer<Done> {
        list::end_others(&self.core, &bearer.0, &visit.source).await?;
        Ok(answer(Done::saying("All other sessions terminated successfully")))
    }

    /// List the caller's security records
    ///
    /// Returns the audit log entries about the caller's account, newest first.
    #[oai(
        path = "/users/me/audit",
        method = "get",
        operation_id = "listOwnAudit",
        tag = "V1Tag::SessionManagement"
    )]
    async fn audit(
        &self,
        bearer: Bearer,
        /// Only records before the record with this ID.
        before: Query<Option<NameQuery>>,
        /// Maximum number of entries, from 1 to 100. Defaults to 20.
        limit: Query<Option<PageLimit>>,
    ) -> Answer<AuditAnswer> {
        let limit = Paging::read(None, limit.0)?.limit;
        let (records, next) =
            log::own(&self.core, &bearer.0, params::name("before", before.0)?, limit).await?;
        Ok(answer(
            AuditPage { records: records.into_iter().map(shown::record).collect(), next }.into(),
        ))
    }
}
