//! What holds for every operation of the document: the tokens it refuses, the general limit, and the
//! app that it asks for.

use serde_json::{Value, json};

use super::fixture::{
    HERE, HOUR, Person, assert_used_up, delete, document, limited, mfa_token, native_document,
    person, person_with_authenticator, suspend, unlimited,
};
use crate::bad_input::filled;
use crate::support::{App, Call, PASSWORD};

/// An operation with its place in the document.
struct Described<'a> {
    verb: &'a str,
    path: &'a str,
    place: &'a Value,
}

fn operations(document: &Value) -> Vec<Described<'_>> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (verb, place) in item.as_object().unwrap() {
            found.push(Described { verb, path, place });
        }
    }
    found
}

impl Described<'_> {
    fn name(&self) -> String {
        format!("{} {}", self.verb, self.path)
    }

    fn takes_a_token(&self) -> bool {
        self.place["security"].to_string().contains("bearerAuth")
    }

    fn is_health(&self) -> bool {
        self.path == "/health"
    }

    /// A call with an empty body, if it takes one.
    fn on<'a>(&self, app: &'a App) -> Call<'a> {
        let call = app
            .call(self.verb.to_uppercase().parse().unwrap(), &format!("/v1{}", filled(self.path)));
        if self.place.get("requestBody").is_some() { call.json(&json!({})) } else { call }
    }
}

#[tokio::test]
async fn a_missing_malformed_or_forged_token_is_named_with_a_challenge() {
    let app = unlimited(&[]).await;
    let ada = person(&app, "ada", &[]).await;
    let changed = format!("{}x", ada.access);
    let tokens = [
        (None, "MISSING_AUTH_HEADER"),
        (Some("Basic YTpi".to_owned()), "INVALID_AUTH_FORMAT"),
        (Some(ada.access.clone()), "INVALID_AUTH_FORMAT"),
        (Some("Bearer a.b.c".to_owned()), "INVALID_TOKEN"),
        (Some(format!("Bearer {changed}")), "INVALID_TOKEN"),
    ];
    for operation in
        operations(document().await).iter().filter(|operation| operation.takes_a_token())
    {
        for (header, code) in &tokens {
            let call = operation.on(&app);
            let call = match header {
                Some(value) => call.header("authorization", value),
                None => call,
            };
            let answer = call.send().await;
            assert_eq!(
                (answer.status.as_u16(), answer.code()),
                (401, *code),
                "{}: {header:?}",
                operation.name()
            );
            assert!(
                answer.header("www-authenticate").starts_with("Bearer"),
                "{}",
                operation.name()
            );
        }
    }
}

/// Asserts that every operation refuses this access token with this code.
async fn assert_refused_everywhere(app: &App, access: &str, code: &str) {
    for operation in
        operations(document().await).iter().filter(|operation| operation.takes_a_token())
    {
        let answer = operation.on(app).bearer(access).send().await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (401, code),
            "{}: {}",
            operation.name(),
            answer.text
        );
    }
}

#[tokio::test]
async fn an_expired_token_opens_nothing() {
    let app = unlimited(&[]).await;
    let root = person(&app, "root", &["admin"]).await;
    app.turn_clock(HOUR);
    assert_refused_everywhere(&app, &root.access, "TOKEN_EXPIRED").await;
}

#[tokio::test]
async fn the_token_of_an_ended_session_opens_nothing() {
    let app = unlimited(&[]).await;
    let root = person(&app, "root", &["admin"]).await;
    app.post("/v1/auth/logout", &json!({})).bearer(&root).ok(200).await;
    assert_refused_everywhere(&app, &root.access, "TOKEN_REVOKED").await;
}

#[tokio::test]
async fn the_token_of_a_suspended_or_deleted_administrator_opens_nothing() {
    let app = unlimited(&[]).await;
    let root = person(&app, "root", &["admin"]).await;
    let suspended = person(&app, "second", &["admin"]).await;
    suspend(&app, &root, &suspended.id).await;
    assert_refused_everywhere(&app, &suspended.access, "TOKEN_REVOKED").await;
    let deleted = person(&app, "third", &["admin"]).await;
    delete(&app, &root, &deleted.id).await;
    assert_refused_everywhere(&app, &deleted.access, "TOKEN_REVOKED").await;
}

#[tokio::test]
async fn neither_a_refresh_token_nor_an_mfa_token_is_an_access_token() {
    let app = unlimited(&[]).await;
    let (Person { refresh, .. }, _) = person_with_authenticator(&app, "ada").await;
    let waiting = mfa_token(&app, "ada").await;
    for token in [&refresh, &waiting] {
        for operation in
            operations(document().await).iter().filter(|operation| operation.takes_a_token())
        {
            if operation.path.starts_with("/auth/mfa/verify")
                || operation.path.starts_with("/auth/mfa/challenge")
                || operation.path.starts_with("/auth/mfa/passkey")
            {
                continue;
            }
            let answer = operation.on(&app).bearer(token).send().await;
            let refused = (answer.status.as_u16(), answer.code());
            assert_eq!(refused, (401, "INVALID_TOKEN"), "{}: {}", operation.name(), answer.text);
        }
    }
}

#[tokio::test]
async fn the_general_limit_counts_every_operation_but_health() {
    let app = limited("general", &[("limits.token_factor", "1")]).await;
    let root = person(&app, "root", &["admin"]).await;
    for (n, operation) in operations(document().await).iter().enumerate() {
        let call = async |from: &str| {
            let call = operation.on(&app).from(from);
            if operation.takes_a_token() {
                call.bearer("a.b.c").send().await
            } else {
                call.send().await
            }
        };
        let from = format!("203.0.113.{n}");
        for _ in 0..2 {
            assert_ne!(call(&from).await.status, 429, "{}", operation.name());
        }
        let third = call(&from).await;
        if operation.is_health() {
            assert_eq!(third.status, 200);
        } else {
            assert_used_up(&third, "RATE_LIMIT_EXCEEDED");
        }
    }
    let me = || app.get("/v1/users/me").bearer(&root).from("203.0.113.0").send();
    me().await.ok(200);
}

#[tokio::test]
async fn an_operation_that_asks_for_an_app_is_refused_without_its_id_and_key() {
    let app = unlimited(&[("apps.required", "true")]).await;
    let document = native_document(&app).await;
    let asking: Vec<_> = operations(&document)
        .into_iter()
        .filter(|one| one.place["security"].to_string().contains("appId"))
        .collect();
    assert_eq!(asking.len(), 20);
    for operation in &asking {
        for headers in [
            vec![],
            vec![("x-app-id", "unknown"), ("x-service-key", "sk_guessed")],
            vec![("x-app-id", "x")],
        ] {
            let call = headers
                .iter()
                .fold(operation.on(&app), |call, (name, value)| call.header(name, value));
            let answer = call.send().await;
            let refused = (answer.status.as_u16(), answer.code());
            assert_eq!(
                refused,
                (401, "INVALID_APP_CREDENTIALS"),
                "{}: {}",
                operation.name(),
                answer.text
            );
        }
    }
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    app.post("/v1/auth/login", &body).from(HERE).refused(401, "INVALID_APP_CREDENTIALS").await;
}
