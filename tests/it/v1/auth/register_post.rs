//! `POST /auth/register`: an account with an unverified address.

use serde_json::{Value, json};

use crate::support::{App, PASSWORD, app, app_with, registration, token_in};
use crate::v1::fixture::{
    Operation, Trail, assert_limit, assert_rules, end, keys, letters, limited, person,
};

const REGISTER: Operation = Operation("POST", "/auth/register");

fn with(name: &str, changes: &Value) -> Value {
    let mut body = registration(name);
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn each_field_has_its_rule() {
    let app = app().await;
    let mut trail = Trail::begin(&app).await;
    let call = async |body: &Value| REGISTER.on(&app).json(body).send().await;
    let rules = [
        ("email", json!(null), "REQUIRED_FIELD_MISSING"),
        ("email", json!("ada"), "INVALID_EMAIL_FORMAT"),
        ("email", json!(format!("{}@example.com", "a".repeat(250))), "FIELD_TOO_LONG"),
        ("username", json!("ab"), "FIELD_TOO_SHORT"),
        ("username", letters(51), "FIELD_TOO_LONG"),
        ("username", json!("ada lovelace"), "INVALID_USERNAME_FORMAT"),
        ("password", json!(null), "REQUIRED_FIELD_MISSING"),
        ("password", json!("eleven char"), "FIELD_TOO_SHORT"),
        ("password", letters(257), "FIELD_TOO_LONG"),
        ("password", json!("password1234"), "INVALID_PASSWORD_STRENGTH"),
        ("password", json!("ada@example.com"), "INVALID_PASSWORD_STRENGTH"),
        ("firstName", letters(101), "FIELD_TOO_LONG"),
        ("lastName", letters(101), "FIELD_TOO_LONG"),
        ("phone", letters(21), "FIELD_TOO_LONG"),
    ];
    assert_rules(call, &registration("ada"), &rules).await;
    assert_eq!((trail.left().await, app.mails().await.len()), (vec![], 0));
}

#[tokio::test]
async fn the_longest_values_are_accepted() {
    let app = app().await;
    let changes = json!({
        "username": letters(50), "firstName": letters(100), "lastName": letters(100), "phone": "1".repeat(20),
        "password": format!("{PASSWORD}{}", "é".repeat(256 - PASSWORD.len())),
    });
    REGISTER.on(&app).json(&with("ada", &changes)).ok(201).await;
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    let app = limited("sign_up", &[]).await;
    let count = std::cell::Cell::new(0);
    let call = async |from: &str| {
        count.set(count.get() + 1);
        REGISTER
            .on(&app)
            .json(&registration(&format!("user{}", count.get())))
            .from(from)
            .send()
            .await
    };
    assert_limit(&app, "RATE_LIMIT_EXCEEDED", call, async || app.login("ada", PASSWORD).await)
        .await;
}

#[tokio::test]
async fn an_invalid_body_does_not_count_against_the_limit() {
    let app = limited("sign_up", &[]).await;
    for _ in 0..3 {
        REGISTER.on(&app).json(&json!({ "email": "ada" })).refused(400, "VALIDATION_ERROR").await;
    }
    REGISTER.on(&app).json(&registration("ada")).ok(201).await;
}

#[tokio::test]
async fn the_response_has_the_documented_fields_and_no_password() {
    let app = app().await;
    let made =
        REGISTER.on(&app).json(&with("ada", &json!({ "email": "Ada@Example.com" }))).ok(201).await;
    assert_eq!(keys(&made.body), "success message data");
    assert_eq!(keys(&made.body["data"]), "userId email username status emailVerified createdAt");
    assert_eq!(made.body["data"]["email"], "Ada@Example.com", "as typed");
    assert!(!made.text.contains(PASSWORD) && made.cookie().is_none(), "{}", made.text);
}

#[tokio::test]
async fn fields_of_the_server_are_not_taken_from_the_body() {
    let app = app().await;
    let hostile = json!({
        "id": "mine", "userId": "mine", "status": "active", "emailVerified": true, "roles": ["admin"], "role": "admin",
        "permissions": ["admin.roles"],
    });
    let made = REGISTER.on(&app).json(&with("ada", &hostile)).ok(201).await;
    let data = &made.body["data"];
    assert_eq!((&data["status"], &data["emailVerified"]), (&json!("pending"), &json!(false)));
    assert_ne!(data["userId"], "mine");
    let token = token_in(&app.mails().await, "verify-email?token=");
    app.post("/v1/auth/verify-email", &json!({ "token": token })).ok(200).await;
    let login = app.login("ada", PASSWORD).await.ok(200);
    assert_eq!(login.body["data"]["user"]["roles"], json!(["user"]));
    assert_eq!(login.body["data"]["user"]["permissions"], json!(["users.read"]));
}

#[tokio::test]
async fn it_is_recorded_for_the_new_account() {
    let app = app().await;
    let mut trail = Trail::begin(&app).await;
    let made = REGISTER.on(&app).json(&registration("ada")).ok(201).await;
    let id = made.body["data"]["userId"].as_str();
    assert_eq!(trail.left_by(None, id).await, ["sign_up done"]);
}

/// One account in each state, with its name.
async fn accounts_in_all_states(app: &App) -> [&'static str; 4] {
    let root = person(app, "root", &["admin"]).await;
    app.register("pending").await.ok(201);
    for name in ["suspended", "deleted"] {
        let id = person(app, name, &[]).await.id;
        end(app, &root, &id, name).await;
    }
    app.mails().await;
    ["root", "pending", "suspended", "deleted"]
}

#[tokio::test]
async fn a_taken_address_is_a_conflict_where_the_profile_reveals_it() {
    let settings =
        [("tokens.algorithm", "ES256"), ("limits.sign_up", "off"), ("limits.sign_in", "off")];
    let app = app_with("perfect21", &settings).await;
    for name in accounts_in_all_states(&app).await {
        let body = with("newcomer", &json!({ "email": format!("{name}@example.com") }));
        let taken = REGISTER.on(&app).json(&body).refused(409, "EMAIL_EXISTS").await;
        assert_eq!(taken.body["error"]["message"], "Email address is already registered", "{name}");
    }
    assert_eq!(app.mails().await.len(), 0);
}

#[tokio::test]
async fn a_taken_address_gets_the_response_of_a_success_by_default() {
    let app = app().await;
    for name in accounts_in_all_states(&app).await {
        let body = with(&format!("new_{name}"), &json!({ "email": format!("{name}@example.com") }));
        let answer = REGISTER.on(&app).json(&body).ok(201).await;
        assert_eq!(answer.body["data"]["status"], "pending", "{name}");
    }
    assert_eq!(
        app.login("suspended", PASSWORD).await.code(),
        "ACCOUNT_SUSPENDED",
        "the account is as before"
    );
}

#[tokio::test]
async fn a_taken_username_is_a_conflict_however_it_is_spelled() {
    let app = app().await;
    app.join("ada").await;
    for username in ["ada", "ADA", "Ada"] {
        let body = with("newcomer", &json!({ "username": username }));
        REGISTER.on(&app).json(&body).refused(409, "USERNAME_EXISTS").await;
    }
}
