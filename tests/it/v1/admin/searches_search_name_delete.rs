//! `DELETE /admin/searches/{searchName}`: a search less.

use serde_json::json;

use crate::support::app;
use crate::v1::fixture::{Operation, person};

const REMOVE: Operation = Operation("DELETE", "/admin/searches/{searchName}");
const SAVE: Operation = Operation("POST", "/admin/searches");

#[tokio::test]
async fn only_the_own_one_is_removed() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let other = person(&app, "other", &["admin"]).await;
    let body = json!({ "name": "Not <verified>", "query": "role=user" });
    SAVE.on(&app).json(&body).bearer(&root).ok(201).await;
    let name = "Not%20%3Cverified%3E";
    REMOVE.at(&app, &[name]).bearer(&other).refused(404, "NOT_FOUND").await;
    let done = REMOVE.at(&app, &[name]).bearer(&root).ok(200).await;
    assert_eq!(done.body, json!({ "success": true, "message": "Search removed" }));
    REMOVE.at(&app, &[name]).bearer(&root).refused(404, "NOT_FOUND").await;
}
