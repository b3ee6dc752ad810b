//! Clients that disconnect before the response: their attempt is counted, recorded and reported
//! like any other.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use serde_json::json;

use crate::support::{App, Call, app_with};

const WRONG: &str = "Wrong-passphrase-1";

fn login<'a>(app: &'a App, name: &str, from: &str) -> Call<'a> {
    let body = json!({ "email": format!("{name}@example.com"), "password": WRONG });
    app.post("/v1/auth/login", &body).from(from)
}

/// Polls a call for the given number of steps and drops it, as the server does when the client
/// closes the connection.
async fn leave_after(app: &App, steps: usize, call: Call<'_>) {
    let mut call = pin!(call.send());
    for _ in 0..steps {
        if std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready())).await
        {
            return;
        }
        // Background work of the call goes on; everything queued in the writer before this write is
        // then on disk.
        tokio::task::yield_now().await;
        app.core.store.write(|_| Ok(())).await.unwrap();
    }
}

fn count(audit: &[String], beginning: &str) -> usize {
    audit.iter().filter(|line| line.starts_with(beginning)).count()
}

/// Waits until the audit log has this many records with this prefix.
async fn audit_with(app: &App, times: usize, beginning: &str) -> Vec<String> {
    let found = async {
        loop {
            let audit = app.audit().await;
            if count(&audit, beginning) >= times {
                return audit;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), found)
        .await
        .unwrap_or_else(|_| panic!("no {times} of {beginning}"))
}

#[tokio::test]
async fn the_failure_that_locks_a_name_is_recorded_and_mailed_after_its_caller_disconnected() {
    for steps in 1..=3 {
        let app = app_with("perfect21", &[("tokens.algorithm", "ES256")]).await;
        app.join("ada").await;
        for (tried, name) in ["ada", "nobody"].into_iter().enumerate() {
            for n in 0..4 {
                assert_eq!(login(&app, name, &format!("203.0.113.{n}")).send().await.status, 401);
            }
            leave_after(&app, steps, login(&app, name, "203.0.113.9")).await;
            let audit = audit_with(&app, tried + 1, "lockout done").await;
            assert_eq!(count(&audit, "login refused"), 5 * (tried + 1), "{steps} {audit:?}");
            assert_eq!(login(&app, name, "203.0.113.10").send().await.status, 423);
        }
        let mails = app.mails().await;
        let mails: Vec<_> =
            mails.iter().map(|mail| (mail.to.as_str(), mail.subject.as_str())).collect();
        assert_eq!(mails, [("ada@example.com", "Your account at authd is temporarily locked")]);
    }
}

#[tokio::test]
async fn the_failure_that_closes_a_password_is_recorded_and_mailed_after_its_caller_disconnected() {
    for steps in 1..=3 {
        let app =
            app_with("standard", &[("throttle.account_failures", "3"), ("limits.sign_in", "off")])
                .await;
        app.join("ada").await;
        for n in 0..2 {
            assert_eq!(login(&app, "ada", &format!("203.0.113.{n}")).send().await.status, 401);
        }
        leave_after(&app, steps, login(&app, "ada", "203.0.113.9")).await;
        let audit = audit_with(&app, 1, "password_closed done").await;
        assert_eq!(count(&audit, "login refused"), 3, "{steps} {audit:?}");
        let mails = app.mails().await;
        assert!(mails.len() == 1 && mails[0].to == "ada@example.com", "{steps} {mails:?}");
    }
}

#[tokio::test]
async fn a_burst_is_counted_whether_or_not_its_caller_waits_for_answers() {
    let app = app_with("standard", &[("limits.sign_in", "off")]).await;
    for n in 0..20 {
        leave_after(&app, 1, login(&app, &format!("name{n}"), "203.0.113.9")).await;
    }
    let audit = audit_with(&app, 1, "failure_burst done").await;
    assert_eq!(count(&audit, "login refused unfinished"), 20);
}

#[tokio::test]
async fn a_current_password_whose_caller_has_gone_is_recorded_as_what_it_was_given_for() {
    let app = app_with("standard", &[]).await;
    let access = app.enter("ada").await.access;
    let body = json!({ "currentPassword": WRONG, "newPassword": "another long passphrase" });
    leave_after(&app, 1, app.put("/v1/auth/change-password", &body).bearer(&access)).await;
    audit_with(&app, 1, "password_changed refused unfinished").await;
}
