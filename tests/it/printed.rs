//! The requests printed in the documents, sent as printed, get the printed responses. Values that
//! differ between runs (ids, tokens, codes, times, numbers) only need the same format.

use std::cell::RefCell;
use std::collections::BTreeSet;

use authd::identity::By;
use authd::identity::access::api_client as apps;
use authd::identity::admin::accounts;
use authd::identity::admin::accounts::RoleChange;
use authd::model::app::ApiClientKind;
use serde_json::{Value, json};

use crate::support::{Answer, App, app_with, token_in};

/// Fields whose values may differ.
const APART: [&str; 18] = [
    "token",
    "accessToken",
    "sessionId",
    "createdAt",
    "lastActive",
    "timestamp",
    "uptime",
    "iat",
    "exp",
    "date",
    "month",
    "count",
    "totalUsers",
    "verifiedUsers",
    "totalLogins",
    "activeSessions",
    "secretFirstChars",
    "secretLastChars",
];

/// A call as a document prints it.
struct Call {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: &'static str,
    /// The printed responses by the document's name for them, with status.
    answers: Vec<(&'static str, u16, Value)>,
}

impl Call {
    fn parse(text: &'static str) -> Self {
        let mut parts = text.split("\n=> ");
        let request = parts.next().unwrap().trim();
        let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
        let mut lines = head.lines();
        let name = lines.next().unwrap();
        let (method, path) = lines.next().unwrap().split_once(' ').unwrap();
        let headers = lines.filter_map(|line| line.split_once(": ")).collect();
        let answers = parts.map(|answer| {
            let (about, printed) = answer.split_once('\n').unwrap();
            let (status, word) = about.split_once(' ').unwrap();
            let printed = serde_json::from_str(printed)
                .unwrap_or_else(|error| panic!("{name} {word}: {error}"));
            (word, status.parse().unwrap(), printed)
        });
        Self { name, method, path, headers, body, answers: answers.collect() }
    }
}

/// A document's calls, and which of them were sent.
struct Document {
    app: App,
    calls: Vec<Call>,
    sent: RefCell<BTreeSet<(&'static str, &'static str)>>,
    /// The printed placeholder values, and the real ones.
    values: Vec<(&'static str, String)>,
}

impl Document {
    fn new(app: App, text: &'static str) -> Self {
        let calls = text.split("\n### ").skip(1).map(Call::parse).collect();
        Self { app, calls, sent: RefCell::default(), values: Vec::new() }
    }

    /// From now on, replaces this printed value with a real one.
    fn put(&mut self, printed: &'static str, value: &str) {
        self.values.retain(|(name, _)| *name != printed);
        self.values.push((printed, value.to_owned()));
    }

    fn filled(&self, text: &str) -> String {
        self.values
            .iter()
            .fold(text.to_owned(), |text, (printed, value)| text.replace(printed, value))
    }

    /// Sends a call as printed and compares the response with the one printed under this name.
    async fn send(&self, name: &str, word: &str) -> Answer {
        let call = self
            .calls
            .iter()
            .find(|call| call.name == name)
            .unwrap_or_else(|| panic!("no call {name}"));
        let mut request =
            self.app.call(call.method.parse().unwrap(), &self.filled(call.path)).from("127.0.0.1");
        request = request.header(
            "user-agent",
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0.0.0",
        );
        for (header, value) in &call.headers {
            request = request.header(header, &self.filled(value));
        }
        if !call.body.is_empty() {
            request = request.body("application/json", self.filled(call.body));
        }
        let answer = request.send().await;
        let Some((word, status, printed)) = call.answers.iter().find(|(known, ..)| *known == word)
        else {
            assert!(call.answers.is_empty(), "{name}: no answer {word}");
            self.sent.borrow_mut().insert((call.name, ""));
            return answer;
        };
        self.sent.borrow_mut().insert((call.name, word));
        assert_eq!(answer.status, *status, "{name} {word}: {}", answer.text);
        if let Err(what) = is_like(printed, &answer.body, "") {
            panic!(
                "{name} {word}: {what}\nprinted {printed}\ncame {} {}",
                answer.status, answer.text
            );
        }
        answer
    }

    /// All printed calls were sent.
    fn assert_whole(&self) {
        let all = self.calls.iter().flat_map(|call| {
            let words = call.answers.iter().map(|(word, ..)| (call.name, *word));
            words.chain(call.answers.is_empty().then_some((call.name, "")))
        });
        let sent = self.sent.borrow();
        assert_eq!(all.filter(|one| !sent.contains(one)).collect::<Vec<_>>(), []);
    }
}

/// The printed fields, in order, each with its value; a response may have more.
fn is_like(printed: &Value, came: &Value, at: &str) -> Result<(), String> {
    match (printed, came) {
        (Value::Object(printed), Value::Object(came)) => {
            let ours: Vec<&String> = came.keys().filter(|key| printed.contains_key(*key)).collect();
            let theirs: Vec<&String> = printed.keys().collect();
            if ours != theirs {
                return Err(format!("{at}: expected the fields {theirs:?}, came {ours:?}"));
            }
            printed.iter().try_for_each(|(key, value)| is_like(value, &came[key], key))
        }
        (Value::Array(printed), Value::Array(came)) => {
            let first = came.first().ok_or_else(|| format!("{at} is empty"))?;
            printed.iter().try_for_each(|value| is_like(value, first, at))
        }
        _ if printed == came => Ok(()),
        _ if APART.contains(&at) && shape(printed) == shape(came) => Ok(()),
        _ => Err(format!("{at}: expected {printed}, came {came}")),
    }
}

/// The format of a value: its type, and for a time the positions of its digits.
fn shape(value: &Value) -> String {
    match value {
        Value::String(text) if text.starts_with("20") => {
            text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
        }
        Value::String(text) if text.starts_with("eyJ") || text.contains("jwt-token") => {
            "a JWT".to_owned()
        }
        Value::String(_) => "a text".to_owned(),
        Value::Number(number) if number.is_f64() => "a fraction".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        other => other.to_string(),
    }
}

fn text(answer: &Answer, pointer: &str) -> String {
    let found = answer.body.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("{pointer}: {}", answer.text)).to_owned()
}

/// The code in the letters just sent.
async fn mailed_code(app: &App) -> String {
    let letters = app.mails().await;
    let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit());
    letters
        .iter()
        .flat_map(|mail| mail.text.lines())
        .map(str::trim)
        .find(is_code)
        .unwrap()
        .to_owned()
}

/// The authbackend wire with its profile, and the API client that its requests name.
async fn authbackend() -> Document {
    let app = app_with("authbackend", &[]).await;
    let (made, key) =
        apps::create(&app.core, &By::command_line(), "web", ApiClientKind::Client).await.unwrap();
    let mut document = Document::new(app, include_str!("printed/authbackend.http"));
    document.put("your_unique_app_id_here", &made.id);
    document.put("your_service_key_here", key.reveal());
    document
}

impl Document {
    /// Both steps of a login of the example account.
    async fn enter(&mut self) {
        self.send("3", "Success").await;
        let code = mailed_code(&self.app).await;
        self.put("123456", &code);
        let entered = self.send("4", "Success").await;
        self.put("<jwt-token>", &text(&entered, "/data/token"));
        self.put("jwt-token-here", &text(&entered, "/data/token"));
        self.put("refresh-token-here", &text(&entered, "/data/refreshToken"));
        self.put(":sessionId", &text(&entered, "/data/sessionId"));
    }

    /// Posts a request that the document does not print.
    async fn post(&self, path: &str, body: &Value) -> Answer {
        let (id, key) =
            (self.filled("your_unique_app_id_here"), self.filled("your_service_key_here"));
        self.app.post(path, body).header("x-app-id", &id).header("x-service-key", &key).send().await
    }

    /// Another account with a verified address; returns its number.
    async fn befriend(&self, email: &str) -> String {
        let made = self
            .post("/api/auth/signup", &json!({ "email": email, "password": "SecurePass123!" }))
            .await;
        accounts::verify(&self.app.core, &By::command_line(), email).await.unwrap();
        self.app.mails().await;
        made.body["data"]["userId"].to_string()
    }

    /// An administrator in addition to the example account; the admin calls use its token.
    async fn administrate(&mut self) {
        let email = "boss@example.com";
        self.befriend(email).await;
        accounts::change_role(
            &self.app.core,
            &By::command_line(),
            email,
            "admin",
            RoleChange::Give,
        )
        .await
        .unwrap();
        self.post("/api/auth/login", &json!({ "email": email, "password": "SecurePass123!" }))
            .await;
        let code = mailed_code(&self.app).await;
        let entered =
            self.post("/api/auth/verify-otp", &json!({ "email": email, "otpCode": code })).await;
        self.put("<jwt-token>", &text(&entered, "/data/token"));
    }
}

#[tokio::test]
async fn every_call_of_the_authbackend_document_is_answered_as_it_is_printed() {
    let mut document = authbackend().await;
    document.send("1", "Success").await;
    document.send("1", "Error").await;
    let link = token_in(&document.app.mails().await, "verify-email?token=");
    document.put("verification-token-from-email", &link);
    document.put("verification-token", &link);
    let page = document.send("24", "").await;
    assert!(
        page.header("content-type").starts_with("text/html") && page.text.contains("<script"),
        "{}",
        page.text
    );
    document.send("2", "Success").await;
    document.send("2", "Already Verified").await;

    document.enter().await;
    for name in ["9", "10", "13", "14"] {
        document.send(name, "Success").await;
    }
    document.enter().await;
    let old = json!({ "currentPassword": "SecurePass123!", "newPassword": "OldPass123!" });
    let change = document
        .app
        .post("/api/auth/change-password", &old)
        .bearer(&document.filled("<jwt-token>"));
    assert_eq!(change.send().await.status, 200);
    for name in ["8", "11"] {
        document.send(name, "Success").await;
    }
    document.send("5", "Success").await;
    let code = mailed_code(&document.app).await;
    document.put("123456", &code);
    document.send("6", "Success").await;
    document.send("7", "Success").await;
    document.put("\"SecurePass123!\"", "\"NewSecurePass123!\"");
    document.enter().await;
    document.send("12", "Success").await;

    document.administrate().await;
    document.put(":userId", "1");
    for name in ["15", "16"] {
        document.send(name, "Success").await;
    }
    let other = document.befriend("other@example.com").await;
    document.put(":userId", &other);
    for name in ["17", "18", "19", "20", "21", "22", "23"] {
        document.send(name, "Success").await;
    }
    document.assert_whole();
}

#[tokio::test]
async fn every_call_of_the_jobpsych_document_is_answered_as_it_is_printed() {
    let secret = "9b1c0f7d5a8e4b2c9d3e7a1b5c8f0d2e4a6b8c0d2e4f6a8b0c2d4e6f8a0b2c4d";
    let set = [("tokens.secret", secret), ("server.reveal_secret_ends", "true")];
    let app = app_with("jobpsych", &set).await;
    let mut document = Document::new(app, include_str!("printed/jobpsych.http"));
    document.send("register", "Success").await;
    let count = async |document: &Document| {
        let body = json!({ "email": "john@example.com" });
        let counted =
            document.app.post("/api/auth/increment-upload", &body).from("127.0.0.1").send().await;
        assert_eq!(counted.status, 200);
    };
    count(&document).await;
    count(&document).await;
    let entered = document.send("login", "Success").await;
    count(&document).await;
    document.send("user-uploads", "Success").await;
    document.send("increment-upload", "Success").await;
    document.put("<accessToken>", &text(&entered, "/accessToken"));
    document.send("upload-stats", "Success").await;
    document.send("verify-token", "Error").await;
    document.put("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...", &text(&entered, "/accessToken"));
    document.send("verify-token", "Success").await;
    document.send("jwt-info", "Success").await;

    // The health response is that of a server in production.
    let production = [
        ("server.environment", "production"),
        ("tokens.secret", secret),
        ("hashing.memory", "19456"),
        ("hashing.passes", "2"),
    ];
    document.app = app_with("jobpsych", &production).await;
    document.send("health", "Success").await;
    document.assert_whole();
}

#[tokio::test]
async fn every_call_of_the_tables_is_served_and_asks_for_a_login_where_they_say_so() {
    let app = app_with("jobpsych", &[]).await;
    let served = app.get("/openapi.json").send().await.body;
    for (method, path, asks) in [
        ("post", "/api/auth/register", false),
        ("post", "/api/auth/login", false),
        ("post", "/api/auth/refresh", false),
        ("post", "/api/auth/logout", false),
        ("post", "/api/auth/reset-password", false),
        ("post", "/api/auth/change-password", true),
        ("get", "/api/auth/profile", true),
        ("get", "/api/auth/user-uploads/{email}", false),
        ("post", "/api/auth/increment-upload", false),
        ("get", "/api/auth/upload-stats", true),
        ("post", "/api/auth/verify-token", false),
        ("get", "/api/auth/jwt-info", false),
        ("post", "/api/files/upload", true),
        ("get", "/api/files/stats", true),
        ("get", "/", false),
        ("get", "/health", false),
    ] {
        assert!(served["paths"][path][method].is_object(), "{method} {path}");
        let called = app.call(
            method.to_uppercase().parse().unwrap(),
            &path.replace("{email}", "jo@example.com"),
        );
        let call = match (method, path) {
            ("post", "/api/files/upload") => called.body("multipart/form-data; boundary=x", "--x--\r\n"),
            ("post", "/api/auth/change-password") => {
                called.json(&json!({ "currentPassword": "securePassword123", "newPassword": "anotherPassword456" }))
            }
            ("post", "/api/auth/refresh" | "/api/auth/logout") => called,
            ("post", _) => called.json(&json!({})),
            _ => called,
        };
        let answer = call.send().await;
        assert_eq!(
            answer.text.contains("Access token is required"),
            asks,
            "{method} {path}: {}",
            answer.text
        );
    }
}

#[test]
fn a_printed_value_is_held_against_what_comes_and_not_passed_over() {
    let printed = json!({ "id": 1, "at": [{ "timestamp": "2025-09-29T10:30:00Z", "count": 4 }] });
    let came = |id: i64, timestamp: &str| json!({ "more": 0, "id": id, "at": [{ "timestamp": timestamp, "count": 7 }] });
    assert_eq!(is_like(&printed, &came(1, "2026-01-02T03:04:05Z"), ""), Ok(()));
    for other in [
        came(2, "2026-01-02T03:04:05Z"),
        came(1, "2026-01-02T03:04:05.000Z"),
        json!({ "at": printed["at"], "id": 1 }),
        json!({ "id": 1, "at": [] }),
        json!({ "id": 1 }),
    ] {
        assert!(is_like(&printed, &other, "").is_err(), "{other}");
    }
}
