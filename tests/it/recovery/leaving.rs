//! Accounts deleted by their owner, the last administrator, and the export of all data.

use super::*;

#[tokio::test]
async fn an_account_leaves_by_its_owners_wish_and_frees_nothing() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    let gone =
        app.call(poem::http::Method::DELETE, "/v1/users/me").bearer(&tokens.access).send().await;
    assert_eq!(
        gone.body,
        json!({ "success": true, "message": "Account deleted successfully" }),
        "{}",
        gone.text
    );
    assert!(gone.header("set-cookie").contains("Max-Age=0"), "{}", gone.header("set-cookie"));
    assert_eq!(gone.cookie().as_deref(), Some(""));
    assert_eq!(app.get("/v1/users/me").bearer(&tokens.access).send().await.code(), "TOKEN_REVOKED");
    let refreshed =
        app.post("/v1/auth/refresh", &json!({ "refreshToken": tokens.refresh })).send().await;
    assert_eq!(refreshed.status, 401);
    assert_eq!(app.login("ada", PASSWORD).await.code(), "ACCOUNT_DELETED");
    assert_eq!(
        kinds(&app.mails().await),
        [("ada@example.com", "Your account at authd was deleted")]
    );
    forgot(&app, "ada@example.com").await;
    app.register("ada").await;
    assert!(app.mails().await.is_empty(), "the address stays the hidden account's");
    app.turn_clock(30 * DAY);
    authd::identity::system::cleanup::purge(&app.core).await.unwrap();
    app.join("ada").await;
}

#[tokio::test]
async fn the_last_admin_stays() {
    let app = app().await;
    app.join("ada").await;
    app.join("bob").await;
    let by = authd::identity::By::command_line();
    let give = authd::identity::admin::accounts::RoleChange::Give;
    authd::identity::admin::accounts::change_role(&app.core, &by, "ada@example.com", "admin", give)
        .await
        .unwrap();
    let leave = |access: String| {
        app.call(poem::http::Method::DELETE, "/v1/users/me").bearer(&access).send()
    };
    let ada = app.login("ada", PASSWORD).await.tokens().access;
    let refused = leave(ada.clone()).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (409, "LAST_ADMIN"));
    authd::identity::admin::accounts::change_role(&app.core, &by, "bob@example.com", "admin", give)
        .await
        .unwrap();
    assert_eq!(leave(ada).await.status, 200);
}

#[tokio::test]
async fn an_export_holds_all_about_its_owner_and_no_secret() {
    let app = app().await;
    app.enter("bob").await;
    let access = app.enter("ada").await.access;
    let export = app
        .get("/v1/users/me/export")
        .bearer(&access)
        .header("user-agent", "Tester/1.0")
        .send()
        .await;
    assert_eq!(export.status, 200, "{}", export.text);
    assert_eq!(export.header("content-disposition"), "attachment; filename=\"account.json\"");
    let data = &export.body["data"];
    let parts: Vec<_> = data.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        parts,
        [
            "exportedAt",
            "account",
            "sessions",
            "clients",
            "factors",
            "backupCodesLeft",
            "passkeys",
            "identities",
            "files",
            "events",
            "mails"
        ]
    );
    assert_eq!(data["account"]["email"], "ada@example.com");
    assert_eq!(data["account"]["roles"], json!(["user"]));
    assert_eq!(data["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(data["clients"][0]["ipAddress"], "192.0.2.1");
    let events: Vec<_> =
        data["events"].as_array().unwrap().iter().map(|event| &event["event"]).collect();
    assert_eq!(events, ["exported", "login", "email_verified", "sign_up"]);
    assert_eq!(data["mails"][0]["kind"], "verify_email");
    for secret in ["argon2", "bob", "hash", PASSWORD, "token"] {
        assert!(!export.text.contains(secret), "{secret}");
    }
}
