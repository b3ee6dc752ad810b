//! Exporting all accounts, page by page: the inverse of an import.

use crate::error::Result;
use crate::identity::Core;
use crate::identity::access::actor;
use crate::identity::audit::log::AuditLog;
use crate::model::event::What;
use crate::model::{Event, Source};
use crate::store;
use crate::store::tables::transfer::AccountExport;

/// How many accounts are read at a time.
const PAGE: i64 = 500;

/// Whether the export contains password hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashes {
    /// It does: anyone with the file can test passwords against them offline.
    Included,
    Omitted,
}

/// A running export.
pub struct ExportRun<'a> {
    core: &'a Core,
    after: Option<String>,
    hashes: Hashes,
}

impl<'a> ExportRun<'a> {
    /// Begins the export. The audit log records it before anything is read.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn begin(core: &'a Core, hashes: Hashes, source: &Source) -> Result<Self> {
        let log = AuditLog::new(core, source);
        let detail = if hashes == Hashes::Included { "with hashes" } else { "without hashes" };
        let event = Event::done(What::AccountsExported).by(actor::COMMAND_LINE).because(detail);
        core.store.write(move |db| log.record(db, &event)).await?;
        Ok(Self { core, after: Some(String::new()), hashes })
    }

    /// How many accounts the export will contain.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn count(&self) -> Result<u64> {
        let count = self.core.store.scan(store::tables::transfer::count).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// The next page, empty at the end.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn page(&mut self) -> Result<Vec<AccountExport>> {
        let Some(after) = self.after.take() else { return Ok(Vec::new()) };
        let mut page =
            self.core.store.scan(move |db| store::tables::transfer::page(db, &after, PAGE)).await?;
        self.after = page.last().map(|entry| entry.account.id.as_str().to_owned());
        if self.hashes == Hashes::Omitted {
            for entry in &mut page {
                entry.account.password_hash = None;
            }
        }
        Ok(page)
    }
}
