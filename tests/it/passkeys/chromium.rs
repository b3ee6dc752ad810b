//! The same ceremonies in a real browser with virtual authenticators, by the `/v1` calls from a page of
//! the server.

use serde_json::{Value, json};

use super::list;
use crate::chromium::Browser;
use crate::reserved_port::ReservedPort;
use crate::support::{App, PASSWORD, Server, UNLIMITED, app_with};

/// What a page of an app does. `conditional` asks as autofill does.
const SCRIPT: &str = "
    const post = async (path, body, token) => {
        const headers = { 'content-type': 'application/json' };
        if (token) headers.authorization = `Bearer ${token}`;
        const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
        return { status: response.status, ...(await response.json()) };
    };
    const add = async (type, token) => {
        const { data } = await post('/v1/users/me/passkeys/options', { type }, token);
        const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(data);
        const credential = await navigator.credentials.create({ publicKey });
        return post('/v1/users/me/passkeys', { credential: credential.toJSON() }, token);
    };
    const logIn = async (mediation) => {
        const { data } = await post('/v1/auth/passkey/options');
        const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(data);
        const credential = await navigator.credentials.get({ publicKey, mediation });
        return post('/v1/auth/passkey', { credential: credential.toJSON() });
    };
    const step = async (token) => {
        const { data } = await post('/v1/auth/mfa/passkey/options', {}, token);
        const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(data);
        const credential = await navigator.credentials.get({ publicKey });
        return post('/v1/auth/mfa/passkey', { credential: credential.toJSON() }, token);
    };
";

/// The program on a port whose origin it accepts, and the address of a page there.
async fn served() -> (App, Server, String) {
    let reserved = ReservedPort::new();
    let port = reserved.number();
    let listen = format!("127.0.0.1:{port}");
    let set = [&UNLIMITED[..], &[("server.listen", listen.as_str())]].concat();
    let app = app_with("standard", &set).await;
    let server = app.listen_at(port).await;
    (app, server, format!("http://localhost:{port}/livez"))
}

fn run(browser: &Browser, script: &str) -> Value {
    browser.run_async(&format!("{SCRIPT} {script}"))
}

fn phone() -> Value {
    json!({
        "protocol": "ctap2_1", "transport": "internal", "hasResidentKey": true,
        "hasUserVerification": true, "isUserConsenting": true, "isUserVerified": true,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_adds_a_passkey_and_logs_in_with_it() {
    let Some(browser) = Browser::open("a passkey in a browser") else { return };
    let (app, _server, url) = served().await;
    let tokens = app.enter("ada").await;
    let phone = browser.add_authenticator(&phone());
    browser.go(&url);
    let added = run(&browser, &format!("return add('passkey', '{}')", tokens.access));
    assert_eq!(added["status"], 201, "{added}");
    assert_eq!(added["data"]["passkey"]["discoverable"], true);
    assert_eq!(added["data"]["passkey"]["userVerified"], true);
    for ask in ["logIn()", "logIn('conditional')"] {
        let login = run(&browser, &format!("return {ask}"));
        assert_eq!(login["status"], 200, "{ask}: {login}");
        assert_eq!(login["data"]["user"]["username"], "ada", "{ask}");
    }

    // The device does not recognise the person.
    browser.set_user_verified(&phone, false);
    assert_eq!(run(&browser, "return logIn()")["failed"], "NotAllowedError");
    browser.set_user_verified(&phone, true);

    // The passkey is backed up from now on, and its counter begins again.
    let mut credential = browser.credentials(&phone).remove(0);
    credential["backupEligibility"] = true.into();
    credential["backupState"] = true.into();
    credential["signCount"] = 0.into();
    browser.replace_credential(&phone, &credential);
    let login = run(&browser, "return logIn()");
    assert_eq!(login["status"], 200, "{login}");
    let key = list(&app, &tokens).await["passkeys"][0].clone();
    assert_eq!((&key["backupEligible"], &key["backedUp"]), (&json!(true), &json!(true)), "{key}");
    assert!(key["suspectSince"].is_string(), "{key}");
    let again = run(&browser, &format!("return add('passkey', '{}')", tokens.access));
    assert_eq!(again["failed"], "InvalidStateError", "the device has one: {again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_completes_a_login_with_a_security_key() {
    let Some(browser) = Browser::open("a security key in a browser") else { return };
    let (app, _server, url) = served().await;
    let tokens = app.enter("ada").await;
    browser.add_authenticator(&json!({
        "protocol": "ctap1/u2f", "transport": "usb", "isUserConsenting": true,
    }));
    browser.go(&url);
    let added = run(&browser, &format!("return add('security_key', '{}')", tokens.access));
    assert_eq!(added["status"], 201, "{added}");
    assert_eq!(added["data"]["passkey"]["userVerified"], false);
    let login = app.login("ada", PASSWORD).await;
    let token = crate::factors::waiting(&login);
    let done = run(&browser, &format!("return step('{token}')"));
    assert_eq!(done["status"], 200, "{done}");
}
