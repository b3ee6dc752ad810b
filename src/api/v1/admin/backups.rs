//! Backups in the folder of the configuration.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};

use super::super::V1Tag;
use crate::http::extract::allowed::{Allowed, FreshProof, ManageBackups};
use crate::http::server::download::Download;
use crate::http::server::error_text::instance_fault;
use crate::http::server::reject::Reject;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::admin::backups;
use crate::identity::admin::backups::{BackupFile, BackupOverview};
use crate::identity::system::backup_work::{BackupTask, EndedBackupTask, RunningBackupTask};
use crate::model::Time;

/// Operations under `/admin/backups`.
pub struct BackupsApi {
    pub(super) core: Arc<Core>,
}

/// Response to work that goes on after it.
#[derive(ApiResponse)]
pub enum BackupBegunResponse {
    /// It has begun. The list says how far it is.
    #[oai(status = 202)]
    Begun(Json<BackupWorkAnswer>),
}

#[OpenApi]
impl BackupsApi {
    /// List the backups
    ///
    /// Those that the schedule or an administrator made into `backup.to`.
    #[oai(
        path = "/admin/backups",
        method = "get",
        operation_id = "listBackups",
        tag = "V1Tag::Admin"
    )]
    async fn list(&self, _admin: Allowed<ManageBackups>) -> Answer<BackupsAnswer> {
        Ok(answer(shown(backups::list(&self.core).await?).into()))
    }

    /// Make a backup
    ///
    /// One at a time.
    #[oai(
        path = "/admin/backups",
        method = "post",
        operation_id = "createBackup",
        tag = "V1Tag::Admin"
    )]
    async fn create(&self, admin: Allowed<ManageBackups>) -> Result<BackupBegunResponse, Reject> {
        let file = backups::make(&self.core, &admin.by()).await?;
        Ok(self.begun(BackupTask::Make, file))
    }

    /// Check a backup
    ///
    /// That it is whole, and that the master key of the server opens it.
    #[oai(
        path = "/admin/backups/:backup/verify",
        method = "post",
        operation_id = "verifyBackup",
        tag = "V1Tag::Admin"
    )]
    async fn verify(
        &self,
        admin: Allowed<ManageBackups>,
        backup: Path<String>,
    ) -> Result<BackupBegunResponse, Reject> {
        backups::verify(&self.core, &admin.by(), &backup.0).await?;
        Ok(self.begun(BackupTask::Check, backup.0))
    }

    /// Download a backup
    ///
    /// It has the data of all accounts, and not the master key. The audit log has the download.
    #[oai(
        path = "/admin/backups/:backup",
        method = "get",
        operation_id = "downloadBackup",
        tag = "V1Tag::Admin"
    )]
    async fn download(
        &self,
        admin: Allowed<FreshProof<ManageBackups>>,
        backup: Path<String>,
    ) -> Result<Download, Reject> {
        let download = backups::download(&self.core, &admin.fresh()?, &backup.0).await?;
        Ok(download.into())
    }
}

impl BackupsApi {
    fn begun(&self, task: BackupTask, file: String) -> BackupBegunResponse {
        let running = self.core.backup_work.running().filter(|running| running.file == file);
        // It may be over already.
        let running = running.unwrap_or_else(|| RunningBackupTask {
            task,
            file,
            since: self.core.env.now(),
            progress: crate::model::Progress::default(),
        });
        BackupBegunResponse::Begun(Json(work(&running).into()))
    }
}

/// The backups, and what goes on with them.
#[derive(Debug, Object)]
pub struct BackupList {
    /// Why the server makes no backups.
    pub problem: Option<String>,
    /// `backup.to`.
    pub folder: Option<String>,
    /// The newest first.
    pub backups: Vec<ShownBackup>,
    #[oai(skip_serializing_if_is_none)]
    pub running: Option<ShownBackupWork>,
    /// The last one that was made or failed, since the server started.
    #[oai(skip_serializing_if_is_none)]
    pub last: Option<BackupResult>,
}

/// Who made a backup.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
pub enum BackupBy {
    Schedule,
    Administrator,
}

/// A backup.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ShownBackup {
    pub name: String,
    /// In bytes.
    pub size: u64,
    pub made_at: Option<String>,
    pub maker: BackupBy,
    pub encrypted: bool,
    /// The last check since the server started.
    #[oai(skip_serializing_if_is_none)]
    pub check: Option<BackupResult>,
}

/// What became of the work on a backup.
#[derive(Debug, Object)]
pub struct BackupResult {
    pub name: String,
    pub at: String,
    pub ok: bool,
    /// What was found, or why it failed.
    pub answer: String,
}

/// What is done with a backup.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
pub enum BackupTaskWord {
    Make,
    Check,
}

/// Work that goes on.
#[derive(Debug, Object)]
pub struct ShownBackupWork {
    pub task: BackupTaskWord,
    pub name: String,
    pub since: String,
    pub stage: String,
    /// How much of the stage is done.
    pub done: u64,
    /// 0 if it is unknown.
    pub total: u64,
}

fn shown(overview: BackupOverview) -> BackupList {
    let backup = |file: BackupFile| ShownBackup {
        check: file.check.map(result),
        name: file.name,
        size: file.size,
        made_at: file.made_at.map(Time::to_seconds_text),
        maker: if file.is_of_schedule { BackupBy::Schedule } else { BackupBy::Administrator },
        encrypted: file.is_encrypted,
    };
    BackupList {
        problem: overview.problem.as_ref().map(|fault| instance_fault(fault).into_owned()),
        folder: overview.folder.map(|folder| folder.display().to_string()),
        backups: overview.files.into_iter().map(backup).collect(),
        running: overview.running.as_ref().map(work),
        last: overview.last.map(result),
    }
}

fn result(ended: EndedBackupTask) -> BackupResult {
    let (ok, answer) = match ended.result {
        Ok(found) => (true, found),
        Err(why) => (false, why),
    };
    BackupResult { name: ended.file, at: ended.at.to_seconds_text(), ok, answer }
}

fn work(running: &RunningBackupTask) -> ShownBackupWork {
    let (stage, done, total) = running.progress.reached();
    ShownBackupWork {
        task: match running.task {
            BackupTask::Make => BackupTaskWord::Make,
            BackupTask::Check => BackupTaskWord::Check,
        },
        name: running.file.clone(),
        since: running.since.to_seconds_text(),
        stage: stage.to_owned(),
        done,
        total,
    }
}

super::super::types::answers! {
    /// The backups.
    BackupsAnswer(BackupList);
    /// Work that has begun.
    BackupWorkAnswer(ShownBackupWork);
}
