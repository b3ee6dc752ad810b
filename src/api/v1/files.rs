//! One's own files and the quota that they count towards.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::Tag;
use super::types::Done;
use super::view::{file as shown, quota as shown_quota};
use crate::error::Result;
use crate::http::bearer::Bearer;
use crate::http::download::Download;
use crate::http::reject::Reject;
use crate::http::response::{Answer, answer};
use crate::http::upload::{self, FileBody};
use crate::http::visit::Visit;
use crate::identity::{Core, file, quota};

/// The operations under `/users/me/files`.
pub(super) struct Files(pub(super) Arc<Core>);

/// A file.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase", rename = "File")]
pub(super) struct FileView {
    /// Its id.
    pub id: String,
    /// As its owner called it.
    pub name: String,
    /// Bytes.
    pub size: i64,
    /// The media type, found from the content.
    #[oai(rename = "type")]
    pub kind: String,
    /// When its last piece came.
    pub uploaded_at: String,
}

/// A quota.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase", rename = "Quota")]
pub(super) struct QuotaView {
    /// How many uploads were counted.
    pub files_uploaded: i64,
    /// How many are allowed.
    pub limit: i64,
    /// How many are left.
    pub remaining: i64,
    /// How much is used, in whole percent.
    pub percentage: i64,
}

/// An uploaded file with the quota as it is then.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct UploadedFile {
    /// The file.
    file: FileView,
    /// The quota.
    quota: QuotaView,
}

/// What an upload answers.
#[derive(Debug, Object)]
struct UploadAnswer {
    /// Always true.
    success: bool,
    /// In words.
    message: String,
    /// The file and the quota.
    data: UploadedFile,
}

/// A list of files.
#[derive(Debug, Object)]
struct FilesAnswer {
    /// Always true.
    success: bool,
    /// The newest first.
    data: Vec<FileView>,
}

/// A quota.
#[derive(Debug, Object)]
struct QuotaAnswer {
    /// Always true.
    success: bool,
    /// The quota.
    data: QuotaView,
}

/// The answer to an upload.
#[derive(ApiResponse)]
enum Created {
    /// The file is there and counted.
    #[oai(status = 201)]
    File(Json<UploadAnswer>),
}

#[OpenApi]
impl Files {
    /// Upload a file
    ///
    /// PDF, DOC, DOCX, TXT, JPG, PNG or GIF, known by its content. It counts towards the quota.
    #[oai(path = "/users/me/files", method = "post", operation_id = "uploadFile", tag = "Tag::Files")]
    async fn upload(&self, visit: Visit, bearer: Bearer, body: FileBody) -> Result<Created, Reject> {
        let (file, quota) = upload::receive(&self.0, &bearer.0, body, &visit.source).await?;
        let data = UploadedFile { file: shown(file), quota: shown_quota(quota) };
        Ok(Created::File(Json(UploadAnswer { success: true, message: "File uploaded successfully".into(), data })))
    }

    /// List one's own files
    #[oai(path = "/users/me/files", method = "get", operation_id = "listFiles", tag = "Tag::Files")]
    async fn list(&self, bearer: Bearer) -> Answer<FilesAnswer> {
        let files = file::list(&self.0, &bearer.0).await?;
        Ok(answer(FilesAnswer { success: true, data: files.into_iter().map(shown).collect() }))
    }

    /// Fetch one of one's own files
    #[oai(path = "/users/me/files/:fileId", method = "get", operation_id = "getFile", tag = "Tag::Files")]
    async fn get(&self, bearer: Bearer, #[oai(name = "fileId")] id: Path<String>) -> Result<Download, Reject> {
        let file = file::get(&self.0, &bearer.0, &id).await?;
        Ok(Download::of(self.0.clone(), file))
    }

    /// Delete one of one's own files
    ///
    /// The quota stays used.
    #[oai(path = "/users/me/files/:fileId", method = "delete", operation_id = "deleteFile", tag = "Tag::Files")]
    async fn delete(&self, visit: Visit, bearer: Bearer, #[oai(name = "fileId")] id: Path<String>) -> Answer<Done> {
        file::delete(&self.0, &bearer.0, &id, &visit.source).await?;
        Ok(answer(Done::saying("File deleted successfully")))
    }

    /// See one's own quota
    #[oai(path = "/users/me/quota", method = "get", operation_id = "getQuota", tag = "Tag::Files")]
    async fn quota(&self, bearer: Bearer) -> Answer<QuotaAnswer> {
        let quota = quota::own(&self.0, &bearer.0).await?;
        Ok(answer(QuotaAnswer { success: true, data: shown_quota(quota) }))
    }
}
