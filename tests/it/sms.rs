//! Codes by text message, through a test gateway that uses the format of a real one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authd::identity::admin::messages::{self, MessageBody};
use authd::outbox::{self, MessageState};
use authd::sms;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Answer, App, PASSWORD, app, app_with};

const NUMBER: &str = "+491701234567";

/// A gateway that stores the messages it receives and responds as scripted, by default with 201.
struct Gateway {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Gateway {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (requests, answers) =
            (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<VecDeque<u16>>>::default());
        let (kept, statuses) = (requests.clone(), answers.clone());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read_request(&mut stream).await;
                kept.lock().unwrap().push(request);
                let status = statuses.lock().unwrap().pop_front().unwrap_or(201);
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { url, requests, answers }
    }

    fn will_answer(&self, status: u16) {
        self.answers.lock().unwrap().push_back(status);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }
}

async fn read_request(stream: &mut tokio::net::TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .to_lowercase()
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.unwrap();
        assert!(read > 0, "the request ended early: {text}");
        bytes.extend_from_slice(&piece[..read]);
    }
}

async fn with_gateway(gateway: &Gateway) -> App {
    with_gateway_and(gateway, &[]).await
}

async fn with_gateway_and(gateway: &Gateway, more: &[(&str, &str)]) -> App {
    let keys = [
        ("sms.preset", "twilio"),
        ("sms.url", gateway.url.as_str()),
        ("sms.account", "AC123"),
        ("sms.secret", "hush"),
        ("sms.from", "+15005550006"),
        ("sms.countries", "49"),
        ("limits.sign_in.count", "0"),
        ("limits.factor.count", "0"),
    ];
    app_with("standard", &[&keys, more].concat()).await
}

/// Lets the worker for text messages process all due messages.
async fn deliver(app: &App) {
    let worker = authd::app::text_worker(&app.core, sms::gateway(&app.core.config.sms));
    while worker.run_once().await.unwrap() > 0 {}
}

fn code_in(request: &str) -> String {
    let (_, body) = request.split_once("Body=").unwrap();
    body.chars().take(6).collect()
}

async fn verify(app: &App, token: &str, code: &str) -> Answer {
    app.post("/v1/auth/mfa/verify", &json!({ "code": code })).bearer(token).send().await
}

async fn set_up(app: &App, access: &str) -> Answer {
    app.post("/v1/auth/mfa/setup", &json!({ "type": "sms", "deviceName": "Phone" }))
        .bearer(access)
        .send()
        .await
}

async fn set_phone(app: &App, access: &str, phone: &str) {
    assert_eq!(
        app.put("/v1/users/me", &json!({ "phone": phone })).bearer(access).send().await.status,
        200
    );
}

async fn is_phone_verified(app: &App, access: &str) -> bool {
    app.get("/v1/users/me").bearer(access).send().await.body["data"]["phoneVerified"] == true
}

#[tokio::test]
async fn codes_by_text_message_guard_an_account_and_prove_its_number() {
    let gateway = Gateway::start().await;
    let app = with_gateway(&gateway).await;
    let access = app.enter("ada").await.access;
    set_phone(&app, &access, NUMBER).await;
    assert_eq!(set_up(&app, &access).await.status, 200);
    assert_eq!(app.mails().await.len(), 0, "the mail's worker leaves text messages alone");
    gateway.will_answer(500);
    deliver(&app).await;
    assert_eq!(gateway.take().len(), 1, "refused for now");
    app.turn_clock(Duration::from_secs(10));
    deliver(&app).await;
    let request = gateway.take().pop().unwrap();
    assert!(
        request.starts_with("POST /2010-04-01/Accounts/AC123/Messages.json HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains("authorization: Basic QUMxMjM6aHVzaA=="), "{request}");
    assert!(request.contains("To=%2B491701234567&From=%2B15005550006&Body="), "{request}");
    assert_eq!(verify(&app, &access, &code_in(&request)).await.status, 200);
    assert!(is_phone_verified(&app, &access).await);

    let login = app.login("ada", PASSWORD).await;
    assert_eq!(login.body["error"]["methods"], json!(["sms", "backup_code"]));
    set_phone(&app, &access, "+491709999999").await;
    assert!(!is_phone_verified(&app, &access).await);
    deliver(&app).await;
    let request = gateway.take().pop().unwrap();
    assert!(
        request.contains("To=%2B491701234567&"),
        "the factor keeps the number it was confirmed with"
    );
    let token = login.body["error"]["mfaToken"].as_str().unwrap();
    assert_eq!(verify(&app, token, &code_in(&request)).await.status, 200);
}

/// The log lines written while it exists.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_text_message_is_shown_and_logged_as_one() {
    let gateway = Gateway::start().await;
    let app = with_gateway(&gateway).await;
    let access = app.enter("ada").await.access;
    set_phone(&app, &access, NUMBER).await;
    assert_eq!(set_up(&app, &access).await.status, 200);
    let core = &app.core;
    let waiting = outbox::list(&core.store, Some(MessageState::Waiting), None, 2).await.unwrap();
    let [message] = &waiting[..] else { panic!("{waiting:?}") };
    assert_eq!((message.kind.as_str(), message.recipient.as_deref()), ("sms", Some(NUMBER)));
    let shown = messages::entry(&core.store, &core.outbox, &message.id).await.unwrap();
    let Some(MessageBody::Text(text)) = shown.body else { panic!("a text message") };

    // With a single subscriber, an event that another test's thread reaches first is disabled for
    // good, because that thread has none.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let log = Log::default();
    let (writer, format) = (log.clone(), tracing_subscriber::fmt().with_ansi(false));
    let subscriber = format.with_writer(move || writer.clone()).finish();
    let logging = tracing::subscriber::set_default(subscriber);
    deliver(&app).await;
    drop(logging);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("message delivered channel=\"sms\""), "{log}");
    assert!(!log.contains("mail") && !log.contains(text.reveal()), "{log}");
    let request = gateway.take().pop().unwrap();
    assert_eq!(code_in(&request), text.reveal()[..6]);
}

#[tokio::test]
async fn a_number_gets_five_messages_a_day() {
    let gateway = Gateway::start().await;
    let app = with_gateway(&gateway).await;
    let access = app.enter("ada").await.access;
    set_phone(&app, &access, NUMBER).await;
    for _ in 0..5 {
        assert_eq!(set_up(&app, &access).await.status, 200);
    }
    let held = set_up(&app, &access).await;
    assert_eq!((held.status.as_u16(), held.code()), (429, "AUTH_RATE_LIMIT_EXCEEDED"));
    deliver(&app).await;
    let requests = gateway.take();
    assert_eq!(requests.len(), 5);
    let code = code_in(requests.last().unwrap());
    let other = app.enter("bob").await.access;
    set_phone(&app, &other, NUMBER).await;
    assert_eq!(set_up(&app, &other).await.status, 429, "for another account too");
    assert_eq!(verify(&app, &access, &code).await.status, 200, "what was held back ended nothing");
}

#[tokio::test]
async fn an_account_gets_five_messages_a_day_for_all_its_numbers() {
    let gateway = Gateway::start().await;
    let app = with_gateway(&gateway).await;
    let access = app.enter("ada").await.access;
    for number in 0..6 {
        set_phone(&app, &access, &format!("+4917012345{number}0")).await;
        let expected = if number < 5 { 200 } else { 429 };
        assert_eq!(set_up(&app, &access).await.status, expected, "{number}");
    }
    deliver(&app).await;
    assert_eq!(gateway.take().len(), 5);
    app.turn_clock(Duration::from_hours(24));
    let access = app.login("ada", PASSWORD).await.tokens().access;
    assert_eq!(set_up(&app, &access).await.status, 200, "the next day");
}

#[tokio::test]
async fn all_accounts_together_get_no_more_messages_a_day_than_the_configuration_says() {
    let gateway = Gateway::start().await;
    let app = with_gateway_and(&gateway, &[("sms.daily", "3")]).await;
    for (number, name) in ["ada", "bob", "cleo", "dan"].into_iter().enumerate() {
        let access = app.enter(name).await.access;
        set_phone(&app, &access, &format!("+4917012345{number}0")).await;
        let answer = set_up(&app, &access).await;
        let expected = if number < 3 { (200, "") } else { (429, "AUTH_RATE_LIMIT_EXCEEDED") };
        assert_eq!((answer.status.as_u16(), answer.code()), expected, "{name}");
    }
    deliver(&app).await;
    assert_eq!(gateway.take().len(), 3);
    app.turn_clock(Duration::from_hours(24));
    let access = app.login("dan", PASSWORD).await.tokens().access;
    assert_eq!(set_up(&app, &access).await.status, 200, "the next day");
}

#[tokio::test]
async fn text_messages_go_only_where_the_configuration_says() {
    let app = app().await;
    let access = app.enter("ada").await.access;
    set_phone(&app, &access, NUMBER).await;
    let off = set_up(&app, &access).await;
    assert_eq!((off.status.as_u16(), off.code()), (400, "VALIDATION_ERROR"));
    let gateway = Gateway::start().await;
    let app = with_gateway(&gateway).await;
    let access = app.enter("ada").await.access;
    for phone in ["", "0170 1234567", "+12025550123", "491701234567"] {
        set_phone(&app, &access, phone).await;
        let refused = set_up(&app, &access).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "VALIDATION_ERROR"), "{phone}");
        assert_eq!(refused.body["error"]["details"][0]["field"], "phone", "{phone}");
    }
    deliver(&app).await;
    assert_eq!(gateway.take().len(), 0);
}

#[tokio::test]
async fn any_other_gateway_is_spoken_to_by_its_template() {
    let gateway = Gateway::start().await;
    let url = format!("{}/send?key=1", gateway.url);
    let keys = [
        ("sms.url", url.as_str()),
        ("sms.method", "PUT"),
        ("sms.headers", "Content-Type: application/json\nX-Key: k"),
        ("sms.body", "{\"to\":\"{to}\",\"message\":\"{text}\"}"),
        ("sms.countries", "49"),
    ];
    let app = app_with("standard", &keys).await;
    let access = app.enter("ada").await.access;
    set_phone(&app, &access, NUMBER).await;
    assert_eq!(set_up(&app, &access).await.status, 200);
    deliver(&app).await;
    let request = gateway.take().pop().unwrap();
    assert!(
        request.starts_with("PUT /send?key=1 HTTP/1.1\r\n") && request.contains("x-key: k"),
        "{request}"
    );
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["to"], NUMBER);
    assert!(body["message"].as_str().unwrap().contains(" is your authd code."), "{body}");
}

#[tokio::test]
async fn a_text_message_is_written_in_the_language_of_the_account() {
    let gateway = Gateway::start().await;
    let app = with_gateway(&gateway).await;
    let access = app.enter("ada").await.access;
    set_phone(&app, &access, NUMBER).await;
    app.put("/v1/users/me", &json!({ "locale": "zh-CN" })).bearer(&access).ok(200).await;
    assert_eq!(set_up(&app, &access).await.status, 200);
    app.put("/v1/users/me", &json!({ "locale": "de" })).bearer(&access).ok(200).await;
    deliver(&app).await;
    let request = gateway.take().pop().unwrap();
    let (_, body) = request.split_once("Body=").unwrap();
    let expected = "%20%E6%98%AF%E6%82%A8%E7%9A%84%20authd%20%E9%AA%8C%E8%AF%81%E7%A0%81%E3%80%82";
    assert!(body.chars().skip(6).collect::<String>().starts_with(expected), "{body}");
    let written = app.database().texts("select locale from outbox where channel = 'sms'");
    assert_eq!(written, ["zh-Hans"]);
}
