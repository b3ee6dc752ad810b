//! Passkeys on the pages, in a real browser with a virtual authenticator.

use serde_json::json;

use crate::chromium::Browser;
use crate::docs::axe;
use crate::support::{App, PASSWORD, Server, UNLIMITED, app_with};

/// The program on a port whose origin it accepts, by the name that passkeys are bound to.
pub async fn served() -> (App, Server, String) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
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
