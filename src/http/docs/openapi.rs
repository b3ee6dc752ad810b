//! The pass over a generated OpenAPI document that adds what the generator cannot know. Errors come
//! from the wire's own tables, so the document always matches the server.

use std::collections::{BTreeSet, HashMap};
use std::marker::PhantomData;
use std::time::Duration;

use poem::endpoint::BoxEndpoint;
use poem::http::{self, StatusCode};
use poem_openapi::registry::{MetaApi, Registry};
use poem_openapi::{OpenApi, OpenApiService};
use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::error::{Error, Extra, Field, Kind, Limit, Rule};
use crate::http::docs::shared;
use crate::http::extract::allowed::FRESH;
use crate::http::extract::bearer::SCHEME;
use crate::http::extract::schema::publish_rules;
use crate::http::server::error_text::label;
use crate::http::server::reject::{About, Wire};
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

/// Marks an operation whose signature takes the headers of an API client, until
/// [`take_from_app`] is called.
pub(in crate::http) const FROM_APP: &str = "x-from-app";

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
/// operation, and the mark of those that take an API client, taken out of its security list.
#[must_use]
pub fn generated<A: OpenApi>() -> Value {
    let text =
        OpenApiService::new(DocumentedOnly::<A>(PhantomData), "authd", env!("CARGO_PKG_VERSION"))
            .spec();
    let mut document = serde_json::from_str(&text).unwrap_or_default();
    operations_of(&mut document).for_each(|(_, operation)| take_marks_out(operation));
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

/// The operations that take the headers of an API client, by the marks of their signatures, which
/// this removes.
pub(in crate::http) fn take_from_app(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let operations = operations_of(document).map(|(_, operation)| operation);
    operations.filter_map(|operation| {
        let mark = operation.as_object_mut().and_then(|operation| operation.remove(FROM_APP));
        mark.map(|_| operation)
    })
}

/// Moves the limits of an operation and [`FROM_APP`] out of its security list, where the extractors
/// put them.
fn take_marks_out(operation: &mut Value) {
    let Some(security) = operation.get_mut("security").and_then(Value::as_array_mut) else {
        return;
    };
    let (mut limits, mut is_from_app) = (Vec::new(), false);
    security.retain(|requirement| {
        let word = requirement.as_object().and_then(|one| one.keys().next());
        let limit = word.filter(|word| Limit::parse(word).is_some());
        limits.extend(limit.cloned());
        let is_mark = word.is_some_and(|word| word == FROM_APP);
        is_from_app |= is_mark;
        limit.is_none() && !is_mark
    });
    if security.is_empty() {
        operation.as_object_mut().map(|operation| operation.remove("security"));
    }
    if !limits.is_empty() {
        operation[LIMITS] = limits.into();
    }
    if is_from_app {
        operation[FROM_APP] = true.into();
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

/// The headers of [`common_headers`], in words: tools do not read the extension they are stated in.
const HEADERS: &str = "\
Every response carries `X-Request-ID`, which also appears in the server's log. Unless its operation lists \
that header alone, it also carries `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`, as \
described in `components.headers`.";

/// Sets a document's title, description and servers.
pub fn introduce(document: &mut Value, config: &Config, mounts: &[&str], about: &str) {
    document["info"]["title"] = config.service.name.clone().into();
    document["info"]["description"] = format!("{about}\n\n{HEADERS}\n\n{MALFORMED}").into();
    let base = config.server.public_url.as_deref().unwrap_or("");
    let url = |mount: &&str| {
        Some(format!("{base}{mount}")).filter(|url| !url.is_empty()).unwrap_or("/".to_owned())
    };
    document["servers"] = mounts.iter().map(|mount| json!({ "url": url(mount) })).collect();
}

/// Adds an operation that is served beside the API, at the root: it takes no body, and its success
/// response has this media type.
pub fn add_get(document: &mut Value, config: &Config, get: &OtherGet) {
    let base = config.server.public_url.as_deref().unwrap_or("/");
    document["paths"][get.path]["get"] = json!({
        "tags": [get.tag],
        "summary": get.summary,
        "description": get.description,
        "operationId": get.id,
        "servers": [{ "url": base }],
        "responses": { "200": {
            "description": get.success,
            "content": { get.media_type: { "schema": { "type": get.schema_type } } },
        } },
    });
}

/// An operation for [`add_get`].
#[derive(Debug, Clone, Copy)]
pub struct OtherGet {
    pub path: &'static str,
    pub id: &'static str,
    pub tag: &'static str,
    pub summary: &'static str,
    pub description: &'static str,
    /// The description of the success response.
    pub success: &'static str,
    pub media_type: &'static str,
    pub schema_type: &'static str,
}

/// Completes a generated document: headers, errors, examples. `uncounted` are the paths that are
/// exempt from the general limit.
pub fn complete(
    document: &mut Value,
    wire: &dyn Wire,
    operations: &[Described],
    uncounted: &[&str],
) {
    document["openapi"] = "3.0.3".into();
    document["components"]["headers"] = headers();
    document["components"]["schemas"]["Error"] = wire.schema();
    document["info"]["license"] = json!({ "name": env!("CARGO_PKG_LICENSE") });
    let requests = request_schemas(document);
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        let of_requests = schemas.iter_mut().filter(|(name, _)| requests.contains(*name));
        of_requests.for_each(|(_, schema)| publish_rules(schema));
        allow_null_references(schemas, &requests);
        schemas.values_mut().for_each(allow_null);
        schemas.values_mut().for_each(say_once);
        schemas.iter_mut().for_each(|(name, schema)| leave_out_defaults(name, schema));
    }
    for (path, operation) in operations_of(document) {
        let described =
            operations.iter().find(|described| operation["operationId"] == described.id);
        if let Some(described) = described {
            let is_exempt = uncounted.contains(&path);
            let counted = if is_exempt { LimitCoverage::No } else { LimitCoverage::Yes };
            describe(operation, wire, described, counted);
        }
    }
    order_tags(document);
}

/// States what repeats in a completed document once.
pub fn share(document: &mut Value) {
    shared::share(document, &common_headers());
}

/// Orders the tags by their first operation, as the pages then show them. The generator sorts them
/// by name, which puts the administration first.
fn order_tags(document: &mut Value) {
    let mut first: Vec<String> = Vec::new();
    for (_, operation) in operations_of(document) {
        for tag in operation["tags"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !first.iter().any(|known| known == tag) {
                first.push(tag.to_owned());
            }
        }
    }
    if let Some(tags) = document.get_mut("tags").and_then(Value::as_array_mut) {
        let place = |tag: &Value| first.iter().position(|known| tag["name"] == known.as_str());
        tags.sort_by_key(|tag| place(tag).unwrap_or(usize::MAX));
    }
}

/// The names of the schemas that request bodies consist of.
fn request_schemas(document: &mut Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut new = Vec::new();
    operations_of(document)
        .for_each(|(_, operation)| names_in(&operation["requestBody"], &mut new));
    while let Some(name) = new.pop() {
        if found.insert(name.clone()) {
            names_in(&document["components"]["schemas"][&name], &mut new);
        }
    }
    found
}

/// Collects the names of the schemas that a value refers to.
fn names_in(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str);
            names.extend(reference.and_then(|to| to.rsplit('/').next()).map(str::to_owned));
            members.values().for_each(|member| names_in(member, names));
        }
        Value::Array(items) => items.iter().for_each(|item| names_in(item, names)),
        _ => {}
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
        for (key, usual) in [("deprecated", false), ("explode", true), ("required", false)] {
            drop_member(parameter, key, &usual.into());
        }
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
    // A call for everyone says so.
    if operation.get("security").is_none() {
        operation["security"] = json!([]);
    }
    // Without a body, only a parameter can be invalid.
    let has_body = operation.get("requestBody").is_some();
    let invalid = if has_body { ExampleRule::Field } else { ExampleRule::Parameter };
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (status, response) in responses.iter_mut() {
        describe_success(status, response, described, counted);
    }
    for (at, kind) in kinds.iter().enumerate() {
        if !kinds[..at].contains(kind) {
            add_error(responses, wire, &example_of(*kind, invalid), counted);
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
    response["headers"] = header_refs(status, counted).into();
}

/// Adds one error with its actual body as an example. Errors of the same status share a response.
fn add_error(
    responses: &mut Map<String, Value>,
    wire: &dyn Wire,
    error: &Error,
    counted: LimitCoverage,
) {
    let kind = error.kind();
    let status = wire.status_of(error);
    let key = status.as_str().to_owned();
    let response = responses.entry(key).or_insert_with(|| {
        json!({
            "description": status.canonical_reason().unwrap_or("Error"),
            "headers": header_refs(status.as_str(), counted),
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" }, "examples": {} } },
        })
    });
    if status == StatusCode::UNAUTHORIZED && wire.challenges(kind) {
        response["headers"]["WWW-Authenticate"] = header_ref("WWW-Authenticate");
    }
    if let Some(examples) = response["content"]["application/json"]["examples"].as_object_mut() {
        let about = About {
            request_id: "req-uuid-for-tracking".into(),
            now: Time::from_seconds(1_701_426_600),
        };
        let code = wire.code(kind);
        let value = wire.body(error, &about);
        // Two limits may have the same words.
        if examples.values().any(|known| known["value"] == value) {
            return;
        }
        let taken = examples.keys().filter(|name| name.split('-').next() == Some(&*code)).count();
        let name = if taken == 0 { code.into_owned() } else { format!("{code}-{}", taken + 1) };
        examples.insert(name, json!({ "value": value }));
    }
}

/// What is invalid in the example of an invalid request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ExampleRule {
    /// A field of the body.
    Field,
    /// A parameter.
    Parameter,
}

/// An error as a client gets it.
fn example_of(kind: Kind, invalid: ExampleRule) -> Error {
    let error = Error::new(kind);
    match kind {
        Kind::Validation if invalid == ExampleRule::Parameter => {
            Error::invalid_field("limit", Rule::Parameter)
        }
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

fn header_refs(status: &str, counted: LimitCoverage) -> Map<String, Value> {
    let mut names = vec!["X-Request-ID"];
    if counted == LimitCoverage::Yes {
        names.extend(["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]);
    }
    if matches!(status, "423" | "429" | "503") {
        names.push("Retry-After");
    }
    names.into_iter().map(|name| (name.to_owned(), header_ref(name))).collect()
}

/// The headers of each response that counts against the general limit.
fn common_headers() -> Map<String, Value> {
    header_refs("", LimitCoverage::Yes)
}

/// A reference to a header. Every response has some, so their components have short names.
#[must_use]
pub fn header_ref(name: &str) -> Value {
    let short = name.trim_start_matches("X-RateLimit-").trim_start_matches("X-").replace('-', "");
    json!({ "$ref": format!("#/components/headers/{short}") })
}

fn headers() -> Value {
    let number = |what: &str| json!({ "description": what, "schema": { "type": "integer" } });
    let text = |what: &str| json!({ "description": what, "schema": { "type": "string" } });
    json!({
        "RequestID": text("The request id, also written to the server log."),
        "Limit": number("The number of calls allowed by the limit with the fewest calls left."),
        "Remaining": number("The number of calls left under that limit."),
        "Reset": number("When the limit is fully reset, in seconds since the Unix epoch."),
        "RetryAfter": number("Seconds to wait before the next attempt."),
        "WWWAuthenticate": text("Always `Bearer`."),
    })
}

/// Leaves out what goes without saying: titles that repeat the name, that a success is one, and that
/// its data are the result.
fn leave_out_defaults(name: &str, schema: &mut Value) {
    drop_member(schema, "title", &name.into());
    if let Some(success) = schema.pointer_mut("/properties/success") {
        drop_member(success, "description", &"Always `true`.".into());
    }
    if let Some(data) = schema.pointer_mut("/properties/data") {
        drop_member(data, "description", &"The result.".into());
        // Without a description, a reference needs no `allOf` around it.
        let is_wrapped = data.as_object().is_some_and(|members| members.len() == 1);
        let wrapped = data.get("allOf").and_then(Value::as_array).filter(|_| is_wrapped);
        if let Some([reference]) = wrapped.map(Vec::as_slice) {
            *data = reference.clone();
        }
    }
}

fn drop_member(value: &mut Value, key: &str, usual: &Value) {
    if value.get(key) == Some(usual)
        && let Some(members) = value.as_object_mut()
    {
        members.shift_remove(key);
    }
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

/// Marks optional properties of requests as nullable where they refer to another schema. The mark
/// counts only beside a type.
fn allow_null_references(schemas: &mut Map<String, Value>, requests: &BTreeSet<String>) {
    let types: HashMap<String, Value> =
        schemas.iter().map(|(name, schema)| (name.clone(), schema["type"].clone())).collect();
    let of_requests = schemas.iter_mut().filter(|(name, _)| requests.contains(*name));
    for (_, schema) in of_requests {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for (name, property) in properties.into_iter().flatten() {
            let reference = property.pointer("/allOf/0/$ref").and_then(Value::as_str);
            let referred = reference.and_then(|to| types.get(to.rsplit('/').next()?));
            if let Some(kind) = referred.filter(|_| !required.iter().any(|known| known == name)) {
                property["type"] = kind.clone();
                property["nullable"] = true.into();
            }
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
