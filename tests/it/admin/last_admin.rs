//! The last administrator who can log in stays, on every way to end or demote an account.

use std::time::Duration;

use authd::error::Kind;
use authd::identity::By;
use authd::identity::account::sign_up::NewAccount;
use authd::identity::admin::accounts;
use authd::identity::admin::accounts::{NewEntry, RoleChange};
use authd::identity::system::cleanup;
use authd::model::{Email, Password};
use serde_json::json;

use super::{delete, get, make, put, said, staff};
use crate::support::{App, PASSWORD, app, app_with, token_in};

/// Registers an account that nobody verifies, and makes it an administrator.
async fn unproved_admin(app: &App, name: &str) -> String {
    app.register(name).await.ok(201);
    app.mails().await;
    let email = format!("{name}@example.com");
    let by = By::command_line();
    let given = accounts::change_role(&app.core, &by, &email, "admin", RoleChange::Give).await;
    given.unwrap().account.id.to_string()
}

#[tokio::test]
async fn an_administrator_who_cannot_log_in_is_no_second_one() {
    let app = app().await;
    let (id, root) = staff(&app, "root", &["admin"]).await;
    unproved_admin(&app, "second").await;
    let path = format!("/v1/admin/users/{id}");
    let (demoted, suspended) = (json!({ "roles": ["user"] }), json!({ "status": "suspended" }));
    let last = (409, "LAST_ADMIN");
    assert_eq!(said(&put(&app, &path, &root, demoted.clone()).await), last);
    assert_eq!(said(&put(&app, &path, &root, suspended).await), last);
    assert_eq!(said(&delete(&app, &path, &root).await), last);
    assert_eq!(said(&delete(&app, "/v1/users/me", &root).await), last);
    let by = By::command_line();
    let taken = accounts::change_role(&app.core, &by, &id, "admin", RoleChange::Take).await;
    assert_eq!(taken.unwrap_err().kind(), Kind::LastAdmin);
    let locked = accounts::suspend(&app.core, &by, &id).await;
    assert_eq!(locked.unwrap_err().kind(), Kind::LastAdmin);
    accounts::verify(&app.core, &by, "second@example.com").await.unwrap();
    assert_eq!(put(&app, &path, &root, demoted).await.status, 200);
}

#[tokio::test]
async fn where_an_unverified_administrator_can_log_in_it_is_one() {
    let app = app_with("siteworks", &[]).await;
    let (id, root) = staff(&app, "root", &["admin"]).await;
    let by = By::command_line();
    let email = Email::parse("second@example.com").unwrap();
    let new = NewEntry {
        account: NewAccount::new(email, Password::new(PASSWORD)),
        roles: vec!["admin".to_owned()],
        verified: false,
    };
    accounts::create(&app.core, &by, new).await.unwrap();
    let taken = accounts::change_role(&app.core, &by, &id, "admin", RoleChange::Take).await;
    assert!(taken.is_ok());
    assert_eq!(said(&get(&app, "/v1/admin/users", &root).await).0, 403);
}

#[tokio::test]
async fn neither_the_cleanup_nor_a_link_ends_the_last_administrator() {
    let app = app().await;
    app.register("root").await.ok(201);
    let token = token_in(&app.mails().await, "verify-email?token=");
    let by = By::command_line();
    accounts::change_role(&app.core, &by, "root@example.com", "admin", RoleChange::Give)
        .await
        .unwrap();
    let disown = json!({ "token": token });
    let answer = app.post("/v1/auth/verify-email/disown", &disown).send().await;
    assert_eq!(said(&answer), (404, "INVALID_TOKEN"));
    assert!(accounts::find(&app.core, "root@example.com").await.is_ok());
    make(&app, "other", &["admin"]).await;
    app.post("/v1/auth/verify-email/disown", &disown).send().await.ok(200);
    assert!(accounts::find(&app.core, "root@example.com").await.is_err());

    unproved_admin(&app, "third").await;
    app.register("plain").await.ok(201);
    app.turn_clock(Duration::from_hours(24 * 8));
    cleanup::purge(&app.core).await.unwrap();
    assert!(accounts::find(&app.core, "third@example.com").await.is_ok());
    assert!(accounts::find(&app.core, "plain@example.com").await.is_err());
}
