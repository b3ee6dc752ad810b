//! What administrators read: the audit log, the outbox, statistics, API clients.

use std::time::Duration;

use authd::identity::access::api_client as apps;
use poem::http::Method;
use serde_json::{Value, json};

use super::{delete, get, make, post, put, said, staff};
use crate::support::{PASSWORD, app};

#[tokio::test]
async fn the_audit_log_tells_the_story_in_order() {
    let app = app().await;
    let (root_id, root) = staff(&app, "root", &["admin"]).await;
    let (id, _) = staff(&app, "ada", &[]).await;
    app.login("ada", "wrong").await;
    put(&app, &format!("/v1/admin/users/{id}"), &root, json!({ "roles": ["user", "moderator"] }))
        .await;
    put(&app, &format!("/v1/admin/users/{id}"), &root, json!({ "status": "suspended" })).await;
    delete(&app, &format!("/v1/admin/users/{id}"), &root).await;

    let log = get(&app, &format!("/v1/admin/audit?userId={id}&limit=100"), &root).await;
    let records = log.body["data"]["records"].as_array().unwrap();
    let recorded: Vec<String> = records
        .iter()
        .rev()
        .map(|record| {
            let text = |name: &str| record[name].as_str().unwrap_or("").to_owned();
            format!("{} {} {}", text("event"), text("outcome"), text("detail"))
                .trim_end()
                .to_owned()
        })
        .collect();
    let story = [
        "account_created done",
        "login done",
        "login refused wrong_password",
        "roles_changed done +moderator",
        "suspended done",
        "session_ended done admin",
        "deleted done",
    ];
    assert_eq!(recorded, story);
    assert_eq!(records[0]["actor"], root_id.as_str());
    assert!(records[0]["at"].is_string() && records[0]["requestId"].is_string(), "{}", log.text);

    // By page, by filter, and with invalid filters.
    let first = get(&app, &format!("/v1/admin/audit?userId={id}&limit=3"), &root).await;
    let next = first.body["data"]["next"].as_str().unwrap();
    let second =
        get(&app, &format!("/v1/admin/audit?userId={id}&limit=100&before={next}"), &root).await;
    assert_eq!(second.body["data"]["records"].as_array().unwrap().len(), story.len() - 3);
    assert_eq!(second.body["data"]["next"], Value::Null);
    let refused = get(&app, "/v1/admin/audit?event=login&outcome=refused", &root).await;
    assert_eq!(refused.body["data"]["records"].as_array().unwrap().len(), 1);
    let later = get(&app, "/v1/admin/audit?since=2999-01-01T00:00:00Z", &root).await;
    assert_eq!(later.body["data"]["records"], json!([]));
    assert_eq!(
        said(&get(&app, "/v1/admin/audit?since=yesterday", &root).await),
        (400, "VALIDATION_ERROR")
    );
}

#[tokio::test]
async fn everybody_sees_their_own_records_and_no_others() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    let (id, ada) = staff(&app, "ada", &[]).await;
    make(&app, "bob", &[]).await;
    get(&app, "/v1/admin/users", &ada).await;
    let own = get(&app, "/v1/users/me/audit", &ada).await;
    let records = own.body["data"]["records"].as_array().unwrap();
    assert_eq!(records.len(), 3, "{}", own.text);
    assert!(records.iter().all(|record| record["accountId"] == id.as_str()));
    put(&app, &format!("/v1/admin/users/{id}"), &root, json!({ "firstName": "A" })).await;
    let of_root = get(&app, "/v1/users/me/audit", &root).await;
    assert!(
        !of_root.text.contains(&id),
        "the caller's own records do not show what was done to others"
    );

    // The owner does not learn which administrator acted on the account, from where and with what;
    // the export omits it too.
    let path = format!("/v1/admin/users/{id}");
    let change = app.call(Method::PUT, &path).json(&json!({ "lastName": "B" })).bearer(&root);
    let change = change.header("user-agent", "Console/1.0").from("127.0.0.9").send().await;
    assert_eq!(change.status, 200, "{}", change.text);
    for path in ["/v1/users/me/audit", "/v1/users/me/export"] {
        let seen = get(&app, path, &ada).await;
        assert!(seen.text.contains("account_changed"), "{}", seen.text);
        assert!(
            !seen.text.contains("127.0.0.9") && !seen.text.contains("Console"),
            "{path}: {}",
            seen.text
        );
    }
}

#[tokio::test]
async fn the_audit_log_is_exported_whole_and_the_export_is_a_record() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    for number in 0..600 {
        app.core
            .store
            .write(move |db| {
                let (at, event) = (
                    authd::model::Time::from_millis(crate::support::START + number),
                    authd::model::Event::done(authd::model::event::What::KeyMade),
                );
                let source = authd::model::Source::command_line();
                authd::store::tables::audit::insert(
                    db,
                    &format!("zz{number:05}"),
                    at,
                    &event,
                    &source,
                )
            })
            .await
            .unwrap();
    }
    let lines = get(&app, "/v1/admin/audit/export", &root).await;
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    let total = lines.text.lines().count();
    assert!(total > 600);
    assert!(
        lines
            .text
            .lines()
            .all(|line| serde_json::from_str::<Value>(line).unwrap()["event"].is_string())
    );
    assert!(lines.text.contains("audit_exported"));
    let csv = get(&app, "/v1/admin/audit/export?format=csv&event=login", &root).await;
    assert!(csv.header("content-type").starts_with("text/csv"));
    assert_eq!(csv.text.lines().count(), 2, "{}", csv.text);
    assert!(csv.text.starts_with("id,at,event,"), "{}", csv.text);
}

#[tokio::test]
async fn logins_are_counted_per_day_and_month_with_the_empty_ones() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    app.login("root", "wrong").await;
    let stats = get(&app, "/v1/admin/stats", &root).await;
    let expected = json!({
        "totalUsers": 1, "verifiedUsers": 1, "suspendedUsers": 0, "deletedUsers": 0, "totalLogins": 1,
        "activeSessions": 1,
    });
    assert_eq!(stats.body["data"], expected);
    app.turn_clock(Duration::from_hours(48));
    let root = app.login("root", PASSWORD).await.tokens().access;
    let figures = get(&app, "/v1/admin/stats/logins", &root).await;
    let daily = figures.body["data"]["dailyLogins"].as_array().unwrap();
    let monthly = figures.body["data"]["monthlyLogins"].as_array().unwrap();
    assert_eq!((daily.len(), monthly.len()), (30, 12));
    let counts: Vec<i64> = daily[27..].iter().map(|day| day["count"].as_i64().unwrap()).collect();
    assert_eq!(counts, [1, 0, 1], "{}", figures.text);
    assert_eq!(daily[29]["date"], "2027-01-17");
    assert_eq!(monthly[11], json!({ "month": "2027-01", "count": 2 }));
    assert_eq!(monthly[0]["month"], "2026-02");
}

#[tokio::test]
async fn the_outbox_is_listed_without_bodies_and_tried_again() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    app.register("ada").await;
    let listed = get(&app, "/v1/admin/mail", &root).await;
    let letters = listed.body["data"]["letters"].as_array().unwrap();
    assert_eq!(letters.len(), 1, "{}", listed.text);
    assert!(!listed.text.contains("token") && !listed.text.contains("sealed"), "{}", listed.text);
    let id = letters[0]["id"].as_str().unwrap();
    assert_eq!(
        post(&app, &format!("/v1/admin/mail/{id}/retry"), &root, json!({})).await.status,
        200
    );
    assert_eq!(
        said(&post(&app, "/v1/admin/mail/nothing/retry", &root, json!({})).await),
        (404, "NOT_FOUND")
    );
    assert_eq!(
        said(&get(&app, "/v1/admin/mail?limit=1000", &root).await),
        (400, "VALIDATION_ERROR")
    );
}

#[tokio::test]
async fn an_api_clients_key_is_shown_once_and_ends_when_it_is_rotated() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    let made =
        post(&app, "/v1/admin/apps", &root, json!({ "name": "Uploads", "kind": "service" })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (id, key) =
        (made.body["data"]["id"].as_str().unwrap(), made.body["data"]["key"].as_str().unwrap());
    assert!(!get(&app, "/v1/admin/apps", &root).await.text.contains("\"key\""));
    assert!(
        apps::check(&app.core, id, key).await.is_ok()
            && apps::check_service_key(&app.core, key).await.is_ok()
    );
    for (id, key) in [(id, "wrong"), ("nothing", key), ("", ""), (id, "")] {
        assert!(apps::check(&app.core, id, key).await.is_err(), "{id} {key}");
    }
    let client =
        post(&app, "/v1/admin/apps", &root, json!({ "name": "Site", "kind": "client" })).await;
    let client_key = client.body["data"]["key"].as_str().unwrap();
    assert!(
        apps::check_service_key(&app.core, client_key).await.is_err(),
        "a client's key opens nothing"
    );

    let rotated = post(&app, &format!("/v1/admin/apps/{id}/rotate"), &root, json!({})).await;
    let new = rotated.body["data"]["key"].as_str().unwrap();
    assert!(
        apps::check(&app.core, id, key).await.is_err()
            && apps::check(&app.core, id, new).await.is_ok()
    );
    assert_eq!(delete(&app, &format!("/v1/admin/apps/{id}"), &root).await.status, 200);
    assert!(apps::check(&app.core, id, new).await.is_err());
    assert_eq!(
        said(&delete(&app, &format!("/v1/admin/apps/{id}"), &root).await),
        (404, "NOT_FOUND")
    );
}
