//! The schema and its versions: what a new database is created with, and which steps bring an older
//! one to the same schema.

use std::time::Duration;

use super::steps::{OlderServers, STEPS, UpgradeStep};

/// Which kind of process opens the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessRole {
    /// A server. It creates a missing database and upgrades the schema of an older one.
    Server,
    /// A command, with or without a running server.
    Command,
}

/// Whether a server shares its database with other servers. A file has one server in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    WithOthers,
    /// No other server may use it meanwhile.
    Alone,
}

/// How to open a database.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub role: ProcessRole,
    pub sharing: Sharing,
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
        let schema = include_str!("../../schema.sql");
        Self { role, sharing: Sharing::WithOthers, schema, steps: STEPS, patience }
    }

    /// The version of the schema: 1 without any step, and one more for each step.
    #[must_use]
    pub fn version(&self) -> i64 {
        i64::try_from(self.steps.len()).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// The oldest version whose servers can use a database of this plan's version.
    #[must_use]
    pub fn oldest(&self) -> i64 {
        let last = self.steps.iter().rposition(|step| step.older == OlderServers::Stop);
        last.map_or(1, |at| i64::try_from(at).unwrap_or(i64::MAX).saturating_add(2))
    }

    /// The steps that a database of this version lacks.
    #[must_use]
    pub fn steps_after(&self, version: i64) -> &'static [UpgradeStep] {
        let seen = usize::try_from(version - 1).unwrap_or(0);
        self.steps.get(seen..).unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOP: UpgradeStep = UpgradeStep { says: "", older: OlderServers::Stop, changes: &[] };
    const ADD: UpgradeStep = UpgradeStep { says: "", older: OlderServers::GoOn, changes: &[] };

    #[test]
    fn the_last_step_that_is_more_than_an_addition_says_who_can_go_on() {
        for (steps, version, oldest) in [
            (&[][..], 1, 1),
            (&[STOP], 2, 2),
            (&[ADD], 2, 1),
            (&[STOP, ADD, ADD], 4, 2),
            (&[STOP, ADD, STOP, ADD], 5, 4),
        ] {
            let plan = Plan { steps, ..Plan::of(ProcessRole::Server) };
            assert_eq!((plan.version(), plan.oldest()), (version, oldest));
        }
    }
}
