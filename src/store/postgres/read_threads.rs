//! Threads that take reads from one queue, with a connection each.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::Fence;
use super::connection::{PgConnection, PgServer};
use super::read_queue::{ReadQueue, ReadTaker};
use crate::error::{Error, Result};

/// Sends the result of a read to its caller, or the panic of the closure.
pub(super) type ReadCaller<T> = oneshot::Sender<std::thread::Result<Result<T>>>;

/// Waits for the result of a read.
pub(super) async fn answer_of<T>(
    answer: oneshot::Receiver<std::thread::Result<Result<T>>>,
) -> Result<T> {
    match answer.await {
        Ok(Ok(read)) => read,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => Err(Error::unavailable("the database readers stopped before this read")),
    }
}

/// The threads and their queue.
pub(super) struct ReadThreads<J> {
    queue: Arc<ReadQueue<J>>,
    threads: Vec<JoinHandle<()>>,
}

impl<J: Send + 'static> ReadThreads<J> {
    /// Starts so many threads. Each of them ends when `run_all` returns, which it does once the queue is
    /// closed and empty.
    pub(super) fn start(
        name: &str,
        count: usize,
        (server, fence): (&PgServer, &Fence),
        run_all: fn(&mut Slot, &ReadTaker<'_, J>),
    ) -> Result<Self> {
        let mut started = Self { queue: Arc::new(ReadQueue::of(count)), threads: Vec::new() };
        for _ in 0..count {
            let (server, fence, queue) = (server.clone(), fence.clone(), started.queue.clone());
            let mut slot = Slot { server, fence, connection: None };
            let run = move || run_all(&mut slot, &queue.taker());
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
            started.threads.push(thread.map_err(|error| {
                Error::internal("failed to start a thread that reads").caused_by(error)
            })?);
        }
        Ok(started)
    }

    /// Hands a read to the threads, unless too many wait.
    pub(super) fn add(&self, read: J) -> Result<()> {
        self.queue.add(read)
    }
}

impl<J> Drop for ReadThreads<J> {
    /// Waits until each connection is closed.
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            // If a closure owned the last handle, this runs on one of the threads, which cannot join itself.
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("a database reader ended in a panic");
            }
        }
    }
}

/// What a thread reads with. The connection is opened when it is needed, and again after it was lost.
pub(super) struct Slot {
    pub server: PgServer,
    pub fence: Fence,
    pub connection: Option<PgConnection>,
}

impl Slot {
    /// Takes the connection, opened if need be.
    pub(super) fn open(&mut self) -> Result<PgConnection> {
        self.open_with("")
    }

    /// Takes the connection, opened with these commands if need be. Behind a pooler, where they would be for
    /// others too, they are left out.
    pub(super) fn open_with(&mut self, commands: &str) -> Result<PgConnection> {
        if let Some(connection) = self.connection.take().filter(|open| !open.is_closed()) {
            return Ok(connection);
        }
        let connection = PgConnection::open(&self.server)?;
        if !commands.is_empty() && !self.server.is_pooled() {
            connection.command(commands).map_err(|fault| fault.error)?;
        }
        Ok(connection)
    }
}
