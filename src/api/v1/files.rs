//! The caller's files and upload quota.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::V1Tag;
use super::types::Done;
use super::view::{file as shown, quota as shown_quota};
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

/// Operations under `/users/me/files`.
pub(super) struct FilesApi {
    pub(super) core: Arc<Core>,
}

/// An uploaded file.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase", rename = "File")]
pub(super) struct FileView {
    /// The file's ID.
    pub id: String,
    /// The file's name, as given by its owner.
    pub name: String,
    /// Size in bytes.
    pub size: i64,
    /// The media type, detected from the content.
    #[oai(rename = "type")]
    pub kind: String,
    /// When the upload was completed.
    pub uploaded_at: String,
}

/// An upload quota.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase", rename = "Quota")]
pub(super) struct QuotaView {
    /// Number of uploads counted.
    pub files_uploaded: i64,
    /// Maximum number of uploads.
    pub limit: i64,
    /// Number of uploads left.
    pub remaining: i64,
    /// Share of the quota that is used, in whole percent.
    pub percentage: i64,
}

/// An uploaded file, and the quota after the upload.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct UploadedFile {
    /// The file.
    file: FileView,
    /// The quota.
    quota: QuotaView,
}

/// Response to an upload.
#[derive(Debug, Object)]
struct UploadAnswer {
    /// Always `true`.
    success: bool,
    /// Human-readable message.
    message: String,
    /// The file and the quota.
    data: UploadedFile,
}

/// The caller's files.
#[derive(Debug, Object)]
struct FilesAnswer {
    /// Always `true`.
    success: bool,
    /// The files, newest first.
    data: Vec<FileView>,
}

/// The caller's upload quota.
#[derive(Debug, Object)]
struct QuotaAnswer {
    /// Always `true`.
    success: bool,
    /// The quota.
    data: QuotaView,
}

/// Response to an upload.
#[derive(ApiResponse)]
enum UploadResponse {
    /// The file is stored and counts towards the quota.
    #[oai(status = 201)]
    File(Json<UploadAnswer>),
}

#[OpenApi]
impl FilesApi {
    /// Upload a file
    ///
    /// Accepts PDF, DOC, DOCX, TXT, JPG, PNG and GIF files, detected by their content. The upload
    /// counts towards the quota.
    #[oai(
        path = "/users/me/files",
        method = "post",
        operation_id = "uploadFile",
        tag = "V1Tag::Files"
    )]
    async fn upload(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        body: FileBody,
    ) -> Result<UploadResponse, Reject> {
        let (file, quota) = upload::receive(&self.core, &bearer.0, body, &visit.source).await?;
        let data = UploadedFile { file: shown(file), quota: shown_quota(quota) };
        Ok(UploadResponse::File(Json(UploadAnswer {
            success: true,
            message: "File uploaded successfully".into(),
            data,
        })))
    }

    /// List the caller's files
    #[oai(
        path = "/users/me/files",
        method = "get",
        operation_id = "listFiles",
        tag = "V1Tag::Files"
    )]
    async fn list(&self, bearer: Bearer) -> Answer<FilesAnswer> {
        let files = file::list(&self.core, &bearer.0).await?;
        Ok(answer(FilesAnswer { success: true, data: files.into_iter().map(shown).collect() }))
    }

    /// Download a file of the caller
    #[oai(
        path = "/users/me/files/:fileId",
        method = "get",
        operation_id = "getFile",
        tag = "V1Tag::Files"
    )]
    async fn get(
        &self,
        bearer: Bearer,
        #[oai(name = "fileId")] id: Path<String>,
    ) -> Result<Download, Reject> {
        let file = file::get(&self.core, &bearer.0, &id).await?;
        Ok(Download::of(self.core.clone(), file))
    }

    /// Delete a file of the caller
    ///
    /// The upload still counts towards the quota.
    #[oai(
        path = "/users/me/files/:fileId",
        method = "delete",
        operation_id = "deleteFile",
        tag = "V1Tag::Files"
    )]
    async fn delete(
        &self,
        visit: RequestContext,
        bearer: Bearer,
        #[oai(name = "fileId")] id: Path<String>,
    ) -> Answer<Done> {
        file::delete(&self.core, &bearer.0, &id, &visit.source).await?;
        Ok(answer(Done::saying("File deleted successfully")))
    }

    /// Get the caller's upload quota
    #[oai(
        path = "/users/me/quota",
        method = "get",
        operation_id = "getQuota",
        tag = "V1Tag::Files"
    )]
    async fn quota(&self, bearer: Bearer) -> Answer<QuotaAnswer> {
        let quota = quota::own(&self.core, &bearer.0).await?;
        Ok(answer(QuotaAnswer { success: true, data: shown_quota(quota) }))
    }
}
