//! Passkeys on the pages, in a real browser with a virtual authenticator.

use std::time::Duration;

use authd::model::percent;
use poem::http::Method;
use serde_json::json;

use crate::chromium::Browser;
use crate::docs::axe;
use crate::passkeys;
use crate::reserved_port::ReservedPort;
use crate::support::{App, PASSWORD, Server, UNLIMITED, app_with};
use crate::web::visitor::Visitor;

/// The program on a port whose origin it accepts, by the name that passkeys are bound to.
pub async fn served() -> (App, Server, String) {
    let reserved = ReservedPort::new();
    let port = reserved.number();
    let listen = format!("127.0.0.1:{port}");
    let set = [&UNLIMITED[..], &[("server.listen", listen.as_str())]].concat();
    let app = app_with("standard", &set).await;
    let server = app.listen_at(port).await;
    (app, server, format!("http://localhost:{port}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_added_offered_by_the_browser_and_removed() {
    let Some(browser) = Browser::open("passkeys on the pages") else { return };
    let (app, _server, origin) = served().await;
    let url = |path: &str| format!("{origin}{path}");
    app.join("ada").await;
    let device = browser.add_authenticator(&json!({
        "protocol": "ctap2_1", "transport": "internal", "hasResidentKey": true,
        "hasUserVerification": true, "isUserConsenting": true, "isUserVerified": true,
    }));
    browser.go(&url("/sign-in"));
    browser.keys("#name", "ada@example.com");
    browser.keys("#password", &format!("{PASSWORD}\u{e007}"));
    browser.sees("h1", "Your account");
    browser.go(&url("/account/passkeys"));
    browser.keys("#name", "My laptop");
    browser.press("button[value=passkey]");
    browser.sees("h1", "Create the passkey");
    browser.picture("passkey-new");
    assert_eq!(axe(&browser, "document"), Vec::<String>::new());
    browser.press("form[data-creates] button");
    browser.sees("[role=status]", "The passkey is added.");
    browser.sees(".list strong", "My laptop");
    browser.picture("passkeys");
    assert_eq!(axe(&browser, "document"), Vec::<String>::new());
    assert_eq!(browser.credentials(&device).len(), 1);
    browser.press(".bar button");
    // The browser fills in the passkey by itself.
    browser.sees("h1", "Your account");
    browser.sees(".who", "ada@example.com");
    browser.go(&url("/account/passkeys"));
    browser.press(".list .button");
    browser.sees("h1", "Remove a passkey");
    browser.press("button.risk");
    browser.sees("[role=status]", "The passkey is removed.");
    browser.press(".bar button");
    browser.sees("h1", "Sign in");
    browser.press("form[data-asks] button");
    browser.sees(
        "form[data-asks] [data-failed]",
        "That did not work, or it was cancelled. You can do it again.",
    );
    browser.picture("passkey-failed");
    assert_eq!(axe(&browser, "document"), Vec::<String>::new());
    let errors = browser.console();
    assert!(errors.iter().all(|line| !line.contains("Content Security Policy")), "{errors:?}");
}

/// Keeps the browser's requests for a passkey unanswered, and the long timers of the page unexpired.
const WAITING: &str = "
    globalThis.asked = [];
    globalThis.timers = [];
    const start = globalThis.setTimeout;
    globalThis.setTimeout = (act, wait) => wait < 60000 ? start(act, wait) : timers.push({ act, wait });
    PublicKeyCredential.isConditionalMediationAvailable = async () => true;
    navigator.credentials.get = (options) => new Promise((resolve, reject) => {
        const { mediation, signal } = options;
        const challenge = [...new Uint8Array(options.publicKey.challenge)].join();
        if (signal?.aborted) return reject(signal.reason);
        signal?.addEventListener('abort', () => reject(signal.reason));
        asked.push({ mediation, signal, challenge, reject });
    });
";

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_of_passkeys_is_renewed_before_its_challenge_is_too_old() {
    let Some(browser) = Browser::open("the offer of passkeys") else { return };
    let (_app, _server, origin) = served().await;
    browser.before_each_page(WAITING);
    browser.go(&format!("{origin}/sign-in"));
    let wait = |condition: &str| {
        let script = format!(
            "while (!({condition})) await new Promise((done) => setTimeout(done, 5)); return true"
        );
        assert_eq!(browser.run_async(&script), true, "{condition}");
    };
    wait("asked.length === 1 && asked[0].mediation === 'conditional'");
    assert_eq!(browser.run("return timers.map((one) => one.wait)"), json!([480_000]));
    browser.run("timers[0].act()");
    wait("asked.length === 2 && asked[0].signal.aborted && !asked[1].signal.aborted");
    assert_eq!(browser.run("return asked[0].challenge === asked[1].challenge"), false);

    // The button ends the offer, which goes on after the person has cancelled.
    browser.press("form[data-asks] button");
    wait("asked.length === 3 && asked[1].signal.aborted && !asked[2].mediation");
    browser.run("asked[2].reject(new DOMException('', 'NotAllowedError'))");
    wait("asked.length === 4 && asked[3].mediation === 'conditional'");
    assert_eq!(browser.run("return asked[3].signal.aborted"), false);
}

#[tokio::test]
async fn a_passkey_that_came_too_late_is_not_called_wrong() {
    let app = app_with("standard", &UNLIMITED).await;
    let (_, mut device) = passkeys::with_passkey(&app, "ada").await;
    let mut ada = Visitor::at(&app, "/sign-in").await;
    let form = Some(ada.form("/sign-in/passkey", &[]));
    let options = ada.send(Method::POST, "/sign-in/passkey/options", form).await;
    let credential = device.get(&options.body).unwrap().to_string();
    app.turn_clock(Duration::from_mins(11));
    let form = ada.form("/sign-in/passkey", &[]).replace("credential=", "");
    let form = format!("{form}&credential={}", percent::encode(&credential));
    let late = ada.send(Method::POST, "/sign-in/passkey", Some(form)).await;
    assert_eq!(late.status, 401, "{}", late.text);
    assert!(late.text.contains("That took too long. Please do it again."), "{}", late.text);
}

#[tokio::test]
async fn passkeys_are_offered_only_at_a_host_where_they_work() {
    let app = app_with("standard", &[]).await;
    let proxied = app_with("standard", &[("server.public_url", "https://id.example.com")]).await;
    for (app, host, expected) in [
        (&app, "localhost:3000", true),
        (&app, "app.localhost", true),
        (&app, "127.0.0.1:3000", false),
        (&app, "[::1]:3000", false),
        (&proxied, "127.0.0.1:3000", true),
    ] {
        let page = app.get("/sign-in").set_header("host", host).send().await;
        assert_eq!(page.status, 200, "{host}");
        assert_eq!(page.text.contains("action=\"/sign-in/passkey\""), expected, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_security_key_is_the_second_step() {
    let Some(browser) = Browser::open("a security key on the pages") else { return };
    let (app, _server, origin) = served().await;
    let url = |path: &str| format!("{origin}{path}");
    app.join("ada").await;
    browser.add_authenticator(&json!({
        "protocol": "ctap1/u2f", "transport": "usb",
        "isUserConsenting": true,
    }));
    let enter = || {
        browser.go(&url("/sign-in"));
        browser.keys("#name", "ada@example.com");
        browser.keys("#password", &format!("{PASSWORD}\u{e007}"));
    };
    enter();
    browser.sees("h1", "Your account");
    browser.go(&url("/account/passkeys"));
    browser.press("button[value=security_key]");
    browser.press("form[data-creates] button");
    browser.sees("h1", "Your new backup codes");
    browser.press(".bar button");
    browser.sees("h1", "Sign in");
    enter();
    browser.sees("h1", "One more step");
    browser.picture("factor-key");
    assert_eq!(axe(&browser, "document"), Vec::<String>::new());
    browser.press("form[data-asks] button");
    browser.sees("h1", "Your account");
    browser.sees(".who", "ada@example.com");
}
