//! Concurrent calls: exactly as many pass as the rule allows, one wins where only one may win, and
//! there is no internal error.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use authd::error::Kind;
use authd::identity::By;
use authd::identity::access::login_target::LoginTarget;
use authd::identity::admin::roles;
use authd::identity::login::guard;
use authd::identity::login::guard::{Attempt, Familiarity};
use authd::model::event::What;
use authd::model::{Event, Source};
use serde_json::{Value, json};

use crate::support::{
    Answer, App, PASSWORD, UNLIMITED_MAIL, app_with, registration, token_in, unlimited_but,
};

/// Sends this many calls at once, from tasks on several threads.
async fn at_once(app: &Arc<App>, path: &'static str, bodies: Vec<(Value, String)>) -> Vec<Answer> {
    let mut tasks = tokio::task::JoinSet::new();
    for (body, from) in bodies {
        let app = app.clone();
        tasks.spawn(async move { app.post(path, &body).from(&from).send().await });
    }
    tasks.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_withdrawn_permission_is_gone_though_another_role_changes_at_the_same_time() {
    let app = unlimited("standard", &[]).await;
    let by = By::command_line();
    for role in ["watcher", "bystander"] {
        roles::create(&app.core, &by, role, Vec::new()).await.unwrap();
    }
    let (_, token) = crate::admin::staff(&app, "ada", &["watcher"]).await;
    let stop = Arc::new(AtomicBool::new(false));
    let second = tokio::spawn({
        let (app, by, stop) = (app.clone(), by.clone(), stop.clone());
        async move {
            while !stop.load(Ordering::Relaxed) {
                for permissions in [vec!["reports.read".to_owned()], Vec::new()] {
                    roles::change(&app.core, &by, "bystander", permissions).await.unwrap();
                }
            }
        }
    });
    for round in 0..300 {
        let permission = vec!["admin.users.read".to_owned()];
        roles::grant(&app.core, &by, "watcher", permission.clone()).await.unwrap();
        let answer = crate::admin::get(&app, "/v1/admin/users", &token).await;
        assert_eq!(answer.status, 200, "round {round}: {}", answer.text);
        roles::withdraw(&app.core, &by, "watcher", permission).await.unwrap();
        let answer = crate::admin::get(&app, "/v1/admin/users", &token).await;
        assert_eq!(answer.status, 403, "round {round}: {}", answer.text);
    }
    stop.store(true, Ordering::Relaxed);
    second.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_administrators_who_saw_the_same_role_one_changes_it() {
    let app = unlimited("standard", &[]).await;
    let by = By::command_line();
    let mut seen = roles::create(&app.core, &by, "watcher", Vec::new()).await.unwrap();
    for round in 0..20 {
        let set = |word: &str| {
            let (app, by, seen) = (app.clone(), by.clone(), seen.clone());
            let permissions = vec![format!("{word}.{round}")];
            tokio::spawn(
                async move { roles::change_seen(&app.core, &by, &seen, permissions).await },
            )
        };
        let (a, b) = tokio::join!(set("reports"), set("orders"));
        let (changed, refused) = match (a.unwrap(), b.unwrap()) {
            (Ok(changed), Err(refused)) | (Err(refused), Ok(changed)) => (changed, refused),
            other => panic!("round {round}: {other:?}"),
        };
        assert_eq!(refused.kind(), Kind::PreconditionFailed);
        seen = changed;
    }
}

/// How often each status and code occurred.
fn by_answer(answers: &[Answer]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts
            .entry(format!("{} {}", answer.status.as_u16(), answer.code()).trim().to_owned())
            .or_default() += 1;
    }
    counts
}

fn counts<const N: usize>(expected: [(&str, usize); N]) -> BTreeMap<String, usize> {
    expected.into_iter().map(|(what, count)| (what.to_owned(), count)).collect()
}

async fn unlimited(profile: &str, more: &[(&str, &str)]) -> Arc<App> {
    let set = unlimited_but(&[&[("tokens.algorithm", "ES256")], more].concat());
    Arc::new(app_with(profile, &set).await)
}

fn login(name: &str, password: &str) -> Value {
    json!({ "email": format!("{name}@example.com"), "password": password })
}

const HERE: &str = "192.0.2.1";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_limit_lets_through_exactly_as_many_as_it_says() {
    for shape in ["window", "smooth"] {
        let set = ["resend", "sign_up"].map(|name| {
            [("count", "7"), ("window", "1h"), ("shape", shape)]
                .map(|(key, value)| (format!("limits.{name}.{key}"), value.to_owned()))
        });
        let set: Vec<_> =
            set.iter().flatten().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let app =
            unlimited("standard", &[&[("limits.mail_address", "off")], &set[..]].concat()).await;
        let resend = vec![(json!({ "email": "a@example.com" }), HERE.to_owned()); 40];
        let expected = counts([("200", 7), ("429 REGISTRATION_RATE_LIMIT_EXCEEDED", 33)]);
        assert_eq!(
            by_answer(&at_once(&app, "/v1/auth/resend-verification", resend).await),
            expected,
            "{shape}"
        );
        let sign_up =
            (0..40).map(|n| (registration(&format!("user{n}")), HERE.to_owned())).collect();
        let expected = counts([("201", 7), ("429 RATE_LIMIT_EXCEEDED", 33)]);
        assert_eq!(
            by_answer(&at_once(&app, "/v1/auth/register", sign_up).await),
            expected,
            "{shape}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_wrong_passwords_are_looked_at_and_no_eleventh() {
    let app = unlimited("standard", &[]).await;
    app.join("ada").await;
    for name in ["ada", "nobody"] {
        let attempts = vec![(login(name, "wrong password"), HERE.to_owned()); 40];
        let expected = counts([("401 INVALID_CREDENTIALS", 10), ("429 RATE_LIMIT_EXCEEDED", 30)]);
        assert_eq!(by_answer(&at_once(&app, "/v1/auth/login", attempts).await), expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn right_passwords_at_once_never_pay_for_each_other() {
    let closing = [("throttle.account_failures", "3")];
    for (profile, set) in [("standard", &[][..]), ("standard", &closing), ("perfect21", &[])] {
        let app = unlimited(profile, set).await;
        app.join("ada").await;
        for from in [|_| HERE.to_owned(), |n| format!("203.0.113.{n}")] {
            for failures in [0, 2] {
                for n in 0..failures {
                    let wrong = app.post("/v1/auth/login", &login("ada", "Wrong-password-1"));
                    let wrong = wrong.from(&format!("198.51.100.{n}")).send().await;
                    assert_eq!(wrong.status, 401, "{}", wrong.text);
                }
                let logins = (0..50).map(|n| (login("ada", PASSWORD), from(n))).collect();
                let answers = at_once(&app, "/v1/auth/login", logins).await;
                assert_eq!(
                    by_answer(&answers),
                    counts([("200", 50)]),
                    "{profile} {set:?} {failures}"
                );
            }
        }
        let limits = app.audit().await.iter().filter(|line| line.starts_with("limit_hit")).count();
        assert_eq!(limits, 0, "{profile}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn right_passwords_among_wrong_ones_pass_while_the_failures_are_below_the_limit() {
    let app = unlimited("perfect21", &[]).await;
    app.join("ada").await;
    for _ in 0..5 {
        let wrong = (0..4).map(|n| (login("ada", "Wrong-password-1"), format!("203.0.113.{n}")));
        let right = (0..12).map(|n| (login("ada", PASSWORD), format!("198.51.100.{n}")));
        let answers = at_once(&app, "/v1/auth/login", wrong.chain(right).collect()).await;
        let expected = counts([("200", 12), ("401 INVALID_CREDENTIALS", 4)]);
        assert_eq!(by_answer(&answers), expected);
        assert_eq!(app.login("ada", PASSWORD).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_failures_lock_a_name_however_many_come_at_once() {
    let app = unlimited("perfect21", &[]).await;
    app.join("ada").await;
    for name in ["ada", "nobody"] {
        let attempts =
            (0..40).map(|n| (login(name, "Wrong-password-1"), format!("203.0.113.{n}"))).collect();
        let expected = counts([("401 INVALID_CREDENTIALS", 5), ("423 ACCOUNT_LOCKED", 35)]);
        assert_eq!(by_answer(&at_once(&app, "/v1/auth/login", attempts).await), expected, "{name}");
    }
    assert_eq!(app.audit().await.iter().filter(|line| line.starts_with("lockout ")).count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_sign_ups_makes_the_account() {
    let same = |field: &'static str, value: &'static str| {
        (0..20).map(move |n| {
            let mut body = registration(&format!("user{n}"));
            body[field] = json!(value);
            (body, format!("203.0.113.{n}"))
        })
    };
    let app = unlimited("perfect21", &[]).await;
    let address =
        at_once(&app, "/v1/auth/register", same("email", "one@example.com").collect()).await;
    assert_eq!(by_answer(&address), counts([("201", 1), ("409 EMAIL_EXISTS", 19)]));
    let name = at_once(&app, "/v1/auth/register", same("username", "the_one").collect()).await;
    assert_eq!(by_answer(&name), counts([("201", 1), ("409 USERNAME_EXISTS", 19)]));

    let app = unlimited("standard", &UNLIMITED_MAIL).await;
    let address =
        at_once(&app, "/v1/auth/register", same("email", "one@example.com").collect()).await;
    assert_eq!(by_answer(&address), counts([("201", 20)]), "the same answer");
    let done = app.audit().await.iter().filter(|line| *line == "sign_up done").count();
    assert_eq!(done, 1);
    let name = at_once(&app, "/v1/auth/register", same("username", "the_one").collect()).await;
    assert_eq!(by_answer(&name), counts([("201", 1), ("409 USERNAME_EXISTS", 19)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_logins_leave_as_many_sessions_as_the_cap_allows() {
    let app = unlimited("standard", &[("sessions.max", "5")]).await;
    app.join("ada").await;
    let logins = (0..30).map(|n| (login("ada", PASSWORD), format!("203.0.113.{n}"))).collect();
    let answers = at_once(&app, "/v1/auth/login", logins).await;
    let mut alive = 0;
    for answer in &answers {
        let access = answer.tokens().access;
        alive += usize::from(app.get("/v1/users/me").bearer(&access).send().await.status == 200);
    }
    assert_eq!((answers.len(), alive), (30, 5));
    assert_eq!(
        app.audit().await.iter().filter(|line| *line == "session_ended done cap").count(),
        25
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_fifty_uses_of_a_link_proves_the_address() {
    let app = unlimited("standard", &[]).await;
    app.register("ada").await;
    let token = json!({ "token": token_in(&app.mails().await, "verify-email?token=") });
    let answers = at_once(&app, "/v1/auth/verify-email", vec![(token, HERE.to_owned()); 50]).await;
    let proved = answers
        .iter()
        .filter(|answer| answer.body["message"] == "Email verified successfully")
        .count();
    let already = answers
        .iter()
        .filter(|answer| answer.body["message"] == "Email is already verified")
        .count();
    assert_eq!((proved, already), (1, 49));
    assert_eq!(
        app.audit().await.iter().filter(|line| line.starts_with("email_verified")).count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_logout_among_refreshes_ends_the_session_for_all_of_them() {
    let app = unlimited("standard", &[("limits.refresh", "off")]).await;
    app.join("ada").await;
    for _ in 0..10 {
        let tokens = app.login("ada", PASSWORD).await.tokens();
        let body = json!({ "refreshToken": tokens.refresh });
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..12 {
            let (app, body, path) =
                (app.clone(), body.clone(), if n == 6 { "logout" } else { "refresh" });
            tasks.spawn(async move { app.post(&format!("/v1/auth/{path}"), &body).send().await });
        }
        for answer in tasks.join_all().await {
            assert!([200, 401].contains(&answer.status.as_u16()), "{}", answer.text);
            if answer.body["data"].is_object() {
                let code = app
                    .get("/v1/users/me")
                    .bearer(&answer.tokens().access)
                    .send()
                    .await
                    .code()
                    .to_owned();
                assert_eq!(code, "TOKEN_REVOKED");
                let next = json!({ "refreshToken": answer.tokens().refresh });
                assert_eq!(
                    app.post("/v1/auth/refresh", &next).send().await.code(),
                    "TOKEN_REVOKED"
                );
            }
        }
    }
    assert_eq!(
        app.audit().await.iter().filter(|line| *line == "session_ended done logout").count(),
        10
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_of_logins_is_refused_with_a_retry_time_while_tokens_are_checked() {
    let set = [
        ("hashing.queue", "4"),
        ("hashing.threads", "1"),
        ("hashing.memory", "1024"),
        ("throttle.enabled", "false"),
    ];
    let app = unlimited("standard", &set).await;
    app.join("ada").await;
    // Of another account: more logins than an account may have sessions end its oldest one.
    let access = app.enter("bob").await.access;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..120 {
        let app = app.clone();
        tasks.spawn(async move {
            app.post("/v1/auth/login", &login("ada", PASSWORD))
                .from(&format!("10.0.0.{n}"))
                .send()
                .await
        });
    }
    for _ in 0..20 {
        assert_eq!(app.get("/v1/users/me").bearer(&access).send().await.status, 200);
        assert_eq!(app.get("/readyz").send().await.status, 200);
    }
    let answers = tasks.join_all().await;
    let (in_time, too_many): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 200);
    assert!(!in_time.is_empty() && !too_many.is_empty(), "{:?}", by_answer(&answers));
    for answer in too_many {
        assert_eq!((answer.status.as_u16(), answer.code()), (503, "SERVICE_UNAVAILABLE"));
        assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
    }
    assert_eq!(
        app.login("ada", PASSWORD).await.status,
        200,
        "nothing was counted against the owner"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_attempt_refused_as_busy_locks_no_account() {
    let set = [("hashing.queue", "1"), ("hashing.threads", "1"), ("hashing.memory", "4096")];
    let app = unlimited("perfect21", &set).await;
    app.join("ada").await;
    for name in ["ada", "nobody"] {
        let attempts =
            (0..20).map(|n| (login(name, "Wrong-password-1"), format!("203.0.113.{n}"))).collect();
        let answers = at_once(&app, "/v1/auth/login", attempts).await;
        let looked_at = answers.iter().filter(|answer| answer.status == 401).count();
        let no_room = answers.iter().filter(|answer| answer.status == 503).count();
        let locked = answers.len() - looked_at - no_room;
        let is_locked_by_failures = looked_at == 5;
        assert!(no_room > 0 && looked_at <= 5, "{:?}", by_answer(&answers));
        assert!(locked == 0 || is_locked_by_failures, "{:?}", by_answer(&answers));
        for left in (looked_at..5).rev() {
            let wrong = app.login(name, "Wrong-password-1").await;
            assert_eq!(wrong.code(), "INVALID_CREDENTIALS", "{name}: {left} left");
        }
        assert_eq!(app.login(name, PASSWORD).await.code(), "ACCOUNT_LOCKED", "{name}");
    }
}

/// Begins an attempt at this name, which stays in flight.
async fn in_flight(app: &App, name: &str) -> Attempt {
    let target = LoginTarget::unknown(&format!("{name}@example.com"));
    let failure = Event::refused(What::Login);
    let source = Source::command_line();
    guard::begin(&app.core, &target, Familiarity::Unknown, failure, &source).await.unwrap()
}

#[tokio::test]
async fn an_attempt_waits_for_those_in_flight_and_is_refused_by_failures_alone() {
    let app = unlimited("perfect21", &[]).await;
    app.join("ada").await;
    for (is_right, expected) in [(true, 200), (false, 423)] {
        let mut others = Vec::new();
        for _ in 0..5 {
            others.push(in_flight(&app, "ada").await);
        }
        let mut login = pin!(app.login("ada", PASSWORD));
        for _ in 0..20 {
            let polled = poll_fn(|context| Poll::Ready(login.as_mut().poll(context).is_ready()));
            assert!(!polled.await, "five attempts are not decided yet");
            tokio::task::yield_now().await;
            app.core.store.write(|_| Ok(())).await.unwrap();
        }
        if is_right {
            let last = others.pop().unwrap();
            app.core.store.write(move |db| last.forgive(db)).await.unwrap();
        }
        drop(others);
        let answer = login.await;
        assert_eq!(answer.status, expected, "{}", answer.text);
    }
}
