//! `DELETE /admin/users/{userId}/mfa`: an account without second factors.

use serde_json::json;

use crate::support::{PASSWORD, app};
use crate::v1::fixture::{Operation, Trail, delete, mfa_token, person, person_with_authenticator};

const RESET: Operation = Operation("DELETE", "/admin/users/{userId}/mfa");

#[tokio::test]
async fn the_owner_logs_in_with_the_password_alone_and_gets_a_letter() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let (ada, phone) = person_with_authenticator(&app, "ada").await;
    let waiting = mfa_token(&app, "ada").await;
    let mut trail = Trail::begin(&app).await;
    let done = RESET.at(&app, &[&ada.id]).bearer(&root).ok(200).await;
    assert_eq!(done.body, json!({ "success": true, "message": "MFA devices removed" }));
    assert_eq!(trail.left_by(Some(&root.id), Some(&ada.id)).await, ["factor_removed done all"]);
    let mails = app.mails().await;
    assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["ada@example.com"]);
    let old =
        app.post("/v1/auth/mfa/verify", &json!({ "code": phone.backup_codes[0] })).bearer(&waiting);
    old.refused(401, "INVALID_TOKEN").await;
    app.login("ada", PASSWORD).await.ok(200);
    trail.left().await;
    RESET.at(&app, &[&ada.id]).bearer(&root).ok(200).await;
    assert_eq!(
        (trail.left().await, app.mails().await.len()),
        (vec![], 0),
        "there was nothing to remove"
    );
}

#[tokio::test]
async fn a_deleted_account_is_not_found() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let (ada, _) = person_with_authenticator(&app, "ada").await;
    delete(&app, &root, &ada.id).await;
    RESET.at(&app, &[&ada.id]).bearer(&root).refused(404, "USER_NOT_FOUND").await;
}
