//! No response and no response time reveals whether an account exists. The long form of the timing
//! test is `LONG_TESTS=1 cargo test enumeration`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::is_long;
use crate::support::{Answer, App, PASSWORD, UNLIMITED, UNTHROTTLED, app_with, registration};

/// Logging in with a mailed code.
const CODES: [(&str, &str); 2] = [("login.passwordless", "true"), ("limits.code", "off")];

/// The response as the client sees it, without the time and the request id.
fn seen(answer: &Answer) -> (u16, Vec<(String, String)>, Value) {
    let mut body = answer.body.clone();
    for name in ["timestamp", "requestId"] {
        body.as_object_mut().unwrap().remove(name);
    }
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .filter(|(name, _)| name != "x-request-id")
        .collect();
    headers.sort();
    (answer.status.as_u16(), headers, body)
}

async fn login(app: &App, body: &Value, from: &str) -> Answer {
    app.post("/v1/auth/login", body).from(from).send().await
}

#[tokio::test]
async fn a_login_looks_the_same_for_every_name_that_does_not_open() {
    for (profile, set) in [("standard", &[][..]), ("perfect21", &[("tokens.algorithm", "ES256")])] {
        let app = app_with(profile, set).await;
        app.join("ada").await;
        let mut answers = Vec::new();
        for (n, body) in [
            json!({ "email": "ada@example.com", "password": "Wrong-password-1" }),
            json!({ "email": "ADA@Example.com", "password": "Wrong-password-1" }),
            json!({ "username": "ada", "password": "Wrong-password-1" }),
            json!({ "email": "nobody@example.com", "password": "Wrong-password-1" }),
            json!({ "username": "nobody", "password": "Wrong-password-1" }),
            json!({ "email": "no address at all", "password": PASSWORD }),
            json!({ "username": "@@ä\u{200b}", "password": PASSWORD }),
            json!({ "email": "nobody@example.com", "username": "ada", "password": PASSWORD }),
            json!({ "email": "ada@example.com", "password": "x" }),
            json!({ "email": "nobody@example.com", "password": "x" }),
        ]
        .iter()
        .enumerate()
        {
            let answer = login(&app, body, &format!("198.51.100.{n}")).await;
            assert_eq!(
                (answer.status.as_u16(), answer.code()),
                (401, "INVALID_CREDENTIALS"),
                "{profile}: {body}"
            );
            answers.push(seen(&answer));
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{profile}: {answers:#?}");
    }
}

#[tokio::test]
async fn the_state_of_an_account_is_revealed_after_the_right_password_alone() {
    let app = app_with("standard", &[&UNLIMITED[..], &UNTHROTTLED].concat()).await;
    app.join("gone").await;
    app.join("barred").await;
    app.register("unproved").await;
    for (column, name) in [("suspended_at", "barred"), ("deleted_at", "gone")] {
        let state =
            format!("update accounts set {column} = 1 where email_key = '{name}@example.com'");
        assert_eq!(app.database().tamper(&state), 1);
    }
    let unknown = seen(&app.login("nobody", "wrong password").await);
    for (name, code) in [
        ("gone", "ACCOUNT_DELETED"),
        ("barred", "ACCOUNT_SUSPENDED"),
        ("unproved", "INVALID_CREDENTIALS"),
    ] {
        assert_eq!(seen(&app.login(name, "wrong password").await), unknown, "{name}");
        assert_eq!(app.login(name, PASSWORD).await.code(), code, "{name}");
    }
    assert_eq!(
        seen(&app.login("unproved", PASSWORD).await),
        unknown,
        "words that name both causes"
    );
}

#[tokio::test]
async fn a_sign_up_and_a_resend_look_the_same_for_a_taken_address() {
    let app = app_with("standard", &[&UNLIMITED[..], &UNTHROTTLED].concat()).await;
    app.join("ada").await;
    app.register("unproved").await;
    let fresh = |n: u32, email: &str| {
        let mut body = registration(&format!("user{n}"));
        body["email"] = json!(email);
        body
    };
    let shape = |answer: &Answer, n: u32| {
        let (status, headers, mut body) = seen(answer);
        let data = body["data"].as_object_mut().unwrap();
        let id = data.remove("userId").unwrap();
        assert_eq!(id.as_str().unwrap().len(), 36);
        assert_eq!(data.remove("username").unwrap(), format!("user{n}"));
        let email = data.remove("email").unwrap().as_str().unwrap().to_owned();
        (
            status,
            headers
                .iter()
                .filter(|(name, _)| name != "content-length")
                .cloned()
                .collect::<Vec<_>>(),
            body,
            email.contains('@'),
        )
    };
    let free = shape(&app.post("/v1/auth/register", &fresh(1, "free@example.com")).send().await, 1);
    let taken = shape(&app.post("/v1/auth/register", &fresh(2, "Ada@example.com")).send().await, 2);
    let waiting =
        shape(&app.post("/v1/auth/register", &fresh(3, "unproved@example.com")).send().await, 3);
    assert_eq!((&taken, &waiting), (&free, &free));

    let ask = |email: &'static str| {
        app.post("/v1/auth/resend-verification", &json!({ "email": email })).send()
    };
    let answers = [
        ask("ada@example.com").await,
        ask("unproved@example.com").await,
        ask("nobody@example.com").await,
    ];
    assert!(answers.windows(2).all(|pair| seen(&pair[0]) == seen(&pair[1])));
}

/// How well two groups of times can be distinguished: 0.5 is not at all, 1 is always (the area
/// under the curve).
fn distinguishable(one: &[Duration], two: &[Duration]) -> f64 {
    let mut above = 0.0;
    for a in one {
        for b in two {
            above += match a.cmp(b) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "some thousands")]
    let pairs = (one.len() * two.len()) as f64;
    let area: f64 = above / pairs;
    area.max(1.0 - area)
}

#[allow(
    clippy::disallowed_methods,
    reason = "what a stranger with a stopwatch sees is the question"
)]
fn stopwatch() -> Instant {
    Instant::now()
}

/// Times two bodies alternately, after some warm-up calls.
async fn timed(app: &App, path: &str, count: usize, bodies: [&dyn Fn(usize) -> Value; 2]) -> f64 {
    let mut times = [Vec::new(), Vec::new()];
    for n in 0..count + 10 {
        // The order of the two must not matter.
        for which in if n % 2 == 0 { [0, 1] } else { [1, 0] } {
            let call = app.post(path, &bodies[which](n));
            let began = stopwatch();
            let answer = call.send().await;
            let took = began.elapsed();
            assert!(answer.status.as_u16() < 429, "{}", answer.text);
            if n >= 10 {
                times[which].push(took);
            }
        }
    }
    distinguishable(&times[0], &times[1])
}

/// Repeats the measurement until two groups cannot be distinguished. On a busy machine they may
/// differ by chance, but not repeatedly.
async fn assert_alike(app: &App, path: &str, bodies: [&dyn Fn(usize) -> Value; 2]) {
    let (count, most) = if is_long() { (1000, 0.55) } else { (200, 0.65) };
    let mut areas = Vec::new();
    for _ in 0..3 {
        let area = timed(app, path, count, bodies).await;
        if area <= most {
            return;
        }
        areas.push(area);
    }
    panic!("{path}: {areas:?}, expected at most {most}");
}

#[tokio::test]
async fn a_login_takes_as_long_for_an_unknown_name_as_for_a_wrong_password() {
    let cost: &[(&str, &str)] =
        if is_long() { &[("hashing.memory", "1024")] } else { &[("hashing.memory", "256")] };
    let app = app_with("standard", &[&UNLIMITED[..], &UNTHROTTLED, cost].concat()).await;
    app.join("ada").await;
    let known = |_| json!({ "email": "ada@example.com", "password": "wrong password" });
    let unknown =
        |n: usize| json!({ "email": format!("n{n:02}@example.com"), "password": "wrong password" });
    assert_alike(&app, "/v1/auth/login", [&known, &unknown]).await;
}

#[tokio::test]
async fn a_resend_takes_as_long_for_an_unknown_address_as_for_one_that_waits() {
    let app = app_with("standard", &[&UNLIMITED[..], &UNTHROTTLED].concat()).await;
    app.register("ada").await;
    let known = |_| json!({ "email": "ada@example.com" });
    let unknown = |n: usize| json!({ "email": format!("n{n:02}@example.com") });
    assert_alike(&app, "/v1/auth/resend-verification", [&known, &unknown]).await;
}

#[tokio::test]
async fn a_wrong_code_costs_the_same_for_an_account_and_an_unknown_name() {
    let app = app_with("standard", &[&UNLIMITED[..], &CODES].concat()).await;
    app.join("ada").await;
    let mut answers = Vec::new();
    for name in ["ada", "nobody"] {
        let email = format!("{name}@example.com");
        app.post("/v1/auth/otp/request", &json!({ "email": email })).send().await;
        app.mails().await;
        let before = app.draws();
        let answer = app
            .post("/v1/auth/otp/verify", &json!({ "email": email, "code": "000000" }))
            .send()
            .await;
        answers.push((seen(&answer), app.draws() - before));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn a_wrong_code_takes_as_long_for_an_unknown_address_as_for_an_account() {
    let app = app_with("standard", &[&UNLIMITED[..], &CODES].concat()).await;
    // Attempts at a code are counted per account, so each attempt needs another account.
    for n in 0..if is_long() { 1010 } else { 210 } {
        crate::admin::make(&app, &format!("ada{n}"), &[]).await;
    }
    let show = |name: &str, n: usize| json!({ "email": format!("{name}{n}@example.com"), "code": "000000" });
    assert_alike(&app, "/v1/auth/otp/verify", [&|n| show("ada", n), &|n| show("eve", n)]).await;
}
