//! Metrics that are read on request: queues, sessions, the outbox, the process.

use std::borrow::Cow;

use crate::identity::Core;
use crate::identity::system::count_cache::Count;
use crate::metrics::{self, MetricsSnapshot, Reading, Spread};
use crate::model::Time;
use crate::store::tables::outbox::MessageState;

/// Reads all metrics. Leaves out the database counts if the database cannot be read.
pub async fn read(core: &Core) -> MetricsSnapshot {
    let mut readings = vec![Reading {
        name: "build_info",
        help: "Version of authd",
        label: Some(("version", Cow::Borrowed(env!("CARGO_PKG_VERSION")))),
        value: 1.0,
    }];
    readings.extend(of_server(core));
    match core.counts.current(&core.store, core.env.now()).await {
        Ok(count) => readings.extend(of_database(&count, core.env.now())),
        Err(error) => {
            tracing::warn!(error = error.chain(), "counting sessions and mail for metrics failed");
        }
    }
    let (hashing, writer) = (core.hashing.vitals(), core.store.figures());
    for (name, help, value) in [
        ("hashing_threads", "Hashing threads", hashing.threads),
        ("hashing_busy", "Hashing threads at work", hashing.busy),
        ("hashing_queue", "Hashing jobs in the queue", hashing.waiting),
        ("writer_queue", "Database writes in the queue", writer.waiting),
    ] {
        readings.push(reading(name, help, value));
    }
    if let Ok(space) = core.store.space().await {
        for (name, help, bytes) in [
            ("database_bytes", "Size of the database", space.total),
            ("database_free_bytes", "Space in the database that is used again", space.free),
        ] {
            readings.push(reading(name, help, usize::try_from(bytes).unwrap_or(usize::MAX)));
        }
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
    MetricsSnapshot { readings, spreads, process: metrics::of_process(core.counts.began()) }
}

/// Which server this is, among those that share the database.
fn of_server(core: &Core) -> Vec<Reading> {
    let node = core.store.node();
    let Some(name) = node.name() else { return Vec::new() };
    let mut readings = vec![
        Reading {
            name: "server_info",
            help: "Name of this server among those that share the database",
            label: Some(("server", Cow::Owned(name.to_owned()))),
            value: 1.0,
        },
        Reading {
            name: "servers",
            help: "Servers that share the database",
            label: None,
            value: f64::from(node.live()),
        },
        Reading {
            name: "server_leads",
            help: "Whether this server does the work that one does for all",
            label: None,
            value: f64::from(u8::from(node.leads())),
        },
    ];
    readings.extend(core.store.clock_ahead().map(|ahead| Reading {
        name: "clock_ahead_seconds",
        help: "How far the clock of this machine is ahead of that of the database",
        label: None,
        value: float(ahead) / 1000.0,
    }));
    readings
}

fn of_database(count: &Count, now: Time) -> Vec<Reading> {
    let mut readings = vec![Reading {
        name: "sessions",
        help: "Live sessions, counted at most once a minute",
        label: None,
        value: float(count.sessions),
    }];
    readings.extend(MessageState::ALL.map(|state| Reading {
        name: "mail_outbox",
        help: "Messages in the outbox by state, counted at most once a minute",
        label: Some(("state", Cow::Borrowed(state.as_str()))),
        value: float(
            count.outbox.iter().find(|(one, _)| *one == state).map_or(0, |(_, count)| *count),
        ),
    }));
    if let Some(last) = count.last_backup {
        readings.push(Reading {
            name: "backup_age_seconds",
            help: "Time since the last backup, made by the schedule or by authd backup",
            label: None,
            value: now.since(last).as_secs_f64(),
        });
    }
    readings
}

fn reading(name: &'static str, help: &'static str, value: usize) -> Reading {
    Reading { name, help, label: None, value: float(i64::try_from(value).unwrap_or(i64::MAX)) }
}

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn float(count: i64) -> f64 {
    count as f64
}
