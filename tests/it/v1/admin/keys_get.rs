//! `GET /admin/keys`: the signing keys, without their private parts.

use serde_json::json;

use crate::support::{app, app_with};
use crate::v1::fixture::{Operation, keys, person};

const LIST: Operation = Operation("GET", "/admin/keys");

#[tokio::test]
async fn a_key_has_the_documented_fields() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let list = LIST.on(&app).bearer(&root).ok(200).await;
    let key = &list.body["data"][0];
    assert_eq!(keys(key), "id algorithm usedFor createdAt signsFrom verifiesUntil");
    assert_eq!((&key["algorithm"], &key["usedFor"]), (&json!("ES256"), &json!("signing")));
}

#[tokio::test]
async fn a_shared_secret_is_not_shown() {
    let secret = "correct-horse-battery-staple-and-more";
    let app =
        app_with("standard", &[("tokens.algorithm", "HS256"), ("tokens.secret", secret)]).await;
    let root = person(&app, "root", &["admin"]).await;
    let list = LIST.on(&app).bearer(&root).ok(200).await;
    assert!(secret.split('-').all(|word| !list.text.contains(word)), "{}", list.text);
}
