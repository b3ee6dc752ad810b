//! Alerts to the operator: a mail and a log line, once per episode.

use std::time::Duration;

use authd::mail::Mail;
use serde_json::json;

use crate::process::{CHEAP, Folder, credentials};
use crate::support::{App, UNLIMITED, UNTHROTTLED, app_with};

const OPERATOR: &str = "ops@example.com";
const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

async fn server() -> App {
    app_with("standard", &settings()).await
}

fn settings() -> Vec<(&'static str, &'static str)> {
    [&UNLIMITED[..], &UNTHROTTLED, &[("alerts.mail", OPERATOR)]].concat()
}

/// Twenty failed logins from one client IP.
async fn burst(app: &App, from: &str) {
    for number in 0..20 {
        let body = json!({ "email": format!("nobody{number}@example.com"), "password": "wrong" });
        app.post("/v1/auth/login", &body).from(from).send().await;
    }
}

/// A session whose refresh token was stolen and used by both parties.
async fn theft(app: &App, tokens: &str) {
    let refresh = async |token: &str| {
        app.post("/v1/auth/refresh", &json!({ "refreshToken": token })).send().await
    };
    let next = refresh(tokens).await.tokens().refresh;
    refresh(&next).await.ok(200);
    app.turn_clock(MINUTE);
    assert_eq!(refresh(tokens).await.code(), "TOKEN_REVOKED");
}

/// The letters to the operator since the last call.
async fn alerts(app: &App) -> Vec<Mail> {
    app.mails().await.into_iter().filter(|mail| mail.to == OPERATOR).collect()
}

#[tokio::test]
async fn a_burst_is_one_letter_however_many_clients_and_processes_it_comes_from() {
    let mut app = server().await;
    for number in 1..=3 {
        burst(&app, &format!("192.0.2.{number}")).await;
        app = app.restart("standard", &settings()).await;
    }
    let mails: Vec<Mail> = app.mails().await;
    let [letter] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!(letter.to, OPERATOR);
    for word in
        ["Many logins from one client IP failed", "192.0.2.1", "authd audit --event failure_burst"]
    {
        assert!(
            letter.text.contains(word) && letter.html.contains(word),
            "{word}: {}",
            letter.text
        );
    }
    let recorded =
        app.audit().await.iter().filter(|line| line.starts_with("failure_burst")).count();
    assert_eq!(recorded, 3, "each is in the audit log");
}

#[tokio::test]
async fn a_quiet_hour_ends_an_episode_and_one_that_goes_on_is_reported_daily() {
    let app = server().await;
    let mut letters = 0;
    for _ in 0..50 {
        burst(&app, "192.0.2.1").await;
        letters += alerts(&app).await.len();
        app.turn_clock(Duration::from_mins(59));
    }
    assert_eq!(letters, 2, "at the start, and a day later");
    burst(&app, "192.0.2.1").await;
    assert_eq!(alerts(&app).await.len(), 1, "two days later");
    app.turn_clock(Duration::from_hours(1));
    burst(&app, "192.0.2.1").await;
    assert_eq!(alerts(&app).await.len(), 1, "after a quiet hour");
}

/// Neither is a burst from one client IP: each of them sends one or two logins.
#[tokio::test]
async fn bursts_from_many_clients_at_one_account_and_at_many_are_reported() {
    let app = server().await;
    let fail = async |name: &str, number: u32| {
        let from = format!("198.51.{}.{}", number / 250, number % 250);
        let body = json!({ "email": format!("{name}@example.com"), "password": "wrong" });
        app.post("/v1/auth/login", &body).from(&from).send().await;
    };
    app.join("ada").await;
    for number in 0..49 {
        fail("ada", number).await;
    }
    assert_eq!(alerts(&app).await.len(), 0);
    fail("ada", 49).await;
    let [letter] = alerts(&app).await.try_into().unwrap();
    assert!(letter.text.contains("Many logins to one account failed"), "{}", letter.text);
    for number in 50..499 {
        fail(&format!("name{number}"), number).await;
    }
    assert_eq!(alerts(&app).await.len(), 0);
    fail("last", 499).await;
    let [letter] = alerts(&app).await.try_into().unwrap();
    assert!(letter.text.contains("Many logins to different accounts failed"), "{}", letter.text);
    let audit = app.audit().await;
    let bursts: Vec<_> = audit.iter().filter(|line| line.starts_with("failure_burst")).collect();
    assert_eq!(bursts, ["failure_burst done 50 at one account", "failure_burst done 500 in all"]);
}

#[tokio::test]
async fn a_theft_reaches_the_operator_beside_a_burst() {
    let app = server().await;
    let sessions = [app.enter("ada").await.refresh, app.enter("bob").await.refresh];
    burst(&app, "192.0.2.1").await;
    for tokens in &sessions {
        theft(&app, tokens).await;
    }
    let letters = alerts(&app).await;
    let expected = [
        "Many logins from one client IP failed",
        "A session was used by two parties and has been ended",
    ];
    assert_eq!(letters.len(), 2, "{letters:?}");
    for (letter, sentence) in letters.iter().zip(expected) {
        assert_eq!(letter.subject, "Security alert from authd");
        assert!(letter.text.contains(sentence), "{}", letter.text);
    }
}

#[tokio::test]
async fn without_an_address_nobody_is_mailed() {
    let app = app_with("standard", &UNLIMITED).await;
    burst(&app, "192.0.2.1").await;
    assert!(app.mails().await.is_empty());
}

/// The clock goes on a minute at a time, as the server looks once a minute.
async fn minutes(app: &App, count: u32) {
    for _ in 0..count {
        app.turn_clock(MINUTE);
        authd::identity::system::upkeep::each_minute(&app.core).await.unwrap();
    }
}

#[tokio::test]
async fn mail_that_waits_after_a_failure_is_reported_once_until_it_goes_on_for_a_day() {
    let set = [&settings()[..], &[("mail.smtp_url", "smtp://127.0.0.1:9")]].concat();
    let app = app_with("standard", &set).await;
    app.enter("ada").await;
    let letters =
        || app.database().number("select count(*) from outbox where recipient = 'ops@example.com'");
    let stuck = "update outbox set state = 'waiting', last_error = '451 later', \
                 sealed = x'00', finished_at = null where channel = 'mail'";
    minutes(&app, 20).await;
    assert_eq!(letters(), 0, "nothing failed");
    app.register("bob").await;
    app.mails().await;
    app.database().tamper(&format!("{stuck} and recipient = 'bob@example.com'"));
    minutes(&app, 14).await;
    assert_eq!(letters(), 0, "the next attempt may succeed");
    minutes(&app, 120).await;
    assert_eq!(letters(), 1, "once an episode");
    app.database().tamper("delete from outbox where recipient <> 'ops@example.com'");
    minutes(&app, 61).await;
    assert_eq!(letters(), 1);
}

#[tokio::test]
async fn a_certificate_near_its_end_is_reported_and_one_that_was_renewed_is_not() {
    let app = server().await;
    let look = async |days_left: u32| {
        let expires = app.core.env.wall() + DAY * days_left;
        app.core.metrics.note_certificate(expires - 90 * DAY, expires);
        authd::identity::system::upkeep::each_minute(&app.core).await.unwrap();
    };
    look(60).await;
    look(16).await;
    assert_eq!(alerts(&app).await.len(), 0);
    look(14).await;
    look(14).await;
    let [letter] = alerts(&app).await.try_into().unwrap();
    assert!(letter.text.contains("TLS certificate expires soon"), "{}", letter.text);
    assert!(letter.text.contains("authd doctor"), "{}", letter.text);
}

#[test]
fn an_alert_is_a_line_in_the_log_without_any_setting() {
    let folder = Folder::new();
    let server = folder.serve(&CHEAP);
    for number in 0..20 {
        let wrong = credentials(&format!("nobody{number}@example.com"), "a wrong passphrase");
        assert_eq!(server.post("/v1/auth/login", &wrong).unwrap().status, 401);
    }
    assert_eq!(server.end(), Some(0));
    let log = std::fs::read_to_string(folder.path("log")).unwrap();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("failure_burst")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains("127.0.0.1"), "{log}");
}
