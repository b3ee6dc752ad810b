//! A bounded, fair queue: one lane per client, served one after another. It does not depend on hashing.

use std::collections::{HashMap, VecDeque};

use super::pool::Lane;

/// A job in the queue.
pub(super) trait QueueItem {
    /// Whether the party that asked no longer waits for the answer.
    fn is_abandoned(&self) -> bool;
}

/// The queued jobs, by lane.
pub(super) struct Lanes<J> {
    waiting: HashMap<Lane, VecDeque<J>>,
    /// The lanes with jobs, in the order in which they are served.
    order: VecDeque<Lane>,
    length: usize,
    capacity: usize,
}

impl<J: QueueItem> Lanes<J> {
    /// A queue for this many jobs, at least one.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            waiting: HashMap::new(),
            order: VecDeque::new(),
            length: 0,
            capacity: capacity.max(1),
        }
    }

    /// How many jobs are queued.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Adds a job. If the queue is full, returns the job that must go: the newest of the longest
    /// lane, or the arriving one if no lane is longer than its own.
    pub(super) fn admit(&mut self, lane: Lane, job: J) -> Option<J> {
        if self.length >= self.capacity {
            self.forget_abandoned();
        }
        let displaced = if self.length >= self.capacity {
            let own = self.waiting.get(&lane).map_or(0, VecDeque::len);
            match self.longest() {
                Some((longest, length)) if length > own => self.remove_newest(longest),
                _ => return Some(job),
            }
        } else {
            None
        };
        let jobs = self.waiting.entry(lane).or_default();
        if jobs.is_empty() {
            self.order.push_back(lane);
        }
        jobs.push_back(job);
        self.length += 1;
        displaced
    }

    /// Takes the oldest job of the first lane whose oldest job passes `fits`, and moves that lane
    /// to the end. A skipped lane keeps its place.
    pub(super) fn take(&mut self, mut fits: impl FnMut(&J) -> bool) -> Option<J> {
        let mut position = 0;
        while let Some(&lane) = self.order.get(position) {
            let jobs = self.waiting.entry(lane).or_default();
            while jobs.pop_front_if(|job| job.is_abandoned()).is_some() {
                self.length -= 1;
            }
            if jobs.is_empty() {
                self.close(lane, position);
                continue;
            }
            let Some(job) = jobs.pop_front_if(|job| fits(job)) else {
                position += 1;
                continue;
            };
            self.length -= 1;
            if jobs.is_empty() {
                self.close(lane, position);
            } else {
                self.order.remove(position);
                self.order.push_back(lane);
            }
            return Some(job);
        }
        None
    }

    fn close(&mut self, lane: Lane, position: usize) {
        self.waiting.remove(&lane);
        self.order.remove(position);
    }

    fn longest(&self) -> Option<(Lane, usize)> {
        let lengths =
            self.order.iter().map(|lane| (*lane, self.waiting.get(lane).map_or(0, VecDeque::len)));
        lengths.max_by_key(|(_, length)| *length)
    }

    fn remove_newest(&mut self, lane: Lane) -> Option<J> {
        let jobs = self.waiting.get_mut(&lane)?;
        let newest = jobs.pop_back();
        self.length -= usize::from(newest.is_some());
        if jobs.is_empty() {
            self.waiting.remove(&lane);
            self.order.retain(|&other| other != lane);
        }
        newest
    }

    fn forget_abandoned(&mut self) {
        for jobs in self.waiting.values_mut() {
            jobs.retain(|job| !job.is_abandoned());
        }
        self.waiting.retain(|_, jobs| !jobs.is_empty());
        self.order.retain(|lane| self.waiting.contains_key(lane));
        self.length = self.waiting.values().map(VecDeque::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ClientIp;

    #[derive(Debug, PartialEq)]
    struct TestJob(&'static str);

    impl QueueItem for TestJob {
        fn is_abandoned(&self) -> bool {
            self.0.starts_with("gone")
        }
    }

    fn client(last: u8) -> Lane {
        Lane::Client(ClientIp::of([192, 0, 2, last].into()))
    }

    fn known(last: u8) -> Lane {
        Lane::Known(ClientIp::of([192, 0, 2, last].into()))
    }

    fn served(lanes: &mut Lanes<TestJob>) -> Vec<&'static str> {
        std::iter::from_fn(|| lanes.take(|_| true)).map(|job| job.0).collect()
    }

    #[test]
    fn lanes_are_served_in_turn() {
        let mut lanes = Lanes::new(10);
        for (lane, job) in [
            (client(1), "a1"),
            (client(1), "a2"),
            (client(1), "a3"),
            (client(2), "b1"),
            (known(9), "k1"),
        ] {
            assert_eq!(lanes.admit(lane, TestJob(job)), None);
        }
        assert_eq!(served(&mut lanes), ["a1", "b1", "k1", "a2", "a3"]);
        assert_eq!((lanes.len(), lanes.waiting.len(), lanes.order.len()), (0, 0, 0));
    }

    #[test]
    fn one_client_may_have_the_whole_queue_while_no_other_waits() {
        let mut lanes = Lanes::new(3);
        for job in ["a1", "a2", "a3"] {
            assert_eq!(lanes.admit(client(1), TestJob(job)), None);
        }
        assert_eq!(lanes.admit(client(1), TestJob("a4")), Some(TestJob("a4")));
        assert_eq!(lanes.len(), 3);
    }

    #[test]
    fn the_longest_lane_loses_its_newest_to_a_shorter_one() {
        let mut lanes = Lanes::new(3);
        for job in ["a1", "a2", "a3"] {
            lanes.admit(client(1), TestJob(job));
        }
        assert_eq!(lanes.admit(client(2), TestJob("b1")), Some(TestJob("a3")));
        assert_eq!(lanes.admit(client(2), TestJob("b2")), Some(TestJob("a2")));
        assert_eq!(
            lanes.admit(client(2), TestJob("b3")),
            Some(TestJob("b3")),
            "its own lane is the longest by now"
        );
        assert_eq!(served(&mut lanes), ["a1", "b1", "b2"]);
    }

    #[test]
    fn a_known_client_has_a_lane_beside_the_strangers_of_its_address_and_fills_no_others() {
        let mut lanes = Lanes::new(4);
        for job in ["a1", "a2", "a3", "a4"] {
            lanes.admit(known(1), TestJob(job));
        }
        assert_eq!(lanes.admit(known(2), TestJob("b1")), Some(TestJob("a4")));
        assert_eq!(lanes.admit(client(2), TestJob("c1")), Some(TestJob("a3")));
        assert_eq!(served(&mut lanes), ["a1", "b1", "c1", "a2"]);
    }

    #[test]
    fn among_equals_the_arriving_job_is_refused() {
        let mut lanes = Lanes::new(2);
        lanes.admit(client(1), TestJob("a1"));
        lanes.admit(client(2), TestJob("b1"));
        assert_eq!(lanes.admit(client(1), TestJob("a2")), Some(TestJob("a2")));
        assert_eq!(
            lanes.admit(known(9), TestJob("k1")),
            Some(TestJob("b1")),
            "a client without a job goes first"
        );
    }

    #[test]
    fn abandoned_jobs_are_skipped_and_make_room() {
        let mut lanes = Lanes::new(2);
        lanes.admit(client(1), TestJob("gone1"));
        lanes.admit(client(1), TestJob("a1"));
        assert_eq!(lanes.admit(client(1), TestJob("gone2")), None);
        assert_eq!(lanes.admit(client(2), TestJob("b1")), None);
        assert_eq!(served(&mut lanes), ["a1", "b1"]);
        assert_eq!(lanes.len(), 0);
    }

    #[test]
    fn a_job_that_does_not_fit_lets_others_pass_and_keeps_its_turn() {
        let mut lanes = Lanes::new(9);
        for (lane, job) in [(client(1), "big"), (client(2), "b1"), (client(2), "b2")] {
            lanes.admit(lane, TestJob(job));
        }
        let small = |job: &TestJob| job.0 != "big";
        assert_eq!(lanes.take(small), Some(TestJob("b1")));
        assert_eq!(lanes.take(|_| true), Some(TestJob("big")));
        assert_eq!(lanes.take(small), Some(TestJob("b2")));
        assert_eq!(lanes.take(|_| true), None);
    }
}
