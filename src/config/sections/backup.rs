//! `[backup]`: backups that the server makes by itself.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::reader::ConfigReader;
use crate::model::AgeRecipient;

section! {
    /// `[backup]`: backups that the server makes by itself.
    pub struct BackupConfig = "backup" {
        /// The time between two backups; `None` makes none.
        every: Option<Duration> =
            optional_duration(Duration::from_mins(10)..=Duration::from_hours(366 * 24));
        /// How many of these backups are kept.
        keep: usize = whole(1..=10_000);
        /// The folder they are written to. It may be missing for a time, such as a mounted disk.
        to: Option<PathBuf> = optional_path("a folder");
        /// Who can decrypt them; empty if they are not encrypted.
        encrypt_to: Vec<AgeRecipient> =
            list(&format!("recipients: {}", AgeRecipient::FORM), AgeRecipient::parse);
    }
}

impl BackupConfig {
    pub(in crate::config) fn validate(&self, r: &mut ConfigReader) {
        if self.every.is_some() && self.to.is_none() {
            r.refuse("backup.to", "expected a folder because backup.every is set, got nothing");
        }
    }
}
