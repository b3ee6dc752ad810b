//! Exports all data about the caller.

use std::net::IpAddr;

use crate::error::Result;
use crate::identity::Core;
use crate::identity::access::fresh::Fresh;
use crate::identity::audit::log;
use crate::identity::audit::log::AuditLog;
use crate::model::event::What;
use crate::model::identity::Identity;
use crate::model::{Account, ClientIp, Event, Passkey, Source, Time};
use crate::store;
use crate::store::tables::audit::{AuditRow, From};

pub use crate::model::factor::Factor;
pub use crate::store::tables::export::{MailRecord, SessionExportRow};
pub use crate::store::tables::files::FileRow;

/// Everything about one person. A new table with personal data gets its place here.
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
    /// The audit log about the account, newest first, without details about other people.
    pub events: Vec<AuditRow>,
    /// The mails to the account that are still stored, newest first.
    pub mails: Vec<MailRecord>,
}

/// Collects everything about the caller.
///
/// # Errors
/// `Unavailable`.
pub async fn everything(core: &Core, fresh: &Fresh, source: &Source) -> Result<PersonalData> {
    let (caller, log) = (fresh.caller(), AuditLog::new(core, source));
    let event = Event::done(What::Exported).about(&caller.account.id).in_session(caller.session());
    let (event, at) = (event.by(caller.account.id.as_str()), log.at());
    core.store.write(move |db| log.record(db, &event)).await?;
    let (account, roles) = (caller.account.clone(), caller.roles.clone());
    core.store
        .scan(move |db| {
            let clients = store::tables::export::known_ips(db, &account.id)?;
            Ok(PersonalData {
                at,
                roles: roles.clone(),
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
                events: log::about(db, &account.id, &From::Newest, store::tables::export::MOST)?,
                mails: store::tables::export::mails(db, &account.id)?,
                account: account.clone(),
            })
        })
        .await
}

fn client(bytes: &[u8]) -> Option<ClientIp> {
    let v4 = || <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from);
    v4().or_else(v6).map(ClientIp::of)
}
