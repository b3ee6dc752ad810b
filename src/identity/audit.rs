//! Records of the audit log, written inside the write of the change that they speak of.

use super::Core;
use crate::env::Env;
use crate::error::Result;
use crate::metrics::Metrics;
use crate::model::{Event, Source, Time};
use crate::store;
use crate::store::db::Db;

/// Writes the records of one operation: one time, one source.
#[derive(Clone)]
pub struct Log {
    env: Env,
    metrics: Metrics,
    at: Time,
    source: Source,
}

impl Log {
    /// The log of an operation that happens now.
    #[must_use]
    pub fn new(core: &Core, source: &Source) -> Self {
        Self { env: core.env.clone(), metrics: core.metrics.clone(), at: core.env.now(), source: source.clone() }
    }

    /// When the operation happens.
    #[must_use]
    pub fn at(&self) -> Time {
        self.at
    }

    /// Writes one record.
    ///
    /// # Errors
    /// What the database says.
    pub fn record(&self, db: &mut dyn Db, event: &Event) -> Result<()> {
        store::audit::insert(db, &self.env.new_id()?, self.at, event, &self.source)?;
        self.metrics.note_event(event);
        Ok(())
    }
}
