//! `GET /auth/providers`: the providers, for buttons.

use serde_json::json;

use crate::providers::Site;
use crate::support::app;
use crate::v1::fixture::Operation;

const LIST: Operation = Operation("GET", "/auth/providers");

#[tokio::test]
async fn it_names_each_provider_and_nothing_that_is_secret() {
    assert_eq!(LIST.on(&app().await).ok(200).await.body["data"], json!([]));
    let site = Site::open(&[("providers.acme.label", "Acme & Sons")]).await;
    let listed = LIST.on(&site.app).ok(200).await.body["data"].clone();
    assert_eq!(listed, json!([{ "name": "acme", "label": "Acme & Sons", "preset": null }]));
}
