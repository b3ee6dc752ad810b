//! The uploads that are in progress at this server: how many at once, in total, for one account and for
//! one client IP, so that none of them takes all. Accounts with an unverified address, which cost their owner
//! one request each, get the least.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::config::FilesConfig;
use crate::error::{Error, Kind, Limit, Result};
use crate::model::{Account, AccountId, ClientIp, Time};

/// When a client may ask for a slot again.
const SOON: Duration = Duration::from_secs(1);
/// How long the bytes that unproved accounts store count for their client IP.
const DAY: Duration = Duration::from_hours(24);
/// The most client IPs whose bytes are remembered.
const MOST_CLIENTS: usize = 10_000;

/// The uploads in progress. Cheap to clone.
#[derive(Clone)]
pub struct Slots {
    held: Arc<Mutex<Held>>,
    all: usize,
    each: usize,
}

#[derive(Default)]
struct Held {
    /// The owners of the uploads in progress, each with the number of its slot.
    slots: Vec<(u64, Uploader)>,
    last: u64,
    /// The bytes that unproved accounts have stored, or may be storing, by client IP.
    stored: HashMap<ClientIp, StoredBytes>,
}

#[derive(Clone, Copy)]
struct StoredBytes {
    since: Time,
    bytes: u64,
}

/// The owner of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::identity) struct Uploader {
    account: AccountId,
    client: ClientIp,
    /// Whether the address of the account is verified.
    is_proved: bool,
}

impl Uploader {
    pub(in crate::identity) fn new(account: &Account, client: ClientIp) -> Self {
        let is_proved = account.email_verified_at.is_some();
        Self { account: account.id.clone(), client, is_proved }
    }
}

/// This part of a whole, at least 1.
fn part(all: usize, of: usize) -> usize {
    (all / of).max(1)
}

/// The bytes that unproved accounts may store in a day from one client IP at one of this many servers:
/// its part of an eighth of all, but at least one file.
fn day_bytes(files: &FilesConfig, servers: u32) -> u64 {
    (files.total / 8 / u64::from(servers.max(1))).max(files.size)
}

impl Slots {
    /// Allows `all` uploads in total and `each` for one account.
    #[must_use]
    pub fn new(all: usize, each: usize) -> Self {
        Self { held: Arc::default(), all, each }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a slot at one of this many servers, and for an unproved account the bytes of the largest
    /// file.
    pub(in crate::identity) fn take(
        &self,
        uploader: Uploader,
        (files, servers): (&FilesConfig, u32),
        now: Time,
    ) -> Result<UploadSlot> {
        let mut held = self.lock();
        self.check(&held, &uploader)?;
        let (client, bytes) = (uploader.client, files.size);
        let reserved = if uploader.is_proved {
            None
        } else {
            let since = held.reserve(client, bytes, day_bytes(files, servers), now)?;
            Some(ReservedBytes { client, since, bytes })
        };
        held.last += 1;
        let number = held.last;
        held.slots.push((number, uploader));
        Ok(UploadSlot { slots: self.clone(), number, reserved })
    }

    fn check(&self, held: &Held, uploader: &Uploader) -> Result<()> {
        let count = |is_like: &dyn Fn(&Uploader) -> bool| {
            held.slots.iter().filter(|(_, other)| is_like(other)).count()
        };
        let each = if uploader.is_proved { self.each } else { 1 };
        if count(&|other| other.account == uploader.account) >= each {
            return Err(Error::new(Kind::TooMany(Limit::General)).retry_after(SOON));
        }
        let from_here = count(&|other| other.client == uploader.client);
        let unproved_from_here =
            count(&|other| other.client == uploader.client && !other.is_proved);
        if from_here >= part(self.all, 2)
            || !uploader.is_proved && unproved_from_here >= part(self.all, 4)
        {
            return Err(Error::new(Kind::TooMany(Limit::General)).retry_after(SOON));
        }
        let unproved = count(&|other| !other.is_proved);
        if held.slots.len() >= self.all || !uploader.is_proved && unproved >= part(self.all, 2) {
            return Err(Error::unavailable("too many uploads are in progress"));
        }
        Ok(())
    }
}

impl Held {
    /// Counts bytes for a client IP, unless it would have more than `most` in a day. Returns when
    /// that day began.
    fn reserve(&mut self, client: ClientIp, bytes: u64, most: u64, now: Time) -> Result<Time> {
        let is_over = |stored: &StoredBytes| now.since(stored.since) >= DAY;
        let stored = match self.stored.get(&client) {
            Some(stored) if !is_over(stored) => *stored,
            _ => StoredBytes { since: now, bytes: 0 },
        };
        if stored.bytes.saturating_add(bytes) > most {
            let wait = DAY.saturating_sub(now.since(stored.since));
            return Err(Error::new(Kind::TooMany(Limit::General)).retry_after(wait));
        }
        if self.stored.len() >= MOST_CLIENTS && !self.stored.contains_key(&client) {
            self.stored.retain(|_, stored| !is_over(stored));
            // Bounded even if all are recent: the one that counts least is forgotten.
            if self.stored.len() >= MOST_CLIENTS {
                let least = self.stored.iter().min_by_key(|(_, stored)| stored.bytes);
                if let Some(least) = least.map(|(client, _)| *client) {
                    self.stored.remove(&least);
                }
            }
        }
        self.stored.insert(client, StoredBytes { bytes: stored.bytes + bytes, ..stored });
        Ok(stored.since)
    }

    /// Gives back bytes that were not stored, if the day in which they were counted still counts.
    fn give_back(&mut self, reserved: &ReservedBytes) {
        let Entry::Occupied(mut entry) = self.stored.entry(reserved.client) else { return };
        if entry.get().since != reserved.since {
            return;
        }
        entry.get_mut().bytes = entry.get().bytes.saturating_sub(reserved.bytes);
        if entry.get().bytes == 0 {
            entry.remove();
        }
    }
}

/// Bytes that are counted for a client IP and not stored.
#[derive(Debug, Clone, Copy)]
struct ReservedBytes {
    client: ClientIp,
    /// When the day in which they are counted began.
    since: Time,
    bytes: u64,
}

/// The slot of an upload in progress. Dropping it frees it, with the bytes that were not stored.
pub(in crate::identity) struct UploadSlot {
    slots: Slots,
    number: u64,
    /// `None` for a proved account, whose bytes do not count.
    reserved: Option<ReservedBytes>,
}

impl UploadSlot {
    /// Notes that a file of this size is stored.
    pub(in crate::identity) fn keep(&mut self, size: u64) {
        if let Some(reserved) = &mut self.reserved {
            reserved.bytes = reserved.bytes.saturating_sub(size);
        }
    }
}

impl Drop for UploadSlot {
    fn drop(&mut self) {
        let mut held = self.slots.lock();
        held.slots.retain(|(number, _)| *number != self.number);
        if let Some(reserved) = &self.reserved {
            held.give_back(reserved);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Email;

    fn uploader(name: &str) -> Uploader {
        let email = Email::parse(&format!("{name}@example.com")).unwrap();
        let account = Account::new(AccountId::new(name), email, Time::default());
        Uploader::new(&account, ClientIp::of([192, 0, 2, 1].into()))
    }

    #[test]
    fn what_unproved_accounts_store_is_divided_among_the_servers() {
        let inputs = crate::config::Inputs::default();
        let files = crate::config::load(&inputs).unwrap().config.files;
        let files = FilesConfig { total: 4800, size: 100, ..files };
        assert_eq!([1, 2, 3, 9].map(|servers| day_bytes(&files, servers)), [600, 300, 200, 100]);
    }

    #[test]
    fn an_upload_that_ends_in_the_next_day_gives_nothing_back_there() {
        let inputs = crate::config::Inputs::default();
        let files = crate::config::load(&inputs).unwrap().config.files;
        let files = FilesConfig { total: 800, size: 100, ..files };
        let slots = Slots::new(100, 100);
        let first_day = Time::from_seconds(1_800_000_000);
        let second_day = first_day + DAY;
        let slow = slots.take(uploader("a"), (&files, 1), first_day).unwrap();
        let mut stored = slots.take(uploader("b"), (&files, 1), second_day).unwrap();
        stored.keep(100);
        drop((slow, stored));
        assert!(
            slots.take(uploader("c"), (&files, 1), second_day).is_err(),
            "the day's bytes are stored"
        );
        assert!(slots.take(uploader("c"), (&files, 1), second_day + DAY).is_ok());
    }
}
