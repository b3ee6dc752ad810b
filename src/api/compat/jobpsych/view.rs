//! Conversion of accounts, sessions, quotas and files to responses of the jobpsych wire.

use serde_json::json;

use crate::api::compat::jobpsych::types::{JobpsychDone, JobpsychUser, StoredFile};
use crate::error::Result;
use crate::identity::account::file::FileRow;
use crate::identity::account::quota;
use crate::identity::account::quota::Quota;
use crate::identity::login::gate;
use crate::identity::login::gate::Issued;
use crate::identity::{Caller, Core};
use crate::model::Account;

pub(in crate::api) fn user(account: &Account, quota: Quota) -> JobpsychUser {
    JobpsychUser {
        id: account.number.to_string(),
        name: account.full_name().unwrap_or_default(),
        email: account.promised_email(),
        company_name: account.company_name.clone().unwrap_or_default(),
        files_uploaded: quota.uploaded,
    }
}

/// The account of a caller, with its quota.
pub(in crate::api) async fn own(core: &Core, caller: &Caller) -> Result<JobpsychUser> {
    Ok(user(&caller.account, quota::own(core, caller).await?))
}

/// An access token with the claims that a second service reads.
pub(in crate::api) fn access_token(core: &Core, issued: &Issued) -> Result<String> {
    let account = &issued.account;
    let claims = vec![
        ("userId", json!(account.number.to_string())),
        ("email", json!(account.promised_email())),
    ];
    Ok(gate::access_token(core, issued, claims)?.token)
}

pub(in crate::api) fn file(file: FileRow) -> StoredFile {
    StoredFile {
        id: file.id,
        name: file.name,
        size: file.size,
        kind: file.kind,
        uploaded_at: file.uploaded_at.to_millis_text(),
    }
}

pub(in crate::api) fn done(message: &str) -> JobpsychDone {
    JobpsychDone { success: true, message: message.to_owned() }
}
