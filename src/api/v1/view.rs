//! Conversion of accounts and sessions to v1's responses.

mod export;
mod mfa;
mod passkeys;
mod providers;

use serde_json::json;

use super::files::{FileView, QuotaView};
use super::types::{
    AccountStatus, LoginSession, Profile, RefreshedSession, RegisteredUser, SessionUser,
    UpdatedProfile,
};
use crate::error::Result;
use crate::identity::account::file::FileRow;
use crate::identity::account::quota::Quota;
use crate::identity::account::sign_up::SignedUp;
use crate::identity::login::gate;
use crate::identity::login::gate::Issued;
use crate::identity::{Caller, Core};
use crate::model::account::Verification;
use crate::model::{Account, Status, Time};

pub(super) use export::export_answer;
pub use export::export_file;
pub(super) use mfa::{codes, device, overview, set_up};
pub(super) use passkeys::{
    added_passkey, creation_options, passkey, passkey_overview, passkeys, request_options,
};
pub(super) use providers::{begun, code_sent, identity, provider_token, providers};

impl From<Status> for AccountStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Active => Self::Active,
            Status::Suspended => Self::Suspended,
            Status::Deleted => Self::Deleted,
        }
    }
}

pub(super) fn status(core: &Core, account: &Account) -> AccountStatus {
    let required = core.config.signup.verify_email;
    account.status(if required { Verification::Required } else { Verification::Optional }).into()
}

pub(super) fn time(at: Option<Time>) -> Option<String> {
    at.map(Time::to_seconds_text)
}

pub(super) fn file(file: FileRow) -> FileView {
    FileView {
        id: file.id,
        name: file.name,
        size: file.size,
        kind: file.kind,
        uploaded_at: file.uploaded_at.to_seconds_text(),
    }
}

pub(super) fn quota(quota: Quota) -> QuotaView {
    QuotaView {
        files_uploaded: quota.uploaded,
        limit: quota.limit,
        remaining: quota.remaining(),
        percentage: quota.percentage(),
    }
}

pub(super) fn registered(new: SignedUp) -> RegisteredUser {
    RegisteredUser {
        user_id: new.id.to_string(),
        email: new.email.to_string(),
        username: new.username,
        status: new.status.into(),
        email_verified: new.email_verified,
        created_at: new.created_at.to_seconds_text(),
    }
}

/// The response to a login, with an access token that carries v1's claims.
pub(super) fn new_session(core: &Core, issued: &Issued) -> Result<LoginSession> {
    let access = gate::access_token(core, issued, vec![("roles", json!(issued.roles))])?;
    let account = &issued.account;
    Ok(LoginSession {
        access_token: access.token,
        refresh_token: issued.refresh.reveal().to_owned(),
        expires_in: access.expires_in,
        token_type: "Bearer".into(),
        user: SessionUser {
            id: account.id.to_string(),
            email: account.email_text(),
            username: account.username.clone(),
            first_name: account.first_name.clone(),
            last_name: account.last_name.clone(),
            status: status(core, account),
            email_verified: account.email_verified_at.is_some(),
            roles: issued.roles.clone(),
            permissions: issued.permissions.clone(),
            last_login: time(account.last_login_at),
        },
    })
}

/// The response to a refresh, without the next refresh token, which the caller adds if it belongs
/// in the body.
pub(super) fn refreshed(core: &Core, issued: &Issued) -> Result<RefreshedSession> {
    let access = gate::access_token(core, issued, vec![("roles", json!(issued.roles))])?;
    Ok(RefreshedSession {
        access_token: access.token,
        refresh_token: None,
        expires_in: access.expires_in,
        token_type: "Bearer".into(),
    })
}

pub(super) fn profile(core: &Core, caller: Caller) -> Profile {
    let account = caller.account;
    Profile {
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
        roles: caller.roles,
        permissions: caller.permissions,
    }
}

pub(super) fn updated(account: Account) -> UpdatedProfile {
    UpdatedProfile {
        id: account.id.to_string(),
        email: account.email_text(),
        username: account.username,
        first_name: account.first_name,
        last_name: account.last_name,
        phone: account.phone,
        locale: account.locale.map(|tag| tag.to_string()),
        updated_at: account.updated_at.to_seconds_text(),
    }
}
