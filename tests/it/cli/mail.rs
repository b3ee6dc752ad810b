//! Mail from the command line: the outbox and the test message.

use super::*;

#[test]
fn the_outbox_is_read_from_the_command_line() {
    let folder = Folder::new();
    let server = folder.serve();
    let create = ["user", "create", "--email", "jane@example.com", "--password-stdin"];
    assert_eq!(folder.run_with_input(&create, PASSWORD).code, Some(0));
    assert_eq!(folder.run(&["mail", "list", "--json"]).json(), serde_json::json!([]));
    let set = ["user", "set-password", "jane@example.com", "--password-stdin"];
    assert_eq!(folder.run_with_input(&set, "Another-Horse-8-Battery").code, Some(0));

    let listed = folder.run(&["mail", "list", "--json"]).json();
    assert_eq!(listed[0]["recipient"], "jane@example.com");
    let id = listed[0]["id"].as_str().unwrap();
    let shown = folder.run(&["mail", "show", "--last"]);
    assert!(shown.out.contains(id) && shown.out.contains("subject"), "{}{}", shown.out, shown.err);
    assert_eq!(folder.run(&["mail", "show", id, "--json"]).json()["kind"], listed[0]["kind"]);
    let records = folder.run(&["audit", "--event", "mail_shown", "--json"]).json();
    let records = records.as_array().unwrap();
    assert_eq!(records.len(), 2, "{records:?}");
    for record in records {
        assert_eq!((&record["actor"], &record["detail"]), (&"cli".into(), &id.into()), "{record}");
        assert!(record["accountId"].is_string(), "{record}");
    }
    assert_eq!(folder.run(&["mail", "retry", id, "--json"]).json()[0]["id"], id);
    assert_eq!(folder.run(&["mail", "retry", "--all", "--json"]).json()[0]["id"], id);
    assert_eq!(server.end(), Some(0));
}

#[tokio::test]
async fn a_letter_for_trial_shows_each_step_of_the_conversation() {
    let server = crate::mail::server::Server::start(vec![]).await;
    let set = format!("mail.smtp_url=smtp://127.0.0.1:{}", server.port);
    let run = async |form: &'static [&'static str]| {
        let set = set.clone();
        let arguments = move || {
            let test = [
                "mail",
                "test",
                "you@example.com",
                "--set",
                &set,
                "--set",
                "mail.from=auth@example.com",
            ];
            Folder::new().run(&[&test, form].concat())
        };
        tokio::task::spawn_blocking(arguments).await.unwrap()
    };
    let people = run(&[]).await;
    assert_eq!((people.code, people.err.as_str()), (Some(0), ""), "{}", people.out);
    let lines: Vec<_> = people.out.lines().collect();
    assert_eq!(lines[0], format!("ok      connect    127.0.0.1:{}", server.port));
    assert_eq!(lines[1], "ok      banner     220 mx.example ESMTP");
    assert!(
        lines[2].starts_with("ok      EHLO       ") && lines[2].contains("mx.example"),
        "{}",
        people.out
    );
    assert_eq!(
        lines[3..],
        [
            "ok      MAIL FROM  250 sender ok",
            "ok      RCPT TO    250 recipient ok",
            "ok      DATA       354 go ahead",
            "ok      message    250 queued as 42",
            "ok      QUIT       221 bye",
        ]
    );
    let json = run(&["--json"]).await;
    assert_eq!(
        (json.code, &json.json()["delivered"]),
        (Some(0), &Value::Bool(true)),
        "{}",
        json.err
    );
    let last = serde_json::json!({ "name": "QUIT", "ok": true, "answer": "221 bye" });
    assert_eq!(json.json()["steps"][7], last);
    assert!(server.heard().contains("RCPT TO:<you@example.com>"), "{}", server.heard());
}
