//! A file in a multipart body (RFC 7578). Its bytes are streamed to the core; the whole file is
//! never in memory.

use poem::web::{Field, Multipart};
use poem::{FromRequest, Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef, Registry};
use tokio::io::AsyncReadExt;

use crate::error::{self, Error, Kind, Result, Rule};
use crate::identity::account::file;
use crate::identity::account::file::FileRow;
use crate::identity::account::quota::Quota;
use crate::identity::{Caller, Core};
use crate::model::Source;

/// The name of the file field.
const FIELD: &str = "file";
/// Maximum number of bytes of all other fields in the body.
const MOST_BESIDE: usize = 64 * 1024;
/// Size of the read buffer, in bytes.
const STEP: usize = 32 * 1024;

/// A multipart body. [`receive`] reads it.
pub struct FileBody(Multipart);

extractor!(FileBody as RequestObject {
    fn register(_registry: &mut Registry) {}

    fn request_meta() -> Option<MetaRequest> {
        let file = MetaSchemaRef::Inline(Box::new(MetaSchema {
            format: Some("binary"),
            ..MetaSchema::new("string")
        }));
        let schema = MetaSchema {
            properties: vec![(FIELD, file)],
            required: vec![FIELD],
            ..MetaSchema::new("object")
        };
        let media = MetaMediaType {
            content_type: "multipart/form-data",
            schema: MetaSchemaRef::Inline(Box::new(schema)),
        };
        Some(MetaRequest {
            description: Some("The file, in the field `file`."),
            content: vec![media],
            required: true,
        })
    }
} |request, body| multipart(request, body).await.map(Self));

async fn multipart(request: &Request, body: &mut RequestBody) -> Result<Multipart> {
    Multipart::from_request(request, body).await.map_err(|_| {
        let message = "Unsupported content type, expected multipart/form-data";
        Error::with(Kind::UnsupportedMediaType, message)
    })
}

/// Reads the file of a body and stores it.
///
/// # Errors
/// `Validation` without a file, `MalformedBody`, and the errors of [`file::begin`] and
/// [`file::Upload`].
pub async fn receive(
    core: &Core,
    caller: &Caller,
    body: FileBody,
    source: &Source,
) -> Result<(FileRow, Quota)> {
    let mut body = body.0;
    let mut beside = 0;
    while let Some(field) =
        body.next_field().await.map_err(|error| Error::new(broken()).caused_by(error))?
    {
        if field.name() == Some(FIELD) && field.file_name().is_some() {
            return take(core, caller, field, source).await;
        }
        skip(field, &mut beside).await?;
    }
    Err(Error::invalid_field(error::Field::File, Rule::Required))
}

fn broken() -> Kind {
    Kind::MalformedBody
}

async fn take(
    core: &Core,
    caller: &Caller,
    field: Field,
    source: &Source,
) -> Result<(FileRow, Quota)> {
    let name = field.file_name().unwrap_or_default().to_owned();
    let mut upload = file::begin(core, caller, &name, source).await?;
    let mut bytes = Box::pin(field.into_async_read());
    let mut buffer = vec![0; STEP];
    loop {
        let cut_off = |error| Error::with(broken(), "The upload was cut off").caused_by(error);
        let read = bytes.read(&mut buffer).await.map_err(cut_off)?;
        if read == 0 {
            return upload.finish().await;
        }
        upload.push(&buffer[..read]).await?;
    }
}

async fn skip(field: Field, beside: &mut usize) -> Result<()> {
    let mut bytes = Box::pin(field.into_async_read());
    let mut buffer = vec![0; 4096];
    loop {
        let read =
            bytes.read(&mut buffer).await.map_err(|error| Error::new(broken()).caused_by(error))?;
        *beside += read;
        if *beside > MOST_BESIDE {
            return Err(Kind::PayloadTooLarge.into());
        }
        if read == 0 {
            return Ok(());
        }
    }
}
