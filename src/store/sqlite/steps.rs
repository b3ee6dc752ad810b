//! The migration steps that upgrade older files, in order, one per schema version.
//!
//! `schema.sql` is always the whole current schema. A change to it comes with a step that upgrades
//! the previous version to the same schema. A released step never changes.

/// What one version of the schema changed.
#[derive(Debug, Clone, Copy)]
pub struct UpgradeStep {
    /// What the step does, for the log.
    pub says: &'static str,
    /// The statements, in the dialect of `schema.sql`.
    pub sql: &'static str,
}

/// The step at index n upgrades version n + 1 to version n + 2. Version 1 was the first release.
pub(super) const STEPS: &[UpgradeStep] = &[];
