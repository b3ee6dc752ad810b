//! The account life cycle from sign-up to logout, with its rules, on the profile `standard`.

use std::time::Duration;

use serde_json::json;

use crate::support::{PASSWORD, UNLIMITED, app, app_with, registration, token_in};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn an_account_goes_from_sign_up_to_logout() {
    let app = app().await;
    let signed_up = app.register("jo.doe").await;
    assert_eq!(signed_up.status, 201, "{}", signed_up.text);
    assert_eq!(signed_up.body["data"]["status"], "pending");

    let token = token_in(&app.mails().await, "/v1/verify-email?token=");
    let body = json!({ "token": token });
    let proved = app.post("/v1/auth/verify-email", &body).send().await;
    assert_eq!(proved.body, json!({ "success": true, "message": "Email verified successfully" }));
    let again = app.post("/v1/auth/verify-email", &body).send().await;
    assert_eq!(
        (again.status.as_u16(), &again.body["message"]),
        (200, &json!("Email is already verified"))
    );

    let tokens = app.login("jo.doe", PASSWORD).await.tokens();
    let me = app.get("/v1/users/me").bearer(&tokens.access).send().await;
    assert_eq!(me.body["data"]["username"], "jo.doe");
    assert_eq!(me.body["data"]["roles"], json!(["user"]));

    let out = app.post("/v1/auth/logout", &json!({})).bearer(&tokens.access).send().await;
    assert_eq!(out.body, json!({ "success": true, "message": "Logged out successfully" }));
    let gone = app.get("/v1/users/me").bearer(&tokens.access).send().await;
    assert_eq!((gone.status.as_u16(), gone.code()), (401, "TOKEN_REVOKED"));
    let refreshed =
        app.post("/v1/auth/refresh", &json!({ "refreshToken": tokens.refresh })).send().await;
    assert_eq!((refreshed.status.as_u16(), refreshed.code()), (401, "TOKEN_REVOKED"));

    let story = ["sign_up done", "email_verified done", "login done", "session_ended done logout"];
    let recorded: Vec<String> =
        app.audit().await.into_iter().filter(|line| !line.starts_with("key_made")).collect();
    assert_eq!(recorded, story);
}

#[tokio::test]
async fn a_session_lives_on_through_a_restart() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    let app = app.restart("standard", &[]).await;
    let me = app.get("/v1/users/me").bearer(&tokens.access).send().await;
    assert_eq!(me.status, 200, "{}", me.text);
    let refreshed =
        app.post("/v1/auth/refresh", &json!({ "refreshToken": tokens.refresh })).send().await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
}

#[tokio::test]
async fn a_refresh_token_is_rotated_and_its_parent_yields_the_same_successor_within_the_grace() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    let parent = json!({ "refreshToken": tokens.refresh });
    let first = app.post("/v1/auth/refresh", &parent).send().await.tokens().refresh;
    assert_ne!(first, tokens.refresh);
    app.turn_clock(Duration::from_secs(30));
    let second = app.post("/v1/auth/refresh", &parent).send().await.tokens().refresh;
    assert_eq!(first, second);
}

#[tokio::test]
async fn a_spent_refresh_token_ends_its_session_and_no_other() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    let other = app.login("ada", PASSWORD).await.tokens();
    let parent = json!({ "refreshToken": tokens.refresh });
    let next = app.post("/v1/auth/refresh", &parent).send().await.tokens();
    app.turn_clock(Duration::from_secs(31));
    let reused = app.post("/v1/auth/refresh", &parent).send().await;
    assert_eq!((reused.status.as_u16(), reused.code()), (401, "TOKEN_REVOKED"));
    let ended = app.get("/v1/users/me").bearer(&next.access).send().await;
    assert_eq!(ended.code(), "TOKEN_REVOKED");
    assert_eq!(app.get("/v1/users/me").bearer(&other.access).send().await.status, 200);
    assert!(app.audit().await.contains(&"refresh_reused refused".to_owned()));
    assert!(
        app.mails().await.is_empty(),
        "the successor was never used: nothing says that it was theft"
    );
}

#[tokio::test]
async fn a_grandparent_after_the_grace_is_theft_and_the_owner_gets_a_mail() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    let mut current = tokens.refresh.clone();
    for _ in 0..2 {
        current = app
            .post("/v1/auth/refresh", &json!({ "refreshToken": current }))
            .send()
            .await
            .tokens()
            .refresh;
    }
    let old = json!({ "refreshToken": tokens.refresh });
    let within = app.post("/v1/auth/refresh", &old).send().await;
    assert_eq!(
        (within.status.as_u16(), within.code()),
        (401, "INVALID_REFRESH_TOKEN"),
        "only refused: a slow tab"
    );
    app.turn_clock(MINUTE);
    assert_eq!(app.post("/v1/auth/refresh", &old).send().await.code(), "TOKEN_REVOKED");
    let last = app.post("/v1/auth/refresh", &json!({ "refreshToken": current })).send().await;
    assert_eq!(last.code(), "TOKEN_REVOKED");
    let mails = app.mails().await;
    assert_eq!(mails.len(), 1, "{mails:?}");
}

#[tokio::test]
async fn a_thief_who_refreshes_all_the_time_is_found_out() {
    for (every, times) in [(20, 5), (1, 90), (29, 4), (300, 3)] {
        let app = app_with("standard", &UNLIMITED).await;
        let owners = app.enter("ada").await.refresh;
        let refresh = async |token: &str| {
            app.post("/v1/auth/refresh", &json!({ "refreshToken": token })).send().await
        };
        let mut thiefs = owners.clone();
        for _ in 0..times {
            app.turn_clock(Duration::from_secs(every));
            thiefs = refresh(&thiefs).await.tokens().refresh;
        }
        app.turn_clock(Duration::from_secs(5));
        assert_eq!(refresh(&owners).await.code(), "TOKEN_REVOKED", "every {every} s");
        assert_eq!(refresh(&thiefs).await.code(), "TOKEN_REVOKED", "every {every} s");
        let audit = app.audit().await;
        for line in ["refresh_reused refused", "session_ended done reuse"] {
            assert!(audit.contains(&line.to_owned()), "{audit:?}");
        }
        let mails = app.mails().await;
        assert_eq!(mails.len(), 1, "every {every} s: {mails:?}");
        assert_eq!(mails[0].to, "ada@example.com");
    }
}

#[tokio::test]
async fn however_late_a_slow_tab_comes_within_the_grace_it_ends_nothing() {
    let app = app_with("standard", &UNLIMITED).await;
    let slow = app.enter("ada").await.refresh;
    let refresh = async |token: &str| {
        app.post("/v1/auth/refresh", &json!({ "refreshToken": token })).send().await
    };
    let mut current = refresh(&slow).await.tokens().refresh;
    for _ in 0..30 {
        app.turn_clock(Duration::from_secs(1));
        current = refresh(&current).await.tokens().refresh;
        assert_eq!(refresh(&slow).await.code(), "INVALID_REFRESH_TOKEN");
    }
    assert_eq!(refresh(&current).await.status, 200);
    assert!(app.mails().await.is_empty());
}

#[tokio::test]
async fn refreshes_are_recorded_once_a_session_and_day() {
    for rotate in ["always", "never"] {
        let app =
            app_with("standard", &[&UNLIMITED[..], &[("sessions.rotate", rotate)]].concat()).await;
        let mut sessions = [app.enter("ada").await.refresh, String::new()];
        sessions[1] = app.login("ada", PASSWORD).await.tokens().refresh;
        for day in 1..=2 {
            for _ in 0..3 {
                for token in &mut sessions {
                    let body = json!({ "refreshToken": token });
                    let answer = app.post("/v1/auth/refresh", &body).send().await.ok(200);
                    if let Some(next) = answer.body["data"]["refreshToken"].as_str() {
                        next.clone_into(token);
                    }
                }
                app.turn_clock(MINUTE);
            }
            let records = app.records().await;
            let found: Vec<_> =
                records.iter().filter(|record| record.event == "session_refreshed").collect();
            assert_eq!(found.len(), 2 * day, "{rotate}: {found:?}");
            let last = found.last().unwrap();
            assert!(last.session_id.is_some() && last.account_id == last.actor, "{last:?}");
            assert_eq!(last.client_ip.as_deref(), Some("192.0.2.1"));
            app.turn_clock(Duration::from_hours(24));
        }
    }
}

#[tokio::test]
async fn a_session_past_its_end_takes_no_place_under_the_cap() {
    let app = app_with("standard", &[("sessions.max", "2")]).await;
    let first = app.enter("ada").await.access;
    app.turn_clock(MINUTE);
    let second = app.login("ada", PASSWORD).await.tokens().refresh;
    let ended = "update sessions set expires_at = created_at where id = \
        (select id from sessions order by created_at desc limit 1)";
    assert_eq!(app.database().tamper(ended), 1);
    app.turn_clock(MINUTE);
    app.login("ada", PASSWORD).await.ok(200);
    let me = app.get("/v1/users/me").bearer(&first).send().await;
    assert_eq!(me.status, 200, "the oldest of the two that live was ended: {}", me.text);
    let body = json!({ "refreshToken": second });
    assert_eq!(app.post("/v1/auth/refresh", &body).send().await.status, 401);
}

#[tokio::test]
async fn fifty_parallel_refreshes_leave_one_live_token() {
    let app = app_with("standard", &[("limits.general", "off"), ("limits.refresh", "off")]).await;
    let tokens = app.enter("ada").await;
    let mut current = tokens.refresh;
    for _ in 0..20 {
        let body = json!({ "refreshToken": current });
        let calls = (0..50).map(|_| app.post("/v1/auth/refresh", &body).send());
        let answers = futures_util::future::join_all(calls).await;
        let successors: std::collections::BTreeSet<String> =
            answers.iter().map(|a| a.tokens().refresh).collect();
        assert_eq!(successors.len(), 1);
        current = successors.into_iter().next().unwrap();
    }
}

#[tokio::test]
async fn a_session_ends_when_idle_and_at_its_absolute_limit() {
    let app = app().await;
    let idle = app.enter("ada").await;
    let mut current = app.login("ada", PASSWORD).await.tokens().refresh;
    for _ in 0..4 {
        app.turn_clock(20 * DAY);
        current = app
            .post("/v1/auth/refresh", &json!({ "refreshToken": current }))
            .send()
            .await
            .tokens()
            .refresh;
    }
    let left = app.post("/v1/auth/refresh", &json!({ "refreshToken": idle.refresh })).send().await;
    assert_eq!((left.status.as_u16(), left.code()), (401, "INVALID_REFRESH_TOKEN"));
    app.turn_clock(10 * DAY);
    let over = app.post("/v1/auth/refresh", &json!({ "refreshToken": current })).send().await;
    assert_eq!(
        (over.status.as_u16(), over.code()),
        (401, "INVALID_REFRESH_TOKEN"),
        "90 days are over"
    );
    assert!(app.audit().await.contains(&"session_ended done expired".to_owned()));
}

#[tokio::test]
async fn at_the_session_cap_the_oldest_ends() {
    let app = app_with("standard", &[("sessions.max", "3")]).await;
    let first = app.enter("ada").await;
    let mut later = Vec::new();
    for _ in 0..3 {
        app.turn_clock(Duration::from_secs(1));
        later.push(app.login("ada", PASSWORD).await.tokens());
    }
    assert_eq!(app.get("/v1/users/me").bearer(&first.access).send().await.code(), "TOKEN_REVOKED");
    for tokens in &later {
        assert_eq!(app.get("/v1/users/me").bearer(&tokens.access).send().await.status, 200);
    }
}

#[tokio::test]
async fn a_login_that_began_before_the_sessions_of_the_account_gets_one_at_the_cap() {
    let app = app_with("standard", &[("sessions.max", "1"), ("login.otp", "email")]).await;
    app.join("ada").await;
    let begin = async || {
        let token = crate::factors::waiting(&app.login("ada", PASSWORD).await);
        (token, crate::factors::code_in(&app.mails().await))
    };
    let complete =
        async |token: &str, code: &str| crate::factors::verify(&app, token, code).await.tokens();
    let (slow, _) = begin().await;
    app.turn_clock(Duration::from_secs(1));
    let (quick, code) = begin().await;
    let quick = complete(&quick, &code).await;
    app.turn_clock(Duration::from_secs(1));
    app.call(poem::http::Method::POST, "/v1/auth/mfa/challenge").bearer(&slow).ok(200).await;
    let slow = complete(&slow, &crate::factors::code_in(&app.mails().await)).await;
    app.get("/v1/users/me").bearer(&slow).ok(200).await;
    app.get("/v1/users/me").bearer(&quick).refused(401, "TOKEN_REVOKED").await;
}

#[tokio::test]
async fn logout_everywhere_ends_every_session() {
    let app = app().await;
    let one = app.enter("ada").await;
    let two = app.login("ada", PASSWORD).await.tokens();
    let body = json!({ "logoutAllDevices": true });
    assert_eq!(app.post("/v1/auth/logout", &body).bearer(&one.access).send().await.status, 200);
    for tokens in [one, two] {
        assert_eq!(
            app.get("/v1/users/me").bearer(&tokens.access).send().await.code(),
            "TOKEN_REVOKED"
        );
    }
}

#[tokio::test]
async fn a_taken_address_is_answered_like_success_and_its_owner_gets_a_mail() {
    let app = app().await;
    app.join("ada").await;
    let mut body = registration("ada");
    body["username"] = json!("another");
    let fresh = app.register("bob").await;
    app.mails().await;
    let taken = app.post("/v1/auth/register", &body).send().await;
    assert_eq!(taken.status, fresh.status);
    let keys = |body: &serde_json::Value| {
        body["data"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(keys(&taken.body), keys(&fresh.body));
    assert_eq!(taken.body["data"]["status"], "pending");
    let mails = app.mails().await;
    assert_eq!(mails.len(), 1);
    assert!(
        mails[0].to.starts_with("ada@") && !mails[0].text.contains("verify-email"),
        "{}",
        mails[0].text
    );

    body["email"] = json!("carl@example.com");
    let name = app.post("/v1/auth/register", &body).send().await;
    assert_eq!(
        (name.status.as_u16(), name.code()),
        (409, "USERNAME_EXISTS"),
        "held for the life of the link either way"
    );
    app.turn_clock(DAY);
    assert_eq!(app.post("/v1/auth/register", &body).send().await.status, 201);
}

#[tokio::test]
async fn login_to_an_unproved_account_looks_like_a_wrong_password_and_sends_the_mail_again() {
    let app = app().await;
    app.register("ada").await;
    app.mails().await;
    let right = app.login("ada", PASSWORD).await;
    let wrong = app.login("ada", "wrong password").await;
    let unknown = app.login("nobody", PASSWORD).await;
    for answer in [&right, &wrong, &unknown] {
        assert_eq!((answer.status.as_u16(), answer.code()), (401, "INVALID_CREDENTIALS"));
        assert_eq!(answer.body["error"], wrong.body["error"]);
    }
    let mails = app.mails().await;
    assert_eq!(mails.len(), 1);
    let token = token_in(&mails, "verify-email?token=");
    app.post("/v1/auth/verify-email", &json!({ "token": token })).send().await;
    assert_eq!(app.login("ada", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn of_fifty_parallel_uses_of_a_link_one_changes_anything() {
    let app = app_with("standard", &[("limits.general", "off")]).await;
    app.register("ada").await;
    let body = json!({ "token": token_in(&app.mails().await, "verify-email?token=") });
    let calls = (0..50).map(|_| app.post("/v1/auth/verify-email", &body).send());
    let answers = futures_util::future::join_all(calls).await;
    let now = answers
        .iter()
        .filter(|answer| answer.body["message"] == "Email verified successfully")
        .count();
    assert_eq!(now, 1);
    assert!(answers.iter().all(|answer| answer.status == 200));
    let proofs =
        app.audit().await.into_iter().filter(|line| line.starts_with("email_verified")).count();
    assert_eq!(proofs, 1);
}

#[tokio::test]
async fn every_unexpired_link_works_and_an_old_one_is_gone() {
    let app = app().await;
    app.register("ada").await;
    let first = token_in(&app.mails().await, "verify-email?token=");
    app.turn_clock(HOUR);
    app.post("/v1/auth/resend-verification", &json!({ "email": "ADA@example.com" })).send().await;
    let second = token_in(&app.mails().await, "verify-email?token=");
    assert_ne!(first, second);
    app.turn_clock(23 * HOUR);
    let old = app.post("/v1/auth/verify-email", &json!({ "token": first })).send().await;
    assert_eq!((old.status.as_u16(), old.code()), (410, "TOKEN_EXPIRED"));
    assert_eq!(
        app.post("/v1/auth/verify-email", &json!({ "token": second })).send().await.status,
        200
    );
    let unknown = app.post("/v1/auth/verify-email", &json!({ "token": "abc123" })).send().await;
    assert_eq!((unknown.status.as_u16(), unknown.code()), (404, "INVALID_TOKEN"));
}

#[tokio::test]
async fn this_was_not_me_removes_an_unverified_account() {
    let app = app().await;
    app.register("ada").await;
    let body = json!({ "token": token_in(&app.mails().await, "verify-email?token=") });
    assert_eq!(app.post("/v1/auth/verify-email/disown", &body).send().await.status, 200);
    assert_eq!(app.post("/v1/auth/verify-email", &body).send().await.status, 404);
    app.join("ada").await;
    assert_eq!(app.login("ada", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn asking_again_answers_alike_and_is_limited_without_telling() {
    let app = app_with("standard", &[("limits.resend", "off")]).await;
    app.register("ada").await;
    app.mails().await;
    let mut sent = 0;
    for _ in 0..8 {
        let known = app
            .post("/v1/auth/resend-verification", &json!({ "email": "ada@example.com" }))
            .send()
            .await;
        let unknown = app
            .post("/v1/auth/resend-verification", &json!({ "email": "no@example.com" }))
            .send()
            .await;
        assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
        sent += app.mails().await.len();
    }
    assert_eq!(sent, 4, "with the one of the sign-up five an hour");
    app.turn_clock(HOUR);
    app.post("/v1/auth/resend-verification", &json!({ "email": "ada@example.com" })).send().await;
    assert_eq!(app.mails().await.len(), 1);
}

#[tokio::test]
async fn ten_failures_from_one_address_delay_that_address_alone() {
    let app = app().await;
    app.join("ada").await;
    for _ in 0..10 {
        assert_eq!(app.login("ada", "wrong password").await.code(), "INVALID_CREDENTIALS");
    }
    let waits = app.login("ada", PASSWORD).await;
    assert_eq!((waits.status.as_u16(), waits.code()), (429, "RATE_LIMIT_EXCEEDED"));
    let first: u64 = waits.header("retry-after").parse().unwrap();
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    assert_eq!(app.post("/v1/auth/login", &body).from("198.51.100.7").send().await.status, 200);

    app.turn_clock(Duration::from_secs(first));
    assert_eq!(app.login("ada", "wrong password").await.code(), "INVALID_CREDENTIALS");
    let second: u64 = app.login("ada", PASSWORD).await.header("retry-after").parse().unwrap();
    assert_eq!(second, 2 * first);
    app.turn_clock(Duration::from_secs(second));
    assert_eq!(app.login("ada", PASSWORD).await.status, 200);
    assert_eq!(
        app.login("ada", "wrong password").await.code(),
        "INVALID_CREDENTIALS",
        "a success forgives it all"
    );
}

#[tokio::test]
async fn a_throttled_unknown_name_looks_like_a_throttled_account() {
    let app = app_with("standard", &[("limits.sign_in", "off")]).await;
    app.join("ada").await;
    for name in ["ada", "nobody"] {
        for _ in 0..10 {
            app.login(name, "wrong password").await;
        }
    }
    let (known, unknown) = (app.login("ada", PASSWORD).await, app.login("nobody", PASSWORD).await);
    assert_eq!((known.status, known.code()), (unknown.status, unknown.code()));
    assert_eq!(known.header("retry-after"), unknown.header("retry-after"));
}

#[tokio::test]
async fn a_hundred_failures_close_the_password_to_strangers_and_a_mailed_link_opens_it() {
    let app = app_with("standard", &[("limits.sign_in", "off"), ("limits.general", "off")]).await;
    app.join("ada").await;
    let login = |password: &str, from: String| {
        let body = json!({ "email": "ada@example.com", "password": password });
        app.post("/v1/auth/login", &body).from(&from).send()
    };
    assert_eq!(login(PASSWORD, "203.0.113.9".to_owned()).await.status, 200);
    for n in 0..100 {
        assert_eq!(
            login("wrong password", format!("10.0.{}.{}", n / 10, n % 10)).await.code(),
            "INVALID_CREDENTIALS"
        );
    }
    let stranger = login(PASSWORD, "198.51.100.7".to_owned()).await;
    assert_eq!(stranger.code(), "INVALID_CREDENTIALS");
    assert_eq!(
        login(PASSWORD, "203.0.113.9".to_owned()).await.status,
        200,
        "where the owner has been before"
    );
    let mails = app.mails().await;
    assert_eq!(mails.len(), 1, "one mail, not one for each failure");
    let token = token_in(&mails, "/v1/open-login?token=");
    let form = app.call(poem::http::Method::POST, "/v1/open-login").from("198.51.100.7");
    let opened =
        form.body("application/x-www-form-urlencoded", format!("token={token}")).send().await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    assert_eq!(login(PASSWORD, "198.51.100.7".to_owned()).await.status, 200);
    assert_eq!(login(PASSWORD, "198.51.100.8".to_owned()).await.code(), "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn unverified_accounts_are_deleted_after_a_week() {
    let app = app().await;
    app.register("ada").await;
    app.mails().await;
    app.join("bob").await;
    app.turn_clock(7 * DAY);
    authd::identity::system::cleanup::purge(&app.core).await.unwrap();
    let found = authd::identity::admin::accounts::find(&app.core, "ada@example.com").await;
    assert_eq!(found.unwrap_err().kind(), authd::error::Kind::AccountNotFound);
    assert!(authd::identity::admin::accounts::find(&app.core, "bob@example.com").await.is_ok());
}
