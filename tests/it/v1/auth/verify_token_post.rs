//! `POST /auth/verify-token`: what an access token says, to its holder.

use serde_json::{Value, json};

use crate::support::{Answer, App, PASSWORD, app};
use crate::v1::fixture::{
    HOUR, Operation, Trail, assert_rules, delete, keys, letters, mfa_token, person,
    person_with_authenticator, suspend,
};

const VERIFY: Operation = Operation("POST", "/auth/verify-token");

async fn verify(app: &App, token: &str) -> Answer {
    VERIFY.on(app).json(&json!({ "token": token })).send().await
}

#[tokio::test]
async fn the_field_has_its_rule() {
    let app = app().await;
    let call = async |body: &Value| VERIFY.on(&app).json(body).send().await;
    let rules = [
        ("token", json!(null), "REQUIRED_FIELD_MISSING"),
        ("token", json!(""), "REQUIRED_FIELD_MISSING"),
        ("token", json!(7), "VALIDATION_ERROR"),
        ("token", letters(8193), "FIELD_TOO_LONG"),
    ];
    assert_rules(call, &json!({}), &rules).await;
}

#[tokio::test]
async fn only_an_access_token_is_valid() {
    let app = app().await;
    let (ada, _) = person_with_authenticator(&app, "ada").await;
    let waiting = mfa_token(&app, "ada").await;
    for token in ["x", "a.b.c", &ada.refresh, &waiting, &format!("{}x", ada.access)] {
        verify(&app, token).await.refused(401, "INVALID_TOKEN");
    }
    verify(&app, &ada.access).await.ok(200);
}

#[tokio::test]
async fn a_token_is_not_valid_after_its_expiry_or_its_session() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    for name in ["suspended", "deleted", "logged_out"] {
        let ada = person(&app, name, &[]).await;
        match name {
            "suspended" => suspend(&app, &root, &ada.id).await,
            "deleted" => delete(&app, &root, &ada.id).await,
            _ => {
                app.post("/v1/auth/logout", &json!({})).bearer(&ada).ok(200).await;
            }
        }
        verify(&app, &ada.access).await.refused(401, "TOKEN_REVOKED");
    }
    let late = app.login("root", PASSWORD).await.tokens();
    app.turn_clock(HOUR);
    verify(&app, &late.access).await.refused(401, "TOKEN_EXPIRED");
}

#[tokio::test]
async fn the_response_has_the_documented_fields_and_leaves_no_record() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    let valid = verify(&app, &ada.access).await.ok(200);
    let fields = "userId email username sessionId roles permissions issuedAt expiresAt";
    assert_eq!(keys(&valid.body["data"]), fields);
    assert!(!valid.text.contains(&ada.access) && !valid.text.contains("argon2"), "{}", valid.text);
    verify(&app, "x").await.refused(401, "INVALID_TOKEN");
    assert_eq!(trail.left().await, [""; 0]);
}
