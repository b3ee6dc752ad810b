//! `POST /admin/mail/{messageId}/retry`: a message is due at once.

use crate::support::{App, app};
use crate::v1::fixture::{Operation, Person, Trail, keys, person};

const RETRY: Operation = Operation("POST", "/admin/mail/{messageId}/retry");

/// The id of the newest message.
async fn newest(app: &App, root: &Person) -> String {
    let list = app.get("/v1/admin/mail").bearer(root).ok(200).await;
    list.body["data"]["letters"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_message_that_waits_is_due_and_it_is_recorded() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    app.register("ada").await.ok(201);
    let id = newest(&app, &root).await;
    let mut trail = Trail::begin(&app).await;
    let retried = RETRY.at(&app, &[&id]).bearer(&root).ok(200).await;
    let fields = "id kind accountId recipient state attempts nextAt lastError createdAt finishedAt";
    assert_eq!(retried.body["message"], "The message will be retried");
    assert_eq!(keys(&retried.body["data"]), fields);
    assert_eq!(trail.left_by(Some(&root.id), None).await, [format!("mail_retried done {id}")]);
    assert_eq!(app.mails().await.len(), 1);
}

#[tokio::test]
async fn an_unknown_message_is_not_found_and_a_delivered_one_is_not_sent_again() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    app.register("ada").await.ok(201);
    app.mails().await;
    let delivered = newest(&app, &root).await;
    let mut trail = Trail::begin(&app).await;
    RETRY.at(&app, &["unknown"]).bearer(&root).refused(404, "NOT_FOUND").await;
    RETRY.at(&app, &[&delivered]).bearer(&root).refused(400, "VALIDATION_ERROR").await;
    assert_eq!((trail.left().await, app.mails().await.len()), (vec![], 0));
}
