//! `DELETE /admin/users/{userId}/passkeys/{passkeyId}`: one key of an account less.

use crate::passkeys::{list, log_in, outcome, unwrapped, with_passkey};
use crate::support::app;
use crate::v1::fixture::{Operation, Trail, person};

const REMOVE: Operation = Operation("DELETE", "/admin/users/{userId}/passkeys/{passkeyId}");
const RESET: Operation = Operation("DELETE", "/admin/users/{userId}/mfa");

#[tokio::test]
async fn the_key_logs_in_no_more_and_the_owner_gets_a_letter() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let (ada, mut device) = with_passkey(&app, "ada").await;
    let me = app.get("/v1/users/me").bearer(&ada).send().await;
    let account = me.body["data"]["id"].as_str().unwrap();
    let id = list(&app, &ada).await["passkeys"][0]["id"].as_str().unwrap().to_owned();
    app.mails().await;
    let mut trail = Trail::begin(&app).await;
    REMOVE.at(&app, &[account, "unknown"]).bearer(&root).refused(404, "NOT_FOUND").await;
    REMOVE.at(&app, &["nobody", &id]).bearer(&root).refused(404, "USER_NOT_FOUND").await;
    REMOVE.at(&app, &[account, &id]).bearer(&root).ok(200).await;
    let left = trail.left_by(Some(&root.id), Some(account)).await;
    assert!(left.len() == 1 && left[0].starts_with("passkey_removed done passkey"), "{left:?}");
    assert_eq!(app.mails().await[0].to, "ada@example.com");
    assert_eq!(outcome(&log_in(&app, &mut device).await), (401, "INVALID_PASSKEY"));
}

#[tokio::test]
async fn a_reset_of_all_second_factors_removes_the_keys_too() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let (ada, mut device) = with_passkey(&app, "ada").await;
    let me = app.get("/v1/users/me").bearer(&ada).send().await;
    app.mails().await;
    RESET.at(&app, &[me.body["data"]["id"].as_str().unwrap()]).bearer(&root).ok(200).await;
    let letter = unwrapped(&app.mails().await[0]);
    assert!(letter.contains("removed all second factors and passkeys"), "{letter}");
    assert_eq!(outcome(&log_in(&app, &mut device).await), (401, "INVALID_PASSKEY"));
}
