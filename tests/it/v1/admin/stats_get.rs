//! `GET /admin/stats`: totals of accounts, logins and sessions.

use serde_json::json;

use crate::admin::make;
use crate::support::app;
use crate::v1::fixture::{Operation, WRONG, delete, person, suspend};

const STATS: Operation = Operation("GET", "/admin/stats");

#[tokio::test]
async fn accounts_are_counted_by_state_and_sessions_while_they_live() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    app.register("pending").await.ok(201);
    let suspended = person(&app, "suspended", &[]).await;
    suspend(&app, &root, &suspended.id).await;
    let deleted = make(&app, "deleted", &[]).await;
    delete(&app, &root, &deleted).await;
    app.login("root", WRONG).await.refused(401, "INVALID_CREDENTIALS");
    let stats = STATS.on(&app).bearer(&root).ok(200).await;
    let expected = json!({
        "totalUsers": 3, "verifiedUsers": 2, "suspendedUsers": 1, "deletedUsers": 1, "totalLogins": 2,
        "activeSessions": 1,
    });
    assert_eq!(stats.body["data"], expected);
}
