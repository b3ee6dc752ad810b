//! `If-Match`: an administrator changes an account only as they saw it.

use poem::http::Method;
use serde_json::json;

use super::{make, staff};
use crate::support::{Answer, PASSWORD, app};
use crate::v1::fixture::native_document;

/// The version in an answer, as the header states it.
fn tag(answer: &Answer) -> String {
    format!("\"{}\"", answer.body["data"]["version"].as_str().unwrap())
}

#[tokio::test]
async fn the_second_of_two_administrators_is_refused_until_they_have_seen_the_change() {
    let app = app().await;
    let (_, first) = staff(&app, "first", &["admin"]).await;
    let (_, second) = staff(&app, "second", &["admin"]).await;
    let path = format!("/v1/admin/users/{}", make(&app, "ada", &[]).await);
    let seen = tag(&app.get(&path).bearer(&first).ok(200).await);
    let byron = json!({ "firstName": "Ada", "lastName": "Byron" });
    let changed = app.put(&path, &byron).header("if-match", &seen).bearer(&first).ok(200).await;
    let suspend = json!({ "status": "suspended", "lastName": "King" });
    let late = app.put(&path, &suspend).header("if-match", &seen).bearer(&second);
    let refused = late.refused(412, "PRECONDITION_FAILED").await;
    assert!(refused.text.contains("nothing was done"), "{}", refused.text);
    let now = app.get(&path).bearer(&second).ok(200).await;
    assert_eq!(now.body["data"]["lastName"], "Byron");
    assert_eq!(now.body["data"]["status"], "active");
    assert_eq!(tag(&now), tag(&changed), "the answer to a change has the new version");
    let either = format!("\"other\", {}", tag(&now));
    app.put(&path, &suspend).header("if-match", &either).bearer(&second).ok(200).await;
    app.put(&path, &byron).header("if-match", "*").bearer(&first).ok(200).await;
    app.put(&path, &suspend).bearer(&second).ok(200).await;
}

#[tokio::test]
async fn no_operation_on_an_account_is_done_to_another_version_of_it() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    let ada = make(&app, "ada", &[]).await;
    app.login("ada", PASSWORD).await.ok(200);
    let sessions = format!("/v1/admin/users/{ada}/sessions");
    let sessions = app.get(&sessions).bearer(&root).ok(200).await;
    let session = sessions.body["data"][0]["id"].as_str().unwrap().to_owned();
    let document = native_document(&app).await;
    let before = app.audit().await;
    let mut count = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (verb, operation) in item.as_object().unwrap() {
            let changes = path.starts_with("/admin/users/{userId}") && verb != "get";
            let takes = operation["parameters"].to_string().contains("If-Match");
            assert_eq!(takes, changes, "{verb} {path}: {operation}");
            if !changes {
                continue;
            }
            let place = format!("/v1{path}").replace("{userId}", &ada);
            let place = place.replace("{sessionId}", &session).replace("{passkeyId}", "x");
            let call = app.call(verb.to_uppercase().parse::<Method>().unwrap(), &place);
            let body = &operation["requestBody"]["content"]["application/json"]["examples"];
            let body = body.as_object().and_then(|all| all.values().next());
            let call = match body {
                Some(example) => call.json(&example["value"]),
                None => call,
            };
            let call = call.header("if-match", "\"AAAAAAAAAAAAAAAA\"").bearer(&root);
            call.refused(412, "PRECONDITION_FAILED").await;
            count += 1;
        }
    }
    assert_eq!(count, 11);
    assert_eq!(app.audit().await, before);
    app.login("ada", PASSWORD).await.ok(200);
}
