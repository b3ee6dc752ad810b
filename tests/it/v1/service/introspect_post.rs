//! `POST /service/introspect`: whether a token is valid, for a service.

use serde_json::{Value, json};

use crate::support::{Answer, App, app};
use crate::v1::fixture::{
    HOUR, Operation, SERVICE, Trail, assert_rules, assert_services_only, keys, letters, mfa_token,
    person, person_with_authenticator, suspend,
};

const INTROSPECT: Operation = Operation("POST", "/service/introspect");

async fn introspect(app: &App, token: &str) -> Answer {
    INTROSPECT.on(app).json(&json!({ "token": token })).from(SERVICE).send().await
}

#[tokio::test]
async fn only_a_service_may_ask() {
    assert_services_only(INTROSPECT, &[], json!({ "token": "x" })).await;
}

#[tokio::test]
async fn the_field_has_its_rule() {
    let app = app().await;
    let call = async |body: &Value| INTROSPECT.on(&app).json(body).from(SERVICE).send().await;
    let rules = [
        ("token", json!(null), "REQUIRED_FIELD_MISSING"),
        ("token", json!(7), "VALIDATION_ERROR"),
        ("token", letters(8193), "FIELD_TOO_LONG"),
    ];
    assert_rules(call, &json!({}), &rules).await;
}

#[tokio::test]
async fn a_valid_token_is_described_and_leaves_no_record() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    let found = introspect(&app, &ada.access).await.ok(200);
    assert_eq!(keys(&found.body["data"]), "active token");
    let fields = "userId email username sessionId roles permissions issuedAt expiresAt";
    assert_eq!(keys(&found.body["data"]["token"]), fields);
    assert!(!found.text.contains(&ada.access), "{}", found.text);
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn any_other_token_is_only_reported_as_not_active() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let suspended = person(&app, "suspended", &[]).await;
    suspend(&app, &root, &suspended.id).await;
    let (guarded, _) = person_with_authenticator(&app, "ada").await;
    let waiting = mfa_token(&app, "ada").await;
    for token in ["x", "a.b.c", &suspended.access, &guarded.refresh, &waiting] {
        let found = introspect(&app, token).await.ok(200);
        assert_eq!(found.body, json!({ "success": true, "data": { "active": false } }), "{token}");
    }
    app.turn_clock(HOUR);
    let late = introspect(&app, &guarded.access).await.ok(200);
    assert_eq!(late.body["data"], json!({ "active": false }));
}
