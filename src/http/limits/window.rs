//! Fixed windows: a window starts with the first call and allows a fixed number of calls until it
//! ends.

use std::hash::Hash;
use std::time::Duration;

use super::bounded::{Bounded, Ending};
use super::{Allowance, LimitStep, LimitVerdict};
use crate::config::Rate;
use crate::model::Time;

/// The current windows of all keys.
pub(super) struct Windows<K>(Bounded<K, Window>);

#[derive(Clone, Copy)]
struct Window {
    ends: Time,
    used: u32,
}

impl Ending for Window {
    fn end(self) -> u64 {
        u64::try_from(self.ends.millis()).unwrap_or(0)
    }
}

impl<K: Hash + Eq + Copy> Windows<K> {
    /// Creates windows for about this many keys at most.
    pub(super) fn new(keys: usize) -> Self {
        Self(Bounded::new(keys))
    }

    /// Checks whether the window allows a call, and counts it if asked to.
    pub(super) fn ask(&self, key: &K, step: LimitStep, rate: Rate, now: Time) -> LimitVerdict {
        self.0.update(key, |window| {
            let mut window = live(window, rate, now);
            if window.used >= rate.count {
                return (Err(window.ends.since(now)), None);
            }
            window.used += u32::from(step == LimitStep::Count);
            (Ok(room(window, rate, now)), (step == LimitStep::Count).then_some(window))
        })
    }

    /// Removes one counted call.
    pub(super) fn give_back(&self, key: &K, rate: Rate, now: Time) {
        self.0.update(key, |window| {
            let window = live(window, rate, now);
            ((), (window.used > 0).then(|| Window { used: window.used - 1, ..window }))
        });
    }

    /// Removes windows that have ended.
    pub(super) fn purge(&self, now: Time) {
        self.0.purge(u64::try_from(now.millis()).unwrap_or(0));
    }

    /// Removes all windows.
    pub(super) fn clear(&self) {
        self.0.clear();
    }

    /// The number of keys.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

fn live(window: Option<Window>, rate: Rate, now: Time) -> Window {
    window.filter(|window| now < window.ends).unwrap_or(Window { ends: now + rate.window, used: 0 })
}

fn room(window: Window, rate: Rate, now: Time) -> Allowance {
    let reset: Duration = window.ends.since(now);
    Allowance { remaining: rate.count.saturating_sub(window.used), reset }
}
