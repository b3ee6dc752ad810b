//! `GET /admin/users/{userId}/login`: why an account cannot log in.

use serde_json::{Value, json};

use crate::support::{App, PASSWORD, app, app_with};
use crate::v1::fixture::{ELSEWHERE, Operation, Person, WRONG, keys, person, suspend};

const EXPLAIN: Operation = Operation("GET", "/admin/users/{userId}/login");

async fn explain(app: &App, root: &Person, id: &str) -> Value {
    EXPLAIN.at(app, &[id]).bearer(root).ok(200).await.body["data"].clone()
}

fn codes(check: &Value) -> Vec<&str> {
    let obstacles = check["obstacles"].as_array().unwrap();
    obstacles.iter().map(|obstacle| obstacle["code"].as_str().unwrap()).collect()
}

async fn wrong(app: &App, from: &str) {
    let body = json!({ "username": "ada", "password": WRONG });
    app.post("/v1/auth/login", &body).from(from).send().await;
}

#[tokio::test]
async fn nothing_stands_in_the_way_of_an_account_that_logs_in() {
    let app = app_with("standard", &[("mail.smtp_host", "localhost")]).await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    let check = explain(&app, &root, &ada.id).await;
    assert_eq!(keys(&check), "methods obstacles");
    assert_eq!(check["obstacles"], json!([]));
    assert_eq!(check["methods"]["password"], true);
    assert_eq!(check["methods"]["mfa"], json!([]));
    EXPLAIN.at(&app, &["nobody"]).bearer(&root).refused(404, "USER_NOT_FOUND").await;
}

#[tokio::test]
async fn a_client_that_waits_is_named_with_the_time_when_it_may_go_on() {
    let app = app().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    for _ in 0..10 {
        wrong(&app, ELSEWHERE).await;
    }
    let check = explain(&app, &root, &ada.id).await;
    assert_eq!(codes(&check), ["client_waits", "mail_not_configured", "login_refused"]);
    let [waits, refused] = [&check["obstacles"][0], &check["obstacles"][2]];
    assert_eq!((&waits["ipAddress"], &waits["until"].is_string()), (&json!(ELSEWHERE), &true));
    assert_eq!(
        (&refused["detail"], &refused["count"], &refused["ipAddress"]),
        (&json!("wrong_password"), &json!(10), &json!(ELSEWHERE))
    );
    app.login("ada", PASSWORD).await.ok(200);
    let check = explain(&app, &root, &ada.id).await;
    assert_eq!(codes(&check), ["mail_not_configured"], "a login ends what failed before it");
}

#[tokio::test]
async fn a_lockout_comes_before_what_led_to_it_and_a_suspension_before_both() {
    let set = [("tokens.algorithm", "ES256"), ("limits.sign_in", "off")];
    let app = app_with("perfect21", &set).await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    for _ in 0..5 {
        wrong(&app, ELSEWHERE).await;
    }
    suspend(&app, &root, &ada.id).await;
    let check = explain(&app, &root, &ada.id).await;
    assert_eq!(codes(&check)[..2], ["suspended", "locked_out"]);
    assert!(codes(&check).contains(&"login_refused"), "{check}");
}
