//! `GET /users/me/identities`: the caller's accounts at providers.

use serde_json::json;

use crate::providers::{Site, verified};
use crate::v1::fixture::{Operation, keys, person};

const LIST: Operation = Operation("GET", "/users/me/identities");

#[tokio::test]
async fn it_has_the_callers_identities_alone() {
    let site = Site::open(&[]).await;
    let ada = site.log_in(&verified("s-1", "ada@example.com")).await.tokens().access;
    let data = LIST.on(&site.app).bearer(&ada).ok(200).await.body["data"].clone();
    assert_eq!(data.as_array().unwrap().len(), 1);
    assert_eq!(keys(&data[0]), "id provider issuer subject email name createdAt lastUsed");
    assert_eq!((&data[0]["provider"], &data[0]["name"]), (&json!("acme"), &json!("Ada Lovelace")));
    let bob = person(&site.app, "bob", &[]).await;
    assert_eq!(LIST.on(&site.app).bearer(&bob).ok(200).await.body["data"], json!([]));
}
