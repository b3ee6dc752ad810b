//! The link with which an owner reports that a session was not theirs. Mail about a login from a new
//! device has one, and mail about a passkey, an account at a provider, a second factor or backup codes
//! that a session or a login added.
//!
//! A report counts from the beginning of that session's login: what was added before the mail, in the
//! same login, the same session or in later ones, goes too. For what a report does see
//! `login::new_device`.

use std::time::Duration;

use crate::error::{Error, Kind, Limit, Result};
use crate::identity::Core;
use crate::identity::account::link;
use crate::identity::audit::log::AuditLog;
use crate::model::{Account, AccountId, Page, Secret, SessionId, Time};
use crate::store;
use crate::store::db::Db;
use crate::store::tables::anomalies::LoginAlert;

/// How long a report is possible.
const LIFE: Duration = Duration::from_hours(168);

const HOUR: Duration = Duration::from_hours(1);

/// How many ways to log in may be added to an account in an hour. One who adds and removes them in a loop
/// would fill the outbox, and bury the mail that matters.
const AN_HOUR: i64 = 20;

/// A link that is ready to be stored.
#[derive(Debug, Clone)]
pub(in crate::identity) struct NotMeLink {
    hash: [u8; 32],
    account: AccountId,
    email_key: String,
    until: Time,
}

impl NotMeLink {
    /// A link for this account and its current address. Returns what the mail shows too.
    ///
    /// # Errors
    /// `Internal` without randomness.
    pub(in crate::identity) fn new(core: &Core, account: &Account) -> Result<(Self, Secret)> {
        let token = core.env.new_token()?;
        let link = Self {
            hash: link::digest_of(&token),
            account: account.id.clone(),
            // Without an address no letter carries the link; the row still counts what was added.
            email_key: account.email_key().unwrap_or_default().to_owned(),
            until: core.env.now() + LIFE,
        };
        Ok((link, link::to_page(core, core.language_of(account), Page::NotMe, &token)))
    }

    /// When the link expires.
    pub(in crate::identity) fn until(&self) -> Time {
        self.until
    }

    /// Stores the link for a way to log in that this session adds, inside the write that adds it. A
    /// session that has ended since the call was admitted adds none: a provider may have taken its time.
    ///
    /// # Errors
    /// `SessionEnded`; `TooMany` if too many were added to the account in the last hour.
    pub(in crate::identity) fn store_addition(
        &self,
        db: &mut dyn Db,
        session: &SessionId,
        log: &AuditLog,
    ) -> Result<()> {
        let found = store::tables::sessions::find(db, session)?;
        if !found.is_some_and(|session| session.is_alive(log.at())) {
            return Err(Kind::SessionEnded.into());
        }
        let an_hour_ago = self.until - HOUR;
        if store::tables::anomalies::count_additions(db, &self.account, an_hour_ago)? >= AN_HOUR {
            return Err(Error::new(Kind::TooMany(Limit::General)).retry_after(HOUR));
        }
        self.store(db, session, log)
    }

    /// Stores the link, for what this session did, inside the write that does it.
    pub(in crate::identity) fn store(
        &self,
        db: &mut dyn Db,
        session: &SessionId,
        log: &AuditLog,
    ) -> Result<()> {
        let since = store::tables::sessions::begun_at(db, session)?;
        self.insert(db, Some(session.clone()), since.unwrap_or(log.at()))
    }

    /// Stores the link, for what a login that began then adds before it has a session, inside the write
    /// that adds it.
    pub(in crate::identity) fn store_at_login(
        &self,
        db: &mut dyn Db,
        began_at: Time,
    ) -> Result<()> {
        self.insert(db, None, began_at)
    }

    fn insert(&self, db: &mut dyn Db, session: Option<SessionId>, since: Time) -> Result<()> {
        let alert = LoginAlert {
            account: self.account.clone(),
            email_key: self.email_key.clone(),
            session,
            since,
            expires_at: self.until,
        };
        store::tables::anomalies::insert_alert(db, &self.hash, &alert)
    }
}
