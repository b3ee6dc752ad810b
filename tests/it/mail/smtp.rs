//! The SMTP mailer against a scripted mail server.

use std::sync::Arc;
use std::time::Duration;

use authd::config::{Protection, Smtp};
use authd::error::Kind;
use authd::mail::smtp::{ProbeOutcome, SmtpMailer, SmtpOutcome, SmtpStep, probe};
use authd::mail::{Mail, Mailer};
use authd::model::Secret;
use authd::outbox::{Delivery, MessageState};

use super::fixture::{OutboxFixture, email, env};
use super::server::{Rules, Server};

fn mail() -> Mail {
    Mail {
        message_id: "<1@auth.example>".to_owned(),
        from: "Example <no-reply@auth.example>".to_owned(),
        to: "joe@example.org".to_owned(),
        subject: "Hello".to_owned(),
        text: "first\n.\n..second\n".to_owned(),
        html: "<p>first</p>".to_owned(),
    }
}

fn mailer(server: Smtp) -> SmtpMailer {
    SmtpMailer::new(server, env().1).with_patience(Duration::from_millis(200))
}

async fn delivery(rules: Rules) -> Delivery {
    mailer(Server::start(rules).await.config()).deliver(&mail()).await
}

#[tokio::test]
async fn messages_go_over_one_connection_and_arrive_whole() {
    let server = Server::start(vec![]).await;
    let mailer = mailer(server.config());
    for _ in 0..3 {
        assert_eq!(mailer.deliver(&mail()).await, Delivery::Delivered);
    }
    mailer.rest().await;
    let heard = server.heard();
    assert_eq!(
        (server.connections(), heard.matches("MAIL FROM:<no-reply@auth.example>").count()),
        (1, 3)
    );
    assert_eq!(heard.matches("RCPT TO:<joe@example.org>").count(), 3);
    assert_eq!(heard.matches("\nQUIT").count(), 1);
    for line in [
        "Message-ID: <1@auth.example>",
        "Auto-Submitted: auto-generated",
        "first",
        "..",
        "...second",
        ".",
    ] {
        assert_eq!(heard.lines().filter(|heard| *heard == line).count(), 3, "{line} in {heard}");
    }
}

#[tokio::test]
async fn a_refusal_for_good_is_the_messages_own() {
    for (rules, words) in [
        (vec![("RCPT", "550 5.1.1 no such user")], "RCPT TO: 550 5.1.1 no such user"),
        (
            vec![(".", "554 looks like spam: https://a.example/?token=x")],
            "message: 554 looks like spam: …",
        ),
        (vec![("DATA", "554 no valid recipients")], "DATA: 554 no valid recipients"),
    ] {
        assert_eq!(delivery(rules).await, Delivery::Never(words.to_owned()));
    }
}

#[tokio::test]
async fn a_refusal_for_now_is_tried_later() {
    for (rules, words) in [
        (vec![("RCPT", "451 greylisted")], "RCPT TO: 451 greylisted"),
        (vec![(".", "452 mailbox full")], "message: 452 mailbox full"),
        (vec![("MAIL", "550 who are you")], "MAIL FROM: 550 who are you"),
    ] {
        assert_eq!(delivery(rules).await, Delivery::Later(words.to_owned()));
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_used_keeps_everything_waiting() {
    for rules in [
        vec![("connect", "")],
        vec![("connect", "bye")],
        vec![("connect", "554 go away")],
        vec![("connect", "\u{7}garbage")],
        vec![("EHLO", "garbage")],
        vec![("EHLO", "")],
        vec![("MAIL", "421 shutting down")],
        vec![("RCPT", "")],
        vec![("RCPT", "354 what")],
        vec![("DATA", "bye")],
        vec![(".", "")],
        vec![(".", "bye")],
    ] {
        let words = format!("{rules:?}");
        let delivery = delivery(rules).await;
        assert!(matches!(delivery, Delivery::Unreachable(_)), "{words}: {delivery:?}");
    }
    let server = Server::start(vec![]).await;
    let unknown = Smtp { host: "unknown.invalid".to_owned(), ..server.config() };
    assert!(matches!(mailer(unknown).deliver(&mail()).await, Delivery::Unreachable(_)));
}

#[tokio::test]
async fn nothing_is_sent_in_the_clear_where_protection_is_asked_for() {
    for rules in
        [vec![], vec![("EHLO", "250-mx.example\r\n250 STARTTLS"), ("STARTTLS", "454 not now")]]
    {
        let server = Server::start(rules).await;
        let login = Some(("me".to_owned(), Secret::new("hush")));
        let config = Smtp { protection: Protection::StartTls, login, ..server.config() };
        let delivery = mailer(config).deliver(&mail()).await;
        assert!(
            matches!(&delivery, Delivery::Unreachable(why) if why.starts_with("STARTTLS: ")),
            "{delivery:?}"
        );
        assert!(
            !server.heard().contains("MAIL") && !server.heard().contains("AUTH"),
            "{}",
            server.heard()
        );
    }
    let server = Server::start(vec![]).await;
    let config = Smtp { protection: Protection::Tls, ..server.config() };
    assert!(matches!(mailer(config).deliver(&mail()).await, Delivery::Unreachable(_)));
}

#[tokio::test]
async fn words_behind_the_answer_to_starttls_are_not_taken_for_protected_ones() {
    let rules =
        vec![("EHLO", "250-mx.example\r\n250 STARTTLS"), ("STARTTLS", "220 go\r\n250 mx.example")];
    let config = Smtp { protection: Protection::StartTls, ..Server::start(rules).await.config() };
    let delivery = mailer(config).deliver(&mail()).await;
    let Delivery::Unreachable(why) = delivery else { panic!("{delivery:?}") };
    assert!(why.contains("unexpected data after the reply to STARTTLS"), "{why}");
}

#[tokio::test]
async fn an_answer_that_does_not_end_fills_no_memory() {
    let flood: &'static str = Box::leak("a".repeat(300 * 1024).into_boxed_str());
    let delivery = delivery(vec![("MAIL", flood)]).await;
    assert!(
        matches!(&delivery, Delivery::Unreachable(why) if why.contains("does not end")),
        "{delivery:?}"
    );
}

#[tokio::test]
async fn a_refused_login_keeps_the_mail_and_tells_no_password() {
    let server = Server::start(vec![("AUTH", "535 wrong: hush AG1lAGh1c2g=")]).await;
    let config = Smtp { login: Some(("me".to_owned(), Secret::new("hush"))), ..server.config() };
    let delivery = mailer(config).deliver(&mail()).await;
    assert_eq!(delivery, Delivery::Unreachable("AUTH: 535 the login was refused".to_owned()));
}

#[tokio::test]
async fn a_kept_connection_that_the_server_has_ended_is_replaced() {
    // The server refuses the second MAIL on a connection with 421; the mailer uses a new
    // connection.
    let server = Server::start(vec![(".", "250 ok\r\n421 idle too long")]).await;
    let mailer = mailer(server.config());
    assert_eq!(mailer.deliver(&mail()).await, Delivery::Delivered);
    assert_eq!(mailer.deliver(&mail()).await, Delivery::Delivered);
    assert_eq!(server.connections(), 2);
}

async fn steps_from(
    from: &str,
    server: &Smtp,
) -> (Vec<SmtpStep>, authd::error::Result<ProbeOutcome>) {
    let mut steps = Vec::new();
    let (to, (_, env)) = (email("joe@example.org"), env());
    let done = probe(server, from, &to, &env, |step| steps.push(step)).await;
    (steps, done)
}

async fn steps(server: &Smtp) -> (Vec<SmtpStep>, ProbeOutcome) {
    let (steps, done) = steps_from("no-reply@auth.example", server).await;
    (steps, done.unwrap())
}

#[tokio::test]
async fn the_probe_tells_each_step_and_no_secret() {
    let server = Server::start(vec![]).await;
    let config = Smtp { login: Some(("me".to_owned(), Secret::new("hush"))), ..server.config() };
    let (steps, done) = steps(&config).await;
    assert!(matches!(done, ProbeOutcome::Passed), "{done:?}");
    let answers: Vec<_> = steps.iter().map(|step| (step.name, step.answer.as_str())).collect();
    assert_eq!(answers[0], ("connect", format!("127.0.0.1:{}", server.port).as_str()));
    assert_eq!(answers[1], ("banner", "220 mx.example ESMTP"));
    assert!(answers[2].0 == "EHLO" && answers[2].1.contains("mx.example"), "{answers:?}");
    assert_eq!(
        answers[3..],
        [
            ("AUTH", "235"),
            ("MAIL FROM", "250 sender ok"),
            ("RCPT TO", "250 recipient ok"),
            ("DATA", "354 go ahead"),
            ("message", "250 queued as 42"),
            ("QUIT", "221 bye"),
        ]
    );
    assert!(steps.iter().all(|step| step.outcome == SmtpOutcome::Done));
    assert!(!format!("{steps:?}").contains("hush"));
    assert!(server.heard().contains("Date: Fri, 01 Dec 2023 09:00:00 +0000"));
}

#[tokio::test]
async fn the_probe_stops_at_the_step_that_fails() {
    for (rules, step, answer) in [
        (vec![("connect", "554 go away")], "banner", "554 go away"),
        (vec![("EHLO", "502 no")], "EHLO", "502 no"),
        (vec![("RCPT", "550 no such user")], "RCPT TO", "550 no such user"),
    ] {
        let (steps, done) = steps(&Server::start(rules).await.config()).await;
        let failed: Vec<_> =
            steps.iter().filter(|step| step.outcome == SmtpOutcome::Failed).collect();
        assert_eq!((failed.len(), failed[0].name, failed[0].answer.as_str()), (1, step, answer));
        let ProbeOutcome::StepFailed { message, remedy } = done else { panic!("{done:?}") };
        assert_eq!(message, format!("The mail server refused at {step}: {answer}"));
        assert_eq!(remedy.is_some(), step == "RCPT TO");
    }
}

#[tokio::test]
async fn a_probe_without_a_sender_is_no_step_that_failed() {
    let server = Server::start(vec![]).await;
    let (steps, done) = steps_from("no address", &server.config()).await;
    assert_eq!((done.unwrap_err().kind(), steps), (Kind::Validation, vec![]));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn mail_survives_a_mail_server_that_is_down_and_leaves_when_it_is_back() {
    let fixture = OutboxFixture::open();
    let id = fixture.send("joe@example.org").await;
    let (down, up) =
        (Server::start(vec![("connect", "421 maintenance")]).await, Server::start(vec![]).await);
    let worker = fixture.worker(Arc::new(mailer(down.config())));
    worker.run_once().await.unwrap();
    let row = fixture.row(&id).await;
    assert_eq!((row.state, row.attempts), (MessageState::Waiting, 0));
    assert_eq!(row.last_error.as_deref(), Some("banner: 421 maintenance"));
    fixture.clock.advance(Duration::from_secs(30));
    fixture.worker(Arc::new(mailer(up.config()))).run_once().await.unwrap();
    assert_eq!(fixture.row(&id).await.state, MessageState::Delivered);
    assert!(
        up.heard().contains("Subject: Confirm your email address for Example"),
        "{}",
        up.heard()
    );
}
