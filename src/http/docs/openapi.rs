//! The pass over a generated OpenAPI document that adds what the generator cannot know. Errors come
//! from the wire's own tables, so the document always matches the server.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::time::Duration;

use poem::endpoint::BoxEndpoint;
use poem::http::{self, StatusCode};
use poem_openapi::registry::{MetaApi, Registry};
use poem_openapi::{OpenApi, OpenApiService};
use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::error::{Error, Extra, Field, Kind, Limit, Rule};
use crate::http::extract::allowed::FRESH;
use crate::http::extract::bearer::SCHEME;
use crate::http::server::error_text::label;
use crate::http::server::reject::{About, Wire};
use crate::http::server::wires::is_under;
use crate::model::{FactorKind, Method, Permission, Secret, Time};

/// Documentation of one operation beyond its types.
#[derive(Debug, Clone)]
pub struct Described {
    pub id: &'static str,
    /// The errors specific to the operation. The errors of its body, its token and its limits are
    /// added.
    pub errors: Vec<Kind>,
    /// Named examples of its request body.
    pub requests: Vec<(&'static str, Value)>,
    /// An example of its success response.
    pub response: Value,
}

impl Described {
    /// Documents an operation by its id, its errors and an example of its success response.
    #[must_use]
    pub fn new(id: &'static str, errors: &[Kind], response: Value) -> Self {
        Self { id, errors: errors.to_vec(), requests: Vec::new(), response }
    }

    /// Adds an example of the request body.
    #[must_use]
    pub fn taking(mut self, name: &'static str, example: Value) -> Self {
        self.requests.push((name, example));
        self
    }
}

/// Whether a path counts against the general limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LimitCoverage {
    Yes,
    No,
}

/// The limits of an operation, from its signature until the document is completed.
const LIMITS: &str = "x-limits";

const BODY_ERRORS: [Kind; 4] =
    [Kind::Validation, Kind::MalformedBody, Kind::UnsupportedMediaType, Kind::PayloadTooLarge];
const TOKEN_ERRORS: [Kind; 5] = [
    Kind::TokenMissing,
    Kind::TokenFormat,
    Kind::TokenInvalid,
    Kind::TokenExpired,
    Kind::SessionEnded,
];

/// The document that poem-openapi generates from the types of an API, with the limits of each
/// operation taken out of its security list.
#[must_use]
pub fn generated<A: OpenApi>() -> Value {
    let text =
        OpenApiService::new(DocumentedOnly::<A>(PhantomData), "authd", env!("CARGO_PKG_VERSION"))
            .spec();
    let mut document = serde_json::from_str(&text).unwrap_or_default();
    operations_of(&mut document).for_each(|(_, operation)| take_limits_out(operation));
    document
}

/// Every operation of a document, with its path.
fn operations_of(document: &mut Value) -> impl Iterator<Item = (&str, &mut Value)> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let operations = item.as_object_mut().into_iter().flat_map(Map::values_mut);
        operations.map(move |operation| (path.as_str(), operation))
    })
}

/// Moves the limits of an operation out of its security list, where the extractor puts them.
fn take_limits_out(operation: &mut Value) {
    let Some(security) = operation.get_mut("security").and_then(Value::as_array_mut) else {
        return;
    };
    let mut limits = Vec::new();
    security.retain(|requirement| {
        let word = requirement.as_object().and_then(|one| one.keys().next());
        let limit = word.filter(|word| Limit::parse(word).is_some());
        limits.extend(limit.cloned());
        limit.is_none()
    });
    if security.is_empty() {
        operation.as_object_mut().map(|operation| operation.remove("security"));
    }
    if !limits.is_empty() {
        operation[LIMITS] = limits.into();
    }
}

/// An API with the operations of `A` but without its state, for generating the document only.
struct DocumentedOnly<A>(PhantomData<A>);

impl<A: OpenApi> OpenApi for DocumentedOnly<A> {
    fn meta() -> Vec<MetaApi> {
        A::meta()
    }

    fn register(registry: &mut Registry) {
        A::register(registry);
    }

    fn add_routes(
        self,
        _routes: &mut HashMap<String, HashMap<http::Method, BoxEndpoint<'static>>>,
    ) {
    }
}

/// What holds for every operation and is answered before one is looked up.
const MALFORMED: &str = "\
A request that is malformed for every operation is answered 400 in the same envelope: one without exactly one `Host` \
header, after which the connection is closed, one with more than 64 headers, or one whose URL is longer than 8 KiB.";

/// Sets a document's title, description and servers.
pub fn introduce(document: &mut Value, config: &Config, mounts: &[&str], about: &str) {
    document["info"]["title"] = config.service.name.clone().into();
    document["info"]["description"] = format!("{about}\n\n{MALFORMED}").into();
    let base = config.server.public_url.as_deref().unwrap_or("");
    let url = |mount: &&str| {
        Some(format!("{base}{mount}")).filter(|url| !url.is_empty()).unwrap_or("/".to_owned())
    };
    document["servers"] = mounts.iter().map(|mount| json!({ "url": url(mount) })).collect();
}

/// Completes a generated document: headers, errors, examples. `uncounted` are the paths that are
/// exempt from the general limit, with everything below them.
pub fn complete(
    document: &mut Value,
    wire: &dyn Wire,
    operations: &[Described],
    uncounted: &[&str],
) {
    document["openapi"] = "3.0.3".into();
    document["components"]["headers"] = headers();
    document["components"]["schemas"]["Error"] = wire.schema();
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.values_mut().for_each(allow_null);
        schemas.values_mut().for_each(say_once);
    }
    for (path, operation) in operations_of(document) {
        let described =
            operations.iter().find(|described| operation["operationId"] == described.id);
        if let Some(described) = described {
            let is_exempt = uncounted.iter().any(|prefix| is_under(path, prefix));
            let counted = if is_exempt { LimitCoverage::No } else { LimitCoverage::Yes };
            describe(operation, wire, described, counted);
        }
    }
}

fn describe(operation: &mut Value, wire: &dyn Wire, described: &Described, counted: LimitCoverage) {
    let mut kinds = Vec::new();
    if operation.get("requestBody").is_some() {
        kinds.extend(BODY_ERRORS);
        if let Some(media) = operation["requestBody"]["content"].get_mut("application/json") {
            let named =
                |(name, value): &(&str, Value)| ((*name).to_owned(), json!({ "value": value }));
            media["examples"] = Value::Object(described.requests.iter().map(named).collect());
        }
    }
    for parameter in
        operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten()
    {
        describe_parameter(parameter);
    }
    kinds.extend(move_demand(operation));
    let takes_token = |requirement: &Value| requirement.get(SCHEME).is_some();
    if operation
        .get("security")
        .and_then(Value::as_array)
        .is_some_and(|any| any.iter().any(takes_token))
    {
        kinds.extend(TOKEN_ERRORS);
    }
    kinds.extend(&described.errors);
    let limits = operation.as_object_mut().and_then(|operation| operation.remove(LIMITS));
    let words = limits.as_ref().and_then(Value::as_array).into_iter().flatten();
    kinds.extend(words.filter_map(|word| Limit::parse(word.as_str()?)).map(Kind::TooMany));
    if counted == LimitCoverage::Yes {
        kinds.extend([Kind::TooMany(Limit::General), Kind::Unavailable]);
    }
    kinds.push(Kind::Internal);
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (status, response) in responses.iter_mut() {
        describe_success(status, response, described, counted);
    }
    for (at, kind) in kinds.iter().enumerate() {
        if !kinds[..at].contains(kind) {
            add_error(responses, wire, *kind, counted);
        }
    }
    responses.sort_keys();
}

/// Moves an operation's requirement from its security list, where the extractor puts it, to
/// `x-permission` (the caller needs one of the listed) and `x-fresh-authentication`. Returns the
/// errors that this adds.
fn move_demand(operation: &mut Value) -> Vec<Kind> {
    let Some(security) = operation.get_mut("security").and_then(Value::as_array_mut) else {
        return Vec::new();
    };
    let words =
        |requirement: &Value| requirement.as_object().and_then(|one| one.keys().next().cloned());
    let demands: Vec<String> =
        security.iter().filter_map(words).filter(|word| word != SCHEME).collect();
    let (fresh, permissions): (Vec<_>, Vec<_>) =
        demands.into_iter().partition(|word| word == FRESH);
    let permissions: Vec<_> =
        permissions.into_iter().filter(|word| Permission::parse(word).is_some()).collect();
    if permissions.is_empty() {
        return Vec::new();
    }
    security.retain(|requirement| requirement.get(SCHEME).is_some());
    operation["x-permission"] = json!(permissions);
    let mut kinds = vec![Kind::Forbidden];
    if !fresh.is_empty() {
        operation["x-fresh-authentication"] = true.into();
        kinds.push(Kind::ReauthenticationRequired);
    }
    kinds
}

/// Gives a parameter without a description one made from its name.
fn describe_parameter(parameter: &mut Value) {
    if parameter["description"].as_str().is_none_or(str::is_empty) {
        let name = label(parameter["name"].as_str().unwrap_or_default()).to_lowercase();
        parameter["description"] = format!("The {name}.").into();
    }
}

fn describe_success(
    status: &str,
    response: &mut Value,
    described: &Described,
    counted: LimitCoverage,
) {
    if response["description"].as_str().is_none_or(str::is_empty) {
        // The message in the example response, or a generic text.
        let said = described.response["message"].as_str().unwrap_or("Success");
        response["description"] = said.into();
    }
    let content = response["content"]
        .as_object_mut()
        .and_then(|content| content.remove("application/json; charset=utf-8"));
    if let Some(mut media) = content {
        if status.starts_with('2') {
            media["example"] = described.response.clone();
        }
        response["content"] = json!({ "application/json": media });
    }
    response["headers"] = header_refs(status, counted);
}

/// Adds one error with its actual body as an example. Errors of the same status share a response.
fn add_error(
    responses: &mut Map<String, Value>,
    wire: &dyn Wire,
    kind: Kind,
    counted: LimitCoverage,
) {
    let status = wire.status_of(&example_of(kind));
    let key = status.as_str().to_owned();
    let response = responses.entry(key).or_insert_with(|| {
        json!({
            "description": status.canonical_reason().unwrap_or("Error"),
            "headers": header_refs(status.as_str(), counted),
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" }, "examples": {} } },
        })
    });
    if status == StatusCode::UNAUTHORIZED && wire.challenges(kind) {
        response["headers"]["WWW-Authenticate"] =
            json!({ "$ref": "#/components/headers/WWW-Authenticate" });
    }
    if let Some(examples) = response["content"]["application/json"]["examples"].as_object_mut() {
        let error = example_of(kind);
        let about = About {
            request_id: "req-uuid-for-tracking".into(),
            now: Time::from_seconds(1_701_426_600),
        };
        let code = wire.code(kind);
        let taken = examples.keys().filter(|name| name.split('-').next() == Some(&*code)).count();
        let name = if taken == 0 { code.into_owned() } else { format!("{code}-{}", taken + 1) };
        examples.insert(
            name,
            json!({ "summary": wire.sentence(kind), "value": wire.body(&error, &about) }),
        );
    }
}

fn example_of(kind: Kind) -> Error {
    let error = Error::new(kind);
    match kind {
        Kind::Validation => Error::invalid_field(Field::Password, Rule::TooShort { min: 12 }),
        Kind::MfaRequired => error.carrying(Extra::Challenge {
            token: Secret::new("mfa_token_of_this_login"),
            methods: vec![Method::Factor(FactorKind::Totp), Method::BackupCode],
            expires_in: Duration::from_mins(5),
        }),
        Kind::TooMany(_) => error.retry_after(Duration::from_mins(15)),
        Kind::AccountLocked => error.retry_after(Duration::from_mins(30)),
        Kind::Unavailable => error.retry_after(Duration::from_secs(1)),
        _ => error,
    }
}

fn header_refs(status: &str, counted: LimitCoverage) -> Value {
    let mut names = vec!["X-Request-ID"];
    if counted == LimitCoverage::Yes {
        names.extend(["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]);
    }
    if matches!(status, "423" | "429" | "503") {
        names.push("Retry-After");
    }
    let refs = names
        .into_iter()
        .map(|name| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") })));
    Value::Object(refs.collect())
}

fn headers() -> Value {
    let number = |what: &str| json!({ "description": what, "schema": { "type": "integer" } });
    let text = |what: &str| json!({ "description": what, "schema": { "type": "string" } });
    json!({
        "X-Request-ID": text("The request id, also written to the server log."),
        "X-RateLimit-Limit": number("The number of calls allowed by the limit with the fewest calls left."),
        "X-RateLimit-Remaining": number("The number of calls left under that limit."),
        "X-RateLimit-Reset": number("When the limit is fully reset, in seconds since the Unix epoch."),
        "Retry-After": number("Seconds to wait before the next attempt."),
        "WWW-Authenticate": text("Always `Bearer`."),
    })
}

/// Marks optional properties as nullable, in requests and responses.
fn allow_null(schema: &mut Value) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (name, property) in properties {
        if !required.iter().any(|known| known == name.as_str()) && property.get("type").is_some() {
            property["nullable"] = true.into();
        }
    }
}

/// For a reference with a description, the generator repeats the description as a second schema in
/// `allOf`. Client generators then fail to resolve the first, so the second is removed.
fn say_once(schema: &mut Value) {
    if let Some(all) = schema.get_mut("allOf").and_then(Value::as_array_mut) {
        all.retain(|part| {
            part.as_object().is_none_or(|part| part.keys().any(|key| key != "description"))
        });
    }
    match schema {
        Value::Object(map) => map.values_mut().for_each(say_once),
        Value::Array(items) => items.iter_mut().for_each(say_once),
        _ => {}
    }
}
