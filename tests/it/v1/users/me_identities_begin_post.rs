//! `POST /users/me/identities/begin`: to connect an account at a provider.

use serde_json::{Value, json};

use crate::fake_provider::PAGE;
use crate::providers::Site;
use crate::v1::fixture::{MINUTE, Operation, Trail, assert_rules, keys, person};

const BEGIN: Operation = Operation("POST", "/users/me/identities/begin");

#[tokio::test]
async fn it_stores_nothing_and_its_fields_have_their_rules() {
    let site = Site::open(&[]).await;
    let ada = person(&site.app, "ada", &[]).await;
    let mut trail = Trail::begin(&site.app).await;
    let call = async |body: &Value| BEGIN.on(&site.app).json(body).bearer(&ada).send().await;
    let valid = json!({ "provider": "acme", "redirectUri": PAGE });
    let rules = [
        ("provider", json!(null), "REQUIRED_FIELD_MISSING"),
        ("redirectUri", json!(null), "REQUIRED_FIELD_MISSING"),
    ];
    assert_rules(call, &valid, &rules).await;
    let begun = call(&valid).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    assert_eq!(keys(&begun.body["data"]), "authorizationUrl flow expiresIn");
    let unknown = json!({ "provider": "other", "redirectUri": PAGE });
    BEGIN.on(&site.app).json(&unknown).bearer(&ada).refused(404, "NOT_FOUND").await;
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn it_needs_fresh_authentication() {
    let site = Site::open(&[("tokens.access", "2h")]).await;
    let ada = person(&site.app, "ada", &[]).await;
    site.app.turn_clock(16 * MINUTE);
    let call = BEGIN.on(&site.app).json(&json!({ "provider": "acme", "redirectUri": PAGE }));
    call.bearer(&ada).refused(403, "REAUTHENTICATION_REQUIRED").await;
}
