//! Metrics that are read on request: queues, sessions, the outbox, the process.
//!
//! Counts that need the database are refreshed at most once a minute, however often they are
//! requested.

use std::time::Duration;

use tokio::sync::Mutex;

use crate::env::Env;
use crate::error::Result;
use crate::identity::Core;
use crate::metrics::{self, MetricsSnapshot, Reading, Spread};
use crate::model::Time;
use crate::store;
use crate::store::tables::outbox::MessageState;

/// Maximum age of a count.
const COUNT_LASTS: Duration = Duration::from_mins(1);

/// The last count, and when the process began, by the wall clock and by the monotonic clock.
#[derive(Debug)]
pub struct CountCache {
    began: Time,
    started_at: Time,
    last: Mutex<Option<Count>>,
}

#[derive(Debug, Clone)]
struct Count {
    at: Time,
    sessions: i64,
    outbox: Vec<(MessageState, i64)>,
}

impl CountCache {
    /// A cache without a count yet.
    #[must_use]
    pub fn starting(env: &Env) -> Self {
        Self { began: env.wall(), started_at: env.now(), last: Mutex::default() }
    }

    /// How long the process has been running, regardless of configuration reloads.
    #[must_use]
    pub fn uptime(&self, now: Time) -> Duration {
        now.since(self.started_at)
    }
}

/// Reads all metrics. Leaves out the database counts if the database cannot be read.
pub async fn read(core: &Core) -> MetricsSnapshot {
    let mut readings = vec![Reading {
        name: "build_info",
        help: "Version of authd",
        label: Some(("version", env!("CARGO_PKG_VERSION"))),
        value: 1.0,
    }];
    match count(core).await {
        Ok(count) => readings.extend(of_database(&count)),
        Err(error) => {
            tracing::warn!(error = error.chain(), "counting sessions and mail for metrics failed");
        }
    }
    let (hashing, writer) = (core.hashing.vitals(), core.store.vitals());
    for (name, help, value) in [
        ("hashing_threads", "Hashing threads", hashing.threads),
        ("hashing_busy", "Hashing threads at work", hashing.busy),
        ("hashing_queue", "Hashing jobs in the queue", hashing.waiting),
        ("writer_queue", "Database writes in the queue", writer.waiting),
    ] {
        readings.push(reading(name, help, value));
    }
    let spreads = vec![
        Spread {
            name: "writer_group_changes",
            help: "Writes per commit",
            histogram: writer.groups,
        },
        Spread {
            name: "writer_commit_duration_seconds",
            help: "Duration of a commit",
            histogram: writer.commits,
        },
    ];
    MetricsSnapshot { readings, spreads, process: metrics::of_process(core.census.began) }
}

fn of_database(count: &Count) -> Vec<Reading> {
    let mut readings = vec![Reading {
        name: "sessions",
        help: "Live sessions, counted at most once a minute",
        label: None,
        value: float(count.sessions),
    }];
    readings.extend(MessageState::ALL.map(|state| Reading {
        name: "mail_outbox",
        help: "Messages in the outbox by state, counted at most once a minute",
        label: Some(("state", state.as_str())),
        value: float(
            count.outbox.iter().find(|(one, _)| *one == state).map_or(0, |(_, count)| *count),
        ),
    }));
    readings
}

async fn count(core: &Core) -> Result<Count> {
    // Locked while counting, so concurrent readers share one count.
    let mut last = core.census.last.lock().await;
    let now = core.env.now();
    if let Some(count) = last.as_ref().filter(|count| now.since(count.at) < COUNT_LASTS) {
        return Ok(count.clone());
    }
    let (sessions, outbox) = core
        .store
        .scan(move |db| {
            Ok((
                store::tables::sessions::count_all_live(db, now)?,
                store::tables::outbox::count(db)?,
            ))
        })
        .await?;
    Ok(last.insert(Count { at: now, sessions, outbox }).clone())
}

fn reading(name: &'static str, help: &'static str, value: usize) -> Reading {
    Reading { name, help, label: None, value: float(i64::try_from(value).unwrap_or(i64::MAX)) }
}

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn float(count: i64) -> f64 {
    count as f64
}
