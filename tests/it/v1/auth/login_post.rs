//! `POST /auth/login`: a session for a password.

use serde_json::{Value, json};

use crate::support::{PASSWORD, app, app_with};
use crate::v1::fixture::{
    Operation, Trail, WRONG, assert_limit, assert_rules, end, keys, letters, limited, person,
};

const LOGIN: Operation = Operation("POST", "/auth/login");

fn credentials(password: &str) -> Value {
    json!({ "email": "ada@example.com", "password": password })
}

#[tokio::test]
async fn a_name_and_a_password_are_both_needed() {
    let app = app().await;
    for body in [
        json!({}),
        json!({ "email": "ada@example.com" }),
        json!({ "email": "ada@example.com", "password": "" }),
        json!({ "email": "ada@example.com", "password": null }),
        json!({ "username": "ada" }),
        json!({ "password": PASSWORD }),
        json!({ "password": PASSWORD, "email": "", "username": "" }),
        json!({ "password": PASSWORD, "email": null, "username": null }),
    ] {
        let answer = LOGIN.on(&app).json(&body).refused(400, "MISSING_CREDENTIALS").await;
        assert!(answer.body["error"].get("details").is_none(), "{}", answer.text);
    }
}

#[tokio::test]
async fn each_field_has_its_rule() {
    let app = app().await;
    let call = async |body: &Value| LOGIN.on(&app).json(body).send().await;
    let rules = [
        ("email", json!(7), "VALIDATION_ERROR"),
        ("email", letters(256), "FIELD_TOO_LONG"),
        ("username", letters(256), "FIELD_TOO_LONG"),
        ("username", json!("ada\0"), "VALIDATION_ERROR"),
        ("password", json!(["x"]), "VALIDATION_ERROR"),
        ("password", letters(257), "FIELD_TOO_LONG"),
        ("rememberMe", json!("yes"), "VALIDATION_ERROR"),
    ];
    assert_rules(call, &credentials(PASSWORD), &rules).await;
}

#[tokio::test]
async fn its_limit_counts_right_and_wrong_passwords_and_no_other_operation() {
    let app = limited("sign_in", &[]).await;
    app.join("ada").await;
    let right = std::cell::Cell::new(false);
    let call = async |from: &str| {
        right.set(!right.get());
        let password = if right.get() { PASSWORD } else { WRONG };
        LOGIN.on(&app).json(&credentials(password)).from(from).send().await
    };
    assert_limit(&app, "RATE_LIMIT_EXCEEDED", call, async || app.register("bob").await).await;
}

#[tokio::test]
async fn an_account_is_named_by_address_or_username_in_any_case() {
    let app = app().await;
    app.join("ada").await;
    for name in [json!({ "email": "ADA@Example.com" }), json!({ "username": "Ada" })] {
        let mut body = name;
        body["password"] = PASSWORD.into();
        LOGIN.on(&app).json(&body).ok(200).await;
    }
}

#[tokio::test]
async fn the_response_has_the_documented_fields_and_no_password() {
    let app = app().await;
    app.join("ada").await;
    let login = LOGIN.on(&app).json(&credentials(PASSWORD)).ok(200).await;
    let data = &login.body["data"];
    assert_eq!(keys(data), "accessToken refreshToken expiresIn tokenType user");
    let user =
        "id email username firstName lastName status emailVerified roles permissions lastLogin";
    assert_eq!(keys(&data["user"]), user);
    assert_eq!(login.cookie().as_deref(), data["refreshToken"].as_str());
    assert!(!login.text.contains(PASSWORD) && !login.text.contains("argon2"), "{}", login.text);
}

#[tokio::test]
async fn suspension_and_deletion_are_revealed_only_after_the_right_password() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    for (name, code, reason) in
        [("suspended", "ACCOUNT_SUSPENDED", "suspended"), ("deleted", "ACCOUNT_DELETED", "deleted")]
    {
        let id = person(&app, name, &[]).await.id;
        end(&app, &root, &id, name).await;
        let mut trail = Trail::begin(&app).await;
        let body = |password: &str| json!({ "username": name, "password": password });
        LOGIN.on(&app).json(&body(WRONG)).refused(401, "INVALID_CREDENTIALS").await;
        assert_eq!(trail.left_by(None, Some(&id)).await, ["login refused wrong_password"]);
        let refused = LOGIN.on(&app).json(&body(PASSWORD)).refused(403, code).await;
        assert!(refused.cookie().is_none() && !refused.text.contains("oken\""), "{}", refused.text);
        assert_eq!(trail.left_by(None, Some(&id)).await, [format!("login refused {reason}")]);
    }
}

#[tokio::test]
async fn an_unverified_address_is_revealed_where_the_profile_says_so() {
    let app = app_with("perfect21", &[("tokens.algorithm", "ES256")]).await;
    let id = app.register("ada").await.body["data"]["userId"].clone();
    let mut trail = Trail::begin(&app).await;
    LOGIN.on(&app).json(&credentials(WRONG)).refused(401, "INVALID_CREDENTIALS").await;
    let refused =
        LOGIN.on(&app).json(&credentials(PASSWORD)).refused(401, "EMAIL_NOT_VERIFIED").await;
    assert!(
        refused.cookie().is_none() && refused.header("www-authenticate").is_empty(),
        "{}",
        refused.text
    );
    assert_eq!(
        trail.left_by(None, id.as_str()).await,
        ["login refused wrong_password", "login refused unverified"]
    );
}

#[tokio::test]
async fn a_login_is_recorded_for_its_account() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    LOGIN.on(&app).json(&credentials(PASSWORD)).ok(200).await;
    assert_eq!(trail.left_by(Some(&ada.id), Some(&ada.id)).await, ["login done"]);
    LOGIN
        .on(&app)
        .json(&json!({ "username": "nobody", "password": WRONG }))
        .refused(401, "INVALID_CREDENTIALS")
        .await;
    assert_eq!(
        trail.left_by(None, None).await,
        ["login refused wrong_password"],
        "an unknown name"
    );
}
