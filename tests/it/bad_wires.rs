//! Bad input for every call of every other wire, by its own document: its own envelope and codes,
//! all invalid fields named, and never an internal error.

use authd::identity::By;
use authd::identity::access::api_client as apps;
use authd::model::app::ApiClientKind;
use poem::http::Method;
use serde_json::{Map, Value, json};

use crate::admin::make;
use crate::bad_input::{bad_values, broken, filled, resolved};
use crate::support::{Answer, App, PASSWORD, UNLIMITED, app_with};

/// A wire with its profile, a user with all permissions, and the API client.
pub struct Ground {
    pub name: &'static str,
    pub app: App,
    pub document: Value,
    pub bearer: String,
    pub caller: Option<(String, String)>,
    wrong: Vec<String>,
}

/// A call that accepts JSON.
struct Operation {
    method: Method,
    path: String,
    schema: Value,
    statuses: Vec<String>,
}

impl Operation {
    fn required(&self) -> Vec<&str> {
        self.schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|name| name.as_str().unwrap())
            .collect()
    }

    fn fields(&self) -> &Map<String, Value> {
        self.schema["properties"].as_object().unwrap()
    }
}

impl Ground {
    async fn new(name: &'static str) -> Self {
        Self::with(name, &[]).await
    }

    /// With some keys set.
    pub async fn with(name: &'static str, set: &[(&str, &str)]) -> Self {
        let app = app_with(name, &[&UNLIMITED[..], set].concat()).await;
        let document = app.get("/openapi.json").send().await.body;
        make(&app, "ada", &["admin"]).await;
        let mut ground =
            Self { name, app, document, bearer: String::new(), caller: None, wrong: Vec::new() };
        if name == "authbackend" {
            let (made, key) =
                apps::create(&ground.app.core, &By::command_line(), "web", ApiClientKind::Client)
                    .await
                    .unwrap();
            ground.caller = Some((made.id, key.reveal().to_owned()));
        }
        ground.bearer = ground.enter().await;
        ground
    }

    /// Logs in as the wire does; returns the access token.
    async fn enter(&self) -> String {
        let path = if self.name == "jobpath" { "/auth/login" } else { "/api/auth/login" };
        let login = json!({ "email": "ada@example.com", "password": PASSWORD });
        let mut answer = self.call(Method::POST, path, "application/json", login.to_string()).await;
        if self.name == "authbackend" {
            let mails = self.app.mails().await;
            let mut lines = mails.iter().flat_map(|mail| mail.text.lines()).map(str::trim);
            let code = lines
                .find(|line| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit()))
                .unwrap();
            let shown = json!({ "email": "ada@example.com", "otpCode": code }).to_string();
            answer =
                self.call(Method::POST, "/api/auth/verify-otp", "application/json", shown).await;
        }
        let places = ["/tokens/accessToken", "/accessToken", "/access_token", "/data/token"];
        let found = places.into_iter().find_map(|place| answer.body.pointer(place)?.as_str());
        found.unwrap_or_else(|| panic!("{}: {}", self.name, answer.text)).to_owned()
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        // From the network of the service callers.
        let mut call = self.app.call(method, path).body(content_type, body).from("127.0.0.1");
        if let Some((id, key)) = &self.caller {
            call = call.header("x-app-id", id).header("x-service-key", key);
        }
        if !self.bearer.is_empty() && !path.ends_with("/login") {
            call = call.bearer(&self.bearer);
        }
        call.send().await
    }

    async fn send(
        &self,
        operation: &Operation,
        content_type: &str,
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        self.call(operation.method.clone(), &filled(&operation.path), content_type, body).await
    }

    fn operations(&self) -> Vec<Operation> {
        let mut found = Vec::new();
        for (path, item) in self.document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let pointer = "/requestBody/content/application~1json/schema";
                let Some(schema) = operation.pointer(pointer) else { continue };
                found.push(Operation {
                    method: method.to_uppercase().parse().unwrap(),
                    path: path.clone(),
                    schema: resolved(&self.document, schema),
                    statuses: operation["responses"].as_object().unwrap().keys().cloned().collect(),
                });
            }
        }
        assert!(!found.is_empty());
        found
    }

    /// A code in the wire's own spelling.
    fn spelt(&self, code: &str) -> String {
        if self.name == "jobpath" { code.to_lowercase() } else { code.to_owned() }
    }

    /// Checks that a response has the wire's envelope, one of these statuses and this code.
    fn expect(
        &mut self,
        operation: &Operation,
        statuses: &[u16],
        code: &str,
        answer: &Answer,
        about: &str,
    ) {
        let body = &answer.body;
        let (is_enveloped, said) = match self.name {
            "jobpath" => (
                body["detail"]["message"].is_string()
                    && body["status_code"] == answer.status.as_u16(),
                &body["error"],
            ),
            "jobpsych" => (body["success"] == false && body["message"].is_string(), &body["error"]),
            _ => (body["success"] == false && body["message"].is_string(), &body["code"]),
        };
        let status = answer.status.as_u16();
        let is_documented = operation.statuses.contains(&status.to_string());
        if !is_enveloped
            || !is_documented
            || !statuses.contains(&status)
            || *said != self.spelt(code)
        {
            let name = format!("{} {} {}", self.name, operation.method, operation.path);
            self.wrong
                .push(format!("{name}: {about}: {statuses:?} {code}: {status} {}", answer.text));
        }
    }

    /// The fields that an error names.
    fn named(&self, answer: &Answer) -> Vec<String> {
        let of_rows = |rows: &Value| {
            let names =
                rows.as_array().into_iter().flatten().filter(|row| row["message"].is_string());
            names.map(|row| row["field"].as_str().unwrap().to_owned()).collect()
        };
        match self.name {
            "jobpath" => of_rows(&answer.body["detail"]["errors"]),
            "jobpsych" => {
                let details = answer.body["details"].as_str().unwrap_or_default().split("; ");
                details.map(|sentence| sentence.split(": ").next().unwrap().to_owned()).collect()
            }
            _ => of_rows(&answer.body["errors"]),
        }
    }

    fn expect_rows(
        &mut self,
        operation: &Operation,
        fields: &[&str],
        answer: &Answer,
        about: &str,
    ) {
        let named = self.named(answer);
        let are_all = fields.iter().all(|field| named.iter().any(|name| name == field));
        if !are_all || !named.iter().all(|name| fields.contains(&name.as_str())) {
            let name = format!("{} {} {}", self.name, operation.method, operation.path);
            self.wrong.push(format!("{name}: {about}: not {fields:?}: {}", answer.text));
        }
    }

    async fn try_bodies(&mut self, operation: &Operation) {
        for body in broken() {
            let about = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            let answer = self.send(operation, "application/json", body).await;
            self.expect(operation, &[400], "VALIDATION_ERROR", &answer, &about);
        }
        for content_type in
            ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "text/json"]
        {
            let answer = self.send(operation, content_type, "{\"x\":1}").await;
            self.expect(operation, &[415], "UNSUPPORTED_MEDIA_TYPE", &answer, content_type);
        }
        let large = format!("{{\"x\":\"{}\"}}", "a".repeat(65_536));
        let answer = self.send(operation, "application/json", large).await;
        self.expect(operation, &[413], "PAYLOAD_TOO_LARGE", &answer, "large");
    }

    async fn try_fields(&mut self, operation: &Operation) {
        for (field, schema) in operation.fields() {
            let is_required = operation.required().contains(&field.as_str());
            for (value, code) in bad_values(&resolved(&self.document, schema), is_required) {
                let about = format!(
                    "{field} {:.40}",
                    value.as_ref().map_or("missing".to_owned(), Value::to_string)
                );
                let mut body = good(operation);
                match value {
                    Some(value) => body.insert(field.clone(), value),
                    None => body.remove(field),
                };
                let answer =
                    self.send(operation, "application/json", Value::Object(body).to_string()).await;
                // A well-formed request that cannot be accepted is 422 on the one wire that uses
                // this status.
                let is_form = code == "REQUIRED_FIELD_MISSING";
                let statuses: &[u16] =
                    if self.name == "jobpsych" && !is_form { &[400, 422] } else { &[400] };
                self.expect(operation, statuses, "VALIDATION_ERROR", &answer, &about);
                self.expect_rows(operation, &[field], &answer, &about);
            }
        }
        let all: Vec<&str> = operation.fields().keys().map(String::as_str).collect();
        let body: Map<String, Value> =
            all.iter().map(|field| ((*field).to_owned(), json!([{}, 7]))).collect();
        let answer =
            self.send(operation, "application/json", Value::Object(body).to_string()).await;
        self.expect(operation, &[400], "VALIDATION_ERROR", &answer, "all");
        self.expect_rows(operation, &all, &answer, "all");
    }

    async fn try_all(mut self) {
        for operation in self.operations() {
            self.try_bodies(&operation).await;
            self.try_fields(&operation).await;
        }
        assert!(self.wrong.is_empty(), "{} wrong:\n{}", self.wrong.len(), self.wrong.join("\n"));
    }
}

/// A body in which every field is valid.
fn good(operation: &Operation) -> Map<String, Value> {
    let of = |field: &str| match field {
        "email" => "eve@example.com",
        "password" | "currentPassword" => PASSWORD,
        "newPassword" => "An0ther-long&passphrase",
        "otpCode" => "000000",
        "role" => "user",
        "token" | "refreshToken" => "x",
        _ => "Given",
    };
    operation.fields().keys().map(|field| (field.clone(), of(field).into())).collect()
}

#[tokio::test]
async fn siteworks_names_what_is_bad_in_its_own_words() {
    Ground::new("siteworks").await.try_all().await;
}

#[tokio::test]
async fn jobpath_names_what_is_bad_in_its_own_words() {
    Ground::new("jobpath").await.try_all().await;
}

#[tokio::test]
async fn authbackend_names_what_is_bad_in_its_own_words() {
    Ground::new("authbackend").await.try_all().await;
}

#[tokio::test]
async fn jobpsych_names_what_is_bad_in_its_own_words() {
    Ground::new("jobpsych").await.try_all().await;
}
