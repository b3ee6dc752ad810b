//! `DELETE /users/me/passkeys/{id}`: one key less.

use crate::passkeys::{list, with_passkey};
use crate::support::app;
use crate::v1::fixture::{Operation, Trail, person};

const REMOVE: Operation = Operation("DELETE", "/users/me/passkeys/{id}");

#[tokio::test]
async fn it_is_recorded_and_the_owner_gets_a_letter() {
    let app = app().await;
    let (tokens, _) = with_passkey(&app, "ada").await;
    let id = list(&app, &tokens).await["passkeys"][0]["id"].as_str().unwrap().to_owned();
    let bob = person(&app, "bob", &[]).await;
    REMOVE.at(&app, &[&id]).bearer(&bob).refused(404, "NOT_FOUND").await;
    app.mails().await;
    let mut trail = Trail::begin(&app).await;
    REMOVE.at(&app, &[&id]).bearer(&tokens).ok(200).await;
    let left = trail.left().await;
    assert!(left.len() == 1 && left[0].starts_with("passkey_removed done passkey"), "{left:?}");
    assert!(app.mails().await[0].text.contains("A passkey was removed"));
    REMOVE.at(&app, &[&id]).bearer(&tokens).refused(404, "NOT_FOUND").await;
}

/// No call leads there, but a change of the database does.
#[tokio::test]
async fn the_last_way_in_stays() {
    let app = app().await;
    let (tokens, _) = with_passkey(&app, "ada").await;
    let id = list(&app, &tokens).await["passkeys"][0]["id"].as_str().unwrap().to_owned();
    app.database().tamper("update accounts set password_hash = null, email_verified_at = null");
    REMOVE.at(&app, &[&id]).bearer(&tokens).refused(409, "LAST_LOGIN_METHOD").await;
    assert_eq!(list(&app, &tokens).await["passkeys"].as_array().unwrap().len(), 1);
}
