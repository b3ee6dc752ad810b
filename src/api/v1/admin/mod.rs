//! Operations for administrators, with their requests, responses and errors.

mod activity;
mod apps;
mod audit;
mod backups;
pub(super) mod examples;
mod findings;
mod keys;
mod letters;
mod login_check;
mod mail;
mod provider_types;
mod providers;
mod roles;
mod searches;
mod settings;
mod stats;
mod types;
mod user_list;
mod users;
mod view;

use std::sync::Arc;

use crate::identity::Core;

/// All administrative operations.
pub(super) type AdminApi = (
    users::AdminUsersApi,
    roles::RolesApi,
    audit::AuditApi,
    mail::MailApi,
    stats::Stats,
    apps::AppsApi,
    keys::Keys,
    providers::AdminProvidersApi,
    searches::SearchesApi,
    findings::FindingsApi,
    settings::SettingsApi,
    backups::BackupsApi,
    letters::LettersApi,
);

pub(super) fn api(core: &Arc<Core>) -> AdminApi {
    (
        users::AdminUsersApi { core: core.clone() },
        roles::RolesApi { core: core.clone() },
        audit::AuditApi { core: core.clone() },
        mail::MailApi { core: core.clone() },
        stats::Stats { core: core.clone() },
        apps::AppsApi { core: core.clone() },
        keys::Keys { core: core.clone() },
        providers::AdminProvidersApi { core: core.clone() },
        searches::SearchesApi { core: core.clone() },
        findings::FindingsApi { core: core.clone() },
        settings::SettingsApi { core: core.clone() },
        backups::BackupsApi { core: core.clone() },
        letters::LettersApi { core: core.clone() },
    )
}

pub(super) mod shown {
    //! Types and conversions that other resources share.
    pub use super::types::{AuditAnswer, AuditPage, SessionsAnswer};
    pub use super::view::{record, session};
}

pub(super) mod bodies {
    //! Request bodies that implement `Payload`.
    pub use super::types::{
        CreateAppRequest, CreateRoleRequest, CreateUserRequest, QuotaRequest, RotateKeyRequest,
        UpdateRoleRequest, UpdateUserRequest,
    };
}
