//! What the documents print, sent as it is printed: sample bodies, variables and limits.

use authd::identity::admin::search;
use authd::model::Email;
use serde_json::{Value, json};

use crate::admin::{delete, get, make, post, put, said, staff};
use crate::factors::{STEP, set_up};
use crate::support::{App, PASSWORD, app, app_with, registration};

async fn found(app: &App, root: &str, text: &str) -> Vec<String> {
    let list = get(app, &format!("/v1/admin/users?limit=100&search={text}"), root).await.ok(200);
    let users = list.body["data"]["users"].as_array().unwrap();
    assert_eq!(list.body["data"]["pagination"]["total"], users.len(), "{}", list.text);
    users.iter().map(|user| user["username"].as_str().unwrap_or("").to_owned()).collect()
}

#[tokio::test]
async fn the_client_may_name_its_device_when_it_confirms_a_factor() {
    let app = app().await;
    for (name, device) in
        [("ada", "device-uuid-optional"), ("bob", "018f2f7e-5b7a-7000-8000-0000000000aa")]
    {
        let tokens = app.enter(name).await;
        let phone = set_up(&app, &tokens.access).await;
        let body = json!({ "code": phone.code(&app, 0), "deviceId": device });
        let verified = app.post("/v1/auth/mfa/verify", &body).bearer(&tokens.access).send().await;
        assert_eq!(verified.ok(200).body["message"], "MFA verified successfully");
        app.turn_clock(STEP);
        assert_eq!(app.login(name, PASSWORD).await.code(), "MFA_REQUIRED");
    }
}

#[tokio::test]
async fn the_id_of_a_confirmed_factor_confirms_no_other() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    let phone = set_up(&app, &tokens.access).await;
    let verify = async |code: String, device: &Value| {
        let body = json!({ "code": code, "deviceId": device });
        app.post("/v1/auth/mfa/verify", &body).bearer(&tokens.access).send().await
    };
    verify(phone.code(&app, 0), &Value::Null).await.ok(200);
    let list = get(&app, "/v1/users/me/mfa", &tokens.access).await.body;
    let first = list["data"]["devices"][0]["id"].clone();
    let second = set_up(&app, &tokens.access).await;
    verify(second.code(&app, 0), &first).await.refused(400, "INVALID_MFA_CODE");
}

#[tokio::test]
async fn the_sample_of_an_update_activates_a_pending_account_and_keeps_the_order_of_roles() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    app.register("john").await.ok(201);
    let list = get(&app, "/v1/admin/users?search=john", &root).await;
    let id = list.body["data"]["users"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/admin/users/{id}");
    let sample = json!({
        "firstName": "John", "lastName": "Smith", "status": "active", "roles": ["user", "moderator"],
    });
    let changed = put(&app, &path, &root, sample).await.ok(200);
    let data = &changed.body["data"];
    assert_eq!((&data["status"], &data["lastName"]), (&json!("active"), &json!("Smith")));
    assert_eq!(data["roles"], json!(["user", "moderator"]));
    assert_eq!(app.login("john", PASSWORD).await.status, 200);
    for roles in [json!(["moderator", "user"]), json!(["user", "moderator"])] {
        put(&app, &path, &root, json!({ "roles": roles })).await.ok(200);
        let list = get(&app, "/v1/admin/users?search=john", &root).await;
        assert_eq!(list.body["data"]["users"][0]["roles"], roles);
        let login = app.login("john", PASSWORD).await;
        assert_eq!(login.body["data"]["user"]["roles"], roles, "{}", login.text);
    }
}

#[tokio::test]
async fn who_may_only_suspend_verifies_nobody() {
    let app = app().await;
    let (_, moderator) = staff(&app, "mo", &["moderator"]).await;
    app.register("john").await.ok(201);
    let list = get(&app, "/v1/admin/users?search=john", &moderator).await;
    let path = format!("/v1/admin/users/{}", list.body["data"]["users"][0]["id"].as_str().unwrap());
    let refused = put(&app, &path, &moderator, json!({ "status": "active" })).await;
    assert_eq!(said(&refused), (403, "INSUFFICIENT_PERMISSIONS"));
    assert_eq!(app.login("john", PASSWORD).await.status, 401);
}

#[tokio::test]
async fn a_search_finds_any_part_of_address_and_user_name_also_in_the_index() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    for name in ["john_s", "jsmith", "mary"] {
        make(&app, name, &[]).await;
    }
    // As many accounts as two segments of the index have, so that all the others are in it.
    let many = "with recursive n(i) as (select 1000 union all select i + 1 from n where i < 9999)
        insert into accounts (id, number, handle, email, email_key, credential_version, created_at, updated_at)
        select 'id' || i, i, randomblob(32), 'p' || i || '@example.org', 'p' || i || '@example.org', 0, 0, 0 from n";
    assert_eq!(app.database().tamper(many), 9000);
    app.database().tamper("update instance set number = 9999 where name = 'next_account'");
    for indexed in [false, true] {
        if indexed {
            search::extend_index(&app.core).await.unwrap();
            let segments = "select count(distinct segment) from account_trigrams";
            assert_eq!(app.database().number(segments), 2);
        }
        for (text, names) in [
            ("smith", vec!["jsmith"]),
            ("HN_", vec!["john_s"]),
            ("s@example.com", vec!["john_s"]),
            ("h@ex", vec!["jsmith"]),
            ("ry", vec!["mary"]),
            ("%25", vec![]),
            ("Family", vec![]),
        ] {
            assert_eq!(found(&app, &root, text).await, names, "{text} {indexed}");
        }
        let wide = get(&app, "/v1/admin/users?search=example.org", &root).await;
        assert_eq!(wide.body["data"]["pagination"]["total"], 9000, "{}", wide.text);
        assert_eq!(found(&app, &root, "p999").await.len(), 10);
    }
    // What changes an account changes the index.
    let mary = Email::parse("mary@example.com").unwrap();
    let id = get(&app, "/v1/admin/users?search=mary", &root).await;
    let id = id.body["data"]["users"][0]["id"].as_str().unwrap().to_owned();
    let moved = Email::parse("zelda@elsewhere.example").unwrap();
    let row = authd::model::AccountId::new(id);
    let at = app.core.env.now();
    app.core
        .store
        .write(move |db| authd::store::tables::accounts::set_email(db, &row, &moved, at))
        .await
        .unwrap();
    assert_eq!(found(&app, &root, "lda@").await, ["mary"]);
    assert_eq!(found(&app, &root, mary.as_str()).await, [""; 0]);
}

#[tokio::test]
async fn a_taken_address_is_reported_before_a_taken_user_name() {
    let app = app_with("perfect21", &[]).await;
    app.register("john").await.ok(201);
    app.register("john").await.refused(409, "EMAIL_EXISTS");
    let (_, root) = staff(&app, "root", &["admin"]).await;
    let again = json!({ "email": "john@example.com", "username": "john", "password": PASSWORD });
    assert_eq!(said(&post(&app, "/v1/admin/users", &root, again).await), (409, "EMAIL_EXISTS"));
    let other = json!({ "email": "jon@example.com", "username": "john", "password": PASSWORD });
    assert_eq!(said(&post(&app, "/v1/admin/users", &root, other).await), (409, "USERNAME_EXISTS"));
}

#[tokio::test]
async fn an_address_has_up_to_255_characters() {
    let app = app_with("perfect21", &[]).await;
    let address = |length: usize| {
        let domain =
            format!("{}.{}.{}.com", "b".repeat(62), "c".repeat(62), "d".repeat(length - 195));
        format!("{}@{domain}", "a".repeat(64))
    };
    let mut body = registration("ada");
    body["email"] = address(256).into();
    app.post("/v1/auth/register", &body).send().await.refused(400, "VALIDATION_ERROR");
    body["email"] = address(255).into();
    assert_eq!(body["email"].as_str().unwrap().len(), 255);
    app.post("/v1/auth/register", &body).send().await.ok(201);
}

#[tokio::test]
async fn a_code_that_resets_a_password_comes_in_a_letter_that_says_so() {
    let app = app_with("authbackend", &[]).await;
    let (id, key) = app.api_client("backend", "service").await;
    make(&app, "ada", &[]).await;
    let asked = app.post("/api/auth/password-reset", &json!({ "email": "ada@example.com" }));
    asked.header("x-app-id", &id).header("x-service-key", &key).send().await.ok(200);
    let mails = app.mails().await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].subject.starts_with("Set a new password"), "{}", mails[0].subject);
    assert!(mails[0].text.contains("sets a new one") && !mails[0].text.contains("sign in"));
}

#[tokio::test]
async fn the_letters_of_authbackend_lead_to_the_page_of_its_document() {
    let app = app_with("authbackend", &[]).await;
    let (id, key) = app.api_client("backend", "service").await;
    let body = json!({
        "email": "ada@example.com", "firstName": "Ada", "lastName": "L", "password": PASSWORD,
    });
    let made = app.post("/api/auth/signup", &body).header("x-app-id", &id);
    made.header("x-service-key", &key).send().await.ok(200);
    let text = app.mails().await[0].text.clone();
    assert!(text.contains(":3000/verify-email?token=") && !text.contains("/v1/"), "{text}");
    let document = app.get("/openapi/authbackend.json").send().await.body;
    let page = &document["paths"]["/verify-email"]["get"];
    assert!(page["responses"]["200"]["content"]["text/html"].is_object(), "{page}");
}

#[tokio::test]
async fn the_limit_of_siteworks_holds_with_a_token_too() {
    let app = app_with("siteworks", &[]).await;
    let body = json!({ "email": "ada@example.com", "password": "SecurePass123!", "name": "Ada" });
    let made = app.post("/api/auth/register", &body).send().await.ok(201);
    let access = made.body["tokens"]["accessToken"].as_str().unwrap().to_owned();
    for _ in 0..100 {
        app.get("/api/auth/profile").bearer(&access).send().await.ok(200);
    }
    assert_eq!(app.get("/api/auth/profile").bearer(&access).send().await.status, 429);
}

#[tokio::test]
async fn tokens_may_be_signed_with_the_longer_hashes() {
    for (algorithm, secret) in [
        ("HS384", "3d1c9a7be0d2835664afc01b77e29d38fe0176f2b1a5c98d"),
        ("HS512", "3d1c9a7be0d2835664afc01b77e29d38fe0176f2b1a5c98d90a1b2c3d4e5f607"),
    ] {
        let app =
            app_with("jobpath", &[("tokens.algorithm", algorithm), ("tokens.secret", secret)])
                .await;
        let body = json!({ "email": "ada@example.com", "password": PASSWORD });
        app.post("/auth/signup", &body).send().await.ok(201);
        let token =
            app.post("/auth/login", &body).send().await.ok(200).body["access_token"].clone();
        let token = token.as_str().unwrap();
        let mut rules = jsonwebtoken::Validation::new(algorithm.parse().unwrap());
        rules.required_spec_claims.clear();
        rules.validate_exp = false;
        let key = jsonwebtoken::DecodingKey::from_secret(secret.as_bytes());
        jsonwebtoken::decode::<Value>(token, &key, &rules).unwrap();
        app.get("/auth/me").bearer(token).send().await.ok(200);
    }
}

#[tokio::test]
async fn second_factors_and_metrics_can_be_switched_off() {
    let app =
        app_with("standard", &[("factors.enabled", "false"), ("metrics.enabled", "false")]).await;
    let tokens = app.enter("ada").await;
    let set_up = app.post("/v1/auth/mfa/setup", &json!({ "type": "totp" })).bearer(&tokens.access);
    set_up.send().await.refused(403, "INSUFFICIENT_PERMISSIONS");
    app.get("/metrics").from("127.0.0.1").send().await.refused(404, "NOT_FOUND");
    let document = app.get("/openapi/v1.json").send().await.body;
    assert!(document["paths"].get("/metrics").is_none());
    assert!(document["paths"]["/.well-known/jwks.json"]["get"].is_object());
}

#[tokio::test]
async fn an_authenticator_shows_the_issuer_of_the_configuration() {
    let app = app_with("perfect21", &[("factors.issuer", "Your App Name")]).await;
    let tokens = app.enter("ada").await;
    let set_up = app.post("/v1/auth/mfa/setup", &json!({ "type": "totp" })).bearer(&tokens.access);
    let uri = set_up.send().await.ok(200).body["data"]["otpauthUri"].clone();
    assert!(uri.as_str().unwrap().contains("issuer=Your%20App%20Name"), "{uri}");
}

#[tokio::test]
async fn a_deleted_account_is_found_by_nothing_but_its_restoration() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    let id = make(&app, "ada", &[]).await;
    let path = format!("/v1/admin/users/{id}");
    assert_eq!(delete(&app, &path, &root).await.status, 200);
    app.mails().await;
    for call in ["unlock", "verify", "reset-password"] {
        let refused = post(&app, &format!("{path}/{call}"), &root, json!({})).await;
        assert_eq!(said(&refused), (404, "USER_NOT_FOUND"), "{call}");
    }
    assert_eq!(get(&app, &format!("{path}/sessions"), &root).await.status, 404);
    assert_eq!(delete(&app, &format!("{path}/sessions"), &root).await.status, 404);
    assert_eq!(delete(&app, &path, &root).await.status, 404);
    assert_eq!(app.mails().await.len(), 0);
    assert_eq!(post(&app, &format!("{path}/restore"), &root, json!({})).await.status, 200);
}

#[tokio::test]
async fn a_reset_that_would_be_mailed_to_nobody_is_refused() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    let id = make(&app, "ada", &[]).await;
    let path = format!("/v1/admin/users/{id}");
    put(&app, &path, &root, json!({ "status": "suspended" })).await.ok(200);
    let refused = post(&app, &format!("{path}/reset-password"), &root, json!({})).await;
    assert_eq!(said(&refused), (409, "CONFLICT"));
}

#[tokio::test]
async fn a_filter_is_never_dropped_and_no_parameter_comes_twice() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    for query in [
        "admin/audit?event=%00",
        "admin/audit?event=",
        "admin/audit?userId=%00",
        "admin/audit?outcome=%00",
        "admin/audit?outcome=perhaps",
        "admin/audit/export?event=a%20b",
        "admin/audit?since=yesterday",
        "admin/users?page=1&page=2",
        "admin/users?limit=1&page=1&limit=1",
        "users/me/audit?before=a&before=b",
    ] {
        let refused = get(&app, &format!("/v1/{query}"), &root).await;
        assert_eq!(said(&refused), (400, "VALIDATION_ERROR"), "{query}: {}", refused.text);
    }
    for query in ["admin/users?x=1&x=2", "admin/audit?event=login&outcome=done"] {
        assert_eq!(get(&app, &format!("/v1/{query}"), &root).await.status, 200, "{query}");
    }
}

#[tokio::test]
async fn an_empty_field_of_jobpsych_is_missing() {
    let app = app_with("jobpsych", &[]).await;
    for (body, status) in [
        (json!({ "email": "" }), 400),
        (json!({ "token": "x", "newPassword": "" }), 400),
        (json!({ "email": "no address" }), 422),
        (json!({ "token": "x", "newPassword": "short" }), 422),
    ] {
        let refused = app.post("/api/auth/reset-password", &body).send().await;
        assert_eq!(refused.status, status, "{body}: {}", refused.text);
        assert_eq!(refused.body["error"], "VALIDATION_ERROR", "{body}");
    }
}

#[tokio::test]
async fn a_message_names_what_is_missing_in_words() {
    let app = app_with("jobpsych", &[]).await;
    let body = json!({ "name": "Jo", "email": "jo@example.com", "password": PASSWORD });
    let refused = app.post("/api/auth/register", &body).send().await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["message"]),
        (400, &json!("Company name is required"))
    );
    let body = json!({ "newPassword": PASSWORD });
    let refused = app.post("/v1/auth/reset-password", &body).send().await;
    let refused = refused.refused(400, "MISSING_TOKEN");
    assert_eq!(refused.body["error"]["message"], "Reset token is required");
}

#[tokio::test]
async fn a_program_is_named_without_a_system_that_it_does_not_tell() {
    let app = app_with("authbackend", &[]).await;
    let id = make(&app, "ada", &[]).await;
    assert!(!id.is_empty());
    let (client, key) = app.api_client("backend", "service").await;
    let keyed = |path: &str, body: Value| {
        let call = app.post(path, &body).header("x-app-id", &client).header("x-service-key", &key);
        call.header("user-agent", "python-requests/2.31").send()
    };
    keyed("/api/auth/login", json!({ "email": "ada@example.com", "password": PASSWORD }))
        .await
        .ok(200);
    let code = crate::factors::code_in(&app.mails().await);
    let login =
        keyed("/api/auth/verify-otp", json!({ "email": "ada@example.com", "otpCode": code }));
    let token = login.await.ok(200).body["data"]["token"].as_str().unwrap().to_owned();
    let sessions = get(&app, "/api/auth/sessions", &token).await.ok(200);
    assert_eq!(sessions.body["data"]["sessions"][0]["device"], "Python");
}
