//! Sessions, rights, roles and administrative calls, through v1 on the real program.

mod corrections;
mod figures;
mod followed;
mod inside;
mod last_admin;
mod matrix;
mod people;
mod reasons;
mod sessions;
mod versions;

use authd::identity::By;
use authd::identity::account::sign_up::NewAccount;
use authd::identity::admin::accounts;
use authd::identity::admin::accounts::NewEntry;
use authd::model::{Email, Password, Username};
use poem::http::Method;
use serde_json::Value;

use crate::support::{Answer, App, PASSWORD};

/// Creates an account with these roles in addition to `user`, as the command line does; returns its
/// id.
pub async fn make(app: &App, name: &str, roles: &[&str]) -> String {
    let email = Email::parse(&format!("{name}@example.com")).unwrap();
    let account = NewAccount {
        username: Username::parse(name),
        first_name: Some("Given".to_owned()),
        last_name: Some("Family".to_owned()),
        ..NewAccount::new(email, Password::new(PASSWORD))
    };
    let new = NewEntry {
        account,
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        verified: true,
    };
    accounts::create(&app.core, &By::command_line(), new).await.unwrap().account.id.to_string()
}

/// Creates an account with these roles and logs it in; returns its id and access token.
pub async fn staff(app: &App, name: &str, roles: &[&str]) -> (String, String) {
    let id = make(app, name, roles).await;
    (id, app.login(name, PASSWORD).await.tokens().access)
}

pub async fn call(
    app: &App,
    method: Method,
    path: &str,
    token: &str,
    body: Option<&Value>,
) -> Answer {
    let call = app.call(method, path).bearer(token);
    match body {
        Some(body) => call.json(body).send().await,
        None => call.send().await,
    }
}

pub async fn get(app: &App, path: &str, token: &str) -> Answer {
    call(app, Method::GET, path, token, None).await
}

pub async fn put(app: &App, path: &str, token: &str, body: Value) -> Answer {
    call(app, Method::PUT, path, token, Some(&body)).await
}

pub async fn post(app: &App, path: &str, token: &str, body: Value) -> Answer {
    call(app, Method::POST, path, token, Some(&body)).await
}

pub async fn delete(app: &App, path: &str, token: &str) -> Answer {
    call(app, Method::DELETE, path, token, None).await
}

/// Status and code of a response.
pub fn said(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.code())
}

#[tokio::test]
async fn an_operation_is_refused_without_its_permission() {
    let app = crate::support::app().await;
    let (_, user) = staff(&app, "una", &[]).await;
    assert_eq!(said(&app.get("/v1/admin/users").send().await), (401, "MISSING_AUTH_HEADER"));
    assert_eq!(said(&get(&app, "/v1/admin/users", &user).await), (403, "INSUFFICIENT_PERMISSIONS"));
    assert!(app.audit().await.contains(&"admin_refused refused admin.users.read".to_owned()));
}
