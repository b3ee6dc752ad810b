//! Shared by the scenarios of each operation: calls whose responses must be in the OpenAPI document,
//! accounts, limits of two calls, and the audit records that a call left.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::panic::Location;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::admin::make;
use crate::factors::{Phone, set_up, verify, waiting};
use crate::support::{
    Answer, App, Call, PASSWORD, START, Tokens, UNLIMITED, api_of, app, app_with, line_of,
    unlimited_but,
};

pub const MINUTE: Duration = Duration::from_mins(1);
pub const HOUR: Duration = Duration::from_hours(1);
pub const DAY: Duration = Duration::from_hours(24);
/// A password that no account has.
pub const WRONG: &str = "a wrong passphrase";
/// A password to change to.
pub const NEW: &str = "another long passphrase";
/// The client IP of a call that names no other.
pub const HERE: &str = "192.0.2.1";
/// Another client IP.
pub const ELSEWHERE: &str = "198.51.100.7";
/// The content of a file of a kind that uploads accept.
pub const PDF: &str = "%PDF-1.7\n1 0 obj\n";
/// The client IP of a service on this machine.
pub const SERVICE: &str = "127.0.0.1";

/// The document of `standard`.
pub async fn document() -> &'static Value {
    static DOCUMENT: OnceCell<Value> = OnceCell::const_new();
    DOCUMENT.get_or_init(async || api_of(&native_document(&app().await).await)).await
}

/// The whole document of the native API: that for users, and that for administrators before the part
/// about the server itself.
pub async fn native_document(app: &App) -> Value {
    let mut whole = app.get("/openapi/v1.json").send().await.body;
    let admin = app.get("/openapi/v1-admin.json").send().await.body;
    let mut paths = serde_json::Map::new();
    for (path, item) in whole["paths"].as_object().unwrap() {
        if path == "/health" {
            paths.extend(admin["paths"].as_object().unwrap().clone());
        }
        paths.insert(path.clone(), item.clone());
    }
    whole["paths"] = paths.into();
    for (kind, all) in admin["components"].as_object().unwrap() {
        let own = whole["components"][kind].as_object().cloned().unwrap_or_default();
        let both: BTreeMap<_, _> =
            own.into_iter().chain(all.as_object().unwrap().clone()).collect();
        if kind != "securitySchemes" {
            whole["components"][kind] = Value::Object(both.into_iter().collect());
        }
    }
    let tags = whole["tags"].as_array_mut().unwrap();
    let at = tags.iter().position(|tag| tag["name"] == "Health").unwrap();
    tags.splice(at..at, admin["tags"].as_array().unwrap().clone());
    whole
}

/// An operation of the document: its verb and path.
#[derive(Clone, Copy)]
pub struct Operation(pub &'static str, pub &'static str);

impl Operation {
    /// A call on this app.
    pub fn on<'a>(&self, app: &'a App) -> DocumentedCall<'a> {
        self.at(app, &[])
    }

    /// A call with these path parameters.
    pub fn at<'a>(&self, app: &'a App, parameters: &[&str]) -> DocumentedCall<'a> {
        let mut parameters = parameters.iter();
        let filled = |part: &str| {
            let is_parameter = part.starts_with('{');
            if is_parameter {
                (*parameters.next().expect("a value for each parameter")).to_owned()
            } else {
                part.to_owned()
            }
        };
        let path = self.1.split('/').map(filled).collect::<Vec<_>>().join("/");
        self.request(app, &path)
    }

    /// A call with this query.
    pub fn query<'a>(&self, app: &'a App, query: &str) -> DocumentedCall<'a> {
        self.request(app, &format!("{}?{query}", self.1))
    }

    fn request<'a>(&self, app: &'a App, path: &str) -> DocumentedCall<'a> {
        DocumentedCall {
            operation: *self,
            call: app.call(self.0.parse().unwrap(), &format!("/v1{path}")),
        }
    }

    /// Asserts that the document names the status and, for an error, its code.
    async fn assert_documented(&self, answer: &Answer) {
        let Self(verb, path) = self;
        let response = &document().await["paths"][path][verb.to_lowercase()]["responses"]
            [answer.status.as_str()];
        assert!(
            response.is_object(),
            "{verb} {path}: {} is not documented: {}",
            answer.status,
            answer.text
        );
        if answer.status.as_u16() >= 400 {
            let examples = response["content"]["application/json"]["examples"].as_object().unwrap();
            let is_named =
                examples.values().any(|example| example["value"]["error"]["code"] == answer.code());
            assert!(
                is_named,
                "{verb} {path}: {} is not documented: {}",
                answer.code(),
                answer.text
            );
        }
    }
}

/// A call being built.
pub struct DocumentedCall<'a> {
    operation: Operation,
    call: Call<'a>,
}

impl DocumentedCall<'_> {
    pub fn json(self, body: &Value) -> Self {
        Self { call: self.call.json(body), ..self }
    }

    pub fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { call: self.call.body(content_type, body), ..self }
    }

    pub fn bearer(self, token: &str) -> Self {
        Self { call: self.call.bearer(token), ..self }
    }

    pub fn header(self, name: &'static str, value: &str) -> Self {
        Self { call: self.call.header(name, value), ..self }
    }

    /// Sets the client IP.
    pub fn from(self, address: &str) -> Self {
        Self { call: self.call.from(address), ..self }
    }

    /// Sends the call and asserts a success with this status.
    #[track_caller]
    pub fn ok(self, status: u16) -> impl Future<Output = Answer> {
        let caller = Location::caller();
        async move { self.send().await.expect(caller, status, "") }
    }

    /// Sends the call and asserts a refusal with this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> impl Future<Output = Answer> {
        let caller = Location::caller();
        async move { self.send().await.expect(caller, status, code) }
    }

    pub async fn send(self) -> Answer {
        let answer = self.call.send().await;
        self.operation.assert_documented(&answer).await;
        answer
    }
}

/// An account that is logged in.
pub struct Person {
    pub id: String,
    pub access: String,
    pub refresh: String,
}

/// The access token, so that a call takes `bearer(&person)`.
impl Deref for Person {
    type Target = str;

    fn deref(&self) -> &str {
        &self.access
    }
}

/// Creates a verified account with these roles and logs it in.
pub async fn person(app: &App, name: &str, roles: &[&str]) -> Person {
    let id = make(app, name, roles).await;
    let Tokens { access, refresh } = app.login(name, PASSWORD).await.tokens();
    Person { id, access, refresh }
}

/// An account that is logged in, with an active authenticator whose current code is used.
pub async fn person_with_authenticator(app: &App, name: &str) -> (Person, Phone) {
    let person = person(app, name, &[]).await;
    let phone = set_up(app, &person.access).await;
    verify(app, &person.access, &phone.code(app, 0)).await.ok(200);
    app.mails().await;
    (person, phone)
}

/// The `mfaToken` of a login that waits for a second factor.
pub async fn mfa_token(app: &App, name: &str) -> String {
    waiting(&app.login(name, PASSWORD).await)
}

/// A role with these permissions, and an account that has it.
pub async fn person_who_may(app: &App, root: &Person, name: &str, permissions: &[&str]) -> Person {
    let role = json!({ "name": name, "permissions": permissions });
    Operation("POST", "/admin/roles").on(app).json(&role).bearer(root).ok(201).await;
    person(app, name, &[name]).await
}

/// Suspends an account, as an administrator does.
pub async fn suspend(app: &App, root: &Person, id: &str) {
    let body = json!({ "status": "suspended" });
    Operation("PUT", "/admin/users/{userId}").at(app, &[id]).json(&body).bearer(root).ok(200).await;
}

/// Deletes an account, as an administrator does.
pub async fn delete(app: &App, root: &Person, id: &str) {
    Operation("DELETE", "/admin/users/{userId}").at(app, &[id]).bearer(root).ok(200).await;
}

/// Ends an account: `suspended` or `deleted`.
pub async fn end(app: &App, root: &Person, id: &str, state: &str) {
    match state {
        "suspended" => suspend(app, root, id).await,
        "deleted" => delete(app, root, id).await,
        other => panic!("{other} is no end"),
    }
}

/// Uploads a file with this name; returns its id.
pub async fn upload_pdf(app: &App, person: &Person, name: &str) -> String {
    let name = name.replace('"', "%22");
    let head = format!(
        "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
    );
    let call = Operation("POST", "/users/me/files").on(app).bearer(person);
    let made = call
        .body("multipart/form-data; boundary=x", format!("{head}{PDF}\r\n--x--\r\n"))
        .ok(201)
        .await;
    made.body["data"]["file"]["id"].as_str().unwrap().to_owned()
}

/// The error code of a call with this token; empty if the token is valid.
pub async fn token_error(app: &App, token: &str) -> String {
    app.get("/v1/users/me").bearer(token).send().await.code().to_owned()
}

/// The names of the fields of an object, separated by spaces.
pub fn keys(value: &Value) -> String {
    value.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// The text of this many letters.
pub fn letters(count: usize) -> Value {
    "a".repeat(count).into()
}

/// The profile `standard` without limits, and with these settings.
pub async fn unlimited(set: &[(&str, &str)]) -> App {
    app_with("standard", &[&UNLIMITED[..], set].concat()).await
}

/// The profile `standard` with two calls an hour of one limit, without other limits, and with these
/// settings.
pub async fn limited(limit: &str, set: &[(&str, &str)]) -> App {
    let rate = [("count", "2"), ("window", "1h"), ("shape", "window")];
    let rate = rate.map(|(key, value)| (format!("limits.{limit}.{key}"), value));
    let rate: Vec<_> = rate.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    let patient = [("tokens.access", "2h"), ("throttle.enabled", "false")];
    app_with("standard", &unlimited_but(&[&rate, &patient[..], set].concat())).await
}

/// Asserts a refusal because a limit of two calls an hour is used up.
#[track_caller]
pub fn assert_used_up(answer: &Answer, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code()), (429, code), "{}", answer.text);
    assert_eq!(
        (answer.header("retry-after"), &answer.body["error"]["retryAfter"]),
        ("3600", &json!(3600))
    );
    let (limit, remaining) =
        (answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining"));
    assert_eq!((limit, remaining), ("2", "0"));
    assert_eq!(answer.header("x-ratelimit-reset"), (START / 1000 + 3600).to_string());
}

/// Asserts that two calls use up the limit of [`limited`] for one client IP and for no other, that
/// another operation is untouched, and that the limit refills after an hour.
pub async fn assert_limit(
    app: &App,
    code: &str,
    call: impl AsyncFn(&str) -> Answer,
    other: impl AsyncFn() -> Answer,
) {
    for remaining in ["1", "0"] {
        let counted = call(HERE).await;
        assert_ne!(counted.status, 429, "{}", counted.text);
        assert_eq!(counted.header("x-ratelimit-remaining"), remaining, "{}", counted.text);
    }
    assert_used_up(&call(HERE).await, code);
    assert_ne!(call(ELSEWHERE).await.status, 429, "another client IP");
    assert_ne!(other().await.status, 429, "another operation");
    app.turn_clock(HOUR);
    assert_ne!(call(HERE).await.status, 429, "an hour later");
}

/// Puts each value in the place of its field in a valid body, and asserts that this field alone is
/// reported, with this code.
pub async fn assert_rules(
    call: impl AsyncFn(&Value) -> Answer,
    valid: &Value,
    rules: &[(&str, Value, &str)],
) {
    for (field, value, code) in rules {
        let mut body = valid.clone();
        body[*field] = value.clone();
        let answer = call(&body).await;
        let about = format!(
            "{field}: {}: {}",
            value.to_string().chars().take(40).collect::<String>(),
            answer.text
        );
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "VALIDATION_ERROR"), "{about}");
        let rows = answer.body["error"]["details"].as_array().unwrap();
        let reported: Vec<_> = rows
            .iter()
            .map(|row| (row["field"].as_str().unwrap(), row["code"].as_str().unwrap()))
            .collect();
        assert_eq!(reported, [(*field, *code)], "{about}");
    }
}

/// Asserts that the call is open to this machine and to a service's key, and closed to all others:
/// another client IP, a forwarded one, a web page, and the keys of a `client` app.
pub async fn assert_services_only(operation: Operation, parameters: &[&str], body: Value) {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    person(&app, "ada", &[]).await;
    let call = || {
        let call = operation.at(&app, parameters);
        if body.is_null() { call } else { call.json(&body) }
    };
    let key = async |kind: &str| {
        let app =
            app.post("/v1/admin/apps", &json!({ "name": "Uploads", "kind": kind })).bearer(&root);
        app.ok(201).await.body["data"]["key"].as_str().unwrap().to_owned()
    };
    let (service, client) = (key("service").await, key("client").await);
    let mut trail = Trail::begin(&app).await;
    for refused in [
        call(),
        call().bearer(&root),
        call().header("x-service-key", &client),
        call().header("x-service-key", "sk_guessed"),
        call().header("x-service-key", &service).header("x-service-key", &service),
        // A key that is sent is checked, from wherever it comes.
        call().from(SERVICE).header("x-service-key", "sk_guessed"),
        call().from(SERVICE).header("x-service-key", &service).header("x-service-key", &service),
        call().header("x-forwarded-for", SERVICE),
        call().from(SERVICE).header("x-forwarded-for", HERE),
    ] {
        refused.refused(403, "INSUFFICIENT_PERMISSIONS").await;
    }
    assert_eq!(trail.left().await, [""; 0]);
    call().from(SERVICE).ok(200).await;
    call().header("x-service-key", &service).ok(200).await;
}

/// The audit records that are left from here on.
pub struct Trail<'a> {
    app: &'a App,
    seen: usize,
}

impl<'a> Trail<'a> {
    pub async fn begin(app: &'a App) -> Self {
        Self { app, seen: app.records().await.len() }
    }

    /// The records since the last look.
    pub async fn left(&mut self) -> Vec<String> {
        let all = self.app.audit().await;
        let new = all[self.seen..].to_vec();
        self.seen = all.len();
        new
    }

    /// The same, each of which must be by this actor, if there is one, and about this account.
    pub async fn left_by(&mut self, actor: Option<&str>, account: Option<&str>) -> Vec<String> {
        let all = self.app.records().await;
        for record in &all[self.seen..] {
            let found = (record.actor.as_deref(), record.account_id.as_deref());
            assert_eq!(found, (actor, account), "{}", line_of(record));
        }
        self.left().await
    }
}
