//! Codes by mail: as a second factor, as a policy for all accounts, and as a login.

use super::*;

#[tokio::test]
async fn codes_by_mail_are_a_factor_but_never_stand_in_for_an_authenticator() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    let setup = app
        .post("/v1/auth/mfa/setup", &json!({ "type": "email" }))
        .bearer(&tokens.access)
        .send()
        .await;
    assert!(setup.body["data"].get("secret").is_none(), "{}", setup.text);
    let code = code_in(&app.mails().await);
    assert_eq!(verify(&app, &tokens.access, &code).await.status, 200);
    let login = app.login("ada", PASSWORD).await;
    assert_eq!(methods(&login), &json!(["email", "backup_code"]));
    assert_eq!(
        verify(&app, &waiting(&login), &code).await.status,
        400,
        "a code of another purpose"
    );
    assert_eq!(verify(&app, &waiting(&login), &code_in(&app.mails().await)).await.status, 200);

    let phone = set_up(&app, &tokens.access).await;
    assert_eq!(verify(&app, &tokens.access, &phone.code(&app, 0)).await.status, 200);
    app.mails().await;
    let login = app.login("ada", PASSWORD).await;
    assert_eq!(methods(&login), &json!(["totp", "backup_code"]));
    let send = app
        .post("/v1/auth/mfa/challenge", &json!({ "method": "email" }))
        .bearer(&waiting(&login))
        .send()
        .await;
    assert_eq!(refused(&send), (400, "VALIDATION_ERROR"));
    assert_eq!(app.mails().await.len(), 0);
}

#[tokio::test]
async fn the_policy_can_ask_everybody_for_a_mailed_code() {
    let app = app_with("standard", &[("login.otp", "email")]).await;
    app.join("ada").await;
    app.join("bob").await;
    let login = app.login("ada", PASSWORD).await;
    let (token, code) = (waiting(&login), code_in(&app.mails().await));
    assert_eq!(methods(&login), &json!(["email"]));
    let other = waiting(&app.login("bob", PASSWORD).await);
    assert_eq!(
        refused(&verify(&app, &other, &code).await),
        (400, "INVALID_MFA_CODE"),
        "another user's code"
    );
    let again = app.call(Method::POST, "/v1/auth/mfa/challenge").bearer(&token).send().await;
    assert_eq!(again.body["message"], "Verification code sent by email", "{}", again.text);
    let mails = app.mails().await;
    let ada: Vec<Mail> = mails.into_iter().filter(|mail| mail.to.contains("ada")).collect();
    assert_eq!(verify(&app, &token, &code).await.status, 400, "a new code ends the one before");
    let code = code_in(&ada);
    let both = join_all([verify(&app, &token, &code), verify(&app, &token, &code)]).await;
    assert_eq!(both.iter().filter(|answer| answer.status == 200).count(), 1);
}

#[tokio::test]
async fn a_login_without_a_token_is_completed_by_its_address() {
    let app = app_with("standard", &[("login.otp", "email")]).await;
    app.join("ada").await;
    let (email, source) = (Email::parse("ada@example.com").unwrap(), Source::command_line());
    let enter = |email: Email, code: String| {
        let (core, source) = (app.core.clone(), source.clone());
        async move {
            let counted = Counted::exempt("only the core's own count is tested");
            challenge::complete_newest(&core, &email, &code, &counted, &source)
                .await
                .map(|issued| issued.account.id)
        }
    };
    let nothing = enter(email.clone(), "123456".into()).await.unwrap_err();
    let unknown =
        enter(Email::parse("eve@example.com").unwrap(), "123456".into()).await.unwrap_err();
    assert_eq!((nothing.kind(), nothing.message()), (unknown.kind(), unknown.message()));
    waiting(&app.login("ada", PASSWORD).await);
    let code = code_in(&app.mails().await);
    for _ in 0..20 {
        assert!(enter(email.clone(), "000000".into()).await.is_err(), "a stranger guesses");
    }
    app.turn_clock(Duration::from_mins(9));
    let owner = Source { address: Some("192.0.2.1".parse().unwrap()), ..Source::command_line() };
    let counted = Counted::exempt("only the core's own count is tested");
    let issued = challenge::complete_newest(&app.core, &email, &code, &counted, &owner).await;
    assert!(issued.is_ok());
    assert!(enter(email, code).await.is_err());
}

#[tokio::test]
async fn a_mailed_code_logs_in_where_the_policy_allows_it() {
    let off = app().await;
    let ask = json!({ "email": "ada@example.com" });
    assert_eq!(off.post("/v1/auth/otp/request", &ask).send().await.status, 404);
    let app = app_with("standard", &[("login.passwordless", "true")]).await;
    app.join("ada").await;
    let known = app.post("/v1/auth/otp/request", &ask).send().await;
    let unknown =
        app.post("/v1/auth/otp/request", &json!({ "email": "eve@example.com" })).send().await;
    assert_eq!((known.status, known.text.len()), (unknown.status, unknown.text.len()));
    assert_eq!(known.body["message"], unknown.body["message"]);
    let mails = app.mails().await;
    assert_eq!(mails.len(), 1);
    let code = code_in(&mails);
    let body = json!({ "email": "ADA@example.com", "code": code });
    let session = app.post("/v1/auth/otp/verify", &body).send().await;
    assert_eq!(session.cookie(), Some(session.tokens().refresh));
    let again = app.post("/v1/auth/otp/verify", &body).send().await;
    let stranger = app
        .post("/v1/auth/otp/verify", &json!({ "email": "eve@example.com", "code": code }))
        .send()
        .await;
    assert_eq!(refused(&again), (400, "INVALID_CODE"));
    assert_eq!(
        (refused(&stranger), &stranger.body["error"]),
        (refused(&again), &again.body["error"])
    );
}

#[tokio::test]
async fn a_code_dies_after_ten_minutes_and_with_a_change_of_the_password() {
    let app = app_with("standard", &[("login.passwordless", "true")]).await;
    let tokens = app.enter("ada").await;
    let ask = || app.post("/v1/auth/otp/request", &json!({ "email": "ada@example.com" })).send();
    let show = |code: String| {
        app.post("/v1/auth/otp/verify", &json!({ "email": "ada@example.com", "code": code })).send()
    };
    ask().await;
    let code = code_in(&app.mails().await);
    app.turn_clock(Duration::from_mins(10));
    assert_eq!(refused(&show(code).await), (400, "INVALID_CODE"));
    ask().await;
    let code = code_in(&app.mails().await);
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "another long passphrase" });
    let changed = app.put("/v1/auth/change-password", &change).bearer(&tokens.access).send().await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(refused(&show(code).await), (400, "INVALID_CODE"));
}

#[tokio::test]
async fn who_has_used_up_the_tries_at_a_code_is_refused_and_the_code_lives_on_for_its_owner() {
    let app =
        app_with("standard", &[("login.passwordless", "true"), ("limits.code.count", "0")]).await;
    app.join("ada").await;
    app.post("/v1/auth/otp/request", &json!({ "email": "ada@example.com" })).send().await;
    let code = code_in(&app.mails().await);
    for name in ["ada", "nobody"] {
        for guess in 0..10 {
            let body = json!({ "email": format!("{name}@example.com"), "code": "000000" });
            let from = format!("198.51.100.{guess}");
            let answer = app.post("/v1/auth/otp/verify", &body).from(&from).send().await;
            let expected =
                if guess < 5 { (400, "INVALID_CODE") } else { (429, "AUTH_RATE_LIMIT_EXCEEDED") };
            assert_eq!(refused(&answer), expected, "{name} {guess}");
        }
    }
    let body = json!({ "email": "ada@example.com", "code": code });
    assert_eq!(app.post("/v1/auth/otp/verify", &body).send().await.status, 200);
}

#[tokio::test]
async fn proving_an_address_by_code_removes_what_an_unverified_holder_left() {
    let app = app_with("standard", &[("login.passwordless", "true")]).await;
    app.register("ada").await;
    app.mails().await;
    app.post("/v1/auth/otp/request", &json!({ "email": "ada@example.com" })).send().await;
    let body = json!({ "email": "ada@example.com", "code": code_in(&app.mails().await) });
    let session = app.post("/v1/auth/otp/verify", &body).send().await;
    assert_eq!(session.body["data"]["user"]["emailVerified"], true, "{}", session.text);
    assert_eq!(app.login("ada", PASSWORD).await.status, 401, "the squatter's password is void");
}
