//! Logging in with a passkey.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::{
    add, list, log_in, log_in_with, login_options, options, outcome, server, unwrapped,
    with_passkey,
};
use crate::authenticator::{Algorithm, Device};
use crate::factors;
use crate::support::PASSWORD;

#[tokio::test]
async fn a_passkey_logs_in_alone_and_counts_as_both_factors() {
    let app = server().await;
    let tokens = app.enter("ada").await;
    let phone = factors::set_up(&app, &tokens).await;
    assert_eq!(factors::verify(&app, &tokens, &phone.code(&app, 0)).await.status, 200);
    let mut device = Device::new();
    let added = add(&app, &tokens, &mut device, "passkey").await;
    assert_eq!(added["passkey"]["discoverable"], true);
    assert_eq!(added["backupCodes"], json!([]));
    let options = login_options(&app).await;
    assert_eq!(options["allowCredentials"], json!([]));
    assert_eq!(options["userVerification"], "required");
    assert_eq!(options["rpId"], "localhost");
    let answer = log_in_with(&app, &device.get(&options).unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.body["data"]["user"]["email"], "ada@example.com");
    assert_eq!(answer.cookie(), Some(answer.tokens().refresh));
    let rows = app.database().texts(
        "select methods || ' ' || level from sessions order by created_at desc, id desc limit 1",
    );
    assert_eq!(rows, ["hwk uv 2"]);
    factors::waiting(&app.login("ada", PASSWORD).await);
    let id = added["passkey"]["id"].as_str().unwrap();
    let lines = app.audit().await;
    for line in [
        format!("passkey_added done passkey {id} (Passkey)"),
        format!("login done passkey {id} (Passkey)"),
    ] {
        assert!(lines.contains(&line), "{line}: {lines:?}");
    }
    let mails = app.mails().await;
    let told = mails.iter().any(|mail| mail.text.contains("A passkey was added (Passkey)"));
    assert!(told, "{mails:?}");
}

#[tokio::test]
async fn a_passkey_asks_for_nothing_at_a_login_with_the_password() {
    let app = server().await;
    let (_, mut device) = with_passkey(&app, "ada").await;
    assert_eq!(app.login("ada", PASSWORD).await.status, 200);
    assert_eq!(log_in(&app, &mut device).await.status, 200);
}

#[tokio::test]
async fn each_algorithm_logs_in() {
    let app = server().await;
    let tokens = app.enter("ada").await;
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256] {
        let mut device = Device { algorithm, ..Device::new() };
        add(&app, &tokens, &mut device, "passkey").await;
        let answer = log_in(&app, &mut device).await;
        assert_eq!(answer.status, 200, "{algorithm:?}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_passkey_can_be_copied_later_and_its_sessions_say_so() {
    let app = server().await;
    let (tokens, mut device) = with_passkey(&app, "ada").await;
    (device.backup_eligible, device.backed_up) = (true, true);
    assert_eq!(log_in(&app, &mut device).await.status, 200);
    let key = list(&app, &tokens).await["passkeys"][0].clone();
    assert_eq!((&key["backupEligible"], &key["backedUp"]), (&json!(true), &json!(true)));
    let changes = |lines: Vec<String>| {
        lines.iter().filter(|line| line.starts_with("passkey_syncable done")).count()
    };
    assert_eq!(changes(app.audit().await), 1);
    let newest = "select methods from sessions order by created_at desc, id desc limit 1";
    assert_eq!(app.database().texts(newest), ["swk uv"]);
    (device.backup_eligible, device.backed_up) = (true, false);
    assert_eq!(log_in(&app, &mut device).await.status, 200);
    assert_eq!(list(&app, &tokens).await["passkeys"][0]["backedUp"], false);
    assert_eq!(changes(app.audit().await), 1, "only the change is recorded");
}

#[tokio::test]
async fn a_counter_that_goes_back_lets_in_and_is_told_once() {
    let app = server().await;
    let tokens = app.enter("ada").await;
    let mut device = Device { counter: Some(5), ..Device::new() };
    add(&app, &tokens, &mut device, "passkey").await;
    device.counter = Some(6);
    assert_eq!(log_in(&app, &mut device).await.status, 200);
    assert_eq!(list(&app, &tokens).await["passkeys"][0]["suspectSince"], json!(null));
    app.mails().await;
    for counter in [3, 3, 4] {
        device.counter = Some(counter);
        assert_eq!(log_in(&app, &mut device).await.status, 200, "{counter}");
    }
    assert!(list(&app, &tokens).await["passkeys"][0]["suspectSince"].is_string());
    let mails = app.mails().await;
    let told =
        mails.iter().filter(|mail| unwrapped(mail).contains("there is a copy of it")).count();
    assert_eq!(told, 1, "{mails:?}");
    let lines = app.audit().await;
    let suspect = lines.iter().filter(|line| line.starts_with("passkey_suspect")).count();
    assert_eq!(suspect, 2, "3 after 6, 3 after 3");
}

#[tokio::test]
async fn an_authenticator_that_does_not_count_is_not_suspect() {
    let app = server().await;
    let (tokens, mut device) = with_passkey(&app, "ada").await;
    for _ in 0..3 {
        assert_eq!(log_in(&app, &mut device).await.status, 200);
    }
    assert_eq!(list(&app, &tokens).await["passkeys"][0]["suspectSince"], json!(null));
}

#[tokio::test]
async fn the_options_of_a_login_are_the_same_for_every_name_and_name_no_key() {
    let app = server().await;
    let (_, mut device) = with_passkey(&app, "ada").await;
    app.enter("bob").await;
    let ask = async |body: serde_json::Value| {
        let mut asked = options(&app.post("/v1/auth/passkey/options", &body).send().await);
        let answer = device.get(&asked);
        asked["challenge"].take();
        (asked, answer)
    };
    let mut ask = ask;
    let (unnamed, _) = ask(json!({})).await;
    assert_eq!(unnamed["allowCredentials"], json!([]));
    for name in ["ada", "bob", "nobody"] {
        let email = json!({ "email": format!("{name}@example.com") });
        for body in [email, json!({ "username": name })] {
            assert_eq!(ask(body.clone()).await.0, unnamed, "{body}");
        }
    }
    let (_, answer) = ask(json!({ "email": "ada@example.com" })).await;
    let answer = log_in_with(&app, &answer.unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn asking_for_options_writes_nothing() {
    let app = server().await;
    app.enter("ada").await;
    let before = app.database().texts("select count(*) || '' from attempts");
    let audit = app.audit().await.len();
    for _ in 0..20 {
        login_options(&app).await;
    }
    assert_eq!(app.database().texts("select count(*) || '' from attempts"), before);
    assert_eq!(app.audit().await.len(), audit);
}

#[tokio::test]
async fn one_answer_gives_one_session_however_often_it_is_sent() {
    let app = server().await;
    let (_, mut device) = with_passkey(&app, "ada").await;
    let credential = device.get(&login_options(&app).await).unwrap();
    let answers = join_all((0..20).map(|_| log_in_with(&app, &credential))).await;
    let (let_in, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(let_in.len(), 1);
    assert!(refused.iter().all(|answer| outcome(answer) == (401, "INVALID_PASSKEY")));
    let app = app.restart("standard", &crate::support::UNLIMITED).await;
    assert_eq!(outcome(&log_in_with(&app, &credential).await), (401, "INVALID_PASSKEY"));
}

#[tokio::test]
async fn a_challenge_can_be_answered_for_ten_minutes() {
    let app = server().await;
    let (_, mut device) = with_passkey(&app, "ada").await;
    let options = login_options(&app).await;
    app.turn_clock(Duration::from_secs(599));
    assert_eq!(log_in_with(&app, &device.get(&options).unwrap()).await.status, 200);
    let options = login_options(&app).await;
    app.turn_clock(Duration::from_mins(10));
    let late = log_in_with(&app, &device.get(&options).unwrap()).await;
    assert_eq!(outcome(&late), (401, "INVALID_PASSKEY"));
    assert!(late.text.contains("start again"), "{}", late.text);
}

#[tokio::test]
async fn a_key_makes_the_session_fresh_again() {
    let app = server().await;
    let (_, mut device) = with_passkey(&app, "ada").await;
    let tokens = log_in(&app, &mut device).await.tokens();
    app.turn_clock(Duration::from_mins(14));
    let refreshed = app.post("/v1/auth/refresh", &json!({ "refreshToken": tokens.refresh }));
    let access = refreshed.send().await.body["data"]["accessToken"].as_str().unwrap().to_owned();
    app.turn_clock(Duration::from_mins(2));
    let export = async || app.get("/v1/users/me/export").bearer(&access).send().await;
    assert_eq!(outcome(&export().await), (403, "REAUTHENTICATION_REQUIRED"));
    let asked = app
        .call(poem::http::Method::POST, "/v1/auth/reauthenticate/passkey/options")
        .bearer(&access);
    let options = options(&asked.send().await);
    let credential = device.get(&options).unwrap();
    assert_eq!(
        outcome(&log_in_with(&app, &credential).await),
        (401, "INVALID_PASSKEY"),
        "it is no login"
    );
    let renew = json!({ "credential": credential });
    let path = "/v1/auth/reauthenticate/passkey";
    app.post(path, &renew).bearer(&access).ok(200).await;
    let again = app.post(path, &renew).bearer(&access).send().await;
    assert_eq!(outcome(&again), (401, "INVALID_PASSKEY"));
    assert_eq!(export().await.status, 200);
}
