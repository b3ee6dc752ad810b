//! The audit log.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use poem::Body;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use poem_openapi::payload::{Binary, Response};

use super::super::V1Tag;
use super::paging::{self, Paging};
use super::types::{AuditAnswer, AuditPage, ExportFormat};
use super::view;
use crate::api::audit_text::AuditFormat;
use crate::error::Result;
use crate::http::extract::allowed::{Allowed, ReadAudit};
use crate::http::server::failure::cut_off;
use crate::http::server::reject::Reject;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::audit::log;
use crate::identity::audit::log::{AuditExport, AuditFilter};
use crate::model::AccountId;

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
        user_id: Query<Option<String>>,
        /// Only records of this event, such as `login`.
        event: Query<Option<String>>,
        /// Only records with this outcome: `done` or `refused`.
        outcome: Query<Option<String>>,
        /// Only records at or after this time.
        since: Query<Option<String>>,
        /// Only records before this time.
        until: Query<Option<String>>,
        /// Only records before the record with this ID.
        before: Query<Option<String>>,
        /// Maximum number of entries, from 1 to 100. Defaults to 20.
        limit: Query<Option<i64>>,
    ) -> Answer<AuditAnswer> {
        let limit = Paging::read(None, limit.0)?.limit;
        let filter = filter(user_id.0, event.0, outcome.0, since.0.as_deref(), until.0.as_deref())?;
        let (records, next) = log::newest(&self.core, &filter, before.0, limit).await?;
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
        user_id: Query<Option<String>>,
        /// Only records of this event, such as `login`.
        event: Query<Option<String>>,
        /// Only records with this outcome: `done` or `refused`.
        outcome: Query<Option<String>>,
        /// Only records at or after this time.
        since: Query<Option<String>>,
        /// Only records before this time.
        until: Query<Option<String>>,
    ) -> std::result::Result<Response<Binary<Body>>, Reject> {
        let filter = filter(user_id.0, event.0, outcome.0, since.0.as_deref(), until.0.as_deref())?;
        let format = match format.0 {
            Some(ExportFormat::Csv) => AuditFormat::Csv,
            _ => AuditFormat::JsonLines,
        };
        let export = AuditExport::begin(&self.core, &admin.by(), filter).await?;
        let records =
            stream::try_unfold((self.core.clone(), export), move |(core, mut export)| async move {
                let records = export.next(&core).await.map_err(cut_off)?;
                let lines = (!records.is_empty()).then(|| format.lines(&records));
                Ok::<_, std::io::Error>(lines.map(|lines| (lines, (core, export))))
            });
        let pieces = stream::iter(format.heading().map(Ok)).chain(records);
        let body = Binary(Body::from_bytes_stream(pieces));
        Ok(Response::new(body).header("content-type", format.media_type()))
    }
}

fn filter(
    account: Option<String>,
    event: Option<String>,
    outcome: Option<String>,
    since: Option<&str>,
    until: Option<&str>,
) -> Result<AuditFilter> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty() && !text.contains('\0'));
    Ok(AuditFilter {
        about: None,
        account: given(account).map(AccountId::new),
        event: given(event),
        outcome: given(outcome),
        since: paging::time("since", since)?,
        until: paging::time("until", until)?,
    })
}
