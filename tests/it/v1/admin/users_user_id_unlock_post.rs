//! `POST /admin/users/{userId}/unlock`: the end of a lockout after failed logins.

use serde_json::json;

use crate::support::{App, PASSWORD, app_with};
use crate::v1::fixture::{ELSEWHERE, Operation, Trail, WRONG, keys, person, suspend};

const UNLOCK: Operation = Operation("POST", "/admin/users/{userId}/unlock");

async fn with_lockout() -> App {
    app_with("perfect21", &[("tokens.algorithm", "ES256"), ("limits.sign_in", "off")]).await
}

async fn lock(app: &App) {
    for _ in 0..5 {
        let body = json!({ "username": "ada", "password": WRONG });
        app.post("/v1/auth/login", &body).from(ELSEWHERE).refused(401, "INVALID_CREDENTIALS").await;
    }
    app.login("ada", PASSWORD).await.refused(423, "ACCOUNT_LOCKED");
}

#[tokio::test]
async fn the_owner_logs_in_again_and_it_is_recorded_once() {
    let app = with_lockout().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    lock(&app).await;
    let mut trail = Trail::begin(&app).await;
    let done = UNLOCK.at(&app, &[&ada.id]).bearer(&root).ok(200).await;
    let fields = "id email username firstName lastName status roles updatedAt version";
    assert_eq!(keys(&done.body["data"]), fields);
    assert_eq!(trail.left_by(Some(&root.id), Some(&ada.id)).await, ["unlocked done"]);
    UNLOCK.at(&app, &[&ada.id]).bearer(&root).ok(200).await;
    assert_eq!(trail.left().await, [""; 0], "there was nothing to unlock");
    app.login("ada", PASSWORD).await.ok(200);
}

#[tokio::test]
async fn a_suspension_stays() {
    let app = with_lockout().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    suspend(&app, &root, &ada.id).await;
    let done = UNLOCK.at(&app, &[&ada.id]).bearer(&root).ok(200).await;
    assert_eq!(done.body["data"]["status"], "suspended");
    app.login("ada", PASSWORD).await.refused(403, "ACCOUNT_SUSPENDED");
}
