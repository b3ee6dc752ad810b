//! `POST /admin/providers/{provider}/test`: discovery and keys, read again.

use serde_json::json;

use crate::fake_provider::FakeProvider;
use crate::support::app_with;
use crate::v1::fixture::{Operation, person};

const TEST: Operation = Operation("POST", "/admin/providers/{provider}/test");

#[tokio::test]
async fn each_step_says_what_it_found_and_the_first_that_fails_is_the_last() {
    let provider = FakeProvider::start().await;
    let app = app_with("standard", &[("outbound.allow", "127.0.0.1")]).await;
    let root = person(&app, "root", &["admin"]).await;
    let body = json!({ "clientId": "c-1", "issuer": provider.issuer });
    app.post("/v1/admin/providers/acme", &body).bearer(&root).ok(201).await;
    let test = async || TEST.at(&app, &["acme"]).bearer(&root).ok(200).await.body["data"].clone();
    assert_eq!(
        test().await,
        json!([
            { "name": "discovery", "ok": true, "answer": provider.issuer },
            { "name": "keys", "ok": true, "answer": "1 key that can check ID tokens" },
        ])
    );
    // It is read again, though it was just read.
    provider.script(|script| script.published = vec![]);
    let steps = test().await;
    assert_eq!((&steps[1]["ok"], steps.as_array().unwrap().len()), (&json!(false), 2), "{steps}");
    provider.script(|script| script.discovery = json!({ "issuer": "https://evil.example" }));
    let steps = test().await;
    assert_eq!((&steps[0]["ok"], steps.as_array().unwrap().len()), (&json!(false), 1), "{steps}");
    TEST.at(&app, &["other"]).bearer(&root).refused(404, "NOT_FOUND").await;
}
