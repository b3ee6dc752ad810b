//! Exports all data about the caller. Few exports are in progress at a time, and the audit log, which can be
//! long, is read in pieces.

use std::net::IpAddr;

use crate::error::Result;
use crate::identity::Core;
use crate::identity::access::fresh::Fresh;
use crate::identity::account::export_slots::ExportSlot;
use crate::identity::audit::log;
use crate::identity::audit::log::AuditLog;
use crate::model::event::What;
use crate::model::identity::Identity;
use crate::model::{Account, AccountId, ClientIp, Event, Passkey, Source, Time};
use crate::store;
use crate::store::db::Db;
use crate::store::tables::audit::{AuditRow, From};
use crate::store::tables::export::MOST;

pub use crate::model::factor::Factor;
pub use crate::store::tables::export::{MailRecord, SessionExportRow};
pub use crate::store::tables::files::FileRow;

/// Everything about one person besides the audit log. A new table with personal data gets its place here.
#[derive(Debug, Clone)]
pub struct PersonalData {
    /// When the export was made.
    pub at: Time,
    pub account: Account,
    /// In the order in which they were given.
    pub roles: Vec<String>,
    /// Newest first.
    pub sessions: Vec<SessionExportRow>,
    /// The client IPs that have logged in, with the last login from each.
    pub clients: Vec<(ClientIp, Time)>,
    /// The second factors, whose secrets stay sealed, and the number of unused backup codes.
    pub factors: (Vec<Factor>, i64),
    /// Oldest first.
    pub passkeys: Vec<Passkey>,
    /// The connected accounts at providers, oldest first.
    pub identities: Vec<Identity>,
    /// Without their contents.
    pub files: Vec<FileRow>,
    /// The mails to the account that are still stored, newest first.
    pub mails: Vec<MailRecord>,
}

/// An export in progress.
pub struct PersonalExport {
    pub data: PersonalData,
    pub events: ExportedLog,
}

/// The audit log about the account in pieces, newest first, without details about other people. The export
/// is in progress until this is dropped.
pub struct ExportedLog {
    account: AccountId,
    /// The first piece, read together with the data.
    first: Option<Vec<AuditRow>>,
    /// The id before which the next piece begins, if there may be one.
    before: Option<String>,
    /// How many records it may still return.
    left: i64,
    slot: ExportSlot,
}

/// Begins to export everything about the caller.
///
/// # Errors
/// `TooMany(General)` if another export of the account is in progress or two of its client network,
/// `Unavailable`.
pub async fn begin(core: &Core, fresh: &Fresh, source: &Source) -> Result<PersonalExport> {
    let (caller, log) = (fresh.caller(), AuditLog::new(core, source));
    let slot = core.exports.take(&caller.account.id, source.client(), log.at())?;
    let event = Event::done(What::Exported).about(&caller.account.id).in_session(caller.session());
    let (event, at) = (event.by(caller.account.id.as_str()), log.at());
    core.store.write(move |db| log.record(db, &event)).await?;
    let (account, roles) = (caller.account.clone(), caller.roles.clone());
    let (data, first) = core
        .store
        .scan(move |db| {
            let first = log::about(db, &account.id, &From::Newest, log::PIECE)?;
            Ok((collect(db, &account, &roles, at)?, first))
        })
        .await?;
    let events = ExportedLog {
        account: caller.account.id.clone(),
        first: Some(first),
        before: None,
        left: MOST,
        slot,
    };
    Ok(PersonalExport { data, events })
}

fn collect(db: &mut dyn Db, account: &Account, roles: &[String], at: Time) -> Result<PersonalData> {
    let clients = store::tables::export::known_ips(db, &account.id)?;
    Ok(PersonalData {
        at,
        account: account.clone(),
        roles: roles.to_vec(),
        sessions: store::tables::export::sessions(db, &account.id)?,
        clients: clients
            .iter()
            .filter_map(|row| Some((client(&row.client_ip)?, row.last_login_at)))
            .collect(),
        factors: (
            store::tables::factors::of(db, &account.id)?,
            store::tables::factors::count_backup_codes(db, &account.id)?,
        ),
        passkeys: store::tables::passkeys::of(db, &account.id)?,
        identities: store::tables::identities::of(db, &account.id)?,
        files: store::tables::files::list(db, &account.id)?,
        mails: store::tables::export::mails(db, &account.id)?,
    })
}

impl ExportedLog {
    /// Returns the next records; empty at the end.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn next(&mut self, core: &Core) -> Result<Vec<AuditRow>> {
        self.slot.check(core.env.now())?;
        let limit = self.left.min(log::PIECE);
        let records = match (self.first.take(), self.before.take()) {
            (Some(first), _) => first,
            (None, Some(id)) if limit > 0 => {
                let (account, from) = (self.account.clone(), From::Before(id));
                core.store.scan(move |db| log::about(db, &account, &from, limit)).await?
            }
            _ => Vec::new(),
        };
        let count = i64::try_from(records.len()).unwrap_or(limit);
        self.left -= count;
        // After a piece that is not full there is nothing.
        self.before = records.last().filter(|_| count == limit).map(|record| record.id.clone());
        Ok(records)
    }
}

fn client(bytes: &[u8]) -> Option<ClientIp> {
    let v4 = || <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from);
    v4().or_else(v6).map(ClientIp::of)
}
