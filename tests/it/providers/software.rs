//! Providers in other people's software: npm `oidc-provider`, in a browser and without one, and `PyPI`
//! `oidc-provider-mock`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use authd::env::Env;
use serde_json::{Value, json};

use super::Begun;
use crate::chromium::{Browser, Light, Script};
use crate::docs::axe;
use crate::fake_provider::{CLIENT, PAGE, SECRET, parameter};
use crate::reserved_port::ReservedPort;
use crate::support::{Answer, App, Server, UNLIMITED, app_on};
use crate::tools::{installed, is_here, missing};

/// The provider of npm, in a process of its own.
struct Software {
    child: Child,
    input: ChildStdin,
    output: BufReader<std::process::ChildStdout>,
    issuer: String,
}

impl Drop for Software {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Software {
    /// Starts it on this host, for a client with these pages. Says why it cannot.
    fn start(scenario: &str, host: &str, pages: &[&str]) -> Option<Self> {
        let folder = installed("oidc-provider").filter(|_| is_here("node"));
        let Some(folder) = folder else {
            missing(scenario, "node with oidc-provider");
            return None;
        };
        let program =
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/providers/software/provider.mjs");
        let mut command = Command::new("node");
        command.arg(program).arg(folder).args([host, CLIENT, SECRET]).args(pages);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut software =
            Self { child, input, output: BufReader::new(output), issuer: String::new() };
        software.answer().as_str().unwrap().clone_into(&mut software.issuer);
        Some(software)
    }

    /// The next line of JSON: it prints warnings too.
    fn answer(&mut self) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the provider ended");
            if let Ok(value) = serde_json::from_str(&line) {
                return value;
            }
        }
    }

    fn tell(&mut self, wish: &Value) -> Value {
        writeln!(self.input, "{wish}").unwrap();
        self.answer()
    }

    /// Ada's claims from now on.
    fn knows_ada(&mut self) {
        let claims =
            json!({ "email": "ada@example.com", "email_verified": true, "name": "Ada Lovelace" });
        self.tell(&json!({ "claims": claims }));
    }

    /// A person logs in on the page that a browser was sent to; returns what it brings back.
    fn log_in(&mut self, url: &str) -> Value {
        let place = self.tell(&json!({ "logIn": url, "subject": "ada" }));
        let (page, query) =
            place.as_str().unwrap().split_once('?').unwrap_or_else(|| panic!("{place}"));
        assert_eq!(page, PAGE);
        answer_of(query)
    }

    fn settings(issuer: &str) -> Vec<(String, String)> {
        let key = |setting: &str| format!("providers.acme.{setting}");
        vec![
            ("outbound.allow".to_owned(), "127.0.0.1, localhost".to_owned()),
            (key("issuer"), issuer.to_owned()),
            (key("client_id"), CLIENT.to_owned()),
            (key("client_secret"), SECRET.to_owned()),
            (key("redirect_uris"), PAGE.to_owned()),
        ]
    }
}

/// The parameters of an answer, as an app passes them on.
fn answer_of(query: &str) -> Value {
    let mut answer = json!({});
    for name in ["code", "state", "iss"] {
        if let Some(value) = parameter(query, name) {
            answer[name] = value.into();
        }
    }
    answer
}

/// The program at the real time, ahead by this many seconds, with more settings.
async fn app_ahead(settings: &[(String, String)], more: &[(&str, &str)], seconds: i64) -> App {
    let own: Vec<_> = settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let now = Env::real().wall().millis() + seconds * 1000;
    app_on(&[&UNLIMITED[..], &own, more].concat(), now, |_| ()).await
}

async fn begin(app: &App) -> Begun {
    let body = json!({ "redirectUri": PAGE });
    Begun::of(&app.post("/v1/auth/providers/acme/begin", &body).ok(200).await)
}

async fn call_back(app: &App, flow: &str, answer: &Value) -> Answer {
    let mut body = answer.clone();
    body["flow"] = flow.into();
    app.post("/v1/auth/providers/callback", &body).send().await
}

async fn refused_at(app: &App, flow: &str, answer: &Value, step: &str) {
    call_back(app, flow, answer).await.refused(400, "PROVIDER_REJECTED");
    let audit = app.audit().await;
    let expected = format!("login refused provider acme: {step}");
    assert_eq!(audit.last(), Some(&expected), "{audit:#?}");
}

#[tokio::test]
async fn a_provider_of_npm_opens_the_account_and_its_wrong_answers_do_not() {
    let Some(mut software) = Software::start("a provider of npm", "127.0.0.1", &[PAGE]) else {
        return;
    };
    software.knows_ada();
    let settings = Software::settings(&software.issuer);
    let app = app_ahead(&settings, &[], 0).await;

    let begun = begin(&app).await;
    let answer = software.log_in(&begun.url);
    assert_eq!(answer["iss"], software.issuer, "it names itself (RFC 9207)");
    let entered = call_back(&app, &begun.flow, &answer).await.ok(200);
    assert_eq!(entered.body["data"]["user"]["email"], "ada@example.com");
    // A code counts once: in another login the provider itself refuses it.
    let again = begin(&app).await;
    let mut used = answer.clone();
    used["state"] = software.log_in(&again.url)["state"].clone();
    refused_at(&app, &again.flow, &used, "token").await;
    // Without its name, or with another, the answer may be of another provider.
    for iss in [None, Some("https://evil.example")] {
        let begun = begin(&app).await;
        let mut answer = software.log_in(&begun.url);
        answer.as_object_mut().unwrap().remove("iss");
        answer.as_object_mut().unwrap().extend(iss.map(|iss| ("iss".to_owned(), iss.into())));
        refused_at(&app, &begun.flow, &answer, "the answer is of another issuer").await;
    }
    // What the browser was sent with, changed on the way: the nonce, and the challenge of PKCE.
    for (name, step) in [("nonce", "id token"), ("code_challenge", "token")] {
        let begun = begin(&app).await;
        let (before, after) = begun.url.split_once(&format!("{name}=")).unwrap();
        let first = if after.starts_with('A') { "B" } else { "A" };
        let answer = software.log_in(&format!("{before}{name}={first}{}", &after[1..]));
        refused_at(&app, &begun.flow, &answer, step).await;
    }
    // The provider rotates its key.
    software.tell(&json!({ "key": "two" }));
    app.turn_clock(Duration::from_secs(61));
    let begun = begin(&app).await;
    let answer = software.log_in(&begun.url);
    call_back(&app, &begun.flow, &answer).await.ok(200);
}

#[tokio::test]
async fn a_provider_of_npm_rotates_what_is_kept_of_its_tokens() {
    let Some(mut software) = Software::start("kept tokens", "127.0.0.1", &[PAGE]) else { return };
    software.knows_ada();
    let settings = Software::settings(&software.issuer);
    let more = [
        ("providers.acme.keep_tokens", "true"),
        ("providers.acme.scopes", "offline_access"),
        ("tokens.access", "20h"),
    ];
    let app = app_ahead(&settings, &more, 0).await;
    let (_, key) = app.api_client("Calendar", "service").await;
    let begun = begin(&app).await;
    assert!(begun.url.contains("prompt=consent"), "{}", begun.url);
    let answer = software.log_in(&begun.url);
    let bearer = call_back(&app, &begun.flow, &answer).await.ok(200).tokens().access;
    let list = app.get("/v1/users/me/identities").bearer(&bearer).ok(200).await;
    let id = list.body["data"][0]["id"].as_str().unwrap();
    let path = format!("/v1/users/me/identities/{id}/token");
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..4 {
        let call = app.post(&path, &json!({})).bearer(&bearer).header("x-service-key", &key);
        let given = call.ok(200).await;
        assert!(given.body["data"]["scope"].as_str().unwrap().contains("offline_access"));
        seen.insert(given.body["data"]["accessToken"].as_str().unwrap().to_owned());
        app.turn_clock(Duration::from_hours(2));
    }
    assert_eq!(seen.len(), 4, "each was refreshed, with the refresh token of the one before");
}

#[tokio::test]
async fn a_provider_of_npm_of_another_name_or_another_time_is_refused() {
    let Some(mut software) = Software::start("clocks that differ", "127.0.0.1", &[PAGE]) else {
        return;
    };
    software.knows_ada();
    // The document has no slash at the end of its issuer.
    let other = app_ahead(&Software::settings(&format!("{}/", software.issuer)), &[], 0).await;
    let body = json!({ "redirectUri": PAGE });
    other.post("/v1/auth/providers/acme/begin", &body).refused(400, "PROVIDER_REJECTED").await;

    let settings = Software::settings(&software.issuer);
    let app = app_ahead(&settings, &[], -3600).await;
    for (ahead, works) in [(0, false), (3600, true), (2 * 3600, false)] {
        app.turn_clock(Duration::from_secs(ahead));
        let begun = begin(&app).await;
        let answer = software.log_in(&begun.url);
        if works {
            call_back(&app, &begun.flow, &answer).await.ok(200);
        } else {
            refused_at(&app, &begun.flow, &answer, "id token").await;
        }
    }
}

/// The program on a port of its own, for browsers.
async fn served(software: &mut Software, port: &ReservedPort) -> (App, Server, String) {
    let settings = Software::settings(&software.issuer);
    let origin = format!("http://localhost:{}", port.number());
    let more = [("server.public_url", origin.as_str()), ("providers.acme.label", "Acme")];
    let app = app_ahead(&settings, &more, 0).await;
    let server = app.listen_at(port.number()).await;
    (app, server, origin)
}

/// Presses the button of our sign-in page, and logs in and consents on the pages of the provider.
fn log_in_there(browser: &Browser, subject: &str) {
    browser.follow("a[href='/sign-in/provider/acme']");
    browser.keys("input[name=login]", subject);
    browser.leave(|| browser.keys("input[name=password]", "any\u{e007}"));
    browser.follow("input[value=consent] + button");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_comes_in_by_our_button_in_a_browser_with_and_without_script() {
    let scenario = "a login with a provider in a browser";
    let port = ReservedPort::new();
    let page = format!("http://localhost:{}/sign-in/provider/acme/callback", port.number());
    // A host of another name, so that its posts come from another site.
    let Some(mut software) = Software::start(scenario, "127.0.0.1", &[&page]) else { return };
    software.knows_ada();
    let (app, _server, origin) = served(&mut software, &port).await;
    for (script, posts) in
        [(Script::On, false), (Script::Off, false), (Script::On, true), (Script::Off, true)]
    {
        software.tell(&json!({ "posts": posts }));
        let Some(browser) = Browser::open_as(scenario, script, Light::Day, 1280) else { return };
        browser.go(&format!("{origin}/sign-in"));
        log_in_there(&browser, "ada");
        if script == Script::Off && posts {
            // The page of the provider that posts, and ours that leads on from the post.
            browser.follow("form[action$='/callback'] button");
            browser.sees("h1", "One more step");
            browser.follow("main form button");
        }
        browser.sees("h1", "Your account");
        browser.sees(".who", "ada@example.com");
        browser.go(&format!("{origin}/account/connections"));
        browser.sees(".list strong", "Acme");
    }
    assert_eq!(app.database().number("select count(*) from accounts"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_a_login_with_a_provider_are_accessible_and_look_well() {
    let scenario = "the pages of a login with a provider";
    let port = ReservedPort::new();
    let page = format!("http://localhost:{}/sign-in/provider/acme/callback", port.number());
    let Some(mut software) = Software::start(scenario, "127.0.0.1", &[&page]) else { return };
    let (app, _server, origin) = served(&mut software, &port).await;
    app.join("ada").await;
    for (light, width, name) in [
        (Light::Day, 1280, "day-desk"),
        (Light::Night, 1280, "night-desk"),
        (Light::Day, 390, "day-phone"),
        (Light::Night, 390, "night-phone"),
    ] {
        let Some(browser) = Browser::open_as(scenario, Script::On, light, width) else { return };
        let shown = |page: &str| {
            browser.picture(&format!("provider-{page}-{name}"));
            assert_eq!(axe(&browser, "document"), Vec::<String>::new(), "{page} {name}");
        };
        browser.go(&format!("{origin}/sign-in"));
        shown("sign-in");
        browser.go(&format!("{origin}/sign-up"));
        shown("sign-up");
        // An address that is not proved is asked for, and a code is mailed to it.
        software.tell(&json!({ "claims": { "email": "eve@example.com" } }));
        let log_in = |subject: &str| {
            browser.go(&format!("{origin}/sign-in"));
            log_in_there(&browser, subject);
        };
        log_in("eve");
        browser.sees("h1", "One more step");
        shown("address");
        browser.press("main form button");
        browser.wait("#code");
        shown("code");
        // A provider that proves the address of an account that is there.
        software.knows_ada();
        log_in(&format!("ada-{name}"));
        browser.sees("h1", "One more step");
        shown("existing");
        browser.go(&format!("{origin}/sign-in/provider/acme/callback?state=other"));
        browser.sees("h1", "That did not work");
        shown("failed");
        browser.go(&format!("{origin}/sign-in?again"));
        browser.keys("#name", "ada@example.com");
        browser.keys("#password", &format!("{}\u{e007}", crate::support::PASSWORD));
        browser.sees("h1", "Your account");
        browser.go(&format!("{origin}/account/connections"));
        browser.sees("h1", "Connected accounts");
        shown("connections");
    }
}

/// The provider of `PyPI`, in a process of its own.
struct Mock {
    child: Child,
    issuer: String,
    /// Kept open, because it writes what it does.
    _said: BufReader<std::process::ChildStderr>,
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Mock {
    fn start(scenario: &str) -> Option<Self> {
        let Some(folder) = installed("oidc-mock") else {
            missing(scenario, "Python with oidc-provider-mock");
            return None;
        };
        let ada = json!({ "sub": "ada", "email": "ada@example.com", "email_verified": true });
        let mut child = Command::new(folder.join("bin/oidc-provider-mock"))
            .args(["--port", "0", "--require-nonce", "true", "--user-claims", &ada.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let issuer = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).unwrap() > 0, "the provider ended");
            if let Some((_, rest)) = line.split_once("running on ") {
                break rest.split_whitespace().next().unwrap().to_owned();
            }
        };
        Some(Self { child, issuer, _said: said })
    }

    /// Ada presses the button on the page that a browser was sent to.
    fn log_in(&self, url: &str) -> Value {
        let path = url.strip_prefix(&self.issuer).unwrap();
        let host = self.issuer.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: 7\r\n\r\nsub=ada"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let place = answer.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("location").then_some(value)
        });
        answer_of(place.unwrap_or_else(|| panic!("{answer}")).split_once('?').unwrap().1)
    }
}

#[tokio::test]
async fn a_provider_of_pypi_opens_the_account() {
    let Some(mock) = Mock::start("a provider of PyPI") else { return };
    let key = |setting: &str| format!("providers.acme.{setting}");
    let settings = [
        ("outbound.allow".to_owned(), "127.0.0.1".to_owned()),
        (key("issuer"), mock.issuer.clone()),
        (key("client_id"), CLIENT.to_owned()),
        (key("client_secret"), SECRET.to_owned()),
        (key("redirect_uris"), PAGE.to_owned()),
    ];
    let app = app_ahead(&settings, &[], 0).await;
    for _ in 0..2 {
        let begun = begin(&app).await;
        let entered = call_back(&app, &begun.flow, &mock.log_in(&begun.url)).await.ok(200);
        let user = &entered.body["data"]["user"];
        assert_eq!(
            (&user["email"], &user["emailVerified"]),
            (&json!("ada@example.com"), &json!(true))
        );
    }
    // Its code counts once, and only in the login that it is for.
    let (first, second) = (begin(&app).await, begin(&app).await);
    let mut swapped = mock.log_in(&first.url);
    swapped["state"] = mock.log_in(&second.url)["state"].clone();
    refused_at(&app, &second.flow, &swapped, "id token").await;
    assert_eq!(app.database().number("select count(*) from accounts"), 1);
}
