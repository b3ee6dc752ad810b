//! Request bodies: content type, size, JSON and fields. All invalid fields are reported together.
//!
//! For the time a body may take to arrive, see `listener`. The rules come from the schema and from
//! [`Payload::rules`].

use hyper::body::Bytes;
use poem::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use poem::{Request, RequestBody};
use poem_openapi::payload::{Json, Payload as _};
use poem_openapi::registry::{MetaMediaType, MetaRequest, Registry};
use poem_openapi::types::ParseFromJSON;
use serde_json::{Map, Value};

use crate::config::Config;
use crate::error::{Error, FieldError, Kind, Result, Rule};
use crate::http::extract::schema::Schemas;
use crate::http::extract::strict_json;
use crate::http::server::carried;
use crate::http::server::error_text::field_name;

/// A JSON body, with rules that depend on the configured policy and so are not in its schema.
pub trait Payload: ParseFromJSON + 'static {
    /// The error kind for a missing field, if the operation has a specific one.
    const MISSING: Option<Kind> = None;

    /// The error kind for this missing field, if only some fields have a specific one.
    #[must_use]
    fn missing(field: &str) -> Option<Kind> {
        let _ = field;
        Self::MISSING
    }

    /// The policy rules that the fields break. A field of the wrong type is skipped, because the
    /// schema reports it.
    #[must_use]
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        let (_, _) = (fields, config);
        Vec::new()
    }
}

/// A required body.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// An optional body. An empty body counts as absent, regardless of the content type.
#[derive(Debug)]
pub struct OptionalBody<T>(pub Option<T>);

/// Implements the extractor of a JSON body.
macro_rules! body_extractor {
    ($type:ident, required: $required:literal, $read:ident) => {
        extractor!($type<T> as RequestObject [T: Payload] {
            fn register(registry: &mut Registry) {
                T::register(registry);
            }

            fn request_meta() -> Option<MetaRequest> {
                Some(meta::<T>($required))
            }
        } |request, body| $read(request, body).await.map(Self));
    };
}

body_extractor!(Body, required: true, read);
body_extractor!(OptionalBody, required: false, read_optional);

fn meta<T: Payload>(required: bool) -> MetaRequest {
    let content =
        vec![MetaMediaType { content_type: "application/json", schema: Json::<T>::schema_ref() }];
    MetaRequest { description: None, content, required }
}

async fn read<T: Payload>(request: &Request, body: &mut RequestBody) -> Result<T> {
    refuse_announced(request)?;
    let bytes = bytes(&carried::core(request)?.config, body).await?;
    if !(is_json(request) || bytes.is_empty() && !request.headers().contains_key(CONTENT_TYPE)) {
        return Err(Kind::UnsupportedMediaType.into());
    }
    parse(request, &bytes)
}

async fn read_optional<T: Payload>(request: &Request, body: &mut RequestBody) -> Result<Option<T>> {
    refuse_announced(request)?;
    let bytes = bytes(&carried::core(request)?.config, body).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if !is_json(request) {
        return Err(Kind::UnsupportedMediaType.into());
    }
    parse(request, &bytes).map(Some)
}

/// Whether there is exactly one `Content-Type` and it is `application/json`, in any case and with
/// any parameters.
fn is_json(request: &Request) -> bool {
    let mut types = request.headers().get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else { return false };
    let essence = only.to_str().ok().and_then(|text| text.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// Rejects a body whose `Content-Length` is too large, before reading any of it.
fn refuse_announced(request: &Request) -> Result<()> {
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let limit = u64::try_from(carried::core(request)?.config.server.body_limit).unwrap_or(u64::MAX);
    if announced.is_some_and(|length| length > limit) {
        Err(Kind::PayloadTooLarge.into())
    } else {
        Ok(())
    }
}

/// Reads the whole body, up to the configured limit.
pub async fn bytes(config: &Config, body: &mut RequestBody) -> Result<Bytes> {
    let body = body.take().map_err(Error::internal)?;
    body.into_bytes_limit(config.server.body_limit).await.map_err(|error| match error {
        poem::error::ReadBodyError::PayloadTooLarge => Error::new(Kind::PayloadTooLarge),
        other => {
            Error::with(Kind::MalformedBody, "The request body is incomplete").caused_by(other)
        }
    })
}

fn parse<T: Payload>(request: &Request, bytes: &[u8]) -> Result<T> {
    let fields = strict_json::parse_object(bytes)?;
    check::<T>(carried::schemas(request)?, &fields, &carried::core(request)?.config)?;
    T::parse_from_json(Some(Value::Object(fields)))
        .map_err(|error| Error::new(Kind::Validation).caused_by(error.into_message()))
}

/// Rejects fields that break a rule of the schema or the policy. The policy is not applied to
/// fields that already broke the schema.
///
/// # Errors
/// `Validation`, or the payload's specific kind for a missing field.
pub fn check<T: Payload>(
    schemas: &Schemas,
    fields: &Map<String, Value>,
    config: &Config,
) -> Result<()> {
    let mut broken = schemas.of::<T>().check(fields);
    let settled: Vec<String> =
        broken.iter().map(|row| field_name(&row.field).into_owned()).collect();
    let is_settled = |row: &FieldError| settled.iter().any(|name| *name == field_name(&row.field));
    broken.extend(T::rules(fields, config).into_iter().filter(|row| !is_settled(row)));
    let mut absent = broken.iter().filter(|row| row.rule == Rule::Required);
    match absent.find_map(|row| T::missing(&field_name(&row.field))) {
        Some(kind) => Err(kind.into()),
        None if broken.is_empty() => Ok(()),
        None => Err(Error::invalid(broken)),
    }
}
