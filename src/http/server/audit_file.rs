//! Records of the audit log as JSON, and the file of an export (JSON Lines or CSV). The names of the
//! values are those of the native API.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use poem::Body;

use crate::http::server::failure::cut_off;
use crate::identity::Core;
use crate::identity::audit::log::{AuditExport, AuditRow};
use crate::model::text;

/// The format of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditFormat {
    /// One JSON object per line.
    JsonLines,
    /// Comma-separated values with a header row (RFC 4180).
    Csv,
}

impl AuditFormat {
    /// The media type of an export.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::JsonLines => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    fn heading(self) -> Option<String> {
        match self {
            Self::JsonLines => None,
            Self::Csv => Some(format!("{},{COUNT}\r\n", NAMES.join(","))),
        }
    }

    fn lines(self, records: &[AuditRow]) -> String {
        let line = match self {
            Self::JsonLines => json_line,
            Self::Csv => csv_line,
        };
        records.iter().map(line).collect()
    }
}

/// The file that an export makes, written as it is sent.
#[must_use]
pub fn body(core: Arc<Core>, export: AuditExport, format: AuditFormat) -> Body {
    let heading = stream::iter(format.heading().map(Ok));
    let lines = stream::try_unfold((core, export), move |(core, mut export)| async move {
        let records = export.next(&core).await.map_err(cut_off)?;
        let lines = (!records.is_empty()).then(|| format.lines(&records));
        Ok::<_, std::io::Error>(lines.map(|lines| (lines, (core, export))))
    });
    Body::from_bytes_stream(heading.chain(lines))
}

/// The names of the texts in a record.
const NAMES: [&str; 12] = [
    "id",
    "at",
    "event",
    "outcome",
    "accountId",
    "sessionId",
    "actor",
    "ipAddress",
    "userAgent",
    "requestId",
    "detail",
    "reason",
];

/// The name of the number at the end of a record.
const COUNT: &str = "count";

/// The texts of a record, in the order of [`NAMES`].
fn cells(record: &AuditRow) -> [Option<String>; NAMES.len()] {
    [
        Some(record.id.clone()),
        Some(record.at.to_millis_text()),
        Some(record.event.clone()),
        Some(record.outcome.clone()),
        record.account_id.clone(),
        record.session_id.clone(),
        record.actor.clone(),
        record.client_ip.clone(),
        record.user_agent.clone(),
        record.request_id.clone(),
        record.detail.clone(),
        record.reason.clone(),
    ]
}

/// A record as one JSON object.
#[must_use]
pub fn json(record: &AuditRow) -> serde_json::Value {
    let texts = cells(record).map(serde_json::Value::from);
    let fields = NAMES.into_iter().zip(texts).chain([(COUNT, record.count.into())]);
    serde_json::Value::Object(fields.map(|(name, value)| (name.to_owned(), value)).collect())
}

fn json_line(record: &AuditRow) -> String {
    format!("{}\n", json(record))
}

fn csv_line(record: &AuditRow) -> String {
    let texts = cells(record).map(Option::unwrap_or_default);
    text::csv_line(texts.into_iter().chain([record.count.to_string()]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;

    fn record() -> AuditRow {
        AuditRow {
            id: "1".into(),
            at: Time::from_seconds(1_701_421_200),
            event: "login".into(),
            outcome: "done".into(),
            account_id: None,
            session_id: None,
            actor: None,
            client_ip: None,
            user_agent: Some("=cmd|\"x\",y\n".into()),
            request_id: None,
            detail: None,
            count: 1,
            reason: None,
        }
    }

    #[test]
    fn a_hostile_user_agent_is_a_value_and_nothing_else() {
        let line = csv_line(&record());
        assert!(line.contains(",\"'=cmd|\"\"x\"\",y\n\","), "{line}");
        assert_eq!(json_line(&record()).lines().count(), 1);
    }

    #[test]
    fn headings_and_keys_are_the_same_names_in_the_same_order() {
        let heading = AuditFormat::Csv.heading().unwrap();
        let names = "id,at,event,outcome,accountId,sessionId,actor,ipAddress,userAgent,requestId,\
                     detail,reason,count\r\n";
        assert_eq!(heading, names);
        let json = json(&record());
        assert!(heading.trim_end().split(',').all(|name| json.get(name).is_some()), "{json}");
        assert_eq!(csv_line(&record()).matches("\",\"").count(), NAMES.len());
    }
}
