//! `DELETE /users/me/files/{fileId}`: one file of the caller less.

use serde_json::json;

use crate::support::app;
use crate::v1::fixture::{Operation, Trail, person, upload_pdf};

const DELETE: Operation = Operation("DELETE", "/users/me/files/{fileId}");

#[tokio::test]
async fn the_file_is_gone_with_a_record_and_its_quota_stays_used() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let id = upload_pdf(&app, &ada, "cv.pdf").await;
    let mut trail = Trail::begin(&app).await;
    let done = DELETE.at(&app, &[&id]).bearer(&ada).ok(200).await;
    assert_eq!(done.body, json!({ "success": true, "message": "File deleted successfully" }));
    assert_eq!(
        trail.left_by(Some(&ada.id), Some(&ada.id)).await,
        [format!("file_deleted done {id}")]
    );
    DELETE.at(&app, &[&id]).bearer(&ada).refused(404, "NOT_FOUND").await;
    let quota = app.get("/v1/users/me/quota").bearer(&ada).ok(200).await;
    assert_eq!(quota.body["data"]["filesUploaded"], 1);
}

#[tokio::test]
async fn a_file_of_another_account_is_not_found_and_stays() {
    let app = app().await;
    let (ada, root) = (person(&app, "ada", &[]).await, person(&app, "root", &["admin"]).await);
    let id = upload_pdf(&app, &ada, "cv.pdf").await;
    DELETE.at(&app, &[&id]).bearer(&root).refused(404, "NOT_FOUND").await;
    DELETE.at(&app, &[&id]).bearer(&ada).ok(200).await;
}
