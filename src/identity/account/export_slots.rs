//! The exports of accounts that are in progress at this server: one for each account and a few in all, so
//! that clients which read slowly do not take its memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{Error, Kind, Limit, Result};
use crate::model::AccountId;

/// How many exports may be in progress at a time.
const EXPORTS: usize = 2;
/// When a client may ask again.
const SOON: Duration = Duration::from_secs(1);

/// The accounts whose exports are in progress.
#[derive(Debug, Default)]
pub struct ExportSlots(Mutex<Vec<AccountId>>);

impl ExportSlots {
    fn accounts(&self) -> MutexGuard<'_, Vec<AccountId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an export. It ends when the returned value is dropped.
    ///
    /// # Errors
    /// `TooMany(General)` if the account has one in progress, `Unavailable` if there are too many in all.
    pub(in crate::identity) fn take(self: &Arc<Self>, account: &AccountId) -> Result<ExportSlot> {
        let mut accounts = self.accounts();
        if accounts.contains(account) {
            return Err(Error::new(Kind::TooMany(Limit::General)).retry_after(SOON));
        }
        if accounts.len() >= EXPORTS {
            return Err(Error::unavailable("too many exports are in progress"));
        }
        accounts.push(account.clone());
        Ok(ExportSlot { slots: self.clone(), account: account.clone() })
    }
}

/// The slot of an export in progress. Dropping it frees it.
pub(in crate::identity) struct ExportSlot {
    slots: Arc<ExportSlots>,
    account: AccountId,
}

impl Drop for ExportSlot {
    fn drop(&mut self) {
        self.slots.accounts().retain(|account| *account != self.account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_export_for_each_account_and_two_in_all() {
        let slots = Arc::new(ExportSlots::default());
        let take = |account: &str| slots.take(&AccountId::new(account));
        let refused = |account: &str| {
            let error = take(account).err().unwrap();
            (error.kind(), error.retry_delay())
        };
        let ada = take("ada").unwrap();
        assert_eq!(refused("ada"), (Kind::TooMany(Limit::General), Some(SOON)));
        let bob = take("bob").unwrap();
        assert_eq!(refused("bob"), (Kind::TooMany(Limit::General), Some(SOON)));
        assert_eq!(refused("eve"), (Kind::Unavailable, Some(SOON)));
        drop(ada);
        let eve = take("eve").unwrap();
        assert_eq!(refused("ada"), (Kind::Unavailable, Some(SOON)));
        drop((bob, eve));
        assert!(take("ada").is_ok());
    }
}
