//! `POST /users/me/passkeys/options`: what a browser needs to make a key.

use serde_json::{Value, json};

use crate::support::app;
use crate::v1::fixture::{MINUTE, Operation, Trail, assert_rules, keys, person, unlimited};

const OPTIONS: Operation = Operation("POST", "/users/me/passkeys/options");

#[tokio::test]
async fn the_field_has_its_rule_and_the_response_the_documented_fields() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    let call = async |body: &Value| OPTIONS.on(&app).json(body).bearer(&ada).send().await;
    let rules = [
        ("type", json!(null), "REQUIRED_FIELD_MISSING"),
        ("type", json!("phone"), "VALIDATION_ERROR"),
    ];
    assert_rules(call, &json!({}), &rules).await;
    let data = call(&json!({ "type": "passkey" })).await.body["data"].clone();
    let fields = "rp user challenge pubKeyCredParams timeout excludeCredentials \
                  authenticatorSelection attestation extensions";
    assert_eq!(keys(&data), fields);
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn it_needs_fresh_authentication() {
    let app = unlimited(&[("tokens.access", "2h")]).await;
    let ada = person(&app, "ada", &[]).await;
    app.turn_clock(16 * MINUTE);
    let call = OPTIONS.on(&app).json(&json!({ "type": "passkey" })).bearer(&ada);
    call.refused(403, "REAUTHENTICATION_REQUIRED").await;
}

#[tokio::test]
async fn an_account_has_twenty_keys_at_most() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    for n in 0..20 {
        let key = format!(
            "insert into passkeys (id, account_id, kind, credential_id, public_key, name, aaguid, transports, \
             sign_count, backup_eligible, backed_up, user_verified, created_at) \
             values ('{n}', '{}', 'passkey', x'{n:02}', x'00', '', zeroblob(16), '', 0, 0, 0, 1, 0)",
            ada.id
        );
        assert_eq!(app.database().tamper(&key), 1);
    }
    let call = OPTIONS.on(&app).json(&json!({ "type": "passkey" })).bearer(&ada);
    call.refused(409, "CONFLICT").await;
}
