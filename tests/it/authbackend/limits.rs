//! What the profile counts, for which caller, and what its responses do not reveal.

use std::time::Duration;

use poem::http::Method;
use serde_json::{Value, json};

use super::{EMAIL, NEW_PASSWORD, PASSWORD, Stage, refusal, text};
use crate::support::{Answer, Call, token_in};

const CODE: &str = "000000";

impl Stage {
    /// A call of the native API with the API client's headers.
    fn native(&self, path: &str, body: &Value) -> Call<'_> {
        let call = self.app.post(path, body);
        call.header("x-app-id", &self.id).header("x-service-key", &self.key)
    }

    async fn with_headers(&self, call: Call<'_>) -> Answer {
        call.header("x-app-id", &self.id).header("x-service-key", &self.key).send().await
    }

    /// An account with a username, created through the native API.
    async fn join_named(&self, name: &str) {
        let body = json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD });
        assert_eq!(self.native("/v1/auth/register", &body).send().await.status, 201);
        let token = token_in(&self.app.mails().await, "verify-email?token=");
        let proved =
            self.app.post("/v1/auth/verify-email", &json!({ "token": token })).send().await;
        assert_eq!(proved.status, 200, "{}", proved.text);
    }

    /// The `mfaToken` of a login that still needs its code.
    async fn waiting(&self, name: &str) -> String {
        let login = json!({ "username": name, "password": PASSWORD });
        text(&self.native("/v1/auth/login", &login).send().await, "/error/mfaToken")
    }
}

/// The body without the parts that differ in each response.
fn lasting(answer: &Answer) -> Value {
    let mut body = answer.body.clone();
    for field in ["timestamp", "requestId"] {
        body[field] = Value::Null;
    }
    body
}

#[tokio::test]
async fn logins_to_an_account_share_one_limit_by_address_and_user_name_on_every_wire() {
    let stage = Stage::set().await.as_service().await;
    stage.join_named("ada").await;
    let wrong = "WrongPass123!";
    let mut last = Vec::new();
    for name in ["ada", "nobody"] {
        let email = format!("{name}@example.com");
        let by_email = |path: &str| {
            stage.native(path, &json!({ "email": email, "password": wrong })).from("192.0.2.7")
        };
        let by_name =
            |path: &str| stage.native(path, &json!({ "username": name, "password": wrong }));
        assert_eq!(by_email("/v1/auth/login").send().await.status, 401);
        assert_eq!(by_email("/api/auth/login").send().await.status, 401);
        let shout = json!({ "email": email.to_uppercase(), "password": wrong });
        assert_eq!(stage.native("/api/v1/auth/login", &shout).send().await.status, 401);
        if name == "ada" {
            assert_eq!(by_name("/v1/auth/login").send().await.status, 401);
            assert_eq!(by_name("/api/v1/auth/login").send().await.status, 401);
            assert_eq!(by_name("/v1/auth/login").send().await.status, 429, "the same account");
        } else {
            assert_eq!(by_email("/v1/auth/login").send().await.status, 401);
            assert_eq!(by_email("/v1/auth/login").send().await.status, 401);
        }
        assert_eq!(refusal(&by_email("/api/auth/login").send().await).1, "RATE_LIMIT_ERROR");
        last.push(by_email("/v1/auth/login").send().await);
    }
    assert_eq!(lasting(&last[0]), lasting(&last[1]), "whether or not there is an account");
    assert_eq!(last[0].header("retry-after"), last[1].header("retry-after"));
}

#[tokio::test]
async fn calls_with_the_key_of_a_client_count_per_client_ip_and_per_account() {
    let stage = Stage::set().await;
    let login = |name: &str, from: &str| {
        let body = json!({ "email": format!("{name}@example.com"), "password": "WrongPass123!" });
        stage.post("login", &body).from(from).send()
    };
    for n in 0..5 {
        let answer = login(&format!("name{n}"), "198.51.100.1").await;
        assert_eq!((answer.status.as_u16(), answer.header("x-ratelimit-limit")), (401, "5"));
    }
    let over = login("name5", "198.51.100.1").await;
    assert_eq!((refusal(&over).0, refusal(&over).1.as_str()), (429, "RATE_LIMIT_ERROR"));
    assert_eq!(login("name5", "198.51.100.2").await.status, 401, "the refused call did not count");
    for n in 0..5 {
        assert_eq!(login("ada", &format!("203.0.113.{n}")).await.status, 401);
    }
    assert_eq!(login("ada", "203.0.113.9").await.status, 429, "one account from many");
    assert_eq!(login("bob", "203.0.113.9").await.status, 401);
}

#[tokio::test]
async fn the_key_of_a_client_does_not_open_mail_to_strangers() {
    let stage = Stage::set().await;
    let mut answers = Vec::new();
    for n in 0..30 {
        let mut body = super::example();
        body["email"] = json!(format!("stranger{n}@example.com"));
        answers.push(stage.post("signup", &body).send().await.status.as_u16());
    }
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 5, "{answers:?}");
    assert_eq!(stage.app.mails().await.len(), 5);
}

fn reset_of(stage: &Stage, n: usize) -> Call<'_> {
    stage.post("password-reset", &json!({ "email": format!("user{n}@example.com") }))
}

#[tokio::test]
async fn the_letters_of_a_service_are_not_counted_as_one_client_s() {
    let stage = Stage::set().await;
    for n in 0..40 {
        crate::admin::make(&stage.app, &format!("user{n}"), &[]).await;
    }
    for n in 0..4 {
        let answer = reset_of(&stage, n).send().await;
        assert_eq!(answer.status, if n < 3 { 200 } else { 429 }, "a client: {}", answer.text);
    }
    assert_eq!(stage.app.mails().await.len(), 3);
    let stage = stage.as_service().await;
    for n in 0..40 {
        assert_eq!(reset_of(&stage, n).send().await.status, 200);
    }
    assert_eq!(stage.app.mails().await.len(), 40);
    for n in 0..2 {
        assert_eq!(reset_of(&stage, 7).send().await.status, 200, "{n}");
    }
    assert_eq!(reset_of(&stage, 7).send().await.status, 429, "an account has its own limit");
}

#[tokio::test]
async fn wrong_current_passwords_are_limited_per_client_ip() {
    let stage = Stage::set().await;
    stage.join().await;
    let access = text(&stage.enter(PASSWORD).await, "/data/token");
    let change = |from: &str| {
        let body = json!({ "currentPassword": "WrongPass123!", "newPassword": NEW_PASSWORD });
        let call = stage.app.post("/api/auth/change-password", &body).bearer(&access);
        call.from(from).send()
    };
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(change("198.51.100.1").await.status.as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    assert_eq!(refusal(&change("198.51.100.1").await).1, "RATE_LIMIT_ERROR");
    assert_eq!(change("198.51.100.2").await.status, 401);
}

#[tokio::test]
async fn no_header_says_what_is_left_at_an_account() {
    let stage = Stage::set().await.as_service().await;
    stage.join().await;
    let calls = [
        ("login", json!({ "email": EMAIL, "password": "WrongPass123!" })),
        ("signup", super::example()),
        ("verify-otp", json!({ "email": EMAIL, "otpCode": CODE })),
        ("password-reset", json!({ "email": EMAIL })),
        ("password-reset/verify-otp", json!({ "email": EMAIL, "otpCode": CODE })),
        (
            "password-reset/confirm",
            json!({ "email": EMAIL, "otpCode": CODE, "newPassword": NEW_PASSWORD }),
        ),
    ];
    for (path, body) in calls {
        for _ in 0..6 {
            let answer = stage.post(path, &body).send().await;
            assert_eq!(
                answer.header("x-ratelimit-limit"),
                "600",
                "{path}: the general limit's alone"
            );
            assert_ne!(answer.header("x-ratelimit-remaining"), "0", "{path}");
        }
    }
    let verified =
        stage.app.post("/api/auth/verify-email", &json!({ "token": "nothing" })).send().await;
    assert_eq!(
        verified.header("x-ratelimit-limit"),
        "5",
        "a client address may know what it has left"
    );
}

#[tokio::test]
async fn a_login_that_waits_is_counted_by_its_token_and_an_address_by_itself() {
    let stage = Stage::set().await.as_service().await;
    stage.join_named("ada").await;
    stage.join_named("bob").await;
    let (first, second, other) =
        (stage.waiting("ada").await, stage.waiting("ada").await, stage.waiting("bob").await);
    let show = |token: &str, from: &str| {
        stage
            .native("/v1/auth/mfa/verify", &json!({ "code": CODE }))
            .bearer(token)
            .from(from)
            .send()
    };
    assert_eq!(show(&first, "192.0.2.1").await.code(), "INVALID_MFA_CODE");
    for n in 0..4 {
        let email = if n == 0 { "ADA@example.com" } else { "ada@example.com" };
        let by_address =
            stage.post("verify-otp", &json!({ "email": email, "otpCode": CODE })).send().await;
        assert_eq!(by_address.status, if n < 3 { 400 } else { 429 }, "{}", by_address.text);
    }
    for from in ["192.0.2.2", "192.0.2.3"] {
        assert_eq!(
            show(&first, from).await.code(),
            "INVALID_MFA_CODE",
            "a stranger's attempts count for the stranger alone"
        );
    }
    assert_eq!(show(&first, "192.0.2.4").await.code(), "AUTH_RATE_LIMIT_EXCEEDED");
    assert_eq!(
        show(&second, "192.0.2.1").await.code(),
        "INVALID_MFA_CODE",
        "another token, the same account"
    );
    assert_eq!(
        show(&other, "192.0.2.1").await.code(),
        "INVALID_MFA_CODE",
        "another account, the same server"
    );

    let again =
        |token: &str| stage.native("/v1/auth/mfa/challenge", &json!({})).bearer(token).send();
    for _ in 0..3 {
        assert_eq!(again(&first).await.status, 200);
    }
    assert_eq!(again(&first).await.status, 429);
    assert_eq!(again(&other).await.status, 200);
    let elsewhere =
        stage.app.post("/v1/auth/mfa/verify", &json!({ "code": CODE })).bearer(&other).send().await;
    assert_eq!(elsewhere.status, 401, "an app is named first");
}

#[tokio::test]
async fn a_stranger_who_knows_the_address_leaves_the_owner_s_own_tries_alone() {
    let stage = Stage::set().await.as_service().await;
    stage.join_named("ada").await;
    let guess = json!({ "email": "ada@example.com", "otpCode": CODE });
    for _ in 0..3 {
        assert_eq!(stage.post("verify-otp", &guess).from("198.51.100.9").send().await.status, 400);
    }
    assert_eq!(stage.post("verify-otp", &guess).from("198.51.100.9").send().await.status, 429);
    let token = stage.waiting("ada").await;
    let code = json!({ "code": stage.mailed_code().await });
    let entered = stage.native("/v1/auth/mfa/verify", &code).bearer(&token).send().await;
    assert_eq!(entered.status, 200, "{}", entered.text);
}

#[tokio::test]
async fn an_address_is_counted_without_a_look_whether_anybody_has_it() {
    let stage = Stage::set().await.as_service().await;
    let calls =
        ["/v1/auth/forgot-password", "/v1/auth/reset-code/request", "/api/auth/password-reset"];
    let ask = |path: &str, email: &str| stage.native(path, &json!({ "email": email })).send();
    for email in ["ada@example.com", "ADA@example.com"] {
        for path in &calls[..2] {
            assert_eq!(ask(path, email).await.status, 200, "{path}");
        }
    }
    stage.join_named("ada").await;
    assert_eq!(ask(calls[0], "ada@example.com").await.status, 200);
    assert_eq!(ask(calls[2], "ada@example.com").await.status, 200);
    for path in calls {
        assert_eq!(
            ask(path, "ada@example.com").await.status,
            429,
            "{path}: the same limit as before there was an account"
        );
    }
}

#[tokio::test]
async fn a_reset_by_link_is_counted_for_the_account_behind_it() {
    let stage = Stage::set().await.as_service().await;
    let reset = |token: &str| {
        stage
            .native(
                "/v1/auth/reset-password",
                &json!({ "token": token, "newPassword": NEW_PASSWORD }),
            )
            .send()
    };
    for n in 0..5 {
        assert_eq!(
            reset(&format!("nothing-{n}")).await.status,
            404,
            "a server resets for everybody"
        );
    }
    for _ in 0..2 {
        assert_eq!(reset("nothing-0").await.status, 404);
    }
    assert_eq!(reset("nothing-0").await.code(), "PASSWORD_RESET_RATE_LIMIT_EXCEEDED");

    stage.join_named("ada").await;
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let asked = stage
            .native("/v1/auth/forgot-password", &json!({ "email": "ada@example.com" }))
            .send()
            .await;
        assert_eq!(asked.status, 200);
        tokens.push(token_in(&stage.app.mails().await, "reset-password?token="));
    }
    let weak = |token: &str| {
        stage
            .native("/v1/auth/reset-password", &json!({ "token": token, "newPassword": "short" }))
            .send()
    };
    for _ in 0..5 {
        assert_eq!(
            weak(&tokens[1]).await.status,
            400,
            "a password that broke a rule is no use of the link"
        );
    }
    assert_eq!(reset(&tokens[1]).await.status, 200);
}

#[tokio::test]
async fn each_documented_limit_has_its_figure_and_window() {
    let stage = Stage::set().await.as_service().await;
    let minutes = |count| Duration::from_mins(count);
    let calls = [
        ("signup", json!({ "email": "a@example.com", "password": PASSWORD }), 5, minutes(15)),
        ("verify-email", json!({ "token": "nothing" }), 5, minutes(15)),
        (
            "password-reset/confirm",
            json!({ "email": "a@example.com", "otpCode": CODE, "newPassword": NEW_PASSWORD }),
            3,
            minutes(60),
        ),
    ];
    for (path, body, count, window) in calls {
        for _ in 0..2 {
            for _ in 0..count {
                assert_ne!(stage.post(path, &body).send().await.status, 429, "{path}");
            }
            let over = stage.post(path, &body).send().await;
            assert_eq!(
                (refusal(&over).0, over.header("retry-after")),
                (429, window.as_secs().to_string().as_str())
            );
            stage.app.turn_clock(window);
        }
    }
}

#[tokio::test]
async fn a_change_of_password_and_refreshes_that_succeed_are_not_counted() {
    let stage = Stage::set().await.as_service().await;
    stage.join().await;
    let entered = stage.enter(PASSWORD).await;
    let (access, refresh) = (text(&entered, "/data/token"), text(&entered, "/data/refreshToken"));
    for round in 0..10 {
        let (current, new) =
            if round % 2 == 0 { (PASSWORD, NEW_PASSWORD) } else { (NEW_PASSWORD, PASSWORD) };
        let change = json!({ "currentPassword": current, "newPassword": new });
        let changed =
            stage.app.post("/api/auth/change-password", &change).bearer(&access).send().await;
        assert_eq!(changed.status, 200, "{}", changed.text);
    }
    for _ in 0..50 {
        let refreshed = stage
            .app
            .post("/api/auth/refresh-token", &json!({ "refreshToken": refresh }))
            .send()
            .await;
        assert_eq!(refreshed.status, 200, "{}", refreshed.text);
    }
}

#[tokio::test]
async fn the_page_that_asks_for_a_reset_is_for_apps_and_the_one_that_a_link_opens_is_not() {
    let stage = Stage::set().await.as_service().await;
    stage.join_named("ada").await;
    let form = |path: &str, body: &str| {
        let call = stage.app.call(Method::POST, path).header("sec-fetch-site", "same-origin");
        call.body("application/x-www-form-urlencoded", body.to_owned())
    };
    for path in ["/forgot-password", "/v1/forgot-password", "/api/v1/forgot-password"] {
        assert_eq!(stage.app.get(path).send().await.status, 403, "{path}");
        let posted = form(path, "email=ada%40example.com").send().await;
        assert_eq!(posted.status, 403, "{path}");
        assert!(
            posted.text.contains("Please continue in the app") && !posted.text.contains("<form"),
            "{}",
            posted.text
        );
    }
    assert!(stage.app.mails().await.is_empty());
    assert_eq!(stage.with_headers(stage.app.get("/forgot-password")).await.status, 200);
    for round in 0..4 {
        let posted = stage.with_headers(form("/forgot-password", "email=ada%40example.com")).await;
        assert_eq!(posted.status, if round < 3 { 200 } else { 429 });
    }
    let asked = stage
        .native("/v1/auth/forgot-password", &json!({ "email": "ada@example.com" }))
        .send()
        .await;
    assert_eq!(asked.status, 429, "the page and the call are one operation");
    let mails = stage.app.mails().await;
    let token = token_in(&mails[mails.len() - 1..], "reset-password?token=");
    assert_eq!(
        stage.app.get(&format!("/v1/reset-password?token={token}")).send().await.status,
        200
    );
    let dead = stage.app.get("/v1/reset-password?token=nothing").send().await;
    assert!(
        dead.text.contains("request a new one in the app") && !dead.text.contains("<form"),
        "{}",
        dead.text
    );
    let body = format!("token={token}&newPassword=NewSecurePass123!");
    assert_eq!(form("/v1/reset-password", &body).send().await.status, 200);
}
