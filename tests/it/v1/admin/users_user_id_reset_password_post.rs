//! `POST /admin/users/{userId}/reset-password`: a link that sets a new password, mailed to the owner.

use serde_json::json;

use crate::support::{PASSWORD, app, token_in};
use crate::v1::fixture::{Operation, Trail, person, token_error};

const RESET: Operation = Operation("POST", "/admin/users/{userId}/reset-password");

#[tokio::test]
async fn the_owner_alone_gets_the_link_and_the_password_works_until_it_is_used() {
    let app = app().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    let mut trail = Trail::begin(&app).await;
    let done = RESET.at(&app, &[&ada.id]).bearer(&root).ok(200).await;
    assert_eq!(done.body, json!({ "success": true, "message": "Password reset email sent" }));
    assert_eq!(
        trail.left_by(Some(&root.id), Some(&ada.id)).await,
        ["password_reset_requested done"]
    );
    let mails = app.mails().await;
    assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["ada@example.com"]);
    assert!(!done.text.contains(&token_in(&mails, "reset-password?token=")));
    assert_eq!(token_error(&app, &ada).await, "");
    app.login("ada", PASSWORD).await.ok(200);
}
