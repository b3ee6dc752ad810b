//! Bad input for every call in the OpenAPI document: the response always has the envelope, the
//! right code and all invalid fields; there is never an internal error and never a partial change.

mod passwords;
mod routes;
mod tricks;

use std::collections::BTreeMap;

use poem::http::Method;
use serde_json::{Map, Value, json};

use crate::admin::staff;
use crate::support::{Answer, App, PASSWORD, UNLIMITED, UNLIMITED_MAIL, api_of, app_with, config};

/// One operation of the document.
struct Operation {
    method: Method,
    path: String,
    document: Value,
}

/// Settings that enable every call.
const ALL_CALLS: [(&str, &str); 2] =
    [("password.reset_by_code", "true"), ("login.passwordless", "true")];

struct Ground {
    app: App,
    bearer: String,
    document: Value,
}

impl Ground {
    async fn new() -> Self {
        let app =
            app_with("standard", &[&UNLIMITED[..], &UNLIMITED_MAIL, &ALL_CALLS].concat()).await;
        // A fresh login with all permissions: no call is refused before its body is read.
        let (_, bearer) = staff(&app, "ada", &["admin"]).await;
        let document = api_of(&authd::api::v1::document(&config("standard", &[], app.dir.path())));
        Self { app, bearer, document }
    }

    fn operations(&self) -> Vec<Operation> {
        let mut found = Vec::new();
        for (path, item) in self.document["paths"].as_object().unwrap() {
            for (method, document) in item.as_object().unwrap() {
                let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
                if ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
                    found.push(Operation {
                        method,
                        path: path.clone(),
                        document: document.clone(),
                    });
                }
            }
        }
        found
    }

    /// The operations that accept JSON.
    fn with_body(&self) -> Vec<Operation> {
        let mut all = self.operations();
        all.retain(|operation| operation.body_type().is_some());
        all
    }

    fn schema(&self, operation: &Operation) -> &Value {
        let name = operation.body_type().unwrap();
        &self.document["components"]["schemas"][name]
    }

    async fn send(
        &self,
        operation: &Operation,
        content_types: &[&str],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let path = format!("/v1{}", filled(&operation.path));
        let mut call =
            self.app.call(operation.method.clone(), &path).body("application/json", body);
        call = call.without("content-type");
        for content_type in content_types {
            call = call.header("content-type", content_type);
        }
        if operation.takes_a_token() {
            call = call.bearer(&self.bearer);
        }
        if operation.path.starts_with("/service/") {
            call = call.from("127.0.0.1");
        }
        let answer = call.send().await;
        operation.assert_promised(&answer);
        answer
    }

    /// All data in the database, except the audit records of refused administrative calls, which
    /// are expected.
    fn state(&self) -> BTreeMap<String, Vec<String>> {
        let db = self.app.database();
        let texts = |sql: &str| -> Vec<String> {
            db.query(sql).rows.iter().map(|row| format!("{row:?}")).collect()
        };
        let all = |name: &str| match name {
            "audit" => texts("select * from audit where event <> 'admin_refused'"),
            other => texts(&format!("select * from \"{other}\"")),
        };
        db.tables().into_iter().map(|name| (name.clone(), all(&name))).collect()
    }
}

/// Resolves a schema that refers to another one.
pub fn resolved(document: &Value, schema: &Value) -> Value {
    let named =
        schema.get("$ref").or_else(|| schema.pointer("/allOf/0/$ref")).and_then(Value::as_str);
    let found = named.and_then(|named| document.pointer(named.trim_start_matches('#')));
    found.unwrap_or(schema).clone()
}

/// A path with its parameters filled in.
pub fn filled(path: &str) -> String {
    path.split('/')
        .map(|part| if part.starts_with('{') { "x" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

impl Operation {
    fn body_type(&self) -> Option<&str> {
        let pointer = "/requestBody/content/application~1json/schema/$ref";
        self.document.pointer(pointer)?.as_str()?.rsplit('/').next()
    }

    fn takes_a_token(&self) -> bool {
        let ways = self.document["security"].as_array();
        ways.into_iter().flatten().any(|way| way.get("bearerAuth").is_some())
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// What holds for every response: it is documented, has the envelope and is no internal error.
    fn assert_promised(&self, answer: &Answer) {
        let status = answer.status.as_u16();
        let name = self.name();
        assert!(status < 500, "{name}: {}", answer.text);
        let documented = self.document["responses"].as_object().unwrap();
        assert!(
            documented.contains_key(&status.to_string()),
            "{name}: {status} is not documented: {}",
            answer.text
        );
        if status >= 400 {
            assert_envelope(&name, answer);
        }
    }
}

fn assert_envelope(name: &str, answer: &Answer) {
    let (body, text) = (&answer.body, &answer.text);
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8", "{name}");
    assert_eq!(body["success"], false, "{name}: {text}");
    let code = body["error"]["code"].as_str().unwrap_or_default();
    assert!(
        !code.is_empty() && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'),
        "{name}: {text}"
    );
    assert!(!body["error"]["message"].as_str().unwrap_or_default().is_empty(), "{name}: {text}");
    assert_eq!(body["requestId"], answer.header("x-request-id"), "{name}");
    assert_eq!(body["timestamp"], "2027-01-15T08:00:00Z", "{name}");
    assert_eq!(answer.header("cache-control"), "no-store", "{name}");
}

/// Bodies that are not a JSON object.
pub fn broken() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 20] = [
        b" ",
        b"{",
        b"}",
        b"[]",
        b"\"text\"",
        b"null",
        b"7",
        b"true",
        b"{\"email\":1,}",
        b"{'email':1}",
        b"{} x",
        b"{}{}",
        b"{\"token\":1,\"token\":1}",
        b"{\"token\":1,\"\\u0074oken\":1}",
        b"{\"x\":{\"a\":1,\"a\":1}}",
        b"{\"token\":\"\\ud800\"}",
        b"{\"token\":\"\xff\"}",
        b"\xef\xbb\xbf{}",
        b"{\"token\":1e999}",
        b"a=b&token=c",
    ];
    let mut all: Vec<Vec<u8>> = texts.map(<[u8]>::to_vec).into();
    all.push(format!("{{\"a\":{}{}}}", "[".repeat(5000), "]".repeat(5000)).into_bytes());
    all.push(format!("{{\"a\":{}}}", "{\"a\":".repeat(9000)).into_bytes());
    all
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused_by_every_call() {
    let ground = Ground::new().await;
    let before = ground.state();
    let mut wrong = Wrong::default();
    for operation in ground.with_body() {
        for body in broken() {
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            let answer = ground.send(&operation, &["application/json"], body).await;
            wrong.expect(
                (400, "VALIDATION_ERROR"),
                &answer,
                &format!("{}: {shown}", operation.name()),
            );
        }
    }
    wrong.assert_none();
    assert_eq!(ground.state(), before);
}

#[tokio::test]
async fn a_body_of_another_type_or_too_large_is_refused_by_every_call() {
    let ground = Ground::new().await;
    let before = ground.state();
    let mut wrong = Wrong::default();
    let large = format!("{{\"x\":\"{}\"}}", "a".repeat(65_536));
    for operation in ground.with_body() {
        for types in [
            &["text/plain"][..],
            &["application/x-www-form-urlencoded"],
            &["multipart/form-data; boundary=x"],
            &["application/jsonx"],
            &["application/xml"],
            &["text/json"],
            &["json"],
            &["\u{ff}"],
            &[""],
            &["application/json", "application/json"],
            &["application/json, text/plain"],
            &[],
        ] {
            let answer = ground.send(&operation, types, "{\"x\":1}").await;
            wrong.expect(
                (415, "UNSUPPORTED_MEDIA_TYPE"),
                &answer,
                &format!("{}: {types:?}", operation.name()),
            );
        }
        let answer = ground.send(&operation, &["application/json"], large.clone()).await;
        wrong.expect((413, "PAYLOAD_TOO_LARGE"), &answer, &operation.name());
    }
    wrong.assert_none();
    assert_eq!(ground.state(), before);
}

/// Bodies with one malformed field, each with the code from the field's row.
pub fn bad_values(schema: &Value, is_required: bool) -> Vec<(Option<Value>, &'static str)> {
    let mut bad: Vec<(Option<Value>, &'static str)> = Vec::new();
    let kind = schema["type"].as_str().unwrap_or("");
    for (of, value) in [
        ("string", json!("x")),
        ("boolean", json!(true)),
        ("integer", json!(7)),
        ("object", json!({ "a": 1 })),
        ("array", json!(["x"])),
    ] {
        if of != kind && !(kind == "number" && of == "integer") {
            bad.push((Some(value), "VALIDATION_ERROR"));
        }
    }
    if is_required {
        bad.extend([
            (None, "REQUIRED_FIELD_MISSING"),
            (Some(Value::Null), "REQUIRED_FIELD_MISSING"),
        ]);
    }
    match kind {
        "integer" => bad.extend(
            [("1.5", "VALIDATION_ERROR"), ("1e30", "VALIDATION_ERROR"), ("-1", "FIELD_TOO_SHORT")]
                .map(|(number, code)| (number.parse().ok(), code)),
        ),
        "array" => bad.extend(
            [json!([7]), json!([null]), json!([["x"]])]
                .map(|list| (Some(list), "VALIDATION_ERROR")),
        ),
        _ => {}
    }
    if schema["enum"].is_array() {
        bad.extend(
            ["nonsense", "a\u{200b}", "\0"].map(|word| (Some(json!(word)), "VALIDATION_ERROR")),
        );
    }
    if kind == "string" {
        bad.extend(bad_strings(schema, is_required));
    }
    bad
}

/// Strings that a field does not take, each with the code from the field's row.
fn bad_strings(schema: &Value, is_required: bool) -> Vec<(Option<Value>, &'static str)> {
    let mut bad: Vec<(Option<Value>, &'static str)> = Vec::new();
    if is_required {
        bad.push((Some(json!("")), "REQUIRED_FIELD_MISSING"));
    }
    if let Some(max) = schema["maxLength"].as_u64() {
        let max = usize::try_from(max).unwrap();
        bad.push((Some(json!("a".repeat(max + 1))), "FIELD_TOO_LONG"));
        bad.push((Some(json!("é".repeat(max + 1))), "FIELD_TOO_LONG"));
        bad.push((Some(json!("a".repeat(60_000))), "FIELD_TOO_LONG"));
    }
    let (tricks, code): (&[&str], _) = match schema["format"].as_str() {
        Some("email") => (
            &["a\u{200b}b@example.com", "ａ@example.com", "a@example.com\u{202e}"],
            "INVALID_EMAIL_FORMAT",
        ),
        Some("username") => {
            (&["ada\u{200d}lovelace", "ａｄａ", "ada\u{202e}x"], "INVALID_USERNAME_FORMAT")
        }
        Some("base64url") => (&["a b=", "abc+", "abc/", "abcd=", "a"], "VALIDATION_ERROR"),
        _ => (&[], ""),
    };
    bad.extend(tricks.iter().map(|trick| (Some(json!(trick)), code)));
    let is_plain = schema["enum"].is_null() && schema["format"] != "date-time";
    for control in ["\0", "\r\n", "\u{1b}", "\u{7f}", "\u{85}"] {
        // As long as any field requires, and not too long for any.
        if is_plain && schema["maxLength"].as_u64().is_none_or(|max| max >= 14) {
            bad.push((Some(json!(format!("aaaaaa{control}aaaaaa"))), "VALIDATION_ERROR"));
        }
    }
    bad
}

/// A credential as a browser sends it.
fn credential(response: &Value) -> Value {
    json!({ "credential": { "id": "AAAA", "type": "public-key", "response": response } })
}

/// A body in which every field is valid.
fn good(operation: &Operation) -> Map<String, Value> {
    let body = match operation.path.as_str() {
        "/auth/register" => json!({
            "email": "new@example.com", "username": "newcomer", "password": PASSWORD, "firstName": "Given",
            "lastName": "Family", "phone": "+1234567890",
        }),
        "/auth/login" => {
            json!({ "email": "ada@example.com", "password": PASSWORD, "rememberMe": true })
        }
        "/users/me" => {
            json!({ "firstName": "Given", "lastName": "Family", "phone": "+1234567890" })
        }
        "/auth/resend-verification" => json!({ "email": "ada@example.com" }),
        "/auth/verify-email"
        | "/auth/verify-email/disown"
        | "/auth/confirm-email"
        | "/auth/undo-email"
        | "/auth/verify-token"
        | "/service/introspect" => json!({ "token": "x" }),
        "/auth/forgot-password"
        | "/auth/reset-code/request"
        | "/auth/otp/request"
        | "/service/quota/count" => json!({ "email": "eve@example.com" }),
        "/auth/reset-password" => json!({ "token": "x", "newPassword": PASSWORD }),
        "/auth/change-password" => {
            json!({ "currentPassword": PASSWORD, "newPassword": "another long passphrase" })
        }
        "/auth/reauthenticate" => json!({ "password": PASSWORD }),
        "/users/me/email" => json!({ "newEmail": "new@example.com" }),
        "/auth/reset-code/verify" | "/auth/otp/verify" => {
            json!({ "email": "eve@example.com", "code": "000000" })
        }
        "/auth/reset-code/confirm" => {
            json!({ "email": "eve@example.com", "code": "000000", "newPassword": PASSWORD })
        }
        "/auth/mfa/setup" => json!({ "type": "totp", "deviceName": "Phone" }),
        "/auth/mfa/verify" => json!({ "code": "000000" }),
        "/users/me/mfa/{id}" => json!({ "deviceName": "Phone" }),
        "/auth/passkey" | "/auth/mfa/passkey" | "/auth/reauthenticate/passkey" => {
            credential(&json!({
                "clientDataJSON": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA",
            }))
        }
        "/users/me/passkeys/options" => json!({ "type": "passkey" }),
        "/users/me/passkeys" => {
            credential(&json!({ "clientDataJSON": "AAAA", "attestationObject": "AAAA" }))
        }
        "/users/me/passkeys/{id}" => json!({ "name": "Phone" }),
        "/admin/users" => json!({
            "email": "new@example.com", "username": "newcomer", "password": PASSWORD, "firstName": "Given",
            "lastName": "Family",
        }),
        "/admin/roles" => json!({ "name": "helper", "permissions": ["admin.users.read"] }),
        "/admin/roles/{role}" => json!({ "permissions": ["admin.users.read"] }),
        "/admin/searches" => json!({ "name": "Pending", "query": "state=pending" }),
        "/admin/apps" => json!({ "name": "web", "kind": "client" }),
        "/admin/keys/rotate" => json!({ "mode": "planned" }),
        other => good_for_provider(other),
    };
    body.as_object().unwrap().clone()
}

fn good_for_provider(path: &str) -> Value {
    let page = "https://app.example.com/";
    match path {
        "/auth/providers/{name}/begin" => json!({ "redirectUri": page }),
        "/auth/providers/callback" => json!({ "flow": "x", "state": "x" }),
        "/auth/providers/{name}/token" => json!({ "idToken": "x" }),
        "/auth/providers/code" | "/users/me/identities" => json!({ "providerToken": "x" }),
        "/auth/providers/complete" => json!({ "providerToken": "x", "code": "x" }),
        "/users/me/identities/begin" => json!({ "provider": "acme", "redirectUri": page }),
        _ => json!({}),
    }
}

#[tokio::test]
async fn every_bad_value_of_every_field_is_named_by_every_call() {
    let ground = Ground::new().await;
    let before = ground.state();
    let mut wrong = Wrong::default();
    for operation in ground.with_body() {
        let schema = ground.schema(&operation).clone();
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|name| name.as_str().unwrap())
            .collect();
        for (field, of_field) in schema["properties"].as_object().unwrap() {
            for (value, code) in bad_values(
                &resolved(&ground.document, of_field),
                required.contains(&field.as_str()),
            ) {
                let mut body = good(&operation);
                match &value {
                    Some(value) => body.insert(field.clone(), value.clone()),
                    None => body.remove(field),
                };
                let answer = ground
                    .send(&operation, &["application/json"], Value::Object(body).to_string())
                    .await;
                wrong.row(&operation, field, value.as_ref(), code, &answer);
            }
        }
    }
    wrong.assert_none();
    assert_eq!(ground.state(), before);
}

/// Whether a row is about this field, or about an item of its list.
fn names(row: &Value, field: &str) -> bool {
    let named = row["field"].as_str().unwrap_or_default();
    named.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
}

/// The invalid fields, all reported at once.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn expect(&mut self, expected: (u16, &str), answer: &Answer, about: &str) {
        if (answer.status.as_u16(), answer.code()) != expected {
            self.0.push(format!("{about}: {expected:?}: {} {}", answer.status, answer.text));
        }
    }

    fn row(
        &mut self,
        operation: &Operation,
        field: &str,
        value: Option<&Value>,
        code: &str,
        answer: &Answer,
    ) {
        let shown = value.map(|value| value.to_string().chars().take(40).collect::<String>());
        let about = format!("{}: {field} {shown:?}", operation.name());
        // A missing required value has its own code in the document.
        let own = match (operation.path.as_str(), field) {
            ("/auth/login", _) => "MISSING_CREDENTIALS",
            (
                "/auth/verify-email"
                | "/auth/verify-email/disown"
                | "/auth/confirm-email"
                | "/auth/undo-email"
                | "/auth/reset-password",
                "token",
            ) => "MISSING_TOKEN",
            _ => "VALIDATION_ERROR",
        };
        if code == "REQUIRED_FIELD_MISSING" && own != "VALIDATION_ERROR" {
            return self.expect((400, own), answer, &about);
        }
        self.expect((400, "VALIDATION_ERROR"), answer, &about);
        let rows = answer.body["error"]["details"].as_array().cloned().unwrap_or_default();
        let is_named = rows.iter().any(|row| names(row, field) && row["code"] == code);
        let is_alone = rows.iter().all(|row| names(row, field) && row["message"].is_string());
        if answer.code() == "VALIDATION_ERROR" && !(is_named && is_alone) {
            self.0.push(format!("{about}: {code}: {}", answer.text));
        }
    }

    fn assert_none(&self) {
        assert!(self.0.is_empty(), "{} wrong:\n{}", self.0.len(), self.0.join("\n"));
    }
}

#[tokio::test]
async fn all_bad_fields_are_named_at_once_by_every_call() {
    let ground = Ground::new().await;
    let before = ground.state();
    let mut wrong = Wrong::default();
    for operation in ground.with_body() {
        let fields: Vec<String> =
            ground.schema(&operation)["properties"].as_object().unwrap().keys().cloned().collect();
        let body: Map<String, Value> =
            fields.iter().map(|field| (field.clone(), json!([{}, 7]))).collect();
        let answer =
            ground.send(&operation, &["application/json"], Value::Object(body).to_string()).await;
        wrong.expect((400, "VALIDATION_ERROR"), &answer, &operation.name());
        let rows = answer.body["error"]["details"].as_array().cloned().unwrap_or_default();
        let said = |field: &str| rows.iter().filter(|row| names(row, field)).count();
        let bad = |field: &str| {
            if ground.schema(&operation)["properties"][field]["type"] == "array" { 2 } else { 1 }
        };
        let unsaid = fields.iter().filter(|field| said(field) != bad(field));
        wrong
            .0
            .extend(unsaid.map(|field| format!("{}: {field}: {}", operation.name(), answer.text)));
    }
    wrong.assert_none();
    assert_eq!(ground.state(), before);
}
