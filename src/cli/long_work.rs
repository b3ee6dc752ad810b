//! Runs long work on files: shows its progress, and stops it at SIGINT or SIGTERM so that it can
//! clean up.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;

use super::failure::Failure;
use super::progress::ProgressBar;
use crate::env::Env;
use crate::error::Result;
use crate::model::Progress;

/// The time between two looks at the progress.
const TICK: Duration = Duration::from_millis(100);

/// Runs work on a thread of its own, until it ends or a signal has stopped it.
pub async fn run<T: Send + 'static>(
    env: &Env,
    work: impl FnOnce(&Progress) -> Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let listen = |kind| {
        signal(kind).map_err(|error: io::Error| {
            Failure::failed(format_args!("signals cannot be received: {error}"))
        })
    };
    let (mut interrupt, mut terminate) =
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let progress = Progress::default();
    let mut bar = ProgressBar::new(env, None);
    let watched = progress.clone();
    let mut task = tokio::task::spawn_blocking(move || work(&watched));
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            ended = &mut task => {
                let ended = ended.map_err(|error| {
                    Failure::failed(format_args!("the work stopped unexpectedly: {error}"))
                })?;
                return Ok(ended?);
            }
            _ = interrupt.recv() => progress.cancel(),
            _ = terminate.recv() => progress.cancel(),
            _ = ticks.tick() => show(&mut bar, &progress),
        }
    }
}

fn show(bar: &mut ProgressBar, progress: &Progress) {
    let (stage, done, total) = progress.reached();
    if stage.is_empty() {
        return;
    }
    bar.set_total((total > 0).then_some(total));
    if total > 0 {
        bar.show(done, &format!("{stage}: {} of {}", megabytes(done), megabytes(total)));
    } else {
        bar.show(done, stage);
    }
}

/// A number of bytes for people, such as `12.3 MB`.
#[must_use]
pub fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    if tenths == 0 {
        format!("{bytes} bytes")
    } else {
        format!("{}.{} MB", tenths / 10, tenths % 10)
    }
}
