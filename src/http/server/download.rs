//! Streams a stored file or a backup in chunks, as an attachment, so that no browser renders it as a page of
//! this origin.

use std::sync::Arc;

use futures_util::stream;
use poem::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY,
};
use poem::{Body, IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{
    MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};

use crate::http::server::failure::cut_off;
use crate::identity::Core;
use crate::identity::account::file;
use crate::identity::account::file::FileRow;
use crate::identity::admin::backups::BackupDownload;
use crate::model::percent;

/// A response that streams a file.
pub struct Download(Response);

impl Download {
    /// Starts to stream a file to its owner.
    #[must_use]
    pub fn of(core: Arc<Core>, file: FileRow) -> Self {
        let head = Response::builder()
            .content_type(&file.kind)
            .header(CONTENT_DISPOSITION, disposition(&file.name))
            .header(CONTENT_LENGTH, file.size)
            .header(CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'");
        let pieces = stream::try_unfold((core, file, 0), |(core, file, offset)| async move {
            let bytes = file::bytes_from(&core, &file, offset).await.map_err(cut_off)?;
            Ok::<_, std::io::Error>(bytes.map(|bytes| {
                let next = offset + i64::try_from(bytes.len()).unwrap_or(i64::MAX);
                (bytes, (core, file, next))
            }))
        });
        Self(head.body(Body::from_bytes_stream(pieces)))
    }
}

/// An attachment that is streamed from a file on the disk of the server.
#[must_use]
pub fn of_backup(download: BackupDownload) -> Response {
    let head = Response::builder()
        .content_type("application/octet-stream")
        .header(CONTENT_DISPOSITION, disposition(&download.name))
        .header(CONTENT_LENGTH, download.size)
        .header(CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'")
        .header(CACHE_CONTROL, "no-store");
    let pieces = stream::try_unfold(download, |mut download| async move {
        let bytes = download.next().await.map_err(cut_off)?;
        Ok::<_, std::io::Error>(bytes.map(|bytes| (bytes, download)))
    });
    head.body(Body::from_bytes_stream(pieces))
}

impl From<BackupDownload> for Download {
    fn from(download: BackupDownload) -> Self {
        Self(of_backup(download))
    }
}

/// The `Content-Disposition` value in the form that every browser understands (RFC 6266, RFC 8187).
fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._- ".contains(c) { c } else { '_' })
        .collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", percent::encode(name))
}

impl IntoResponse for Download {
    fn into_response(self) -> Response {
        self.0
    }
}

impl ApiResponse for Download {
    fn meta() -> MetaResponses {
        let bytes = MetaSchema { format: Some("binary"), ..MetaSchema::new("string") };
        // Clients that are generated from the document read bytes; the file may be of any type.
        let media = |content_type| MetaMediaType {
            content_type,
            schema: MetaSchemaRef::Inline(Box::new(bytes.clone())),
        };
        let response = MetaResponse {
            description: "The file, with its own media type",
            status: Some(200),
            status_range: None,
            content: vec![media("application/octet-stream"), media("*/*")],
            headers: Vec::new(),
        };
        MetaResponses { responses: vec![response] }
    }

    fn register(_registry: &mut Registry) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_stays_a_name() {
        let header = disposition("a\"; filename=evil.html\r\nX: y\u{202e}.pdf");
        assert!(!header.contains(['\r', '\n']) && header.is_ascii(), "{header}");
        assert_eq!(header.matches('"').count(), 2, "{header}");
        assert!(disposition("Grüße.txt").ends_with("filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt"));
    }
}
