//! The steps that bring older files up to date, in order, one per schema version.
//!
//! `schema.sql` is always the whole current schema; a change to it comes with the step that makes the same of the
//! version before. A step that has been released is never touched again.

/// What one version of the schema changed.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// What it does, for the log.
    pub says: &'static str,
    /// The statements, in the words of `schema.sql`.
    pub sql: &'static str,
}

/// The step at index n brings version n + 1 to version n + 2. Version 1 is the first that was released.
pub(super) const STEPS: &[Step] = &[];
