//! How many requests to providers run at the same time. Each host has a share of its own, so that one
//! slow provider does not keep people from logging in with another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many requests may run at the same time.
const AT_ONCE: usize = 64;
/// How many of them may go to one host.
pub(super) const AT_ONCE_TO_HOST: usize = 12;

/// The requests that run, by host.
#[derive(Clone, Default)]
pub(super) struct ProviderSlots(Arc<Mutex<HashMap<String, usize>>>);

/// A request that may run. Dropping it makes room for another.
pub(super) struct ProviderSlot {
    all: ProviderSlots,
    host: String,
}

impl ProviderSlots {
    /// Lets a request to this host run, unless too many do.
    pub(super) fn take(&self, host: &str) -> Option<ProviderSlot> {
        let mut running = self.running();
        let own = running.get(host).copied().unwrap_or_default();
        if own >= AT_ONCE_TO_HOST || running.values().sum::<usize>() >= AT_ONCE {
            return None;
        }
        running.insert(host.to_owned(), own + 1);
        Some(ProviderSlot { all: self.clone(), host: host.to_owned() })
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ProviderSlot {
    fn drop(&mut self) {
        let mut running = self.all.running();
        let left = running.get(&self.host).map_or(0, |own| own - 1);
        if left == 0 {
            running.remove(&self.host);
        } else {
            running.insert(self.host.clone(), left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_its_share_and_all_together_have_an_end() {
        let slots = ProviderSlots::default();
        let mut slow: Vec<_> = (0..AT_ONCE_TO_HOST).map(|_| slots.take("slow").unwrap()).collect();
        assert!(slots.take("slow").is_none());
        assert!(slots.take("quick").is_some());
        slow.pop();
        slow.push(slots.take("slow").unwrap());
        let mut others = Vec::new();
        while let Some(slot) = slots.take(&format!("host{}", others.len())) {
            others.push(slot);
        }
        assert_eq!(others.len(), AT_ONCE - AT_ONCE_TO_HOST);
        drop((slow, others));
        assert!(slots.running().is_empty(), "nothing is kept of hosts that are not asked");
    }
}
