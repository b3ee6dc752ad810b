//! `DELETE /admin/roles/{role}`: a role less, for all that have it.

use serde_json::json;

use crate::support::app;
use crate::v1::fixture::{Operation, Trail, person, person_who_may};

const DELETE: Operation = Operation("DELETE", "/admin/roles/{role}");

#[tokio::test]
async fn an_unknown_role_is_not_found_and_a_built_in_one_cannot_be_deleted() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    DELETE.at(&app, &["nothing"]).bearer(&root).refused(404, "NOT_FOUND").await;
    for role in ["user", "moderator", "admin"] {
        DELETE.at(&app, &[role]).bearer(&root).refused(400, "VALIDATION_ERROR").await;
    }
}

#[tokio::test]
async fn a_role_with_more_permissions_than_the_caller_stays() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let keeper = person_who_may(&app, &root, "keeper", &["admin.keys"]).await;
    let helper = person_who_may(&app, &root, "helper", &["admin.roles"]).await;
    DELETE.at(&app, &["keeper"]).bearer(&helper).refused(403, "INSUFFICIENT_PERMISSIONS").await;
    app.get("/v1/admin/keys").bearer(&keeper).ok(200).await;
}

#[tokio::test]
async fn its_holders_lose_it_at_once_and_it_is_recorded() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let support = person_who_may(&app, &root, "support", &["admin.stats"]).await;
    let mut trail = Trail::begin(&app).await;
    let done = DELETE.at(&app, &["support"]).bearer(&root).ok(200).await;
    assert_eq!(done.body, json!({ "success": true, "message": "Role deleted successfully" }));
    assert_eq!(trail.left_by(Some(&root.id), None).await, ["role_deleted done support"]);
    app.get("/v1/admin/stats").bearer(&support).refused(403, "INSUFFICIENT_PERMISSIONS").await;
    DELETE.at(&app, &["support"]).bearer(&root).refused(404, "NOT_FOUND").await;
}
