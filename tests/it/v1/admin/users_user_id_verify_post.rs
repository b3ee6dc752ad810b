//! `POST /admin/users/{userId}/verify`: an address that an administrator vouches for.

use crate::support::{PASSWORD, app};
use crate::v1::fixture::{Operation, Trail, delete, keys, person};

const VERIFY: Operation = Operation("POST", "/admin/users/{userId}/verify");

#[tokio::test]
async fn the_owner_can_log_in_and_it_is_recorded_once() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let id = app.register("ada").await.ok(201).body["data"]["userId"].as_str().unwrap().to_owned();
    let mut trail = Trail::begin(&app).await;
    let done = VERIFY.at(&app, &[&id]).bearer(&root).ok(200).await;
    let fields = "id email username firstName lastName status roles updatedAt version";
    assert_eq!(keys(&done.body["data"]), fields);
    assert_eq!(done.body["data"]["status"], "active");
    assert_eq!(trail.left_by(Some(&root.id), Some(&id)).await, ["email_verified done"]);
    VERIFY.at(&app, &[&id]).bearer(&root).ok(200).await;
    assert_eq!(trail.left().await, [""; 0]);
    app.login("ada", PASSWORD).await.ok(200);
}

#[tokio::test]
async fn a_deleted_account_stays_deleted() {
    let app = app().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    delete(&app, &root, &ada.id).await;
    let mut trail = Trail::begin(&app).await;
    VERIFY.at(&app, &[&ada.id]).bearer(&root).send().await;
    assert_eq!(trail.left().await, [""; 0]);
    app.login("ada", PASSWORD).await.refused(403, "ACCOUNT_DELETED");
}
