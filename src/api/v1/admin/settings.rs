//! The configuration in force, and the limits with what they refused.

use std::sync::Arc;

use poem_openapi::{Object, OpenApi};

use super::super::V1Tag;
use crate::http::extract::allowed::{Allowed, ReadSettings, ReadStats, ReadUsers};
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::admin::limits::{LimitFigures, LockedAccount};
use crate::identity::admin::settings::{Setting, SettingsReport};
use crate::identity::admin::{limits, settings};
use crate::model::Time;
use crate::model::finding::Finding;

/// Operations under `/admin/settings`, `/admin/limits` and `/admin/locks`.
pub struct SettingsApi {
    pub(super) core: Arc<Core>,
}

#[OpenApi]
impl SettingsApi {
    /// Read the settings in force
    ///
    /// Secrets are masked. Where a server runs several times, these are the settings of the one that answers.
    #[oai(
        path = "/admin/settings",
        method = "get",
        operation_id = "listSettings",
        tag = "V1Tag::Admin"
    )]
    #[allow(clippy::unused_async, reason = "operations are")]
    async fn settings(&self, _admin: Allowed<ReadSettings>) -> Answer<SettingsAnswer> {
        Ok(answer(shown(settings::read(&self.core)).into()))
    }

    /// List the limits with what they refused
    #[oai(
        path = "/admin/limits",
        method = "get",
        operation_id = "listLimits",
        tag = "V1Tag::Admin"
    )]
    async fn limits(&self, _admin: Allowed<ReadStats>) -> Answer<LimitsAnswer> {
        let all = limits::list(&self.core).await?;
        Ok(answer(all.into_iter().map(limit).collect::<Vec<_>>().into()))
    }

    /// List the accounts that are locked out now
    ///
    /// Of the newest locks. `POST /admin/users/{userId}/unlock` opens one.
    #[oai(path = "/admin/locks", method = "get", operation_id = "listLocks", tag = "V1Tag::Admin")]
    async fn locks(&self, _admin: Allowed<ReadUsers>) -> Answer<LocksAnswer> {
        let found = limits::locked(&self.core).await?;
        Ok(answer(found.iter().map(locked).collect::<Vec<_>>().into()))
    }
}

/// The configuration in force.
#[derive(Debug, Object)]
pub struct ShownSettings {
    pub settings: Vec<ShownSetting>,
    /// What a check of them finds. `authd config check` also looks at the files that they name.
    pub findings: Vec<ShownFinding>,
}

/// A setting.
#[derive(Debug, Object)]
pub struct ShownSetting {
    pub key: String,
    /// Absent if it is not set; `***` for a secret.
    pub value: Option<String>,
    /// `built-in`, a profile, a line of a file, a variable or a flag.
    pub origin: String,
    /// What it is for.
    pub about: Option<String>,
    /// The values that it may have.
    pub allowed: String,
}

/// Something that a production deployment lacks.
#[derive(Debug, Object)]
pub struct ShownFinding {
    /// `error`, `warning` or `hint`.
    pub level: String,
    pub key: String,
    pub message: String,
    pub remedy: String,
}

/// A limit.
#[derive(Debug, Object)]
pub struct ShownLimit {
    /// Its name in the audit log and the metrics.
    pub name: String,
    /// The setting; absent if the limit is fixed.
    pub key: Option<String>,
    /// Such as `30 in 1m`, or `off`.
    pub allows: String,
    pub refused: RefusalCounts,
}

/// How often a limit refused something. The last minute may be missing.
#[derive(Debug, Object)]
pub struct RefusalCounts {
    /// Since the current hour began.
    pub hour: i64,
    /// In 24 hours.
    pub day: i64,
    /// In 30 days.
    pub month: i64,
}

/// An account that is locked out.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ShownLock {
    pub user_id: String,
    pub email: Option<String>,
    pub username: Option<String>,
    /// `locked_out`, `password_closed` or `factors_closed`.
    pub lock: Vec<String>,
    /// When the last of them ends by itself.
    pub until: Option<String>,
}

fn shown(report: SettingsReport) -> ShownSettings {
    let setting = |one: Setting| ShownSetting {
        key: one.key,
        value: one.value,
        origin: one.origin,
        about: one.about,
        allowed: one.allowed,
    };
    let finding = |one: Finding| ShownFinding {
        level: one.level.to_string(),
        key: one.key,
        message: one.message,
        remedy: one.remedy,
    };
    ShownSettings {
        settings: report.settings.into_iter().map(setting).collect(),
        findings: report.findings.into_iter().map(finding).collect(),
    }
}

fn limit(figures: LimitFigures) -> ShownLimit {
    let LimitFigures { name, key, allows, hour, day, month } = figures;
    ShownLimit {
        name: name.to_owned(),
        key: key.map(str::to_owned),
        allows,
        refused: RefusalCounts { hour, day, month },
    }
}

fn locked(one: &LockedAccount) -> ShownLock {
    ShownLock {
        user_id: one.account.id.to_string(),
        email: one.account.email.as_ref().map(ToString::to_string),
        username: one.account.username.as_ref().map(ToString::to_string),
        lock: one.locks.iter().map(|lock| lock.kind.as_str().to_owned()).collect(),
        until: one.locks.iter().filter_map(|lock| lock.until).max().map(Time::to_seconds_text),
    }
}

super::super::types::answers! {
    /// The settings in force.
    SettingsAnswer(ShownSettings);
    /// The limits, those that refused most first.
    LimitsAnswer(Vec<ShownLimit>);
    /// The accounts that are locked out.
    LocksAnswer(Vec<ShownLock>);
}
