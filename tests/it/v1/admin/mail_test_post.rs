//! `POST /admin/mail/test`: a test letter, step by step.

use serde_json::json;

use crate::mail::server::Server;
use crate::support::{App, app, app_with};
use crate::v1::fixture::{Operation, keys, person};

const TEST: Operation = Operation("POST", "/admin/mail/test");

async fn mailing_to(server: &Server) -> App {
    let url = format!("smtp+insecure://me:canary-password@127.0.0.1:{}", server.port);
    app_with("standard", &[("mail.smtp_url", &url), ("mail.from", "no-reply@auth.example")]).await
}

#[tokio::test]
async fn each_step_has_the_answer_of_the_mail_server_and_no_secret() {
    let server = Server::start(vec![]).await;
    let app = mailing_to(&server).await;
    let root = person(&app, "root", &["admin"]).await;
    let to = json!({ "to": "joe@example.org" });
    let call = TEST.on(&app).json(&to).header("x-reason", "new server").bearer(&root);
    let found = call.ok(200).await;
    let data = &found.body["data"];
    assert_eq!(keys(data), "sent steps remedy");
    assert_eq!(data["sent"], true, "{data}");
    let last = data["steps"].as_array().unwrap().iter().rfind(|step| step["name"] == "message");
    assert_eq!(last.unwrap()["answer"], "250 queued as 42");
    assert!(!found.text.contains("canary"), "{}", found.text);
    assert!(server.heard().contains("joe@example.org"));
    let record = app.records().await.pop().unwrap();
    assert_eq!((record.event.as_str(), record.outcome.as_str()), ("mail_tested", "done"));
    assert_eq!(record.detail.as_deref(), Some("joe@example.org"));
    assert_eq!(record.reason.as_deref(), Some("new server"));
}

#[tokio::test]
async fn a_refusal_names_its_step_and_what_to_do() {
    let server = Server::start(vec![("RCPT", "550 no such user")]).await;
    let app = mailing_to(&server).await;
    let root = person(&app, "root", &["admin"]).await;
    let to = json!({ "to": "joe@example.org" });
    let data = TEST.on(&app).json(&to).bearer(&root).ok(200).await.body["data"].clone();
    assert_eq!(data["sent"], false);
    let failed = data["steps"].as_array().unwrap().iter().find(|step| step["ok"] == false).unwrap();
    assert_eq!(failed, &json!({ "name": "RCPT TO", "ok": false, "answer": "550 no such user" }));
    assert!(data["remedy"].as_str().unwrap().contains("recipient"), "{data}");
    let last = app.audit().await.pop().unwrap();
    assert!(last.starts_with("mail_tested refused"), "{last}");
}

#[tokio::test]
async fn two_tests_at_once_are_a_conflict() {
    let server = Server::start(vec![("EHLO", "")]).await;
    let app = mailing_to(&server).await;
    let root = person(&app, "root", &["admin"]).await;
    let to = json!({ "to": "joe@example.org" });
    let mut first = Box::pin(app.post("/v1/admin/mail/test", &to).bearer(&root).send());
    let is_connected = async |count| {
        while server.connections() < count {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = &mut first => panic!("{}", answer.text),
        () = is_connected(1) => {}
    }
    let refused = TEST.on(&app).json(&to).bearer(&root).refused(409, "CONFLICT").await;
    assert!(refused.text.contains("Another test letter"), "{}", refused.text);
    // A client that goes away ends its test.
    drop(first);
    tokio::select! {
        answer = app.post("/v1/admin/mail/test", &to).bearer(&root).send() => panic!("{}", answer.text),
        () = is_connected(2) => {}
    }
}

#[tokio::test]
async fn without_a_mail_server_it_says_what_to_set_and_a_list_is_no_address() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let to = json!({ "to": "joe@example.org" });
    let refused = TEST.on(&app).json(&to).bearer(&root).refused(409, "CONFLICT").await;
    assert!(refused.text.contains("mail.smtp_url"), "{}", refused.text);
    for bad in ["", "joe", "a@example.org, b@example.org", "a@example.org\r\nBcc: b@example.org"] {
        let to = json!({ "to": bad });
        TEST.on(&app).json(&to).bearer(&root).refused(400, "VALIDATION_ERROR").await;
    }
}
