//! Writes log lines in batches on a thread of its own, so that a request does not wait for the
//! system call.
//!
//! A line that arrives while the thread is idle is written at once. After a write the thread waits
//! for [`PAUSE`], and what arrives in the meantime becomes the next batch. No line is dropped: if
//! the reader of the log is slower than the server, logging waits.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// How long lines may wait for others, which limits the system calls to 500 a second.
const PAUSE: Duration = Duration::from_millis(2);

/// Lines that wait for a slow reader. More make the logging thread wait.
const MAX_PENDING: usize = 1 << 20;

/// Takes whole lines from any thread.
#[derive(Clone)]
pub struct BatchWriter(Arc<BatchState>);

/// Ends the thread when dropped, after the last line is written.
pub struct Flusher {
    shared: Arc<BatchState>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct BatchState {
    pending: Mutex<PendingLines>,
    /// A line arrived at an idle thread, or the lines are wanted now.
    wanted: Condvar,
    /// A batch was written.
    written: Condvar,
}

#[derive(Default)]
struct PendingLines {
    lines: Vec<u8>,
    /// Bytes added and written since the start.
    added: u64,
    written: u64,
    is_idle: bool,
    is_urgent: bool,
    is_closed: bool,
}

/// Starts the thread, which writes to `target`. Errors of `target` are ignored, because they could
/// only be logged.
pub fn start(target: impl Write + Send + 'static) -> io::Result<(BatchWriter, Flusher)> {
    let shared = Arc::new(BatchState::default());
    let of_thread = shared.clone();
    let thread =
        Builder::new().name("authd-log".to_owned()).spawn(move || of_thread.write_to(target))?;
    Ok((BatchWriter(shared.clone()), Flusher { shared, thread: Some(thread) }))
}

impl BatchWriter {
    /// Adds a line, and waits only if too many are pending.
    pub fn add(&self, line: &[u8]) {
        let mut pending = self.0.pending();
        while pending.lines.len() > MAX_PENDING && !pending.is_closed {
            pending = wait(&self.0.written, pending);
        }
        pending.lines.extend_from_slice(line);
        pending.added += line.len() as u64;
        if pending.is_idle {
            self.0.wanted.notify_one();
        }
    }

    /// Waits until every line added so far is written.
    pub fn flush(&self) {
        let mut pending = self.0.pending();
        let wanted = pending.added;
        while !pending.is_closed && pending.written < wanted {
            pending.is_urgent = true;
            self.0.wanted.notify_one();
            pending = wait(&self.0.written, pending);
        }
    }
}

impl BatchState {
    fn pending(&self) -> MutexGuard<'_, PendingLines> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_to(&self, mut target: impl Write) {
        let mut batch = Vec::new();
        let mut pending = self.pending();
        loop {
            pending.is_idle = true;
            while pending.lines.is_empty() && !pending.is_closed {
                pending = wait(&self.wanted, pending);
            }
            pending.is_idle = false;
            if pending.lines.is_empty() {
                return;
            }
            std::mem::swap(&mut batch, &mut pending.lines);
            pending.is_urgent = false;
            drop(pending);
            let _ = target.write_all(&batch).and_then(|()| target.flush());
            pending = self.pending();
            pending.written += batch.len() as u64;
            batch.clear();
            batch.shrink_to(MAX_PENDING);
            self.written.notify_all();
            pending = self
                .wanted
                .wait_timeout_while(pending, PAUSE, |now| !now.is_urgent && !now.is_closed)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.shared.pending().is_closed = true;
        self.shared.wanted.notify_one();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing left to write.
            let _ = thread.join();
        }
        self.shared.written.notify_all();
    }
}

fn wait<'a>(
    signal: &Condvar,
    pending: MutexGuard<'a, PendingLines>,
) -> MutexGuard<'a, PendingLines> {
    signal.wait(pending).unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
    use std::thread;

    use super::*;

    /// A target that shows each write, and lets the next one pass only when the test has looked.
    struct Stepwise(SyncSender<Vec<u8>>);

    impl Write for Stepwise {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn stepwise() -> (BatchWriter, Flusher, Receiver<Vec<u8>>) {
        let (sender, receiver) = sync_channel(0);
        let (writer, flusher) = start(Stepwise(sender)).unwrap();
        (writer, flusher, receiver)
    }

    #[test]
    fn lines_that_arrive_during_a_write_are_one_batch() {
        let (writer, _flusher, written) = stepwise();
        writer.add(b"first\n");
        while !writer.0.pending().lines.is_empty() {
            thread::yield_now();
        }
        for _ in 0..50 {
            writer.add(b"later\n");
        }
        assert_eq!(written.recv().unwrap(), b"first\n");
        assert_eq!(written.recv().unwrap(), b"later\n".repeat(50));
    }

    #[test]
    fn the_last_lines_are_written_before_the_end() {
        let (writer, flusher, written) = stepwise();
        let reader = thread::spawn(move || written.iter().flatten().collect::<Vec<u8>>());
        let mut expected = Vec::new();
        for number in 0_u8..100 {
            writer.add(&[number, b'\n']);
            expected.extend([number, b'\n']);
        }
        drop(flusher);
        assert_eq!(reader.join().unwrap(), expected);
    }

    #[test]
    fn flush_returns_when_the_line_is_written() {
        let (writer, flusher, written) = stepwise();
        let reader = thread::spawn(move || written.iter().count());
        for _ in 0..20 {
            writer.add(b"panic\n");
            writer.flush();
            assert!(writer.0.pending().lines.is_empty());
        }
        drop(flusher);
        assert_eq!(reader.join().unwrap(), 20);
    }

    #[test]
    fn a_slow_reader_makes_logging_wait_and_loses_nothing() {
        let (writer, flusher, written) = stepwise();
        let line = vec![b'x'; 100_000];
        let logging = thread::spawn(move || {
            for _ in 0..40 {
                writer.add(&line);
                assert!(writer.0.pending().lines.len() <= MAX_PENDING + 100_000);
            }
            drop(flusher);
        });
        let bytes: usize = written.iter().map(|batch| batch.len()).sum();
        logging.join().unwrap();
        assert_eq!(bytes, 4_000_000);
    }
}
