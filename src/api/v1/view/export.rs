//! Conversion of an account export to v1's response, which is written while it is sent.

use std::sync::Arc;

use futures_util::stream;
use poem::Body;
use serde::Serialize;

use super::super::types::{
    Export, ExportAnswer, ExportedAccount, ExportedClient, ExportedEvent, ExportedFactor,
    ExportedFile, ExportedMail, ExportedSession,
};
use super::passkeys::passkeys;
use super::providers::identity;
use super::time;
use crate::error::{Error, Result};
use crate::http::server::failure::cut_off;
use crate::identity::Core;
use crate::identity::account::export::{
    ExportedLog, Factor, FileRow, MailRecord, PersonalData, PersonalExport, SessionExportRow,
};
use crate::identity::audit::log::AuditRow;
use crate::model::Time;

/// The export as the response of the operation.
///
/// # Errors
/// `Internal` if it cannot be serialized.
pub(in super::super) fn export_answer(core: Arc<Core>, export: PersonalExport) -> Result<Body> {
    let answer = ExportAnswer::from(exported(export.data));
    Ok(ExportText::new(core, ExportLayout::Compact, &answer, export.events)?.into_body())
}

/// The export as a file for its owner: the `data` of the operation's response.
///
/// # Errors
/// `Internal` if it cannot be serialized.
pub fn export_file(core: Arc<Core>, export: PersonalExport) -> Result<Body> {
    let data = exported(export.data);
    Ok(ExportText::new(core, ExportLayout::Indented, &data, export.events)?.into_body())
}

/// How the JSON of an export is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ExportLayout {
    /// Without spaces, as in every response.
    Compact,
    /// For people.
    Indented,
}

impl ExportLayout {
    fn text(self, value: &impl Serialize) -> Result<String> {
        let text = match self {
            Self::Compact => serde_json::to_string(value),
            Self::Indented => serde_json::to_string_pretty(value),
        };
        text.map_err(|error| Error::internal("failed to serialize an export").caused_by(error))
    }

    /// A list of no events, as it is in an export.
    fn no_events(self) -> &'static str {
        match self {
            Self::Compact => "\"events\":[]",
            Self::Indented => "\"events\": []",
        }
    }

    /// One event of the list.
    fn event(self, event: &ExportedEvent) -> Result<String> {
        let text = self.text(event)?;
        Ok(match self {
            Self::Compact => text,
            // No string in JSON has a line break.
            Self::Indented => format!("\n{text}").replace('\n', "\n    "),
        })
    }

    /// What is before the end of a list with events.
    fn before_end(self) -> &'static str {
        match self {
            Self::Compact => "",
            Self::Indented => "\n  ",
        }
    }
}

/// The text of an export, made in pieces.
struct ExportText {
    core: Arc<Core>,
    layout: ExportLayout,
    /// What comes before the first event, until it is sent.
    head: Option<String>,
    events: ExportedLog,
    has_events: bool,
    /// What comes after the last event, until it is sent.
    tail: Option<String>,
}

impl ExportText {
    /// The text of an export that has no events yet.
    fn new(
        core: Arc<Core>,
        layout: ExportLayout,
        export: &impl Serialize,
        events: ExportedLog,
    ) -> Result<Self> {
        let (head, tail) = cut_at_events(layout.text(export)?, layout)?;
        let (head, tail) = (Some(head), Some(tail));
        Ok(Self { core, layout, head, events, has_events: false, tail })
    }

    /// Returns the next piece; `None` at the end.
    async fn next(&mut self) -> Result<Option<String>> {
        if let Some(head) = self.head.take() {
            return Ok(Some(head));
        }
        let records = self.events.next(&self.core).await?;
        if records.is_empty() {
            let before = if self.has_events { self.layout.before_end() } else { "" };
            return Ok(self.tail.take().map(|tail| format!("{before}{tail}")));
        }
        let mut text = String::new();
        for record in records {
            if self.has_events {
                text.push(',');
            }
            self.has_events = true;
            text.push_str(&self.layout.event(&event(record))?);
        }
        Ok(Some(text))
    }

    fn into_body(self) -> Body {
        Body::from_bytes_stream(stream::try_unfold(self, |mut text| async move {
            let piece = text.next().await.map_err(cut_off)?;
            Ok::<_, std::io::Error>(piece.map(|piece| (piece, text)))
        }))
    }
}

/// Cuts the text of an export without events where they belong. Quotes in a value are escaped, so the first
/// match is the list.
fn cut_at_events(mut text: String, layout: ExportLayout) -> Result<(String, String)> {
    let list = layout.no_events();
    let Some(at) = text.find(list) else {
        return Err(Error::internal("an export has no list of events"));
    };
    let tail = text.split_off(at + list.len() - "]".len());
    Ok((text, tail))
}

/// The export without its events.
fn exported(all: PersonalData) -> Export {
    let account = all.account;
    Export {
        exported_at: all.at.to_seconds_text(),
        account: ExportedAccount {
            id: account.id.to_string(),
            number: account.number,
            email: account.email_text(),
            email_verified_at: time(account.email_verified_at),
            username: account.username,
            first_name: account.first_name,
            last_name: account.last_name,
            name: account.name,
            company_name: account.company_name,
            phone: account.phone,
            locale: account.locale.map(|tag| tag.to_string()),
            phone_verified_at: time(account.phone_verified_at),
            has_password: account.password_hash.is_some(),
            roles: all.roles,
            last_login: time(account.last_login_at),
            created_at: account.created_at.to_seconds_text(),
            updated_at: account.updated_at.to_seconds_text(),
        },
        sessions: all.sessions.into_iter().map(session).collect(),
        clients: all
            .clients
            .into_iter()
            .map(|(client, at)| ExportedClient {
                ip_address: client.to_string(),
                last_login: at.to_seconds_text(),
            })
            .collect(),
        factors: all.factors.0.into_iter().map(factor).collect(),
        backup_codes_left: all.factors.1,
        passkeys: passkeys(all.passkeys),
        identities: all.identities.into_iter().map(identity).collect(),
        files: all.files.into_iter().map(file).collect(),
        events: Vec::new(),
        mails: all.mails.into_iter().map(mail).collect(),
    }
}

fn session(row: SessionExportRow) -> ExportedSession {
    ExportedSession {
        id: row.id,
        ip_address: row.client_ip,
        user_agent: row.user_agent,
        created_at: row.created_at.to_seconds_text(),
        last_activity: row.last_active_at.to_seconds_text(),
        ended_at: row.ended_at.map(Time::to_seconds_text),
        end_reason: row.end_reason,
    }
}

fn factor(row: Factor) -> ExportedFactor {
    ExportedFactor {
        name: row.name,
        method: row.kind.as_str().to_owned(),
        target: row.target,
        created_at: row.created_at.to_seconds_text(),
        confirmed_at: time(row.confirmed_at),
        last_used_at: time(row.last_used_at),
    }
}

fn file(row: FileRow) -> ExportedFile {
    ExportedFile {
        id: row.id,
        name: row.name,
        r#type: row.kind,
        size: row.size,
        uploaded_at: row.uploaded_at.to_seconds_text(),
    }
}

fn event(row: AuditRow) -> ExportedEvent {
    ExportedEvent {
        at: row.at.to_seconds_text(),
        event: row.event,
        outcome: row.outcome,
        session_id: row.session_id,
        ip_address: row.client_ip,
        user_agent: row.user_agent,
        detail: row.detail,
        count: row.count,
    }
}

fn mail(row: MailRecord) -> ExportedMail {
    ExportedMail {
        kind: row.kind,
        recipient: row.recipient,
        state: row.state,
        created_at: row.created_at.to_seconds_text(),
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::{ParseFromJSON as _, ToJSON as _};
    use serde_json::{Value, json};

    use super::*;

    /// An export with everything, in which only `locale` may be left out.
    fn example(locale: Option<&str>) -> Value {
        let mut account = json!({
            "id": "a", "number": 1, "email": null, "emailVerifiedAt": null, "username": "\"events\":[]",
            "firstName": "\"events\": []", "lastName": "Ж\u{2028}", "name": null, "companyName": null, "phone": null,
        });
        if let Some(locale) = locale {
            account["locale"] = locale.into();
        }
        for (name, value) in [
            ("phoneVerifiedAt", Value::Null),
            ("hasPassword", true.into()),
            ("roles", json!(["user"])),
            ("lastLogin", "now".into()),
            ("createdAt", "then".into()),
            ("updatedAt", "now".into()),
        ] {
            account[name] = value;
        }
        json!({
            "exportedAt": "now",
            "account": account,
            "sessions": [{
                "id": "s", "ipAddress": "192.0.2.1", "userAgent": "a\\b\"\u{7f}", "createdAt": "then",
                "lastActivity": "now", "endedAt": null, "endReason": "logout",
            }],
            "clients": [{ "ipAddress": "192.0.2.1", "lastLogin": "now" }],
            "factors": [{
                "name": "Phone", "method": "totp", "target": null, "createdAt": "then", "confirmedAt": "now",
                "lastUsedAt": null,
            }],
            "backupCodesLeft": 10,
            "passkeys": [{
                "id": "k", "type": "security_key", "name": "Key", "authenticator": "Passkey", "aaguid": "0",
                "credentialId": "c", "transports": ["usb"], "discoverable": null, "userVerified": false,
                "backupEligible": false, "backedUp": true, "suspectSince": null, "createdAt": "then", "lastUsed": "now",
            }],
            "identities": [{
                "id": "i", "provider": "google", "issuer": "https://accounts.example.com", "subject": "1", "email": null,
                "name": "Ada", "createdAt": "then", "lastUsed": null,
            }],
            "files": [{ "id": "f", "name": "cv.pdf", "type": "application/pdf", "size": 9, "uploadedAt": "then" }],
            "events": [],
            "mails": [{ "kind": "reset", "recipient": "ada@example.com", "state": "delivered", "createdAt": "then" }],
        })
    }

    #[test]
    fn what_is_written_is_what_the_document_describes() {
        for locale in [None, Some("de")] {
            let data = example(locale);
            let answer = json!({ "success": true, "data": data });
            let read = ExportAnswer::parse_from_json(Some(answer.clone())).unwrap();
            let (head, tail) =
                cut_at_events(ExportLayout::Compact.text(&read).unwrap(), ExportLayout::Compact)
                    .unwrap();
            assert!(head.ends_with(",\"events\":[") && tail.starts_with("],\"mails\":[{"));
            assert_eq!(format!("{head}{tail}"), answer.to_string());
            assert_eq!(read.to_json_string(), answer.to_string());
            let layout = ExportLayout::Indented;
            let (head, tail) = cut_at_events(layout.text(&read.data).unwrap(), layout).unwrap();
            assert!(head.ends_with("\n  \"events\": [") && tail.starts_with("],\n  \"mails\": ["));
            assert_eq!(format!("{head}{tail}"), serde_json::to_string_pretty(&data).unwrap());
        }
    }
}
