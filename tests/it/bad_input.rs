//! Bad input for every call that the OpenAPI document names: always the envelope, the right code and all bad fields,
//! never a fault of ours, never half a change.

use std::collections::BTreeMap;

use poem::http::Method;
use serde_json::{Map, Value, json};

use crate::support::{Answer, App, PASSWORD, app_with, config};

/// One operation of the document.
struct Operation {
    method: Method,
    path: String,
    document: Value,
}

/// Limits are not what is tried here.
const UNLIMITED: [(&str, &str); 5] = [
    ("limits.general", "off"),
    ("limits.sign_up", "off"),
    ("limits.sign_in", "off"),
    ("limits.refresh", "off"),
    ("limits.resend", "off"),
];

/// The operations of issue-free ground: what a call of each says when its body or fields are wrong is fixed here. Calls
/// that come later are held to the general promises only.
const PUBLIC: [&str; 7] = [
    "/auth/register",
    "/auth/login",
    "/auth/refresh",
    "/auth/logout",
    "/auth/verify-email",
    "/auth/resend-verification",
    "/auth/verify-email/disown",
];

struct Ground {
    app: App,
    bearer: String,
    document: Value,
}

impl Ground {
    async fn new() -> Self {
        let app = app_with("standard", &UNLIMITED).await;
        let bearer = app.enter("ada").await.access;
        let document = authd::api::v1::document(&config("standard", &[], app.dir.path()));
        Self { app, bearer, document }
    }

    fn operations(&self) -> Vec<Operation> {
        let mut found = Vec::new();
        for (path, item) in self.document["paths"].as_object().unwrap() {
            for (method, document) in item.as_object().unwrap() {
                let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
                if ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
                    found.push(Operation { method, path: path.clone(), document: document.clone() });
                }
            }
        }
        found
    }

    /// Those that take JSON.
    fn with_body(&self) -> Vec<Operation> {
        let mut all = self.operations();
        all.retain(|operation| operation.body_type().is_some());
        all
    }

    fn schema(&self, operation: &Operation) -> &Value {
        let name = operation.body_type().unwrap();
        &self.document["components"]["schemas"][name]
    }

    async fn send(&self, operation: &Operation, content_types: &[&str], body: impl Into<Vec<u8>>) -> Answer {
        let path = format!("/v1{}", filled(&operation.path));
        let mut call = self.app.call(operation.method.clone(), &path).body("application/json", body);
        call = call.without("content-type");
        for content_type in content_types {
            call = call.header("content-type", content_type);
        }
        // A sign-up and a login are made without a token, everything else with a good one.
        if !operation.path.starts_with("/auth/") {
            call = call.bearer(&self.bearer);
        }
        let answer = call.send().await;
        operation.assert_promised(&answer);
        answer
    }

    /// Everything in the database, but the records of administrative calls that were refused: those are meant to be.
    fn state(&self) -> BTreeMap<String, Vec<String>> {
        let db = rusqlite::Connection::open(self.app.dir.path().join("authd.db")).unwrap();
        let texts = |sql: &str| -> Vec<String> {
            let mut statement = db.prepare(sql).unwrap();
            let columns = statement.column_count();
            let row = |row: &rusqlite::Row<'_>| {
                (0..columns).map(|at| row.get_ref(at).map(|value| format!("{value:?}"))).collect::<Result<Vec<_>, _>>()
            };
            statement.query_map([], |found| row(found)).unwrap().map(|row| row.unwrap().join("|")).collect()
        };
        let mut names = db.prepare("select name from sqlite_schema where type = 'table' order by name").unwrap();
        let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let all = |name: &str| match name {
            "audit" => texts("select * from audit where event <> 'admin_refused'"),
            other => texts(&format!("select * from \"{other}\"")),
        };
        names.into_iter().map(|name| (name.clone(), all(&name))).collect()
    }
}

/// A path with something in its places.
fn filled(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect::<Vec<_>>().join("/")
}

impl Operation {
    fn body_type(&self) -> Option<&str> {
        let pointer = "/requestBody/content/application~1json/schema/$ref";
        self.document.pointer(pointer)?.as_str()?.rsplit('/').next()
    }

    fn is_known(&self) -> bool {
        PUBLIC.contains(&self.path.as_str()) || self.path == "/users/me"
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// What every answer is, whatever was sent: documented, in the envelope, no fault of ours.
    fn assert_promised(&self, answer: &Answer) {
        let status = answer.status.as_u16();
        let name = self.name();
        assert!(status < 500, "{name}: {}", answer.text);
        let documented = self.document["responses"].as_object().unwrap();
        assert!(documented.contains_key(&status.to_string()), "{name}: {status} is not documented: {}", answer.text);
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
    assert!(!code.is_empty() && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'), "{name}: {text}");
    assert!(!body["error"]["message"].as_str().unwrap_or_default().is_empty(), "{name}: {text}");
    assert_eq!(body["requestId"], answer.header("x-request-id"), "{name}");
    assert_eq!(body["timestamp"], "2027-01-15T08:00:00Z", "{name}");
    assert_eq!(answer.header("cache-control"), "no-store", "{name}");
}

/// Bodies that are no JSON object of their own.
fn broken() -> Vec<Vec<u8>> {
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
    for operation in ground.with_body() {
        for body in broken() {
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            let answer = ground.send(&operation, &["application/json"], body).await;
            if operation.is_known() {
                let got = (answer.status.as_u16(), answer.code());
                assert_eq!(got, (400, "VALIDATION_ERROR"), "{}: {shown}", operation.name());
            }
        }
    }
    assert_eq!(ground.state(), before);
}

#[tokio::test]
async fn a_body_of_another_type_or_too_large_is_refused_by_every_call() {
    let ground = Ground::new().await;
    let before = ground.state();
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
            if operation.is_known() {
                let got = (answer.status.as_u16(), answer.code());
                assert_eq!(got, (415, "UNSUPPORTED_MEDIA_TYPE"), "{}: {types:?}", operation.name());
            }
        }
        let answer = ground.send(&operation, &["application/json"], large.clone()).await;
        if operation.is_known() {
            assert_eq!((answer.status.as_u16(), answer.code()), (413, "PAYLOAD_TOO_LARGE"), "{}", operation.name());
        }
    }
    assert_eq!(ground.state(), before);
}

/// Bodies that break one field's rule of form, with the code that its row has.
fn bad_values(schema: &Value, is_required: bool) -> Vec<(Option<Value>, &'static str)> {
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
        bad.extend([(None, "REQUIRED_FIELD_MISSING"), (Some(Value::Null), "REQUIRED_FIELD_MISSING")]);
    }
    if kind == "string" {
        if is_required {
            bad.push((Some(json!("")), "REQUIRED_FIELD_MISSING"));
        }
        if let Some(max) = schema["maxLength"].as_u64() {
            let max = usize::try_from(max).unwrap();
            bad.push((Some(json!("a".repeat(max + 1))), "FIELD_TOO_LONG"));
            bad.push((Some(json!("é".repeat(max + 1))), "FIELD_TOO_LONG"));
            bad.push((Some(json!("a".repeat(60_000))), "FIELD_TOO_LONG"));
        }
        let is_plain = schema["enum"].is_null() && schema["format"] != "date-time";
        for control in ["\0", "\r\n", "\u{1b}", "\u{7f}", "\u{85}"] {
            // As long as any field asks for, and not too long for any.
            if is_plain && schema["maxLength"].as_u64().is_none_or(|max| max >= 14) {
                bad.push((Some(json!(format!("aaaaaa{control}aaaaaa"))), "VALIDATION_ERROR"));
            }
        }
    }
    bad
}

/// A body in which every field is as it should be.
fn good(operation: &Operation) -> Map<String, Value> {
    let body = match operation.path.as_str() {
        "/auth/register" => json!({
            "email": "new@example.com", "username": "newcomer", "password": PASSWORD, "firstName": "Given",
            "lastName": "Family", "phone": "+1234567890",
        }),
        "/auth/login" => json!({ "email": "ada@example.com", "password": PASSWORD, "rememberMe": true }),
        "/users/me" => json!({ "firstName": "Given", "lastName": "Family", "phone": "+1234567890" }),
        "/auth/resend-verification" => json!({ "email": "ada@example.com" }),
        "/auth/verify-email" | "/auth/verify-email/disown" => json!({ "token": "x" }),
        _ => json!({}),
    };
    body.as_object().unwrap().clone()
}

#[tokio::test]
async fn every_bad_value_of_every_field_is_named_by_every_call() {
    let ground = Ground::new().await;
    let before = ground.state();
    for operation in ground.with_body() {
        let schema = ground.schema(&operation).clone();
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap()).collect();
        for (field, of_field) in schema["properties"].as_object().unwrap() {
            for (value, code) in bad_values(of_field, required.contains(&field.as_str())) {
                let mut body = good(&operation);
                match &value {
                    Some(value) => body.insert(field.clone(), value.clone()),
                    None => body.remove(field),
                };
                let answer = ground.send(&operation, &["application/json"], Value::Object(body).to_string()).await;
                if operation.is_known() {
                    assert_row(&operation, field, value.as_ref(), code, &answer);
                }
            }
        }
    }
    assert_eq!(ground.state(), before);
}

fn assert_row(operation: &Operation, field: &str, value: Option<&Value>, code: &str, answer: &Answer) {
    let shown = value.map(|value| value.to_string().chars().take(40).collect::<String>());
    let about = format!("{}: {field} {shown:?}: {}", operation.name(), answer.text);
    assert_eq!(answer.status, 400, "{about}");
    // What a call cannot do without has a word of its own in the document.
    let own = match operation.path.as_str() {
        "/auth/login" => "MISSING_CREDENTIALS",
        "/auth/verify-email" | "/auth/verify-email/disown" => "MISSING_TOKEN",
        _ => "VALIDATION_ERROR",
    };
    if code == "REQUIRED_FIELD_MISSING" && own != "VALIDATION_ERROR" {
        assert_eq!(answer.code(), own, "{about}");
        return;
    }
    assert_eq!(answer.code(), "VALIDATION_ERROR", "{about}");
    let rows = answer.body["error"]["details"].as_array().unwrap_or_else(|| panic!("{about}"));
    assert!(rows.iter().any(|row| row["field"] == field && row["code"] == code), "{code}: {about}");
    assert!(rows.iter().all(|row| row["field"] == field), "{about}");
    assert!(rows.iter().all(|row| !row["message"].as_str().unwrap_or_default().is_empty()), "{about}");
}

#[tokio::test]
async fn all_bad_fields_are_named_at_once_by_every_call() {
    let ground = Ground::new().await;
    for operation in ground.with_body() {
        let fields: Vec<String> =
            ground.schema(&operation)["properties"].as_object().unwrap().keys().cloned().collect();
        let body: Map<String, Value> = fields.iter().map(|field| (field.clone(), json!([{}, 7]))).collect();
        let answer = ground.send(&operation, &["application/json"], Value::Object(body).to_string()).await;
        if operation.is_known() {
            assert_eq!((answer.status.as_u16(), answer.code()), (400, "VALIDATION_ERROR"), "{}", answer.text);
            let rows = answer.body["error"]["details"].as_array().unwrap();
            for field in &fields {
                let said = rows.iter().filter(|row| row["field"] == field.as_str()).count();
                assert_eq!(said, 1, "{}: {field}: {}", operation.name(), answer.text);
            }
        }
    }
}

const ADDRESSES: [&str; 36] = [
    "a@b",
    "@example.com",
    "a@",
    "a b@example.com",
    "a@exam ple.com",
    "a@@example.com",
    "a@b@example.com",
    "\"a b\"@example.com",
    "a@[127.0.0.1]",
    "a@127.0.0.1",
    "<a@example.com>",
    "A <a@example.com>",
    "a@example.com,b@example.com",
    "a@example.com;b@example.com",
    "a(x)@example.com",
    ".a@example.com",
    "a.@example.com",
    "a..b@example.com",
    "a@-example.com",
    "a@example-.com",
    "a@.com",
    "a@example..com",
    "a@example.com.",
    "ａ@example.com",
    "а@example.com",
    "a＠example.com",
    "a@exam\u{200b}ple.com",
    "a\u{202e}@example.com",
    "a@example.com\u{202e}",
    "a@exa%6dple.com",
    "a@example.com%0d%0abcc:b@example.com",
    "mailto:a@example.com",
    "a@example.com ",
    " a@example.com",
    "a\u{300}@example.com",
    "a\u{fe0f}@example.com",
];

const USERNAMES: [&str; 14] = [
    "ada@example.com",
    "а\u{434}\u{430}ada",
    "ada\u{200d}lovelace",
    "ａｄａ",
    "ada lovelace",
    "ada\u{202e}x",
    ".ada",
    "ada.",
    "ada/..",
    "ada%00",
    "<b>ada",
    "ada'--",
    "İstanbul",
    "ada\u{301}",
];

#[tokio::test]
async fn an_address_or_a_name_with_tricks_in_it_is_refused() {
    let ground = Ground::new().await;
    let before = ground.state();
    let app = &ground.app;
    for email in ADDRESSES {
        let mut body = json!({ "email": email, "password": PASSWORD });
        let answer = app.post("/v1/auth/register", &body).send().await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "VALIDATION_ERROR"), "{email:?} {}", answer.text);
        assert_eq!(answer.body["error"]["details"][0]["code"], "INVALID_EMAIL_FORMAT", "{email:?}");
        body = json!({ "email": email });
        assert_eq!(app.post("/v1/auth/resend-verification", &body).send().await.status, 400, "{email:?}");
    }
    for username in USERNAMES {
        let body = json!({ "email": "new@example.com", "username": username, "password": PASSWORD });
        let answer = app.post("/v1/auth/register", &body).send().await;
        assert_eq!(answer.body["error"]["details"][0]["code"], "INVALID_USERNAME_FORMAT", "{username:?}");
    }
    assert_eq!(ground.state(), before);
}

#[tokio::test]
async fn a_wrong_method_names_exactly_the_right_ones_on_every_path_and_mount() {
    let ground = Ground::new().await;
    let before = ground.state();
    let mut methods: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for operation in ground.operations() {
        let known = methods.entry(filled(&operation.path)).or_default();
        known.push(operation.method.to_string());
        if operation.method == Method::GET {
            known.push("HEAD".into());
        }
    }
    for (path, known) in &mut methods {
        known.sort();
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            if known.iter().any(|known| known == method) {
                continue;
            }
            for mount in ["/v1", "/api/v1"] {
                let answer = ground.app.call(method.parse().unwrap(), &format!("{mount}{path}")).send().await;
                let about = format!("{method} {mount}{path}");
                assert_eq!((answer.status.as_u16(), answer.code()), (405, "METHOD_NOT_ALLOWED"), "{about}");
                assert_eq!(answer.header("allow"), known.join(", "), "{about}");
                assert_envelope(&about, &answer);
            }
        }
    }
    assert_eq!(ground.state(), before);
}

#[tokio::test]
async fn an_unknown_path_is_said_in_the_envelope() {
    let ground = Ground::new().await;
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v2/auth/login",
        "/v1/auth",
        "/v1/auth/login/",
        "/v1//auth/login",
        "//v1/auth/login",
        "/v1/auth/%6cogin%00",
        "/v1/auth/%ff",
        "/V1/auth/login",
        "/v1/Auth/login",
        "/v1/auth/login/x",
        "/api",
        "/api/v1",
        "/api/v1/auth/../auth/nothing",
        "/v1/users/me/nothing",
        "/v1/users/%2e%2e/x",
        "/.env",
        "/authd.db",
        "/static/../authd.key",
        "/docs/../authd.key",
        "/docs/nothing.js",
        "/openapi/nothing.json",
        "/v1/auth/login;x=1",
    ] {
        for method in [Method::GET, Method::POST] {
            let answer = ground.app.call(method.clone(), path).send().await;
            let about = format!("{method} {path}");
            let code = answer.code();
            assert!(
                matches!((answer.status.as_u16(), code), (404, "NOT_FOUND") | (405, "METHOD_NOT_ALLOWED")),
                "{about}"
            );
            assert_envelope(&about, &answer);
        }
    }
}

#[tokio::test]
async fn a_header_of_whatever_bytes_is_no_fault_of_ours() {
    let ground = Ground::new().await;
    let long = "a".repeat(9000);
    for value in ["", " ", "Bearer", "Bearer ", "bearer x", "Bearer x y", "Bearer a.b.c", "\u{ff}\u{fe}", "\t", &long] {
        for name in ["authorization", "cookie", "origin", "x-forwarded-for", "x-request-id", "user-agent", "accept"] {
            for (method, path) in [(Method::GET, "/v1/users/me"), (Method::POST, "/v1/auth/refresh")] {
                let answer = ground.app.call(method, path).header(name, value).send().await;
                assert!((400..=403).contains(&answer.status.as_u16()), "{name}: {value:?}: {}", answer.text);
                assert_envelope(&format!("{path} {name}: {value:?}"), &answer);
            }
        }
    }
}
