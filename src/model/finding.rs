//! What a check of a deployment finds: problems with their remedies, and what is in order. The
//! checks of the configuration and of the running service report with the same types.

use std::fmt;

use serde_json::{Value, json};

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Not fit for production.
    Error,
    /// Fit for production, with a risk that the administrator should accept knowingly.
    Warning,
    /// Worth knowing.
    Hint,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        })
    }
}

/// Something that a production deployment lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The severity.
    pub level: Severity,
    /// The key of the configuration, the name of a variable, or what was checked.
    pub key: String,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// A check that found nothing wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedCheck {
    /// What was checked.
    pub key: String,
    /// What was seen.
    pub message: String,
}

/// The outcome of a number of checks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckReport {
    /// All findings.
    pub findings: Vec<Finding>,
    /// What is in order, for checks that say so.
    pub passed: Vec<PassedCheck>,
}

impl CheckReport {
    /// True if a finding is an error.
    #[must_use]
    pub fn has_error(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// How many findings have this severity.
    #[must_use]
    pub fn count(&self, level: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// Adds a finding.
    pub fn add(
        &mut self,
        level: Severity,
        key: &str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.findings.push(Finding {
            level,
            key: key.to_owned(),
            message: message.into(),
            remedy: remedy.into(),
        });
    }

    /// Adds an error.
    pub fn error(&mut self, key: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Error, key, message, remedy);
    }

    /// Adds a warning.
    pub fn warning(&mut self, key: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Warning, key, message, remedy);
    }

    /// Adds a hint.
    pub fn hint(&mut self, key: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Hint, key, message, remedy);
    }

    /// Adds what is in order.
    pub fn pass(&mut self, key: &str, message: impl Into<String>) {
        self.passed.push(PassedCheck { key: key.to_owned(), message: message.into() });
    }

    /// Adds the outcome of other checks.
    pub fn extend(&mut self, more: CheckReport) {
        self.findings.extend(more.findings);
        self.passed.extend(more.passed);
    }

    /// Puts the most severe findings first.
    pub fn sort(&mut self) {
        self.findings.sort_by_key(|finding| finding.level);
    }

    /// The report as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let findings = self.findings.iter().map(|finding| {
            json!({
                "level": finding.level.to_string(),
                "key": finding.key,
                "message": finding.message,
                "remedy": finding.remedy,
            })
        });
        let passed =
            self.passed.iter().map(|one| json!({ "key": one.key, "message": one.message }));
        json!({
            "ok": !self.has_error(),
            "findings": findings.collect::<Vec<_>>(),
            "passed": passed.collect::<Vec<_>>(),
        })
    }
}
