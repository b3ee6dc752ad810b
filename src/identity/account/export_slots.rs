//! The exports of accounts that are in progress at this server: one for each account, few for each client
//! network and in all, so that clients which read slowly neither take its memory nor keep others waiting.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{Error, Kind, Limit, Result};
use crate::model::{AccountId, ClientIp, Time};

/// How many exports may be in progress at a time.
const EXPORTS: usize = 8;
/// How many of them may be read from one client network.
const EXPORTS_CLIENT: usize = 2;
/// How long one may take. Nobody notices that a client has stopped reading, so its slot is given to others
/// then.
const LONGEST: Duration = Duration::from_mins(10);
/// When a client may ask again.
const SOON: Duration = Duration::from_secs(1);

/// The exports in progress.
#[derive(Debug, Default)]
pub struct ExportSlots(Mutex<TakenSlots>);

#[derive(Debug, Default)]
struct TakenSlots {
    taken: Vec<TakenSlot>,
    next: u64,
}

#[derive(Debug)]
struct TakenSlot {
    number: u64,
    account: AccountId,
    client: ClientIp,
    until: Time,
}

impl ExportSlots {
    fn slots(&self) -> MutexGuard<'_, TakenSlots> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an export. It ends when the returned value is dropped, or after ten minutes.
    ///
    /// # Errors
    /// `TooMany(General)` if the account has one in progress or its client network two, `Unavailable` if
    /// there are too many in all.
    pub(in crate::identity) fn take(
        self: &Arc<Self>,
        account: &AccountId,
        client: ClientIp,
        now: Time,
    ) -> Result<ExportSlot> {
        let mut slots = self.slots();
        slots.taken.retain(|slot| slot.until > now);
        let of_client = slots.taken.iter().filter(|slot| slot.client == client).count();
        if of_client >= EXPORTS_CLIENT || slots.taken.iter().any(|slot| slot.account == *account) {
            return Err(Error::new(Kind::TooMany(Limit::General)).retry_after(SOON));
        }
        if slots.taken.len() >= EXPORTS {
            return Err(Error::unavailable("too many exports are in progress"));
        }
        let (number, until) = (slots.next, now + LONGEST);
        slots.next += 1;
        slots.taken.push(TakenSlot { number, account: account.clone(), client, until });
        Ok(ExportSlot { slots: self.clone(), number, until })
    }
}

/// The slot of an export in progress. Dropping it frees it.
pub(in crate::identity) struct ExportSlot {
    slots: Arc<ExportSlots>,
    number: u64,
    until: Time,
}

impl ExportSlot {
    /// Refuses to go on with an export that has taken too long: its slot may be another's by now.
    ///
    /// # Errors
    /// `Unavailable`.
    pub(in crate::identity) fn check(&self, now: Time) -> Result<()> {
        if now < self.until { Ok(()) } else { Err(Error::unavailable("the export took too long")) }
    }
}

impl Drop for ExportSlot {
    fn drop(&mut self) {
        self.slots.slots().taken.retain(|slot| slot.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    const START: Time = Time::from_seconds(1_000_000);

    struct Slots(Arc<ExportSlots>);

    impl Slots {
        fn take(&self, account: &str, client: u8, now: Time) -> Result<ExportSlot> {
            let client = ClientIp::of(IpAddr::from([192, 0, 2, client]));
            self.0.take(&AccountId::new(account), client, now)
        }

        fn refused(&self, account: &str, client: u8) -> Kind {
            let error = self.take(account, client, START).err().unwrap();
            assert_eq!(error.retry_delay(), Some(SOON));
            error.kind()
        }
    }

    #[test]
    fn one_for_each_account_two_for_each_client_and_few_in_all() {
        let slots = Slots(Arc::default());
        let ada = slots.take("ada", 1, START).unwrap();
        assert_eq!(slots.refused("ada", 2), Kind::TooMany(Limit::General));
        let bob = slots.take("bob", 1, START).unwrap();
        assert_eq!(slots.refused("eve", 1), Kind::TooMany(Limit::General));
        drop(ada);
        let eve = slots.take("eve", 1, START).unwrap();
        let others: Vec<_> = (2..8)
            .map(|client| slots.take(&format!("other {client}"), client, START).unwrap())
            .collect();
        assert_eq!(slots.refused("ada", 99), Kind::Unavailable);
        drop((bob, eve, others));
        assert!(slots.take("ada", 99, START).is_ok());
    }

    #[test]
    fn what_takes_too_long_gives_its_slot_to_others_and_frees_no_slot_of_theirs() {
        let slots = Slots(Arc::default());
        let late = slots.take("ada", 1, START).unwrap();
        assert!(late.check(START + LONGEST - Duration::from_millis(1)).is_ok());
        let end = START + LONGEST;
        assert_eq!(late.check(end).unwrap_err().kind(), Kind::Unavailable);
        let next = slots.take("ada", 1, end).unwrap();
        drop(late);
        assert!(slots.take("ada", 1, end).is_err(), "it has one in progress");
        drop(next);
    }
}
