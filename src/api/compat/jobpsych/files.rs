//! Uploaded files.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use crate::api::compat::jobpsych::types::{
    FileStats, FileStatsAnswer, JobpsychDone, JobpsychFilesAnswer, JobpsychUploadAnswer,
};
use crate::api::compat::jobpsych::{JobpsychTag, view};
use crate::error::Result;
use crate::http::extract::bearer::Bearer;
use crate::http::extract::request_context::RequestContext;
use crate::http::extract::upload;
use crate::http::extract::upload::FileBody;
use crate::http::server::download::Download;
use crate::http::server::reject::Reject;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::account::{file, quota};

/// Operations under `/api/files`.
pub(in crate::api) struct JobpsychFilesApi {
    pub(in crate::api) core: Arc<Core>,
}

/// Response to an upload.
#[derive(ApiResponse)]
enum JobpsychUploadResponse {
    /// The file is stored and counts towards the quota.
    #[oai(status = 201)]
    File(Json<JobpsychUploadAnswer>),
}

#[OpenApi]
impl JobpsychFilesApi {
    /// Upload file
    ///
    /// Accepts PDF, DOC, DOCX, TXT, JPG, PNG and GIF files, detected by their content. The upload
    /// counts towards the quota.
    #[oai(
        path = "/api/files/upload",
        method = "post",
        operation_id = "uploadFile",
        tag = "JobpsychTag::Files"
    )]
    async fn upload(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        body: FileBody,
    ) -> Result<JobpsychUploadResponse, Reject> {
        let (file, quota) = upload::receive(&self.core, &bearer.0, body, &visit.source).await?;
        Ok(JobpsychUploadResponse::File(Json(JobpsychUploadAnswer {
            success: true,
            message: "File uploaded successfully".into(),
            file: view::file(file),
            files_uploaded: quota.uploaded,
            limit: quota.limit,
            remaining: quota.remaining(),
        })))
    }

    /// Get file stats
    #[oai(
        path = "/api/files/stats",
        method = "get",
        operation_id = "getFileStats",
        tag = "JobpsychTag::Files"
    )]
    async fn stats(&self, bearer: Bearer) -> Answer<FileStatsAnswer> {
        let quota = quota::own(&self.core, &bearer.0).await?;
        let (total_files, total_size) = file::sums(&self.core, &bearer.0).await?;
        let stats = FileStats {
            total_files,
            total_size,
            limit: quota.limit,
            remaining: quota.remaining(),
            percentage: quota.percentage(),
        };
        Ok(answer(FileStatsAnswer { success: true, stats }))
    }

    /// List files
    #[oai(
        path = "/api/files",
        method = "get",
        operation_id = "listFiles",
        tag = "JobpsychTag::Files"
    )]
    async fn list(&self, bearer: Bearer) -> Answer<JobpsychFilesAnswer> {
        let files = file::list(&self.core, &bearer.0).await?;
        Ok(answer(JobpsychFilesAnswer {
            success: true,
            files: files.into_iter().map(view::file).collect(),
        }))
    }

    /// Download a file
    #[oai(
        path = "/api/files/:id",
        method = "get",
        operation_id = "getFile",
        tag = "JobpsychTag::Files"
    )]
    async fn get(&self, bearer: Bearer, id: Path<String>) -> Result<Download, Reject> {
        let file = file::get(&self.core, &bearer.0, &id).await?;
        Ok(Download::of(self.core.clone(), file))
    }

    /// Delete a file
    ///
    /// The upload still counts towards the quota.
    #[oai(
        path = "/api/files/:id",
        method = "delete",
        operation_id = "deleteFile",
        tag = "JobpsychTag::Files"
    )]
    async fn delete(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        id: Path<String>,
    ) -> Answer<JobpsychDone> {
        file::delete(&self.core, &bearer.0, &id, &visit.source).await?;
        Ok(answer(view::done("File deleted successfully")))
    }
}
