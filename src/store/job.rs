//! A change on its way through the writer: the closure, its result, and the waiting caller.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::store::db::{AfterCommit, Db};

/// Whether to keep or undo a job's changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum JobVerdict {
    Keep,
    Undo,
}

/// A change, independent of its closure's return type.
pub(in crate::store) trait WriteJob: Send {
    /// Whether the caller still waits for it.
    fn is_wanted(&self) -> bool;

    /// How long it may wait so that other changes share its commit.
    fn patience(&self) -> Duration;

    /// Runs the closure and stores its result, instead of that of an earlier run.
    fn run(&mut self, db: &mut dyn Db) -> JobVerdict;

    /// Stores the callbacks to run when the changes are on disk.
    fn keep(&mut self, callbacks: Vec<AfterCommit>);

    /// The closure's error, for the log.
    fn complaint(&self) -> Option<String>;

    /// Called when the changes are on disk: runs the callbacks and sends the stored result to the
    /// caller.
    fn answer(self: Box<Self>);

    /// Tells the caller that the change may not be on disk.
    fn give_up(self: Box<Self>, why: &str);
}

/// Creates a job and the channel on which its caller waits.
pub(in crate::store) fn asked<T, F>(
    work: F,
    patience: Duration,
) -> (Box<dyn WriteJob>, oneshot::Receiver<Result<T>>)
where
    T: Send + 'static,
    F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    (Box::new(PendingWrite { work, patience, caller, result: None, callbacks: Vec::new() }), answer)
}

struct PendingWrite<T, F> {
    work: F,
    patience: Duration,
    caller: oneshot::Sender<Result<T>>,
    result: Option<Result<T>>,
    callbacks: Vec<AfterCommit>,
}

impl<T, F> WriteJob for PendingWrite<T, F>
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

    fn run(&mut self, db: &mut dyn Db) -> JobVerdict {
        self.callbacks.clear();
        let result = catch_unwind(AssertUnwindSafe(|| (self.work)(db))).unwrap_or_else(|panic| {
            Err(Error::internal(format!("a change panicked: {}", words(&*panic))))
        });
        let verdict = if result.is_ok() { JobVerdict::Keep } else { JobVerdict::Undo };
        self.result = Some(result);
        verdict
    }

    fn keep(&mut self, callbacks: Vec<AfterCommit>) {
        self.callbacks = callbacks;
    }

    fn complaint(&self) -> Option<String> {
        self.result.as_ref().and_then(|result| result.as_ref().err()).map(Error::chain)
    }

    fn answer(self: Box<Self>) {
        self.callbacks.into_iter().for_each(|callback| callback());
        if let Some(result) = self.result {
            // A caller that has gone away in the meantime does not need the result.
            let _ = self.caller.send(result);
        }
    }

    fn give_up(self: Box<Self>, why: &str) {
        let _ = self
            .caller
            .send(Err(Error::unavailable(format!("the change may not be on disk: {why}"))));
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
