//! The audit log.

use std::sync::Arc;

use poem::Body;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use poem_openapi::payload::{Binary, Response};

use super::super::V1Tag;
use super::types::{AuditAnswer, AuditPage, ExportFormat, OutcomeWord};
use super::view;
use crate::error::Result;
use crate::http::extract::allowed::{Allowed, ReadAudit};
use crate::http::extract::params::{self, NameQuery, PageLimit, Paging, TimeQuery};
use crate::http::server::audit_file::{self, AuditFormat};
use crate::http::server::reject::Reject;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::audit::log::{self, AuditExport, AuditFilter};
use crate::model::{AccountId, EventOutcome};

/// Operations under `/admin/audit`.
pub struct AuditApi {
    pub(super) core: Arc<Core>,
}

#[OpenApi]
impl AuditApi {
    /// Read the audit log
    ///
    /// Returns records, newest first.
    #[oai(path = "/admin/audit", method = "get", operation_id = "listAudit", tag = "V1Tag::Admin")]
    #[allow(clippy::too_many_arguments, reason = "each is a parameter of the call")]
    async fn list(
        &self,
        _admin: Allowed<ReadAudit>,
        /// Only records about this account, or of actions by it.
        #[oai(name = "userId")]
        user_id: Query<Option<NameQuery>>,
        /// Only records of this event, such as `login`.
        event: Query<Option<NameQuery>>,
        /// Only records with this outcome.
        outcome: Query<Option<OutcomeWord>>,
        /// Only records at or after this time.
        since: Query<Option<TimeQuery>>,
        /// Only records before this time.
        until: Query<Option<TimeQuery>>,
        /// Only records before the record with this ID.
        before: Query<Option<NameQuery>>,
        /// Maximum number of entries, from 1 to 100. Defaults to 20.
        limit: Query<Option<PageLimit>>,
    ) -> Answer<AuditAnswer> {
        let limit = Paging::read(None, limit.0)?.limit;
        let filter = filter(user_id.0, event.0, outcome.0, since.0, until.0)?;
        let (records, next) =
            log::newest(&self.core, &filter, params::name("before", before.0)?, limit).await?;
        Ok(answer(
            AuditPage { records: records.into_iter().map(view::record).collect(), next }.into(),
        ))
    }

    /// Export the audit log
    ///
    /// Returns records, oldest first, as JSON Lines or CSV. The export itself is recorded in the
    /// audit log.
    #[oai(
        path = "/admin/audit/export",
        method = "get",
        operation_id = "exportAudit",
        tag = "V1Tag::Admin"
    )]
    #[allow(clippy::too_many_arguments, reason = "each is a parameter of the call")]
    async fn export(
        &self,
        admin: Allowed<ReadAudit>,
        /// Format of the export: `jsonl` (the default) or `csv`.
        format: Query<Option<ExportFormat>>,
        /// Only records about this account, or of actions by it.
        #[oai(name = "userId")]
        user_id: Query<Option<NameQuery>>,
        /// Only records of this event, such as `login`.
        event: Query<Option<NameQuery>>,
        /// Only records with this outcome.
        outcome: Query<Option<OutcomeWord>>,
        /// Only records at or after this time.
        since: Query<Option<TimeQuery>>,
        /// Only records before this time.
        until: Query<Option<TimeQuery>>,
    ) -> std::result::Result<Response<Binary<Body>>, Reject> {
        let filter = filter(user_id.0, event.0, outcome.0, since.0, until.0)?;
        let format = match format.0 {
            Some(ExportFormat::Csv) => AuditFormat::Csv,
            _ => AuditFormat::JsonLines,
        };
        let export = AuditExport::begin(&self.core, &admin.by(), filter).await?;
        let body = Binary(audit_file::body(self.core.clone(), export, format));
        Ok(Response::new(body).header("content-type", format.media_type()))
    }
}

fn filter(
    account: Option<NameQuery>,
    event: Option<NameQuery>,
    outcome: Option<OutcomeWord>,
    since: Option<TimeQuery>,
    until: Option<TimeQuery>,
) -> Result<AuditFilter> {
    Ok(AuditFilter {
        about: None,
        account: params::name("userId", account)?.map(AccountId::new),
        event: params::name("event", event)?,
        outcome: outcome.map(|word| EventOutcome::from(word).as_str().to_owned()),
        since: params::time("since", since)?,
        until: params::time("until", until)?,
    })
}
