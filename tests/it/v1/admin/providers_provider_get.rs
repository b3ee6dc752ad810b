//! `GET /admin/providers/{provider}`: one provider, and how many accounts are connected to it.

use serde_json::json;

use crate::support::app;
use crate::v1::fixture::{Operation, person};

const SHOW: Operation = Operation("GET", "/admin/providers/{provider}");

#[tokio::test]
async fn an_unknown_provider_is_not_found_and_a_known_one_counts_its_accounts() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    SHOW.at(&app, &["google"]).bearer(&root).refused(404, "NOT_FOUND").await;
    let body = json!({ "clientId": "c-1" });
    app.post("/v1/admin/providers/google", &body).bearer(&root).ok(201).await;
    let connected = "insert into identities (id, account_id, provider, issuer, subject, created_at) \
                     select 'i-1', id, 'google', 'https://accounts.google.com', '1', 1 from accounts";
    assert_eq!(app.database().tamper(connected), 1);
    let shown = SHOW.at(&app, &["google"]).bearer(&root).ok(200).await;
    let data = &shown.body["data"];
    assert_eq!((&data["identities"], &data["hasKey"]), (&json!(1), &json!(false)));
    assert_eq!(data["issuer"], "https://accounts.google.com");
    let address = data["redirectAddress"].as_str().unwrap();
    assert!(address.ends_with("/sign-in/provider/google/callback"), "{address}");
}
