//! What administrators change for other users; each action leaves one record in the audit log.

use poem::http::Method;
use serde_json::{Value, json};

use super::{call, delete, get, make, post, put, said, staff};
use crate::support::{Answer, App, PASSWORD, app, token_in};

#[tokio::test]
async fn an_administrator_proves_an_address_ends_sessions_and_removes_factors() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    assert_eq!(app.register("ada").await.status, 201);
    let found = get(&app, "/v1/admin/users?search=ada", &root).await;
    let id = found.body["data"]["users"][0]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", found.text))
        .to_owned();
    let path = |rest: &str| format!("/v1/admin/users/{id}{rest}");
    assert_eq!(app.login("ada", PASSWORD).await.status, 401);
    assert_eq!(post(&app, &path("/verify"), &root, json!({})).await.status, 200);

    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(app.login("ada", PASSWORD).await.tokens().access);
    }
    let sessions = get(&app, &path("/sessions"), &root).await;
    assert_eq!(sessions.body["data"].as_array().unwrap().len(), 3, "{}", sessions.text);
    let own = get(&app, "/v1/users/me/sessions", &tokens[0]).await;
    let sessions = own.body["data"].as_array().unwrap();
    let current = sessions.iter().find(|session| session["isCurrent"] == true).unwrap()["id"]
        .as_str()
        .unwrap();
    assert_eq!(delete(&app, &path(&format!("/sessions/{current}")), &root).await.status, 200);
    assert_eq!(said(&get(&app, "/v1/users/me", &tokens[0]).await), (401, "TOKEN_REVOKED"));
    assert_eq!(get(&app, "/v1/users/me", &tokens[1]).await.status, 200, "that one alone");
    let own = get(&app, "/v1/users/me/sessions", &root).await;
    let of_root = own.body["data"][0]["id"].as_str().unwrap();
    let strange = delete(&app, &path(&format!("/sessions/{of_root}")), &root).await;
    assert_eq!(said(&strange), (404, "SESSION_NOT_FOUND"), "a session of another account");

    let setup = post(&app, "/v1/auth/mfa/setup", &tokens[1], json!({ "type": "email" })).await;
    assert_eq!(setup.status, 200, "{}", setup.text);
    let mails = app.mails().await;
    let letter = mails.iter().rev().find(|mail| mail.subject.starts_with("Your code")).unwrap();
    let code =
        letter.text.lines().find(|line| line.len() == 6 && line.parse::<u32>().is_ok()).unwrap();
    assert_eq!(
        post(&app, "/v1/auth/mfa/verify", &tokens[1], json!({ "code": code })).await.status,
        200
    );
    assert_eq!(said(&app.login("ada", PASSWORD).await), (401, "MFA_REQUIRED"));
    app.mails().await;
    assert_eq!(delete(&app, &path("/mfa"), &root).await.status, 200);
    assert!(app.mails().await.iter().any(|mail| mail.text.contains("removed all second factors")));
    assert_eq!(app.login("ada", PASSWORD).await.status, 200);

    assert_eq!(delete(&app, &path("/sessions"), &root).await.status, 200);
    assert_eq!(said(&get(&app, "/v1/users/me", &tokens[2]).await), (401, "TOKEN_REVOKED"));
    assert_eq!(get(&app, "/v1/users/me", &root).await.status, 200);
}

/// The audit records that a response left.
struct SeenRecords {
    seen: usize,
}

impl SeenRecords {
    async fn by(&mut self, app: &App, answer: &Answer, status: u16) -> Vec<String> {
        assert_eq!(answer.status, status, "{}", answer.text);
        let all = app.audit().await;
        let new = all[self.seen..].to_vec();
        self.seen = all.len();
        new
    }
}

/// Each record has the time, the source and, if known, the actor.
async fn assert_records_are_complete(app: &App, root: &str) {
    let log = get(app, "/v1/admin/audit?limit=100", root).await;
    for record in log.body["data"]["records"].as_array().unwrap() {
        assert!(record["at"].is_string() && record["outcome"].is_string(), "{record}");
        assert!(
            record["ipAddress"].is_string()
                || record["actor"] == "cli"
                || record["event"] == "key_made",
            "{record}"
        );
        let known =
            ["profile_changed", "password_changed", "reauthenticated", "exported", "admin_refused"];
        let names_an_account =
            record["actor"] == record["accountId"] && record["actor"] != Value::Null;
        assert!(
            names_an_account || !known.contains(&record["event"].as_str().unwrap()),
            "{record}"
        );
    }
}

#[tokio::test]
async fn every_operation_writes_one_record_done_or_refused() {
    let app = app().await;
    let root = make(&app, "root", &["admin"]).await;
    let mut records = SeenRecords { seen: app.audit().await.len() };
    let login = |password: &'static str| app.login("ada", password);

    let answer = app.register("ada").await;
    assert_eq!(records.by(&app, &answer, 201).await, ["sign_up done"]);
    let token = token_in(&app.mails().await, "verify-email?token=");
    let answer = app.post("/v1/auth/verify-email", &json!({ "token": token })).send().await;
    assert_eq!(records.by(&app, &answer, 200).await, ["email_verified done"]);
    let answer = login("a wrong passphrase").await;
    assert_eq!(records.by(&app, &answer, 401).await, ["login refused wrong_password"]);
    let answer = app.login("nobody", "a wrong passphrase").await;
    assert_eq!(records.by(&app, &answer, 401).await, ["login refused wrong_password"]);
    let answer = login(PASSWORD).await;
    assert_eq!(records.by(&app, &answer, 200).await, ["login done"]);
    let tokens = answer.tokens();
    let token = tokens.access.as_str();
    let answer = put(&app, "/v1/users/me", token, json!({ "firstName": "Augusta" })).await;
    assert_eq!(records.by(&app, &answer, 200).await, ["profile_changed done"]);
    let answer =
        post(&app, "/v1/auth/reauthenticate", token, json!({ "password": "a wrong passphrase" }))
            .await;
    assert_eq!(records.by(&app, &answer, 400).await, ["reauthenticated refused wrong_password"]);
    let answer =
        post(&app, "/v1/auth/reauthenticate", token, json!({ "password": PASSWORD })).await;
    assert_eq!(records.by(&app, &answer, 200).await, ["reauthenticated done"]);
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "another long passphrase" });
    let answer = call(&app, Method::PUT, "/v1/auth/change-password", token, Some(&change)).await;
    assert_eq!(records.by(&app, &answer, 200).await, ["password_changed done"]);
    let answer =
        app.post("/v1/auth/forgot-password", &json!({ "email": "ada@example.com" })).send().await;
    assert_eq!(records.by(&app, &answer, 200).await, ["password_reset_requested done"]);
    let answer = app
        .post("/v1/auth/forgot-password", &json!({ "email": "nobody@example.com" }))
        .send()
        .await;
    assert_eq!(
        records.by(&app, &answer, 200).await,
        ["password_reset_requested done"],
        "for any account"
    );
    let answer = get(&app, "/v1/admin/users", token).await;
    assert_eq!(records.by(&app, &answer, 403).await, ["admin_refused refused admin.users.read"]);
    let answer = get(&app, "/v1/users/me/export", token).await;
    assert_eq!(records.by(&app, &answer, 200).await, ["exported done"]);
    let answer = post(&app, "/v1/auth/logout", token, json!({})).await;
    assert_eq!(records.by(&app, &answer, 200).await, ["session_ended done logout"]);
    let answer =
        app.post("/v1/auth/refresh", &json!({ "refreshToken": tokens.refresh })).send().await;
    assert_eq!(records.by(&app, &answer, 401).await, [""; 0], "nothing has happened");

    let root =
        app.login("root", PASSWORD).await.tokens().access + if root.is_empty() { "!" } else { "" };
    assert_records_are_complete(&app, &root).await;
}

#[tokio::test]
async fn what_is_made_for_others_has_the_documented_fields_and_no_more() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    let hostile = json!({
        "email": "ada@example.com", "password": PASSWORD, "id": "mine", "number": 1, "status": "deleted", "stamp": 99,
        "passwordHash": "x", "permissions": ["admin.roles"], "createdAt": "2001-01-01T00:00:00Z", "deletedAt": 1,
    });
    let made = post(&app, "/v1/admin/users", &root, hostile).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.body["data"]["id"].as_str().unwrap();
    assert_ne!(id, "mine");
    let shown = get(&app, &format!("/v1/admin/users/{id}"), &root).await;
    let data = &shown.body["data"];
    assert_eq!(
        (&data["status"], &data["roles"]),
        (&json!("pending"), &json!(["user"])),
        "{}",
        shown.text
    );
    assert!(
        data["permissions"] == json!(["users.read"]) && data["createdAt"] != "2001-01-01T00:00:00Z",
        "{data}"
    );
    let role =
        json!({ "name": "reader", "permissions": ["admin.stats"], "builtIn": true, "members": 9 });
    let made = post(&app, "/v1/admin/roles", &root, role).await;
    assert_eq!(
        (&made.body["data"]["builtIn"], &made.body["data"]["members"]),
        (&json!(false), &json!(0))
    );
}
