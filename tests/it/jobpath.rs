//! The jobpath wire, call by call as in its document, on the real program with its profile.

use std::time::Duration;

use authd::identity::By;
use authd::identity::admin::accounts;
use authd::model::Time;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poem::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, START, app_with};

async fn jobpath() -> App {
    app_with("jobpath", &[]).await
}

/// The example of the document.
fn example() -> Value {
    json!({ "email": "user@example.com", "password": "SecurePass123" })
}

fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Signs up the example account and logs it in; returns the token.
async fn enter(app: &App) -> String {
    assert_eq!(app.post("/auth/signup", &example()).send().await.status, 201);
    let login = app.post("/auth/login", &example()).send().await;
    assert_eq!(login.status, 200, "{}", login.text);
    login.body["access_token"].as_str().unwrap().to_owned()
}

/// Status and code of an error; checks its envelope.
fn refusal(answer: &Answer) -> (u16, String) {
    assert_eq!(names(&answer.body), ["error", "detail", "status_code"], "{}", answer.text);
    assert_eq!(answer.body["status_code"], answer.status.as_u16());
    assert!(answer.body["detail"]["message"].is_string(), "{}", answer.text);
    let rows = answer.body["detail"].get("errors").and_then(Value::as_array);
    assert_eq!(rows.is_some(), answer.body["error"] == "validation_error", "{}", answer.text);
    for row in rows.into_iter().flatten() {
        assert_eq!(names(row), ["field", "message"]);
    }
    (answer.status.as_u16(), answer.body["error"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn every_call_of_the_document_answers_as_it_prints() {
    let app = jobpath().await;
    let created = app.post("/auth/signup", &example()).send().await;
    assert_eq!(created.status, 201, "{}", created.text);
    let id = created.body["id"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), "550e8400-e29b-41d4-a716-446655440000".len());
    let now = Time::from_millis(START).to_seconds_text();
    assert_eq!(created.body, json!({ "id": id, "email": "user@example.com", "created_at": now }));

    let login = app.post("/auth/login", &example()).send().await;
    assert_eq!(login.status, 200, "{}", login.text);
    let token = login.body["access_token"].as_str().unwrap().to_owned();
    let user = json!({ "id": id, "email": "user@example.com", "is_active": true });
    assert_eq!(login.body, json!({ "access_token": token, "token_type": "bearer", "user": user }));
    assert_eq!(names(&login.body), ["access_token", "token_type", "user"]);
    assert!(!login.headers.contains_key("set-cookie"));

    let me = app.get("/auth/me").bearer(&token).send().await;
    assert_eq!((me.status.as_u16(), &me.body), (200, &user));

    let out = app.call(Method::POST, "/auth/logout").bearer(&token).send().await;
    assert_eq!(
        (out.status.as_u16(), out.body),
        (200, json!({ "message": "Logged out successfully" }))
    );
}

#[tokio::test]
async fn the_token_says_what_the_document_lists_and_lives_thirty_minutes() {
    let app = jobpath().await;
    let token = enter(&app).await;
    let part = |index: usize| {
        let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()
    };
    let (header, claims) = (part(0), part(1));
    assert_eq!((&header["alg"], &header["typ"]), (&json!("HS256"), &json!("JWT")));
    let me = app.get("/auth/me").bearer(&token).send().await;
    assert_eq!((&claims["user_id"], &claims["sub"]), (&me.body["id"], &me.body["id"]));
    assert_eq!(claims["email"], "user@example.com");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 30 * 60);
    app.turn_clock(Duration::from_mins(30) - Duration::from_secs(1));
    assert_eq!(app.get("/auth/me").bearer(&token).send().await.status, 200);
    app.turn_clock(Duration::from_secs(1));
    assert_eq!(
        refusal(&app.get("/auth/me").bearer(&token).send().await),
        (401, "invalid_token".into())
    );
}

#[tokio::test]
async fn a_logout_ends_the_token_for_good_across_restarts() {
    let app = jobpath().await;
    let token = enter(&app).await;
    let other = app.post("/auth/login", &example()).send().await.body["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(app.call(Method::POST, "/auth/logout").bearer(&token).send().await.status, 200);
    let app = app.restart("jobpath", &[]).await;
    assert_eq!(
        refusal(&app.get("/auth/me").bearer(&token).send().await),
        (401, "invalid_token".into())
    );
    let again = app.call(Method::POST, "/auth/logout").bearer(&token).send().await;
    assert_eq!(refusal(&again), (401, "invalid_token".into()));
    assert_eq!(app.get("/auth/me").bearer(&other).send().await.status, 200);
}

#[tokio::test]
async fn every_refusal_has_the_documents_code_and_message() {
    let app = jobpath().await;
    let token = enter(&app).await;
    let wrong = |email: &str| json!({ "email": email, "password": "WrongPass123" });
    let answer = app.post("/auth/login", &wrong("user@example.com")).send().await;
    let printed = json!({
        "error": "invalid_credentials",
        "detail": { "message": "Invalid email or password" },
        "status_code": 401,
    });
    assert_eq!((answer.status.as_u16(), &answer.body), (401, &printed));
    assert_eq!(app.post("/auth/login", &wrong("nobody@example.com")).send().await.body, printed);
    for (call, status, code) in [
        (app.post("/auth/signup", &example()), 409, "email_already_exists"),
        (app.get("/auth/me"), 401, "invalid_token"),
        (app.get("/auth/me").header("authorization", "Basic YTpi"), 401, "invalid_token"),
        (app.get("/auth/me").bearer("a.b.c"), 401, "invalid_token"),
        (app.call(Method::POST, "/auth/logout"), 401, "invalid_token"),
    ] {
        assert_eq!(refusal(&call.send().await), (status, code.to_owned()));
    }
    accounts::suspend(&app.core, &By::command_line(), "user@example.com").await.unwrap();
    let inactive = app.post("/auth/login", &example()).send().await;
    assert_eq!(refusal(&inactive), (403, "inactive_user".into()));
    assert_eq!(
        refusal(&app.get("/auth/me").bearer(&token).send().await),
        (401, "invalid_token".into())
    );
}

#[tokio::test]
async fn every_bad_input_is_answered_in_the_envelope() {
    let app = jobpath().await;
    let login =
        |kind: &str, body: &str| app.call(Method::POST, "/auth/login").body(kind, body.to_owned());
    let json = "application/json";
    let big = format!("{{\"email\":\"{}\"}}", "a".repeat(70_000));
    for (call, status, code) in [
        (app.get("/nothing"), 404, "not_found"),
        (app.get("/auth/%ff"), 404, "not_found"),
        (app.get("/"), 404, "not_found"),
        (app.get("/auth/login"), 405, "method_not_allowed"),
        (login("text/plain", "{}"), 415, "unsupported_media_type"),
        (
            login("application/x-www-form-urlencoded", "username=a&password=b"),
            415,
            "unsupported_media_type",
        ),
        (login(json, &big), 413, "payload_too_large"),
        (login(json, ""), 400, "validation_error"),
        (login(json, "{"), 400, "validation_error"),
        (login(json, "{\"email\":\"a\",\"email\":\"b\"}"), 400, "validation_error"),
        (login(json, "{\"email\":\"nobody\",\"password\":\"x\"}"), 400, "validation_error"),
        (login(json, "{\"email\":7,\"password\":null}"), 400, "validation_error"),
    ] {
        assert_eq!(refusal(&call.send().await), (status, code.to_owned()));
    }
    let rows = login(json, "{}").send().await.body["detail"]["errors"].clone();
    assert_eq!(
        rows,
        json!([
            { "field": "email", "message": "Email is required" },
            { "field": "password", "message": "Password is required" },
        ])
    );
    assert_eq!(app.get("/v1/nothing").send().await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn a_password_has_eight_characters_and_no_other_rule() {
    let app = jobpath().await;
    let signup = |name: &str, password: &str| {
        app.post(
            "/auth/signup",
            &json!({ "email": format!("{name}@example.com"), "password": password }),
        )
        .send()
    };
    assert_eq!(signup("ada", "password").await.status, 201);
    let short = signup("bob", "passwor").await;
    assert_eq!(refusal(&short), (400, "validation_error".into()));
    let row = json!({ "field": "password", "message": "Password must be at least 8 characters" });
    assert_eq!(short.body["detail"]["errors"], json!([row]));
}

#[tokio::test]
async fn the_documents_are_where_the_document_says() {
    for (profile, first) in
        [("jobpath", "/auth/me"), ("siteworks", "/api/auth/profile"), ("standard", "/users/me")]
    {
        let app = app_with(profile, &[]).await;
        let root = app.get("/openapi.json").send().await;
        assert!(root.body["paths"].get(first).is_some(), "{profile}");
        let native = app.get("/openapi/v1.json").send().await;
        assert!(native.body["paths"].get("/users/me").is_some(), "{profile}");
        let docs = app.get("/docs").send().await;
        assert!(docs.status == 200 && docs.text.contains("<option>v1</option>"), "{profile}");
        let reference = app.get("/redoc").send().await;
        assert!(reference.status == 200 && reference.text.contains(first), "{profile}");
        if profile != "standard" {
            let path = format!("/openapi/{profile}.json");
            assert_eq!(app.get(&path).send().await.body, root.body);
            assert!(docs.text.contains(&format!("<option>{profile}</option>")), "{profile}");
        }
    }
}
