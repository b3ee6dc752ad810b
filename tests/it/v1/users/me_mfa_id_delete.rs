//! `DELETE /users/me/mfa/{id}`: one factor less.

use serde_json::json;

use crate::factors::set_up;
use crate::support::{PASSWORD, app, app_with};
use crate::v1::fixture::{HOUR, Operation, Trail, person, person_with_authenticator};

const REMOVE: Operation = Operation("DELETE", "/users/me/mfa/{id}");

#[tokio::test]
async fn it_requires_fresh_authentication() {
    let app = app_with("standard", &[("tokens.access", "2h")]).await;
    let (ada, phone) = person_with_authenticator(&app, "ada").await;
    app.turn_clock(HOUR);
    REMOVE.at(&app, &[&phone.id]).bearer(&ada).refused(403, "REAUTHENTICATION_REQUIRED").await;
    app.login("ada", PASSWORD).await.refused(401, "MFA_REQUIRED");
}

#[tokio::test]
async fn a_factor_of_another_account_is_not_found() {
    let app = app().await;
    let (_, phone) = person_with_authenticator(&app, "ada").await;
    let bob = person(&app, "bob", &[]).await;
    for id in [phone.id.as_str(), "unknown"] {
        REMOVE.at(&app, &[id]).bearer(&bob).refused(404, "NOT_FOUND").await;
    }
    app.login("ada", PASSWORD).await.refused(401, "MFA_REQUIRED");
}

#[tokio::test]
async fn the_last_factor_takes_the_backup_codes_with_it_and_is_recorded() {
    let app = app().await;
    let (ada, phone) = person_with_authenticator(&app, "ada").await;
    let mut trail = Trail::begin(&app).await;
    let done = REMOVE.at(&app, &[&phone.id]).bearer(&ada).ok(200).await;
    assert_eq!(done.body, json!({ "success": true, "message": "MFA device removed" }));
    assert_eq!(trail.left_by(Some(&ada.id), Some(&ada.id)).await, ["factor_removed done totp"]);
    REMOVE.at(&app, &[&phone.id]).bearer(&ada).refused(404, "NOT_FOUND").await;
    app.login("ada", PASSWORD).await.ok(200);
    let list = app.get("/v1/users/me/mfa").bearer(&ada).ok(200).await;
    assert_eq!(list.body["data"], json!({ "enabled": false, "devices": [], "backupCodesLeft": 0 }));
}

#[tokio::test]
async fn a_factor_that_was_never_confirmed_leaves_no_record_and_no_letter() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let phone = set_up(&app, &ada.access).await;
    let mut trail = Trail::begin(&app).await;
    REMOVE.at(&app, &[&phone.id]).bearer(&ada).ok(200).await;
    assert_eq!((trail.left().await, app.mails().await.len()), (vec![], 0));
}
