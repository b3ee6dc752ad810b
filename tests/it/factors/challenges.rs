//! Logins that wait for a second factor: how long a challenge lives, its attempts, and that no login
//! avoids it.

use super::*;

#[tokio::test]
async fn a_challenge_is_carried_over_a_restart_and_dies_after_five_minutes() {
    let app = app().await;
    let (_, phone) = guarded(&app, "ada").await;
    let (first, second) = (app.login("ada", PASSWORD).await, app.login("ada", PASSWORD).await);
    let app = app.restart("standard", &[]).await;
    app.turn_clock(2 * STEP);
    assert_eq!(verify(&app, &waiting(&first), &phone.code(&app, 0)).await.status, 200);
    app.turn_clock(Duration::from_mins(4));
    assert_eq!(
        refused(&verify(&app, &waiting(&second), &phone.code(&app, 0)).await),
        (401, "TOKEN_EXPIRED")
    );
}

#[tokio::test]
async fn a_challenge_dies_after_five_wrong_codes_and_feeds_no_lockout() {
    let app = app_with("perfect21", &[]).await;
    let (_, phone) = guarded(&app, "ada").await;
    app.turn_clock(STEP);
    let token = waiting(&app.login("ada", PASSWORD).await);
    for code in ["000000", "12345", "abcdef", "ABCD-EFGH-IJKL-MNOP", "1234567"] {
        assert_eq!(refused(&verify(&app, &token, code).await), (400, "INVALID_MFA_CODE"), "{code}");
    }
    assert_eq!(refused(&verify(&app, &token, &phone.code(&app, 0)).await), (401, "INVALID_TOKEN"));
    let next = waiting(&app.login("ada", PASSWORD).await);
    assert_eq!(verify(&app, &next, &phone.code(&app, 0)).await.status, 200);
}

#[tokio::test]
async fn an_account_has_ten_tries_in_five_minutes_over_all_its_challenges() {
    let app = app().await;
    let (_, phone) = guarded(&app, "ada").await;
    let (first, second) = (app.login("ada", PASSWORD).await, app.login("ada", PASSWORD).await);
    for token in [waiting(&first), waiting(&second)] {
        for _ in 0..5 {
            assert_eq!(verify(&app, &token, "000000").await.status, 400);
        }
    }
    app.turn_clock(STEP);
    let third = waiting(&app.login("ada", PASSWORD).await);
    let held = verify(&app, &third, &phone.code(&app, 0)).await;
    assert_eq!(refused(&held), (429, "AUTH_RATE_LIMIT_EXCEEDED"));
    assert_eq!(held.header("retry-after"), "270");
    app.turn_clock(Duration::from_secs(270));
    let token = waiting(&app.login("ada", PASSWORD).await);
    assert_eq!(verify(&app, &token, &phone.code(&app, 0)).await.status, 200);
}

#[tokio::test]
async fn no_login_method_yields_a_session_without_the_factor() {
    let app = app_with("standard", &[("login.passwordless", "true")]).await;
    let (_, phone) = guarded(&app, "ada").await;
    app.post("/v1/auth/otp/request", &json!({ "email": "ada@example.com" })).send().await;
    let mailed = code_in(&app.mails().await);
    for (path, body) in [
        ("/v1/auth/login", json!({ "email": "ada@example.com", "password": PASSWORD })),
        ("/v1/auth/login", json!({ "username": "ada", "password": PASSWORD })),
        (
            "/api/v1/auth/login",
            json!({ "email": "ADA@example.com", "password": PASSWORD, "rememberMe": false }),
        ),
        ("/v1/auth/otp/verify", json!({ "email": "ada@example.com", "code": mailed })),
    ] {
        let answer = app.post(path, &body).send().await;
        let token = waiting(&answer);
        assert!(
            !answer.text.contains("accessToken") && !answer.text.contains("refreshToken"),
            "{path}"
        );
        assert_eq!(methods(&answer), &json!(["totp", "backup_code"]), "{path}");
        assert_eq!(
            call(&app, Method::GET, "/v1/users/me", &token).await.status,
            401,
            "it opens nothing else"
        );
        let refresh = app.post("/v1/auth/refresh", &json!({ "refreshToken": token })).send().await;
        assert_eq!(refused(&refresh), (401, "INVALID_REFRESH_TOKEN"));
    }
    app.post("/v1/auth/forgot-password", &json!({ "email": "ada@example.com" })).send().await;
    let token = crate::support::token_in(&app.mails().await, "token=");
    let password = "another long passphrase";
    let reset = app
        .post("/v1/auth/reset-password", &json!({ "token": token, "newPassword": password }))
        .send()
        .await;
    assert_eq!(reset.status, 200, "{}", reset.text);
    app.turn_clock(STEP);
    let after = waiting(&app.login("ada", password).await);
    assert_eq!(verify(&app, &after, &phone.code(&app, 0)).await.status, 200);
}

#[tokio::test]
async fn a_change_of_the_account_voids_a_login_that_waits() {
    let app = app().await;
    let (tokens, phone) = guarded(&app, "ada").await;
    app.turn_clock(STEP);
    let token = waiting(&app.login("ada", PASSWORD).await);
    let renewed = call(&app, Method::POST, "/v1/auth/mfa/backup-codes", &tokens.access).await;
    assert_eq!(
        renewed.body["data"]["backupCodes"].as_array().unwrap().len(),
        10,
        "{}",
        renewed.text
    );
    assert_eq!(refused(&verify(&app, &token, &phone.code(&app, 0)).await), (401, "INVALID_TOKEN"));
    let token = waiting(&app.login("ada", PASSWORD).await);
    assert_eq!(
        verify(&app, &token, &phone.backup_codes[0]).await.status,
        400,
        "the codes before are gone"
    );
    assert_eq!(
        verify(&app, &token, renewed.body["data"]["backupCodes"][0].as_str().unwrap()).await.status,
        200
    );
}

#[tokio::test]
async fn a_wire_without_a_step_for_it_refuses_the_right_password() {
    for (profile, path, place, code) in [
        ("siteworks", "/api/auth/login", "/code", "MFA_REQUIRED"),
        ("jobpath", "/auth/login", "/error", "mfa_required"),
        ("jobpsych", "/api/auth/login", "/error", "MFA_REQUIRED"),
    ] {
        let app = app_with(profile, &[]).await;
        guarded(&app, "ada").await;
        let login = |password: &str| {
            app.post(path, &json!({ "email": "ada@example.com", "password": password })).send()
        };
        let right = login(PASSWORD).await;
        assert_eq!(
            (right.status.as_u16(), right.body.pointer(place).unwrap()),
            (403, &json!(code)),
            "{}",
            right.text
        );
        assert!(!right.text.contains("oken\""), "{}", right.text);
        assert_eq!(login("Wr0ng&password").await.status, 401, "{profile}");
    }
}

#[tokio::test]
async fn an_access_token_where_a_login_s_token_is_asked_for_is_a_bad_request_and_no_401() {
    let app = app().await;
    let access = app.enter("ada").await.access;
    let sent = app
        .post("/v1/auth/mfa/challenge", &json!({ "method": "email" }))
        .bearer(&access)
        .send()
        .await;
    assert_eq!(refused(&sent), (400, "VALIDATION_ERROR"), "{}", sent.text);
    assert!(sent.body["error"]["message"].as_str().unwrap().contains("mfaToken"), "{}", sent.text);
    assert!(sent.header("www-authenticate").is_empty());
}

#[tokio::test]
async fn fifty_parallel_guesses_are_five_attempts() {
    let unlimited = [&UNLIMITED[..], &[("login.passwordless", "true")]].concat();
    let app = app_with("standard", &unlimited).await;
    let (_, phone) = guarded(&app, "ada").await;
    app.turn_clock(2 * STEP);
    let token = waiting(&app.login("ada", PASSWORD).await);
    let answers = join_all((0..50).map(|_| verify(&app, &token, "000000"))).await;
    let wrong =
        answers.iter().filter(|answer| refused(answer) == (400, "INVALID_MFA_CODE")).count();
    let dead = answers.iter().filter(|answer| refused(answer) == (401, "INVALID_TOKEN")).count();
    assert_eq!((wrong, dead), (5, 45));
    assert_eq!(refused(&verify(&app, &token, &phone.code(&app, 0)).await), (401, "INVALID_TOKEN"));
    let next = waiting(&app.login("ada", PASSWORD).await);
    assert_eq!(verify(&app, &next, &phone.code(&app, 0)).await.status, 200);

    let body = json!({ "email": "ada@example.com", "code": "000000" });
    let answers = join_all((0..50).map(|_| app.post("/v1/auth/otp/verify", &body).send())).await;
    let wrong = answers.iter().filter(|answer| refused(answer) == (400, "INVALID_CODE")).count();
    let held = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((wrong, held), (5, 45));
}
