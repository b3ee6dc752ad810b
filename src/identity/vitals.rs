//! The figures that are read off when somebody asks: queues, sessions, the outbox, the process.
//!
//! What has to be counted in the database is counted at most once a minute, however often it is asked for.

use std::time::Duration;

use tokio::sync::Mutex;

use super::Core;
use crate::env::Env;
use crate::error::Result;
use crate::metrics::{self, Reading, Spread, Vitals};
use crate::model::Time;
use crate::store;
use crate::store::outbox::State;

/// How old a count may be.
const COUNT_LASTS: Duration = Duration::from_mins(1);

/// The last count, and when the process began: by the wall's clock, and by the one that never jumps.
#[derive(Debug)]
pub struct Census {
    began: Time,
    started_at: Time,
    last: Mutex<Option<Count>>,
}

#[derive(Debug, Clone)]
struct Count {
    at: Time,
    sessions: i64,
    outbox: Vec<(State, i64)>,
}

impl Census {
    /// Nothing has been counted yet.
    #[must_use]
    pub fn starting(env: &Env) -> Self {
        Self { began: env.wall(), started_at: env.now(), last: Mutex::default() }
    }

    /// How long the process has been there, whatever was read again since.
    #[must_use]
    pub fn uptime(&self, now: Time) -> Duration {
        now.since(self.started_at)
    }
}

/// Everything that is read off. What the database does not tell now is left out.
pub async fn read(core: &Core) -> Vitals {
    let mut readings = vec![Reading {
        name: "build_info",
        help: "Which version this is",
        label: Some(("version", env!("CARGO_PKG_VERSION"))),
        value: 1.0,
    }];
    match count(core).await {
        Ok(count) => readings.extend(of_database(&count)),
        Err(error) => tracing::warn!(error = error.chain(), "sessions and mail could not be counted"),
    }
    let (hashing, writer) = (core.hashing.vitals(), core.store.vitals());
    for (name, help, value) in [
        ("hashing_threads", "Threads that hash passwords", hashing.threads),
        ("hashing_busy", "Threads that are hashing", hashing.busy),
        ("hashing_queue", "Passwords that wait to be hashed", hashing.waiting),
        ("writer_queue", "Changes that wait to be written", writer.waiting),
    ] {
        readings.push(reading(name, help, value));
    }
    let spreads = vec![
        Spread {
            name: "writer_group_changes",
            help: "How many changes went into one commit",
            histogram: writer.groups,
        },
        Spread {
            name: "writer_commit_duration_seconds",
            help: "How long a group took to be written",
            histogram: writer.commits,
        },
    ];
    Vitals { readings, spreads, process: metrics::of_process(core.census.began) }
}

fn of_database(count: &Count) -> Vec<Reading> {
    let mut readings = vec![Reading {
        name: "sessions",
        help: "Live sessions, counted once a minute",
        label: None,
        value: float(count.sessions),
    }];
    readings.extend(State::ALL.map(|state| Reading {
        name: "mail_outbox",
        help: "Mail by state, counted once a minute",
        label: Some(("state", state.as_str())),
        value: float(count.outbox.iter().find(|(one, _)| *one == state).map_or(0, |(_, count)| *count)),
    }));
    readings
}

async fn count(core: &Core) -> Result<Count> {
    // Held while it counts: who asks meanwhile waits for the same count.
    let mut last = core.census.last.lock().await;
    let now = core.env.now();
    if let Some(count) = last.as_ref().filter(|count| now.since(count.at) < COUNT_LASTS) {
        return Ok(count.clone());
    }
    let (sessions, outbox) =
        core.store.scan(move |db| Ok((store::sessions::count_all_live(db, now)?, store::outbox::count(db)?))).await?;
    Ok(last.insert(Count { at: now, sessions, outbox }).clone())
}

fn reading(name: &'static str, help: &'static str, value: usize) -> Reading {
    Reading { name, help, label: None, value: float(i64::try_from(value).unwrap_or(i64::MAX)) }
}

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn float(count: i64) -> f64 {
    count as f64
}
