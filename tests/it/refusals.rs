//! Rate limit refusals in the audit log: one record per caller, account name and minute, with a
//! count.

use std::time::Duration;

use authd::identity::account::quota;
use authd::identity::account::quota::TrustedService;
use authd::identity::audit::refusals::Until;
use authd::identity::audit::{log, refusals};
use authd::model::{Email, Source};
use authd::store::tables::audit::AuditRow;
use serde_json::{Value, json};

use crate::admin::{get, staff};
use crate::support::{Answer, App, PASSWORD, START, app, app_with};

const MINUTE: Duration = Duration::from_mins(1);
const WRONG: &str = "a wrong passphrase";

async fn records(app: &App) -> Vec<AuditRow> {
    let (all, oldest) = (log::AuditFilter::default(), log::From::After(String::new()));
    log::read(&app.core, &all, &oldest, 10_000).await.unwrap()
}

/// The recorded refusals, once the minute is over.
async fn hits(app: &App) -> Vec<AuditRow> {
    app.turn_clock(MINUTE);
    refusals::record(&app.core.refusals, &app.core.store, Until::LastMinute).await.unwrap();
    records(app).await.into_iter().filter(|record| record.event == "limit_hit").collect()
}

/// Limit, account and count.
fn recorded(hits: &[AuditRow]) -> Vec<(&str, Option<&str>, i64)> {
    hits.iter()
        .map(|hit| (hit.detail.as_deref().unwrap(), hit.account_id.as_deref(), hit.count))
        .collect()
}

async fn log_in(app: &App, name: &str, from: &str) -> u16 {
    let body = json!({ "email": format!("{name}@example.com"), "password": WRONG });
    app.post("/v1/auth/login", &body).from(from).send().await.status.as_u16()
}

async fn account(app: &App, access: &str) -> String {
    let me = app.get("/v1/users/me").bearer(access).send().await;
    me.body["data"]["id"].as_str().unwrap().to_owned()
}

async fn own(app: &App, access: &str) -> Vec<Value> {
    let answer = app.get("/v1/users/me/audit?limit=100").bearer(access).send().await;
    let records = answer.body["data"]["records"].as_array().unwrap().clone();
    records.into_iter().filter(|record| record["event"] == "limit_hit").collect()
}

#[tokio::test]
async fn refused_logins_of_a_minute_are_one_record_whether_or_not_the_account_exists() {
    let app = app_with("standard", &[("limits.sign_in", "off")]).await;
    let access = app.enter("ada").await.access;
    let id = account(&app, &access).await;
    app.turn_clock(Duration::from_secs(3));
    for name in ["ada", "nobody"] {
        for _ in 0..10 {
            assert_eq!(log_in(&app, name, "198.51.100.7").await, 401);
        }
    }
    let before = records(&app).await.len();
    for name in ["ada", "nobody"] {
        for _ in 0..4 {
            assert_eq!(log_in(&app, name, "198.51.100.7").await, 429);
        }
    }
    assert_eq!(records(&app).await.len(), before, "a refused attempt is no write");

    let first = hits(&app).await;
    assert_eq!(recorded(&first), [("throttle", Some(id.as_str()), 4), ("throttle", None, 4)]);
    for hit in &first {
        assert_eq!(
            (hit.outcome.as_str(), hit.client_ip.as_deref()),
            ("refused", Some("198.51.100.7"))
        );
        assert_eq!((hit.at.millis(), hit.actor.as_deref()), (START + 3000, None));
        assert!(hit.request_id.is_some());
    }
    assert_eq!(
        log_in(&app, "ada", "198.51.100.7").await,
        401,
        "the wait is over, and the next one begins"
    );
    for _ in 0..2 {
        assert_eq!(log_in(&app, "ada", "198.51.100.7").await, 429);
    }
    let second = hits(&app).await;
    assert_eq!(
        recorded(&second)[2..],
        [("throttle", Some(id.as_str()), 2)],
        "another minute, another record"
    );
    assert_eq!(hits(&app).await.len(), 3, "nothing is recorded twice");
    let shown = own(&app, &access).await;
    assert_eq!(
        shown.iter().map(|record| record["count"].as_i64().unwrap()).collect::<Vec<_>>(),
        [2, 4]
    );
}

#[tokio::test]
async fn a_lockout_and_a_call_limit_are_recorded_separately() {
    let app = app_with("perfect21", &[]).await;
    let access = app.enter("johndoe").await.access;
    let id = account(&app, &access).await;
    for name in ["johndoe", "nobody"] {
        let from = format!("198.51.100.{}", name.len());
        for _ in 0..5 {
            assert_eq!(log_in(&app, name, &from).await, 401);
        }
        for _ in 0..3 {
            assert_eq!(log_in(&app, name, &from).await, 423);
        }
        assert_eq!(log_in(&app, "another", &from).await, 429);
    }
    let found = hits(&app).await;
    let mut found = recorded(&found);
    found.sort_unstable();
    let id = Some(id.as_str());
    assert_eq!(
        found,
        [("lockout", None, 3), ("lockout", id, 3), ("sign_in", None, 1), ("sign_in", None, 1)]
    );
}

#[tokio::test]
async fn a_password_tried_by_who_is_logged_in_names_them() {
    let app = app().await;
    let access = app.enter("ada").await.access;
    let id = account(&app, &access).await;
    let change = json!({ "currentPassword": WRONG, "newPassword": "another long passphrase" });
    let mut answers = Vec::new();
    for _ in 0..13 {
        answers.push(
            app.put("/v1/auth/change-password", &change)
                .bearer(&access)
                .send()
                .await
                .status
                .as_u16(),
        );
    }
    assert_eq!(answers[9..], [400, 429, 429, 429]);
    let found = hits(&app).await;
    assert_eq!(recorded(&found), [("throttle", Some(id.as_str()), 3)]);
    assert_eq!(found[0].actor, Some(id));
}

#[tokio::test]
async fn refused_codes_are_one_record_and_wrong_ones_one_each() {
    let app = app_with("standard", &[("login.passwordless", "true"), ("limits.code", "off")]).await;
    let access = app.enter("ada").await.access;
    let id = account(&app, &access).await;
    for name in ["ada", "nobody"] {
        for guess in 0..8 {
            let body = json!({ "email": format!("{name}@example.com"), "code": "000000" });
            let status = app.post("/v1/auth/otp/verify", &body).send().await.status;
            assert_eq!(status, if guess < 5 { 400 } else { 429 }, "{name} {guess}");
        }
    }
    let found = hits(&app).await;
    assert_eq!(recorded(&found), [("code_tries", Some(id.as_str()), 3), ("code_tries", None, 3)]);
    let wrong =
        app.audit().await.into_iter().filter(|line| line.starts_with("code_shown refused")).count();
    assert_eq!(wrong, 10);
}

async fn verify(app: &App, token: &str) -> Answer {
    app.post("/v1/auth/mfa/verify", &json!({ "code": "000000" })).bearer(token).send().await
}

#[tokio::test]
async fn refused_second_factors_are_one_record() {
    let app = app_with("standard", &[("limits.factor", "off")]).await;
    let access = app.enter("ada").await.access;
    let id = account(&app, &access).await;
    let setup = json!({ "type": "totp", "deviceName": "Phone" });
    assert_eq!(app.post("/v1/auth/mfa/setup", &setup).bearer(&access).send().await.status, 200);
    for guess in 0..13 {
        assert_eq!(verify(&app, &access).await.status, if guess < 10 { 400 } else { 429 });
    }
    let found = hits(&app).await;
    assert_eq!(recorded(&found), [("factor_tries", Some(id.as_str()), 3)]);
    assert_eq!(found[0].actor, Some(id));
    let wrong = app
        .audit()
        .await
        .into_iter()
        .filter(|line| line.starts_with("factor_added refused"))
        .count();
    assert_eq!(wrong, 10);
}

#[tokio::test]
async fn a_delayed_login_without_attempts_left_and_unsent_codes_are_recorded() {
    let set = [("login.otp", "email"), ("limits.factor", "off"), ("limits.factor_account", "off")];
    let app = app_with("standard", &set).await;
    app.join("ada").await;
    let waiting = app.login("ada", PASSWORD).await;
    let token = waiting.body["error"]["mfaToken"].as_str().unwrap();
    let send = || app.post("/v1/auth/mfa/challenge", &json!({})).bearer(token).send();
    for sent in 0..6 {
        assert_eq!(send().await.status, if sent < 4 { 200 } else { 429 }, "five in ten minutes");
    }
    for guess in 0..8 {
        assert_eq!(verify(&app, token).await.status, if guess < 5 { 400 } else { 401 });
    }
    let found = hits(&app).await;
    let limits: Vec<_> =
        found.iter().map(|hit| (hit.detail.as_deref().unwrap(), hit.count)).collect();
    assert_eq!(limits, [("codes_sent", 2), ("factor_tries", 3)]);
    assert!(found.iter().all(|hit| hit.account_id.is_some()));
}

#[tokio::test]
async fn mail_that_is_held_back_is_reported_to_administrators_alone() {
    let app = app_with("standard", &[("limits.forgot", "off")]).await;
    app.join("ada").await;
    app.turn_clock(Duration::from_hours(1));
    for _ in 0..7 {
        let body = json!({ "email": "ada@example.com" });
        let answer = app.post("/v1/auth/forgot-password", &body).from("198.51.100.9").send().await;
        assert_eq!(answer.status, 200);
    }
    assert_eq!(app.mails().await.len(), 5);
    let found = hits(&app).await;
    assert_eq!(
        found.iter().map(|hit| (hit.detail.as_deref().unwrap(), hit.count)).collect::<Vec<_>>(),
        [("mail_address", 2)]
    );
    assert_eq!(found[0].client_ip.as_deref(), Some("198.51.100.9"));
}

#[tokio::test]
async fn an_upload_beyond_the_quota_is_a_refusal_like_any_other() {
    let app = app_with("standard", &[("files.limit", "1")]).await;
    app.join("ada").await;
    let (service, source) = (TrustedService::checked("service"), Source::command_line());
    let email = Email::parse("ada@example.com").unwrap();
    for count in 0..4 {
        assert_eq!(quota::count(&app.core, &service, &email, &source).await.is_ok(), count == 0);
    }
    let found = hits(&app).await;
    assert_eq!(
        found.iter().map(|hit| (hit.detail.as_deref().unwrap(), hit.count)).collect::<Vec<_>>(),
        [("uploads", 3)]
    );
    assert_eq!(found[0].actor.as_deref(), Some("service"));
}

#[tokio::test]
async fn administrators_read_and_export_the_count() {
    let app = app_with("standard", &[("limits.resend.count", "2")]).await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    for _ in 0..5 {
        let body = json!({ "email": "ada@example.com" });
        app.post("/v1/auth/resend-verification", &body).from("[2001:db8::7]").send().await;
    }
    hits(&app).await;
    let list = get(&app, "/v1/admin/audit?event=limit_hit", &root).await;
    let record = &list.body["data"]["records"][0];
    assert_eq!(
        (&record["detail"], &record["count"]),
        (&json!("resend"), &json!(3)),
        "{}",
        list.text
    );
    assert_eq!(
        (&record["outcome"], &record["ipAddress"]),
        (&json!("refused"), &json!("2001:db8::7"))
    );
    let login = get(&app, "/v1/admin/audit?event=login", &root).await;
    assert_eq!(login.body["data"]["records"][0]["count"], 1);
    let lines = get(&app, "/v1/admin/audit/export?event=limit_hit", &root).await;
    let line: Value = serde_json::from_str(lines.text.lines().next().unwrap()).unwrap();
    assert_eq!((&line["detail"], &line["count"]), (&json!("resend"), &json!(3)));
    let table = get(&app, "/v1/admin/audit/export?format=csv&event=limit_hit", &root).await;
    assert!(
        table.text.starts_with("id,") && table.text.contains(",detail,reason,count\r\n"),
        "{}",
        table.text
    );
    assert!(table.text.trim_end().ends_with(",\"resend\",\"\",\"3\""), "{}", table.text);
}

#[tokio::test]
async fn the_callers_data_export_has_the_count_and_no_address_of_an_administrator() {
    let app = app_with("standard", &[("limits.sign_in", "off")]).await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    let (id, access) = staff(&app, "ada", &[]).await;
    for _ in 0..12 {
        log_in(&app, "ada", "198.51.100.7").await;
    }
    hits(&app).await;
    let change = app
        .put(&format!("/v1/admin/users/{id}"), &json!({ "firstName": "Ada" }))
        .from("203.0.113.99");
    assert_eq!(change.bearer(&root).send().await.status, 200);
    let export = app.get("/v1/users/me/export").bearer(&access).send().await;
    assert_eq!(export.status, 200, "{}", export.text);
    let events = export.body["data"]["events"].as_array().unwrap();
    let hit = events.iter().find(|event| event["event"] == "limit_hit").unwrap();
    assert_eq!((&hit["detail"], &hit["count"]), (&json!("throttle"), &json!(2)));
    assert!(events.iter().any(|event| event["event"] == "account_changed"), "{}", export.text);
    assert!(!export.text.contains("203.0.113.99"), "{}", export.text);
}

/// What any account can do again and again must not fill the disk.
#[tokio::test]
async fn what_an_owner_repeats_within_a_minute_shares_records() {
    let app = app_with("standard", &[]).await;
    let access = app.enter("ada").await.access;
    let change = async |number: usize| {
        let body = json!({ "firstName": format!("Ada {number}") });
        assert_eq!(app.put("/v1/users/me", &body).bearer(&access).send().await.status, 200);
    };
    let ask = async || {
        let answer = app.get("/v1/admin/users").bearer(&access).send().await;
        assert_eq!(answer.status, 403);
    };
    let counts = async |event: &str| -> Vec<i64> {
        let rows = app.records().await.into_iter().filter(|row| row.event == event);
        rows.map(|row| row.count).collect()
    };
    for number in 0..25 {
        change(number).await;
        ask().await;
    }
    let changed = counts("profile_changed").await;
    assert_eq!((changed.len(), changed.iter().sum::<i64>()), (10, 25), "{changed:?}");
    assert_eq!(counts("admin_refused").await, [25]);
    app.turn_clock(Duration::from_mins(2));
    change(99).await;
    ask().await;
    assert_eq!(counts("profile_changed").await.len(), 11);
    assert_eq!(counts("admin_refused").await.len(), 2);
}
