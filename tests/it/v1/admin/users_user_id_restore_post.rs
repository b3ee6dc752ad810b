//! `POST /admin/users/{userId}/restore`: a deleted account comes back within 30 days.

use crate::support::{PASSWORD, app};
use crate::v1::fixture::{DAY, Operation, Trail, delete, keys, person, token_error};

const RESTORE: Operation = Operation("POST", "/admin/users/{userId}/restore");

#[tokio::test]
async fn it_logs_in_again_its_sessions_stay_ended_and_it_is_recorded() {
    let app = app().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    delete(&app, &root, &ada.id).await;
    let mut trail = Trail::begin(&app).await;
    let restored = RESTORE.at(&app, &[&ada.id]).bearer(&root).ok(200).await;
    let fields = "id email username firstName lastName status roles updatedAt version";
    assert_eq!(keys(&restored.body["data"]), fields);
    assert_eq!(restored.body["data"]["status"], "active");
    assert_eq!(trail.left_by(Some(&root.id), Some(&ada.id)).await, ["account_restored done"]);
    assert_eq!(token_error(&app, &ada).await, "TOKEN_REVOKED");
    app.login("ada", PASSWORD).await.ok(200);
}

#[tokio::test]
async fn an_account_that_is_not_deleted_or_deleted_for_thirty_days_is_not_found() {
    let app = app().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    RESTORE.at(&app, &[&ada.id]).bearer(&root).refused(404, "USER_NOT_FOUND").await;
    delete(&app, &root, &ada.id).await;
    app.turn_clock(30 * DAY);
    let access = app.login("root", PASSWORD).await.tokens().access;
    let mut trail = Trail::begin(&app).await;
    RESTORE.at(&app, &[&ada.id]).bearer(&access).refused(404, "USER_NOT_FOUND").await;
    assert_eq!(trail.left().await, [""; 0]);
}
