//! A file in a multipart body (RFC 7578). Its bytes are streamed to the core; the whole file is
//! never in memory. The body is bounded before it is parsed.

use std::pin::Pin;

use futures_util::{Stream, StreamExt as _};
use hyper::body::Bytes;
use poem::http::HeaderMap;
use poem::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef, Registry};

use crate::error::{self, Error, Kind, Result, Rule};
use crate::http::extract::multipart::{FormEvent, FormParser, PartHead, malformed};
use crate::http::server::carried;
use crate::identity::account::file;
use crate::identity::account::file::FileRow;
use crate::identity::account::quota::Quota;
use crate::identity::{Caller, Core};
use crate::model::Source;

/// The name of the file field.
const FIELD: &str = "file";
/// Maximum number of bytes of a body besides those of the largest file, and of all other fields.
const MOST_BESIDE: u64 = 64 * 1024;

/// A multipart body. [`receive`] reads it.
pub struct FileBody(FormReader);

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
} |request, body| form(request, body).map(Self));

/// Checks what is known before any byte of the body is read.
fn form(request: &Request, body: &mut RequestBody) -> Result<FormReader> {
    let mut types = request.headers().get_all(CONTENT_TYPE).iter();
    let only = match (types.next(), types.next()) {
        (Some(only), None) => only.to_str().unwrap_or_default(),
        _ => "",
    };
    let parser = FormParser::new(only)?;
    let limit = carried::core(request)?.config.files.size.saturating_add(MOST_BESIDE);
    if announced(request.headers()).is_some_and(|length| length > limit) {
        return Err(Kind::PayloadTooLarge.into());
    }
    let body = Box::pin(body.take().map_err(Error::internal)?.into_bytes_stream());
    Ok(FormReader { parser, body, piece: Bytes::new(), left: limit })
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a form from a body of a limited size.
struct FormReader {
    parser: FormParser,
    body: Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>,
    /// The bytes that came and are not parsed yet.
    piece: Bytes,
    /// How many more bytes may come.
    left: u64,
}

impl FormReader {
    async fn next(&mut self) -> Result<FormEvent> {
        loop {
            if let Some(event) = self.parser.next(&mut self.piece)? {
                return Ok(event);
            }
            self.piece = match self.body.next().await {
                Some(Ok(piece)) => piece,
                Some(Err(error)) => {
                    let message = "The form ended early or arrived too slowly";
                    return Err(Error::with(Kind::MalformedBody, message).caused_by(error));
                }
                None => return Err(malformed()),
            };
            self.left = match self.left.checked_sub(self.piece.len() as u64) {
                Some(left) => left,
                None => return Err(Kind::PayloadTooLarge.into()),
            };
        }
    }

    /// The next field; `None` at the end of the form.
    async fn part(&mut self) -> Result<Option<PartHead>> {
        loop {
            match self.next().await? {
                FormEvent::Part(head) => return Ok(Some(head)),
                FormEvent::End => return Ok(None),
                FormEvent::Data(_) | FormEvent::PartEnd => {}
            }
        }
    }

    /// The next bytes of the field; `None` at its end.
    async fn data(&mut self) -> Result<Option<Bytes>> {
        match self.next().await? {
            FormEvent::Data(bytes) => Ok(Some(bytes)),
            _ => Ok(None),
        }
    }
}

/// Reads the file of a body and stores it.
///
/// # Errors
/// `Validation` without a file, `MalformedBody`, `PayloadTooLarge`, and the errors of
/// [`file::permit`] and [`file::Upload`].
pub async fn receive(
    core: &Core,
    caller: &Caller,
    body: FileBody,
    source: &Source,
) -> Result<(FileRow, Quota)> {
    let mut form = body.0;
    let permit = file::permit(core, caller, source).await?;
    let mut beside = MOST_BESIDE;
    while let Some(head) = form.part().await? {
        if let (Some(FIELD), Some(name)) = (head.name.as_deref(), &head.file_name) {
            let mut upload = permit.begin(name).await?;
            while let Some(bytes) = form.data().await? {
                upload.push(&bytes).await?;
            }
            return upload.finish().await;
        }
        while let Some(bytes) = form.data().await? {
            let left = beside.checked_sub(bytes.len() as u64);
            beside = left.ok_or_else(|| Error::new(Kind::PayloadTooLarge))?;
        }
    }
    Err(Error::invalid_field(error::Field::File, Rule::Required))
}
