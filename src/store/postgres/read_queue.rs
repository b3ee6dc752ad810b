//! The queue of the reads. It is bounded, and a read wakes one thread, or none if all are busy.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};

/// How many reads may wait; further reads are refused.
const LONGEST: usize = 4096;

/// A queue with many senders and many threads that take from it.
pub(super) struct ReadQueue<J> {
    state: Mutex<ReadQueueState<J>>,
    arrived: Condvar,
}

struct ReadQueueState<J> {
    jobs: VecDeque<J>,
    /// The threads that take reads.
    threads: usize,
    /// Those of them that wait for a read and were not woken yet. A thread that wakes by itself is counted
    /// twice, which only wakes a thread more often.
    idle: usize,
    is_closed: bool,
}

/// A thread's right to take reads. When the last one ends, the reads that wait are given up.
pub(super) struct ReadTaker<'a, J>(&'a ReadQueue<J>);

impl<J> ReadQueue<J> {
    /// An empty queue of so many threads, each of which will take one [`ReadTaker`].
    pub(super) fn of(threads: usize) -> Self {
        let jobs = VecDeque::new();
        let state = ReadQueueState { jobs, threads, idle: 0, is_closed: false };
        Self { state: Mutex::new(state), arrived: Condvar::new() }
    }

    /// Adds a read, unless too many wait.
    pub(super) fn add(&self, job: J) -> Result<()> {
        let mut state = self.state();
        if state.is_closed {
            return Err(Error::unavailable("the database is closing"));
        }
        if state.threads == 0 {
            return Err(Error::unavailable("the database readers have stopped"));
        }
        if state.jobs.len() >= LONGEST {
            return Err(Error::unavailable(format!("the read queue is full ({LONGEST} reads)")));
        }
        state.jobs.push_back(job);
        if state.idle > 0 {
            state.idle -= 1;
            drop(state);
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Lets the threads end when nothing waits any more.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.arrived.notify_all();
    }

    /// What a thread takes reads with.
    pub(super) fn taker(&self) -> ReadTaker<'_, J> {
        ReadTaker(self)
    }

    fn state(&self) -> MutexGuard<'_, ReadQueueState<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J> ReadTaker<'_, J> {
    /// The next read; `None` when the queue is closed and empty.
    pub(super) fn next(&self) -> Option<J> {
        self.wait()?.jobs.pop_front()
    }

    /// The next reads, at least one and at most so many; `None` when the queue is closed and empty.
    pub(super) fn next_group(&self, most: usize) -> Option<Vec<J>> {
        let mut state = self.wait()?;
        let count = state.jobs.len().min(most);
        Some(state.jobs.drain(..count).collect())
    }

    /// The reads that wait now.
    pub(super) fn rest(&self) -> VecDeque<J> {
        std::mem::take(&mut self.0.state().jobs)
    }

    /// Waits until a read is in the queue.
    fn wait(&self) -> Option<MutexGuard<'_, ReadQueueState<J>>> {
        let mut state = self.0.state();
        loop {
            if !state.jobs.is_empty() {
                return Some(state);
            }
            if state.is_closed {
                return None;
            }
            state.idle += 1;
            state = self.0.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<J> Drop for ReadTaker<'_, J> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.threads -= 1;
        if state.threads == 0 {
            let left = std::mem::take(&mut state.jobs);
            // A read may own what adds to this queue or closes it.
            drop(state);
            drop(left);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::channel;
    use std::thread::spawn;

    use super::*;

    #[test]
    fn each_read_is_taken_once_by_some_thread() {
        let queue = Arc::new(ReadQueue::of(4));
        let (taken, reads) = channel();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (queue, taken) = (queue.clone(), taken.clone());
                spawn(move || {
                    let reads = queue.taker();
                    while let Some(read) = reads.next() {
                        taken.send(read).unwrap();
                    }
                })
            })
            .collect();
        let mut expected: Vec<u32> = (0..20_000).collect();
        let mut came = Vec::new();
        for read in &expected {
            // Sometimes all threads wait, sometimes none.
            if read % 100 == 0 {
                came.extend((came.len()..*read as usize).map(|_| reads.recv().unwrap()));
            }
            queue.add(*read).unwrap();
        }
        queue.close();
        for thread in threads {
            thread.join().unwrap();
        }
        drop(taken);
        came.extend(reads);
        came.sort_unstable();
        expected.sort_unstable();
        assert_eq!(came, expected);
    }

    #[test]
    fn more_reads_than_may_wait_are_refused() {
        let queue = ReadQueue::of(1);
        for read in 0..LONGEST {
            queue.add(read).unwrap();
        }
        assert!(queue.add(LONGEST).unwrap_err().chain().contains("full"));
        assert_eq!(queue.taker().next(), Some(0));
    }

    #[test]
    fn a_closed_queue_takes_nothing_and_gives_what_it_has() {
        let queue = ReadQueue::of(1);
        queue.add(1).unwrap();
        queue.close();
        assert!(queue.add(2).is_err());
        let reads = queue.taker();
        assert_eq!((reads.next(), reads.next()), (Some(1), None));
    }

    #[test]
    fn a_group_is_what_waits_up_to_its_size() {
        let queue = ReadQueue::of(1);
        for read in 1..=5 {
            queue.add(read).unwrap();
        }
        queue.close();
        let reads = queue.taker();
        assert_eq!(reads.next_group(3), Some(vec![1, 2, 3]));
        assert_eq!(reads.rest(), [4, 5]);
        assert_eq!(reads.next_group(3), None);
    }

    #[test]
    fn reads_of_threads_that_have_ended_are_given_up() {
        let queue = ReadQueue::of(1);
        let (caller, answer) = channel::<()>();
        queue.add(caller).unwrap();
        drop(queue.taker());
        assert!(answer.recv().is_err());
        assert!(queue.add(channel().0).is_err());
    }
}
