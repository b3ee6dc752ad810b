//! The configuration in force as administrators see it: each value with its origin and what it is for,
//! and what a check of the configuration finds. Secrets are masked.

use crate::config;
use crate::config::{ConfigEntry, Finding, KeyDescriptions, Severity};
use crate::identity::Core;

/// A value of the configuration.
#[derive(Debug, Clone)]
pub struct Setting {
    pub key: String,
    /// `None` if it is not set.
    pub value: Option<String>,
    /// Where the value comes from, such as `authd.toml line 3`.
    pub origin: String,
    /// Whether the configuration of this server sets it, and no profile or default.
    pub is_own: bool,
    /// The values that it may have.
    pub allowed: String,
    /// What it is for, in one sentence.
    pub about: Option<String>,
}

/// The configuration in force.
#[derive(Debug, Clone)]
pub struct SettingsReport {
    /// In the order of the sections.
    pub settings: Vec<Setting>,
    /// The most severe first.
    pub findings: Vec<Finding>,
}

/// Reads the configuration in force.
#[must_use]
pub fn read(core: &Core) -> SettingsReport {
    let descriptions = KeyDescriptions::read();
    let setting = |entry: &ConfigEntry| Setting {
        key: entry.key.to_string(),
        value: entry.value.clone(),
        origin: entry.origin.to_string(),
        is_own: entry.origin.is_of_operator(),
        allowed: entry.allowed.clone(),
        about: descriptions.of(&entry.key).map(str::to_owned),
    };
    SettingsReport {
        settings: core.config.entries.iter().map(setting).collect(),
        findings: findings(core),
    }
}

/// What a check of the configuration in force finds, the most severe first.
#[must_use]
pub fn findings(core: &Core) -> Vec<Finding> {
    let incomplete = core.words.incomplete().iter().map(|(tag, missing)| Finding {
        level: Severity::Warning,
        key: "language.words".to_owned(),
        message: format!("{tag}.toml lacks {missing} texts, which are shown in English"),
        remedy: "see: authd words check".to_owned(),
    });
    config::check(&core.config, incomplete.collect()).findings
}
