//! Conversion of accounts, sessions, records and keys to responses for administrators.

use super::super::view::{status, time};
use super::types::{
    AppKind, AuditRecord, ChangedUser, DeviceInfo, LetterState, ListedUser, Location, ShownApp,
    ShownKey, ShownLetter, ShownQuota, ShownRole, ShownSession, WholeUser,
};
use crate::identity::Core;
use crate::identity::access::version::AccountVersion;
use crate::identity::account::quota::Quota;
use crate::identity::admin::accounts::AccountWithRoles;
use crate::identity::admin::messages::{Message, MessageState};
use crate::identity::admin::roles::Role;
use crate::identity::admin::search::AccountDetails;
use crate::identity::audit::log::AuditRow;
use crate::identity::session::list::SessionView;
use crate::identity::system::key::KeySummary;
use crate::model::{ApiClient, SessionId, app};

pub(super) fn listed(core: &Core, entry: AccountWithRoles) -> ListedUser {
    let account = entry.account;
    ListedUser {
        id: account.id.to_string(),
        email: account.email_text(),
        status: status(core, &account),
        username: account.username,
        first_name: account.first_name,
        last_name: account.last_name,
        email_verified: account.email_verified_at.is_some(),
        last_login: time(account.last_login_at),
        created_at: account.created_at.to_seconds_text(),
        roles: entry.roles,
    }
}

pub(super) fn whole(core: &Core, file: AccountDetails) -> WholeUser {
    let version = AccountVersion::of(&file.entry.account, &file.entry.roles);
    let account = file.entry.account;
    WholeUser {
        version: version.as_str().to_owned(),
        id: account.id.to_string(),
        email: account.email_text(),
        status: status(core, &account),
        username: account.username,
        first_name: account.first_name,
        last_name: account.last_name,
        phone: account.phone,
        locale: account.locale.map(|tag| tag.to_string()),
        email_verified: account.email_verified_at.is_some(),
        phone_verified: account.phone_verified_at.is_some(),
        last_login: time(account.last_login_at),
        created_at: account.created_at.to_seconds_text(),
        updated_at: account.updated_at.to_seconds_text(),
        roles: file.entry.roles,
        permissions: file.permissions,
        failed_login_attempts: file.failed_logins,
        last_failed_login: time(file.last_failed_login),
        account_locked_until: time(file.locked_until),
    }
}

pub(super) fn changed(core: &Core, entry: AccountWithRoles) -> ChangedUser {
    let version = AccountVersion::of(&entry.account, &entry.roles);
    let account = entry.account;
    ChangedUser {
        version: version.as_str().to_owned(),
        id: account.id.to_string(),
        email: account.email_text(),
        status: status(core, &account),
        username: account.username,
        first_name: account.first_name,
        last_name: account.last_name,
        roles: entry.roles,
        updated_at: account.updated_at.to_seconds_text(),
    }
}

/// Converts a session. `current` is the session that this call uses.
pub fn session(shown: SessionView, current: Option<&SessionId>) -> ShownSession {
    ShownSession {
        is_current: current == Some(&shown.id),
        id: shown.id.to_string(),
        device_info: DeviceInfo {
            browser: shown.device.browser.to_owned(),
            os: shown.device.os.to_owned(),
            device: shown.device.kind.to_owned(),
            label: shown.device.label(),
        },
        ip_address: Some(shown.address).filter(|address| !address.is_empty()),
        location: shown.place.map(|place| Location { country: place.country, city: place.city }),
        last_activity: shown.last_active_at.to_seconds_text(),
        created_at: shown.created_at.to_seconds_text(),
    }
}

pub(super) fn role(role: Role) -> ShownRole {
    ShownRole {
        name: role.name,
        permissions: role.permissions,
        built_in: role.built_in,
        members: role.members,
        more_members: role.has_more_members.then_some(true),
        created_at: role.created_at.to_seconds_text(),
    }
}

/// Converts a record of the audit log.
pub fn record(record: AuditRow) -> AuditRecord {
    AuditRecord {
        id: record.id,
        at: record.at.to_millis_text(),
        event: record.event,
        outcome: record.outcome,
        account_id: record.account_id,
        session_id: record.session_id,
        actor: record.actor,
        ip_address: record.client_ip,
        user_agent: record.user_agent,
        request_id: record.request_id,
        detail: record.detail,
        count: record.count,
        reason: record.reason,
    }
}

pub(super) fn letter(message: Message) -> ShownLetter {
    ShownLetter {
        id: message.id,
        kind: message.kind,
        account_id: message.account_id,
        recipient: message.recipient,
        state: match message.state {
            MessageState::Requested => LetterState::Requested,
            MessageState::Waiting => LetterState::Waiting,
            MessageState::Delivered => LetterState::Delivered,
            MessageState::Failed => LetterState::Failed,
            MessageState::Dropped => LetterState::Dropped,
        },
        attempts: message.attempts,
        next_at: message.next_at.to_seconds_text(),
        last_error: message.last_error,
        created_at: message.created_at.to_seconds_text(),
        finished_at: time(message.finished_at),
    }
}

impl From<LetterState> for MessageState {
    fn from(state: LetterState) -> Self {
        match state {
            LetterState::Requested => Self::Requested,
            LetterState::Waiting => Self::Waiting,
            LetterState::Delivered => Self::Delivered,
            LetterState::Failed => Self::Failed,
            LetterState::Dropped => Self::Dropped,
        }
    }
}

impl From<AppKind> for app::ApiClientKind {
    fn from(kind: AppKind) -> Self {
        match kind {
            AppKind::Client => Self::Client,
            AppKind::Service => Self::Service,
        }
    }
}

/// Converts an API client. `key` is set only in the response that creates or rotates it.
pub(super) fn app(app: ApiClient, key: Option<String>) -> ShownApp {
    ShownApp {
        id: app.id,
        name: app.name,
        kind: match app.kind {
            app::ApiClientKind::Client => AppKind::Client,
            app::ApiClientKind::Service => AppKind::Service,
        },
        created_at: app.created_at.to_seconds_text(),
        rotated_at: app.rotated_at.to_seconds_text(),
        key,
    }
}

pub(super) fn key(key: KeySummary) -> ShownKey {
    ShownKey {
        id: key.id,
        algorithm: key.algorithm,
        used_for: key.used_for.as_str().to_owned(),
        created_at: key.created_at.to_seconds_text(),
        signs_from: key.signs_from.to_seconds_text(),
        verifies_until: time(key.verifies_until),
    }
}

pub(super) fn quota(quota: Quota) -> ShownQuota {
    ShownQuota {
        files_uploaded: quota.uploaded,
        limit: quota.limit,
        remaining: quota.remaining(),
        percentage: quota.percentage(),
    }
}
