//! What needs the operator.

use std::sync::Arc;

use poem_openapi::{Enum, Object, OpenApi};

use super::super::V1Tag;
use crate::doctor;
use crate::http::extract::allowed::{Allowed, ReadStats};
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::model::finding::{Finding, Severity};

/// Operations under `/admin/findings`.
pub struct FindingsApi {
    pub(super) core: Arc<Core>,
}

/// Severity of a finding.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
pub enum OperatorFindingLevel {
    /// Not fit for production.
    Error,
    /// A risk.
    Warning,
    /// Worth knowing.
    Hint,
}

/// Something that needs the operator.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct OperatorFinding {
    /// The severity.
    pub level: OperatorFindingLevel,
    /// What was checked, such as a key of the configuration.
    pub key: String,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// All findings.
pub type OperatorFindings = Vec<OperatorFinding>;

super::super::types::answers! {
    /// All findings.
    FindingsAnswer(OperatorFindings);
}

fn shown(finding: Finding) -> OperatorFinding {
    let level = match finding.level {
        Severity::Error => OperatorFindingLevel::Error,
        Severity::Warning => OperatorFindingLevel::Warning,
        Severity::Hint => OperatorFindingLevel::Hint,
    };
    let Finding { key, message, remedy, .. } = finding;
    OperatorFinding { level, key, message, remedy }
}

#[OpenApi]
impl FindingsApi {
    /// List what needs the operator
    ///
    /// The checks of `authd doctor` that take no noticeable time: files, disk, clock, keys, backups
    /// and mail.
    #[oai(
        path = "/admin/findings",
        method = "get",
        operation_id = "listFindings",
        tag = "V1Tag::Admin"
    )]
    async fn list(&self, _admin: Allowed<ReadStats>) -> Answer<FindingsAnswer> {
        let found = doctor::glance(&self.core).await.findings;
        Ok(answer(found.into_iter().map(shown).collect::<Vec<_>>().into()))
    }
}
