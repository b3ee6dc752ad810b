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

use crate::support::{Answer, App, Call, PASSWORD, app, app_with};

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
    app_with("standard", &settings(gateway, more)).await
}

fn settings<'a>(gateway: &'a Gateway, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
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
    [&keys, more].concat()
}

/// Lets the worker for text messages process all due messages.
async fn deliver(app: &App) {
    let worker = authd::app::text_worker(&app.core, sms::gateway(&app.core.config.sms));
    while worker.run_once().await.unwrap() > 0 {}
}

/// The messages that reach the gateway now.
async fn delivered(app: &App, gateway: &Gateway) -> Vec<String> {
    deliver(app).await;
    gateway.take()
}

fn code_in(request: &str) -> String {
    let (_, body) = request.split_once("Body=").unwrap();
    body.chars().take(6).collect()
}

async fn verify(app: &App, token: &str, code: &str) -> Answer {
    app.post("/v1/auth/mfa/verify", &json!({ "code": code })).bearer(token).send().await
}

fn setup_call<'a>(app: &'a App, access: &str) -> Call<'a> {
    app.post("/v1/auth/mfa/setup", &json!({ "type": "sms", "deviceName": "Phone" })).bearer(access)
}

async fn set_up(app: &App, access: &str) -> Answer {
    setup_call(app, access).send().await
}

async fn set_up_from(app: &App, access: &str, address: &str) -> Answer {
    setup_call(app, access).from(address).send().await
}

/// A refusal by a limit: the code, the message and how long to wait.
#[track_caller]
fn refusal(answer: &Answer) -> (String, String, String) {
    assert_eq!(answer.status, 429, "{}", answer.text);
    let message = answer.body["error"]["message"].as_str().unwrap();
    (answer.code().to_owned(), message.to_owned(), answer.header("retry-after").to_owned())
}

/// Signs up and sets the number; returns the access token.
async fn enter_with_phone(app: &App, name: &str, phone: &str) -> String {
    let access = app.enter(name).await.access;
    set_phone(app, &access, phone).await;
    access
}

/// Signs up and sets up a factor with this number, from this address.
async fn enter_with_factor(app: &App, gateway: &Gateway, name: &str, phone: &str, address: &str) {
    let access = enter_with_phone(app, name, phone).await;
    assert_eq!(set_up_from(app, &access, address).await.status, 200);
    let code = code_in(&delivered(app, gateway).await.pop().unwrap());
    assert_eq!(verify(app, &access, &code).await.status, 200);
}

/// Logs in to an account with a factor as far as its code.
async fn ask_for_login_code(app: &App, name: &str) -> Answer {
    app.login(name, PASSWORD).await.refused(401, "MFA_REQUIRED")
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
    enter_with_factor(&app, &gateway, "ada", NUMBER, "198.51.100.1").await;
    for _ in 0..3 {
        ask_for_login_code(&app, "ada").await;
    }
    assert_eq!(delivered(&app, &gateway).await.len(), 2, "the third code is held back");
    let bob = enter_with_phone(&app, "bob", "+491701234502").await;
    let held = set_up_from(&app, &bob, "198.51.100.2").await;
    assert_eq!(refusal(&held).0, "AUTH_RATE_LIMIT_EXCEEDED");
    assert_eq!(delivered(&app, &gateway).await.len(), 0);
    app.turn_clock(Duration::from_hours(24));
    ask_for_login_code(&app, "ada").await;
    let bob = app.login("bob", PASSWORD).await.tokens().access;
    assert_eq!(set_up_from(&app, &bob, "198.51.100.2").await.status, 200, "the next day");
    assert_eq!(delivered(&app, &gateway).await.len(), 2);
}

#[tokio::test]
async fn codes_that_set_up_factors_take_half_of_the_messages_and_logins_the_rest() {
    let gateway = Gateway::start().await;
    let app = with_gateway_and(&gateway, &[("sms.daily", "10")]).await;
    enter_with_factor(&app, &gateway, "ada", NUMBER, "198.51.100.1").await;
    enter_with_factor(&app, &gateway, "bob", "+491701234502", "198.51.100.2").await;
    let cleo = enter_with_phone(&app, "cleo", "+491701234503").await;
    for address in ["198.51.100.3", "198.51.100.4", "198.51.100.5"] {
        assert_eq!(set_up_from(&app, &cleo, address).await.status, 200, "{address}");
    }
    let dan = enter_with_phone(&app, "dan", "+491701234504").await;
    let held = set_up_from(&app, &dan, "198.51.100.6").await;
    assert_eq!(delivered(&app, &gateway).await.len(), 3, "no more than half in all");

    let login = ask_for_login_code(&app, "ada").await;
    let code = code_in(&delivered(&app, &gateway).await.pop().unwrap());
    let token = login.body["error"]["mfaToken"].as_str().unwrap();
    assert_eq!(verify(&app, token, &code).await.status, 200, "logins go on");
    for name in ["ada", "ada", "bob", "bob", "bob"] {
        ask_for_login_code(&app, name).await;
    }
    assert_eq!(delivered(&app, &gateway).await.len(), 4, "the other half is used up too");
    let all_used_up = set_up_from(&app, &dan, "198.51.100.6").await;
    assert_eq!(refusal(&held), refusal(&all_used_up), "both refusals look alike");
    assert_eq!(refusal(&held).2, "86400");
    app.turn_clock(Duration::from_hours(24));
    let dan = app.login("dan", PASSWORD).await.tokens().access;
    assert_eq!(set_up_from(&app, &dan, "198.51.100.6").await.status, 200, "the next day");
}

#[tokio::test]
async fn one_client_network_gets_a_tenth_of_the_messages_for_setting_up_factors() {
    let gateway = Gateway::start().await;
    let app = with_gateway_and(&gateway, &[("sms.daily", "20")]).await;
    enter_with_factor(&app, &gateway, "ada", NUMBER, "[2001:db8:0:1::1]").await;
    let bob = enter_with_phone(&app, "bob", "+491701234502").await;
    assert_eq!(set_up_from(&app, &bob, "[2001:db8:0:1::2]").await.status, 200);
    let cleo = enter_with_phone(&app, "cleo", "+491701234503").await;
    for host in 3..9 {
        let held = set_up_from(&app, &cleo, &format!("[2001:db8:0:1::{host}]")).await;
        let (code, _, wait) = refusal(&held);
        assert_eq!((code.as_str(), wait.as_str()), ("AUTH_RATE_LIMIT_EXCEEDED", "86400"));
    }
    assert_eq!(delivered(&app, &gateway).await.len(), 1);
    let other = set_up_from(&app, &cleo, "[2001:db8:0:2::1]").await;
    assert_eq!(other.status, 200, "what was held back is not counted: {}", other.text);
    ask_for_login_code(&app, "ada").await;
    assert_eq!(delivered(&app, &gateway).await.len(), 2, "logins do not count for the network");
    app.turn_clock(Duration::from_hours(24));
    let cleo = app.login("cleo", PASSWORD).await.tokens().access;
    assert_eq!(set_up_from(&app, &cleo, "[2001:db8:0:1::3]").await.status, 200, "the next day");
}

#[tokio::test]
async fn a_service_sets_up_factors_for_all_its_users_from_one_address() {
    let gateway = Gateway::start().await;
    let app = with_gateway_and(&gateway, &[("sms.daily", "4")]).await;
    let ada = enter_with_phone(&app, "ada", NUMBER).await;
    let required = [("sms.daily", "4"), ("apps.required", "true")];
    let app = app.restart("standard", &settings(&gateway, &required)).await;
    let (id, key) = app.api_client("shop", "service").await;
    let call = || setup_call(&app, &ada).header("x-app-id", &id).header("x-service-key", &key);
    for _ in 0..2 {
        call().ok(200).await;
    }
    call().refused(429, "AUTH_RATE_LIMIT_EXCEEDED").await;
    assert_eq!(delivered(&app, &gateway).await.len(), 2, "half of all");
}

#[tokio::test]
async fn the_share_of_set_ups_begins_again_with_the_day_of_all_messages_and_not_within_it() {
    let gateway = Gateway::start().await;
    let app = with_gateway_and(&gateway, &[("sms.daily", "4")]).await;
    enter_with_factor(&app, &gateway, "ada", NUMBER, "198.51.100.1").await;
    enter_with_phone(&app, "bob", "+491701234502").await;
    let set_up_by_bob = async |address| {
        let access = app.login("bob", PASSWORD).await.tokens().access;
        set_up_from(&app, &access, address).await
    };
    app.turn_clock(Duration::from_hours(25));
    ask_for_login_code(&app, "ada").await;
    app.turn_clock(Duration::from_hours(11));
    assert_eq!(set_up_by_bob("198.51.100.2").await.status, 200, "late in the second day");
    app.turn_clock(Duration::from_hours(13));
    ask_for_login_code(&app, "ada").await;
    app.turn_clock(Duration::from_hours(1));
    assert_eq!(set_up_by_bob("198.51.100.3").await.status, 200, "early in the third day");
    assert_eq!(set_up_by_bob("198.51.100.4").await.status, 200, "half of the third day");
    assert_eq!(refusal(&set_up_by_bob("198.51.100.5").await).2, "82800");
    app.turn_clock(Duration::from_hours(11));
    let held = set_up_by_bob("198.51.100.5").await;
    assert_eq!(refusal(&held).2, "43200", "a day after the set-up of the second day");
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
