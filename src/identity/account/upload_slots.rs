//! The uploads that are in progress: how many at once, in total and for one account.

use crate::error::{Error, Kind, Limit, Result};
use crate::model::AccountId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// When a client may ask for a slot again.
const SOON: Duration = Duration::from_secs(1);

/// The uploads in progress, limited in total and per account. Cheap to clone.
#[derive(Clone)]
pub struct Slots {
    taken: Arc<Mutex<HashMap<AccountId, usize>>>,
    all: usize,
    each: usize,
}

impl Slots {
    /// Allows `all` uploads in total and `each` for one account.
    #[must_use]
    pub fn new(all: usize, each: usize) -> Self {
        Self { taken: Arc::default(), all, each }
    }

    /// Takes a slot for an account.
    pub(in crate::identity) fn take(&self, account: &AccountId) -> Result<UploadSlot> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.get(account).is_some_and(|own| *own >= self.each) {
            return Err(Error::new(Kind::TooMany(Limit::General)).retry_after(SOON));
        }
        if taken.values().sum::<usize>() >= self.all {
            return Err(Error::unavailable("too many uploads are in progress"));
        }
        *taken.entry(account.clone()).or_default() += 1;
        Ok(UploadSlot { slots: self.clone(), account: account.clone() })
    }
}

/// The slot of an upload in progress. Dropping it frees it.
pub(in crate::identity) struct UploadSlot {
    slots: Slots,
    account: AccountId,
}

impl Drop for UploadSlot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.account) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.account);
            }
        }
    }
}
