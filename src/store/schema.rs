//! The schema and its versions: what a new database is created with, and which steps bring an older
//! one to the same schema.

use std::time::Duration;

use super::steps::{STEPS, UpgradeStep};

/// Which kind of process opens the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessRole {
    /// A server. It creates a missing database and upgrades the schema of an older one.
    Server,
    /// A command, with or without a running server.
    Command,
}

/// How to open a database.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub role: ProcessRole,
    /// The schema of a new database.
    pub schema: &'static str,
    /// The steps that bring an older database to the same schema.
    pub steps: &'static [UpgradeStep],
    /// How long a change waits while another process holds the lock.
    pub patience: Duration,
}

impl Plan {
    /// The plan of this program.
    #[must_use]
    pub fn of(role: ProcessRole) -> Self {
        let patience = match role {
            ProcessRole::Server => Duration::from_secs(2),
            ProcessRole::Command => Duration::from_secs(10),
        };
        Self { role, schema: include_str!("../../schema.sql"), steps: STEPS, patience }
    }

    /// The version of the schema: 1 without any step, and one more for each step.
    #[must_use]
    pub fn version(&self) -> i64 {
        i64::try_from(self.steps.len()).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// The steps that a database of this version lacks.
    #[must_use]
    pub fn steps_after(&self, version: i64) -> &'static [UpgradeStep] {
        let seen = usize::try_from(version - 1).unwrap_or(0);
        self.steps.get(seen..).unwrap_or(&[])
    }
}
