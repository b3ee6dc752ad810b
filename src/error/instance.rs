//! What keeps an administrator from an action on the server itself.

use crate::error::{Detail, Error};

/// Why an action on backups or the mail server is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstanceFault {
    /// The database is PostgreSQL, which has backups of its own.
    BackupsOfPostgres,
    /// The configuration names no folder for backups.
    NoBackupFolder,
    /// Another backup, of this name, is being made or checked.
    BackupBusy(String),
    /// Too many backups are being downloaded.
    DownloadsBusy,
    /// Only its recipient can check the backup.
    BackupEncrypted,
    /// The configuration names no mail server.
    NoMailServer,
    /// Another test letter is being sent.
    MailTestBusy,
    /// Too many test letters were sent within the hour.
    MailTestsSpent,
}

impl From<InstanceFault> for Error {
    fn from(fault: InstanceFault) -> Self {
        Detail::Instance(fault).into()
    }
}
