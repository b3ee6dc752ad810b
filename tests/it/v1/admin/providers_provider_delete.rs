//! `DELETE /admin/providers/{provider}`: nobody logs in with it any more; connected accounts stay.

use serde_json::json;

use crate::support::app_with;
use crate::v1::fixture::{Operation, Trail, person};

const REMOVE: Operation = Operation("DELETE", "/admin/providers/{provider}");

#[tokio::test]
async fn it_is_gone_at_once_and_its_connected_accounts_stay() {
    let app = app_with("standard", &[("providers.github.client_id", "c-1")]).await;
    let root = person(&app, "root", &["admin"]).await;
    let body = json!({ "clientId": "c-1" });
    app.post("/v1/admin/providers/google", &body).bearer(&root).ok(201).await;
    let connected = "insert into identities (id, account_id, provider, issuer, subject, created_at) \
                     select 'i-1', id, 'google', 'https://accounts.google.com', '1', 1 from accounts";
    assert_eq!(app.database().tamper(connected), 1);
    let mut trail = Trail::begin(&app).await;
    REMOVE.at(&app, &["google"]).bearer(&root).ok(200).await;
    let records = trail.left_by(Some(&root.id), None).await;
    assert_eq!(records, ["provider_removed done google"]);
    let offered = app.get("/v1/auth/providers").ok(200).await;
    assert_eq!(offered.body["data"].as_array().unwrap().len(), 1, "{}", offered.text);
    assert_eq!(app.database().number("select count(*) from identities"), 1);
    REMOVE.at(&app, &["google"]).bearer(&root).refused(404, "NOT_FOUND").await;
    REMOVE.at(&app, &["github"]).bearer(&root).refused(409, "CONFLICT").await;
}
