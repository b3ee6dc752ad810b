//! The siteworks wire, call by call as in its document, on the real program with its profile.

use std::time::Duration;

use authd::identity::By;
use authd::identity::admin::accounts;
use authd::model::Time;
use poem::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, START, app_with};

const PASSWORD: &str = "SecurePass123!";

async fn siteworks() -> App {
    app_with("siteworks", &[]).await
}

/// The sign-up example of the document.
fn example() -> Value {
    json!({ "email": "user@example.com", "password": PASSWORD, "name": "John Doe" })
}

fn later(by: Duration) -> String {
    (Time::from_millis(START) + by).to_millis_text()
}

fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn text(answer: &Answer, pointer: &str) -> String {
    answer
        .body
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{pointer}: {}", answer.text))
        .to_owned()
}

/// Signs up the example account; returns the access and the refresh token.
async fn enter(app: &App) -> (String, String) {
    let answer = app.post("/api/auth/register", &example()).send().await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    (text(&answer, "/tokens/accessToken"), text(&answer, "/tokens/refreshToken"))
}

/// Status, code and message of an error; checks its envelope.
fn refusal(answer: &Answer) -> (u16, String, String) {
    assert_eq!(answer.body["success"], false, "{}", answer.text);
    let rows = answer.body.get("errors").and_then(Value::as_array);
    assert_eq!(rows.is_some(), answer.body["code"] == "VALIDATION_ERROR", "{}", answer.text);
    for row in rows.into_iter().flatten() {
        assert_eq!(names(row), ["field", "message"]);
    }
    (answer.status.as_u16(), text(answer, "/code"), text(answer, "/message"))
}

const MINUTE: Duration = Duration::from_mins(1);
const WEEK: Duration = Duration::from_hours(7 * 24);

/// The expected `tokens` of a response whose refresh token expires this long after the start.
fn pair(answer: &Answer, end: Duration) -> Value {
    let (access, refresh) =
        (text(answer, "/tokens/accessToken"), text(answer, "/tokens/refreshToken"));
    json!({ "accessToken": access, "refreshToken": refresh, "expiresAt": later(end) })
}

#[tokio::test]
async fn sign_up_login_and_refresh_answer_as_the_document_prints() {
    let app = siteworks().await;
    let registered = app.post("/api/auth/register", &example()).send().await;
    assert_eq!(registered.status, 201, "{}", registered.text);
    let expected = json!({
        "success": true,
        "message": "User registered successfully",
        "user": {
            "id": text(&registered, "/user/id"), "email": "user@example.com", "name": "John Doe",
            "isVerified": true, "isActive": true, "createdAt": later(Duration::ZERO),
        },
        "tokens": pair(&registered, WEEK),
    });
    assert_eq!(registered.body, expected);
    assert_eq!(names(&registered.body["user"]), names(&expected["user"]));

    app.turn_clock(MINUTE);
    let login = json!({ "email": "user@example.com", "password": PASSWORD });
    let login = app.post("/api/auth/login", &login).send().await;
    assert_eq!(login.status, 200, "{}", login.text);
    let expected = json!({
        "success": true,
        "message": "Login successful",
        "user": {
            "id": text(&registered, "/user/id"), "email": "user@example.com", "name": "John Doe",
            "isVerified": true, "isActive": true, "lastLoginAt": later(MINUTE),
        },
        "tokens": pair(&login, WEEK + MINUTE),
    });
    assert_eq!(login.body, expected);

    app.turn_clock(MINUTE);
    let token = text(&registered, "/tokens/refreshToken");
    let refreshed = app.post("/api/auth/refresh", &json!({ "refreshToken": token })).send().await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
    assert_ne!(text(&refreshed, "/tokens/refreshToken"), token);
    let tokens = pair(&refreshed, WEEK + MINUTE * 2);
    assert_eq!(
        refreshed.body,
        json!({ "success": true, "message": "Token refreshed successfully", "tokens": tokens })
    );
}

#[tokio::test]
async fn the_calls_with_a_token_answer_in_the_documents_form() {
    let app = siteworks().await;
    let (access, refresh) = enter(&app).await;
    let profile = app.get("/api/auth/profile").bearer(&access).send().await;
    assert_eq!(profile.status, 200, "{}", profile.text);
    let user = json!({
        "id": text(&profile, "/user/id"), "email": "user@example.com", "name": "John Doe",
        "isVerified": true, "isActive": true,
        "lastLoginAt": later(Duration::ZERO), "createdAt": later(Duration::ZERO), "updatedAt": later(Duration::ZERO),
    });
    assert_eq!(profile.body, json!({ "success": true, "user": user }));

    app.turn_clock(MINUTE);
    let put = app
        .put("/api/auth/profile", &json!({ "name": "Updated Name" }))
        .bearer(&access)
        .send()
        .await;
    assert_eq!(
        (put.status.as_u16(), text(&put, "/message")),
        (200, "Profile updated successfully".into())
    );
    assert_eq!(
        (text(&put, "/user/name"), text(&put, "/user/updatedAt")),
        ("Updated Name".into(), later(MINUTE))
    );

    let done = |message: &str| json!({ "success": true, "message": message });
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "NewSecurePass456!" });
    let changed = app.put("/api/auth/change-password", &change).bearer(&access).send().await;
    assert_eq!(
        (changed.status.as_u16(), changed.body),
        (200, done("Password changed successfully"))
    );

    let out = app
        .post("/api/auth/logout", &json!({ "refreshToken": refresh }))
        .bearer(&access)
        .send()
        .await;
    assert_eq!((out.status.as_u16(), out.body), (200, done("Logged out successfully")));

    let again = json!({ "email": "user@example.com", "password": "NewSecurePass456!" });
    let access = text(&app.post("/api/auth/login", &again).send().await, "/tokens/accessToken");
    let all = app.call(Method::POST, "/api/auth/logout-all").bearer(&access).send().await;
    assert_eq!(
        (all.status.as_u16(), all.body),
        (200, done("Logged out from all devices successfully"))
    );
}

#[tokio::test]
async fn every_refusal_has_the_documents_code() {
    let app = siteworks().await;
    let (access, refresh) = enter(&app).await;
    let post = |path: &str, body: Value| app.post(&format!("/api/auth/{path}"), &body);
    let wrong = json!({ "email": "user@example.com", "password": "WrongPass123!" });
    let unknown = json!({ "email": "nobody@example.com", "password": "WrongPass123!" });
    let change = json!({ "currentPassword": "WrongPass123!", "newPassword": "NewSecurePass456!" });
    for (call, status, code, message) in [
        (post("register", example()), 409, "USER_EXISTS", "User with this email already exists"),
        (post("login", wrong), 401, "INVALID_CREDENTIALS", "Invalid email or password"),
        (post("login", unknown), 401, "INVALID_CREDENTIALS", "Invalid email or password"),
        (
            post("refresh", json!({ "refreshToken": "x" })),
            401,
            "INVALID_REFRESH_TOKEN",
            "Invalid or expired refresh token",
        ),
        (post("refresh", json!({})), 400, "VALIDATION_ERROR", "Refresh token is required"),
        (
            app.call(Method::POST, "/api/auth/refresh"),
            400,
            "VALIDATION_ERROR",
            "Refresh token is required",
        ),
        (app.get("/api/auth/profile"), 401, "AUTH_ERROR", "Access token is required"),
        (app.get("/api/auth/profile").header("authorization", "Basic YTpi"), 401, "AUTH_ERROR", ""),
        (app.get("/api/auth/profile").bearer("a.b.c"), 401, "INVALID_TOKEN", "Invalid token"),
        (
            post("logout", json!({ "refreshToken": refresh })),
            401,
            "AUTH_ERROR",
            "Access token is required",
        ),
        (
            app.put("/api/auth/change-password", &change).bearer(&access),
            400,
            "INVALID_CURRENT_PASSWORD",
            "Current password is incorrect",
        ),
        (
            app.put("/api/auth/profile", &json!({ "name": 7 })).bearer(&access),
            400,
            "VALIDATION_ERROR",
            "Name must be a string",
        ),
    ] {
        let answer = call.send().await;
        let (came_status, came_code, came_message) = refusal(&answer);
        assert_eq!((came_status, came_code.as_str()), (status, code), "{}", answer.text);
        assert!(message.is_empty() || came_message == message, "{came_message}");
    }
    app.turn_clock(Duration::from_mins(15));
    let expired = app.get("/api/auth/profile").bearer(&access).send().await;
    assert_eq!(refusal(&expired), (401, "TOKEN_EXPIRED".into(), "Token has expired".into()));
    assert_eq!(expired.header("www-authenticate"), "Bearer");
}

#[tokio::test]
async fn every_bad_input_is_answered_in_the_envelope() {
    let app = siteworks().await;
    let login = |kind: &str, body: &str| {
        app.call(Method::POST, "/api/auth/login").body(kind, body.to_owned())
    };
    let json = "application/json";
    let big = format!("{{\"email\":\"{}\"}}", "a".repeat(70_000));
    for (call, status, code) in [
        (app.get("/nothing"), 404, "NOT_FOUND"),
        (app.get("/api/nothing"), 404, "NOT_FOUND"),
        (app.get("/api/%ff"), 404, "NOT_FOUND"),
        (app.get("/"), 404, "NOT_FOUND"),
        (app.get("/api/auth/login"), 405, "METHOD_NOT_ALLOWED"),
        (app.call(Method::DELETE, "/api/auth/profile"), 405, "METHOD_NOT_ALLOWED"),
        (login("text/plain", "{}"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (login(json, &big), 413, "PAYLOAD_TOO_LARGE"),
        (login(json, "{"), 400, "VALIDATION_ERROR"),
        (login(json, "[]"), 400, "VALIDATION_ERROR"),
        (login(json, "{\"email\":\"a\",\"email\":\"b\"}"), 400, "VALIDATION_ERROR"),
        (login(json, "{} x"), 400, "VALIDATION_ERROR"),
        (login(json, "{\"email\":\"not an address\",\"password\":\"x\"}"), 400, "VALIDATION_ERROR"),
    ] {
        let answer = call.send().await;
        let (came_status, came_code, _) = refusal(&answer);
        assert_eq!((came_status, came_code.as_str()), (status, code), "{}", answer.text);
        assert_eq!(names(&answer.body)[..3], ["success", "message", "code"]);
    }
    let allow = app.call(Method::DELETE, "/api/auth/profile").send().await;
    assert_eq!(allow.header("allow"), "GET, HEAD, PUT");
    // The native API next to it keeps its own envelope.
    assert_eq!(app.get("/v1/nothing").send().await.code(), "NOT_FOUND");
    assert_eq!(app.get("/api/v1/users/me").send().await.code(), "MISSING_AUTH_HEADER");
}

#[tokio::test]
async fn all_broken_rules_are_told_at_once() {
    let app = siteworks().await;
    let body = json!({ "email": "nobody", "password": "short", "name": "x".repeat(256) });
    let answer = app.post("/api/auth/register", &body).send().await;
    assert_eq!(refusal(&answer).0, 400);
    let rows = answer.body["errors"].as_array().unwrap();
    let count = |field: &str| rows.iter().filter(|row| row["field"] == field).count();
    // Too short, and without an upper case letter, a number and a special character.
    assert_eq!((count("email"), count("password"), count("name")), (1, 4, 1), "{}", answer.text);
    let named =
        json!({ "email": "long@example.com", "password": PASSWORD, "name": "x".repeat(255) });
    let named = app.post("/api/auth/register", &named).send().await;
    assert_eq!(named.status, 201, "{}", named.text);
    let nameless = json!({ "email": "user@example.com", "password": PASSWORD });
    let nameless = app.post("/api/auth/register", &nameless).send().await;
    assert_eq!(
        (nameless.status.as_u16(), &nameless.body["user"]["name"]),
        (201, &Value::Null),
        "{}",
        nameless.text
    );
}

#[tokio::test]
async fn the_limits_are_the_documents() {
    let app = siteworks().await;
    enter(&app).await;
    let wrong = json!({ "email": "nobody@example.com", "password": "WrongPass123!" });
    let calls = [
        ("/api/auth/register", example(), "192.0.2.2", 5),
        ("/api/auth/login", wrong, "192.0.2.3", 10),
        ("/api/auth/refresh", json!({ "refreshToken": "x" }), "192.0.2.4", 20),
    ];
    for (path, body, from, allowed) in calls {
        for _ in 0..allowed {
            let answer = app.post(path, &body).from(from).send().await;
            assert_ne!(answer.status, 429, "{path}: {}", answer.text);
        }
        let answer = app.post(path, &body).from(from).send().await;
        assert_eq!(answer.header("retry-after"), "900", "{path}: {}", answer.text);
        let (status, code, message) = refusal(&answer);
        assert_eq!((status, code.as_str()), (429, "RATE_LIMIT_EXCEEDED"));
        assert!(message.ends_with("Try again in 15 minutes."), "{message}");
        app.turn_clock(Duration::from_mins(15));
        assert_ne!(app.post(path, &body).from(from).send().await.status, 429, "{path}");
    }
    for _ in 0..100 {
        assert_eq!(app.get("/nothing").from("192.0.2.9").send().await.status, 404);
    }
    assert_eq!(app.get("/nothing").from("192.0.2.9").send().await.status, 429);
    assert_eq!(app.get("/docs").from("192.0.2.9").send().await.status, 200);
}

#[tokio::test]
async fn a_call_has_one_limit_on_all_its_paths() {
    let app = siteworks().await;
    // A different name each time, so that the client's limit is tested and not an account's delay.
    let guess = |nth: usize| json!({ "email": format!("nobody{nth}@example.com"), "password": "WrongPass123!" });
    let paths = ["/api/auth/login", "/v1/auth/login", "/api/v1/auth/login"];
    for nth in 0..10 {
        assert_eq!(app.post(paths[nth % 3], &guess(nth)).send().await.status, 401, "{nth}");
    }
    for (nth, path) in paths.into_iter().enumerate() {
        assert_eq!(app.post(path, &guess(10 + nth)).send().await.status, 429, "{path}");
    }
}

#[tokio::test]
async fn a_logout_ends_the_callers_session_and_that_of_the_refresh_token() {
    let app = siteworks().await;
    let (first, first_refresh) = enter(&app).await;
    let login = json!({ "email": "user@example.com", "password": PASSWORD });
    let second = app.post("/api/auth/login", &login).send().await;
    let (second, second_refresh) =
        (text(&second, "/tokens/accessToken"), text(&second, "/tokens/refreshToken"));
    let other = json!({ "email": "other@example.com", "password": PASSWORD });
    let other = app.post("/api/auth/register", &other).send().await;
    let third = app.post("/api/auth/login", &login).send().await;

    // Another account's token is ignored.
    let foreign = json!({ "refreshToken": text(&other, "/tokens/refreshToken") });
    assert_eq!(
        app.post("/api/auth/logout", &foreign)
            .bearer(&text(&third, "/tokens/accessToken"))
            .send()
            .await
            .status,
        200
    );
    assert_eq!(
        app.get("/api/auth/profile")
            .bearer(&text(&other, "/tokens/accessToken"))
            .send()
            .await
            .status,
        200
    );

    let own = json!({ "refreshToken": second_refresh });
    assert_eq!(app.post("/api/auth/logout", &own).bearer(&first).send().await.status, 200);
    for access in [&first, &second] {
        let dead = app.get("/api/auth/profile").bearer(access).send().await;
        assert_eq!(refusal(&dead), (401, "INVALID_TOKEN".into(), "Invalid token".into()));
    }
    for refresh in [first_refresh, second_refresh] {
        let dead = app.post("/api/auth/refresh", &json!({ "refreshToken": refresh })).send().await;
        assert_eq!(refusal(&dead).1, "INVALID_REFRESH_TOKEN");
    }
}

#[tokio::test]
async fn a_deactivated_account_is_revealed_after_the_right_password_only() {
    let app = siteworks().await;
    let (access, refresh) = enter(&app).await;
    accounts::suspend(&app.core, &By::command_line(), "user@example.com").await.unwrap();
    let login = |password: &str| {
        app.post("/api/auth/login", &json!({ "email": "user@example.com", "password": password }))
    };
    let right = login(PASSWORD).send().await;
    assert_eq!(
        refusal(&right),
        (403, "ACCOUNT_DEACTIVATED".into(), "Account is deactivated".into())
    );
    assert_eq!(refusal(&login("WrongPass123!").send().await).1, "INVALID_CREDENTIALS");
    assert_eq!(refusal(&app.get("/api/auth/profile").bearer(&access).send().await).0, 401);
    let refreshed = app.post("/api/auth/refresh", &json!({ "refreshToken": refresh })).send().await;
    assert_eq!(refusal(&refreshed).1, "INVALID_REFRESH_TOKEN");
}

#[tokio::test]
async fn of_two_sign_ups_at_once_with_one_address_one_enters() {
    let app = siteworks().await;
    let call = || app.post("/api/auth/register", &example()).send();
    let (first, second) = tokio::join!(call(), call());
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let audit = app.audit().await;
    let count = |line: &str| audit.iter().filter(|entry| *entry == line).count();
    assert_eq!(
        (count("sign_up done"), count("sign_up refused email_taken"), count("login done")),
        (1, 1, 1),
        "{audit:?}"
    );
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions_only() {
    let app = siteworks().await;
    let (other, _) = enter(&app).await;
    let login = json!({ "email": "user@example.com", "password": PASSWORD });
    let access = text(&app.post("/api/auth/login", &login).send().await, "/tokens/accessToken");
    let change = |new: &str| {
        let body = json!({ "currentPassword": PASSWORD, "newPassword": new });
        app.put("/api/auth/change-password", &body).bearer(&access).send()
    };
    let weak = change("weak").await;
    assert_eq!(refusal(&weak).0, 400);
    assert!(
        weak.body["errors"].as_array().unwrap().iter().all(|row| row["field"] == "newPassword"),
        "{}",
        weak.text
    );
    assert_eq!(change("NewSecurePass456!").await.status, 200);
    assert_eq!(app.get("/api/auth/profile").bearer(&access).send().await.status, 200);
    assert_eq!(
        refusal(&app.get("/api/auth/profile").bearer(&other).send().await).1,
        "INVALID_TOKEN"
    );
    assert_eq!(refusal(&app.post("/api/auth/login", &login).send().await).1, "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn a_token_stolen_from_an_unverified_account_ends_its_session_without_a_letter() {
    let app = siteworks().await;
    let (_, first) = enter(&app).await;
    app.mails().await;
    let refresh = async |token: &str| {
        app.post("/api/auth/refresh", &json!({ "refreshToken": token })).send().await
    };
    let second = text(&refresh(&first).await, "/tokens/refreshToken");
    let third = text(&refresh(&second).await, "/tokens/refreshToken");
    app.turn_clock(MINUTE);

    assert_eq!(refusal(&refresh(&first).await).0, 401);
    assert_eq!(refusal(&refresh(&third).await).0, 401, "the thief's session goes on");
    assert!(app.audit().await.contains(&"refresh_reused refused".to_owned()));
    assert!(app.mails().await.is_empty());
}
