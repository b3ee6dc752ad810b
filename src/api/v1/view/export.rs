//! Conversion of an account export to v1's response.

use poem_openapi::types::ToJSON as _;

use super::super::types::{
    Export, ExportedAccount, ExportedClient, ExportedEvent, ExportedFactor, ExportedFile,
    ExportedMail, ExportedSession,
};
use super::passkeys::passkeys;
use super::providers::identity;
use super::time;
use crate::error::{Error, Result};
use crate::identity::account::export;
use crate::identity::account::export::{Factor, FileRow, MailRecord, SessionExportRow};
use crate::identity::audit::log::AuditRow;
use crate::model::Time;

/// The export as a file for its owner: the `data` of the operation's response.
///
/// # Errors
/// `Internal` if it cannot be serialized.
pub fn export_text(all: export::PersonalData) -> Result<String> {
    let value = exported(all).to_json().unwrap_or_default();
    serde_json::to_string_pretty(&value)
        .map_err(|error| Error::internal("failed to serialize an export").caused_by(error))
}

pub(in super::super) fn exported(all: export::PersonalData) -> Export {
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
        events: all.events.into_iter().map(event).collect(),
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
