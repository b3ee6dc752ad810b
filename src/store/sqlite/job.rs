//! One change on its way through the writer: the closure, its result, and the caller who waits.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::store::db::{Db, Deed};

/// What shall become of a job's changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Keep,
    Undo,
}

/// A change, whatever its closure returns.
pub(super) trait Job: Send {
    /// Whether anybody still waits for it.
    fn is_wanted(&self) -> bool;

    /// How long it may wait for others to share its commit.
    fn patience(&self) -> Duration;

    /// Runs the closure and keeps its result back.
    fn run(&mut self, db: &mut dyn Db) -> Verdict;

    /// Keeps what is to be done when its changes are on disk.
    fn keep(&mut self, deeds: Vec<Deed>);

    /// What went wrong in it, for the log.
    fn complaint(&self) -> Option<String>;

    /// Its changes are on disk: does what was to follow and gives the caller the result that was kept back.
    fn answer(self: Box<Self>);

    /// Tells the caller that nothing is known to be on disk.
    fn give_up(self: Box<Self>, why: &str);
}

/// A job, and where its caller waits.
pub(super) fn asked<T, F>(work: F, patience: Duration) -> (Box<dyn Job>, oneshot::Receiver<Result<T>>)
where
    T: Send + 'static,
    F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    (Box::new(Asked { work, patience, caller, result: None, deeds: Vec::new() }), answer)
}

struct Asked<T, F> {
    work: F,
    patience: Duration,
    caller: oneshot::Sender<Result<T>>,
    result: Option<Result<T>>,
    deeds: Vec<Deed>,
}

impl<T, F> Job for Asked<T, F>
where
    T: Send + 'static,
    F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
{
    fn is_wanted(&self) -> bool {
        !self.caller.is_closed()
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn run(&mut self, db: &mut dyn Db) -> Verdict {
        let result = catch_unwind(AssertUnwindSafe(|| (self.work)(db)))
            .unwrap_or_else(|panic| Err(Error::internal(format!("a change panicked: {}", words(&*panic)))));
        let verdict = if result.is_ok() { Verdict::Keep } else { Verdict::Undo };
        self.result = Some(result);
        verdict
    }

    fn keep(&mut self, deeds: Vec<Deed>) {
        self.deeds = deeds;
    }

    fn complaint(&self) -> Option<String> {
        self.result.as_ref().and_then(|result| result.as_ref().err()).map(Error::chain)
    }

    fn answer(self: Box<Self>) {
        self.deeds.into_iter().for_each(|deed| deed());
        if let Some(result) = self.result {
            // Whoever has gone meanwhile does not hear it.
            let _ = self.caller.send(result);
        }
    }

    fn give_up(self: Box<Self>, why: &str) {
        let _ = self.caller.send(Err(Error::unavailable(format!("the change may not be on disk: {why}"))));
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without words")
}
