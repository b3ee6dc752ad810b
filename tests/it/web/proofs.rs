//! A fresh proof of identity on the page that needs it: with a key, and with a mailed code.

use std::time::Duration;

use poem::http::Method;
use serde_json::{Value, json};

use crate::authenticator::Device;
use crate::chromium::Browser;
use crate::docs::axe;
use crate::passkeys;
use crate::support::{Answer, App, PASSWORD, UNLIMITED, app_with};
use crate::web::passkeys::served;
use crate::web::visitor::Visitor;

const OPTIONS: &str = "/account/proof/passkey/options";
const PROOF: &str = "/account/proof/passkey";
const NEW: (&str, &str) = ("new_email", "new@example.org");

/// An owner with a passkey whose last proof is too old, on the page of the address.
async fn late_owner<'a>(app: &'a App, name: &str) -> (Visitor<'a>, Device) {
    let (_, device) = passkeys::with_passkey(app, name).await;
    let mut owner = Visitor::known(app, name).await;
    app.turn_clock(Duration::from_mins(16));
    owner.open("/account/email").await;
    (owner, device)
}

/// What the script of the page posts.
async fn call(owner: &mut Visitor<'_>, path: &str, credential: &str) -> Answer {
    let form = owner.form("/account/email", &[("credential", credential)]);
    owner.send(Method::POST, path, Some(form)).await
}

async fn prove(owner: &mut Visitor<'_>, device: &mut Device) -> Answer {
    let options = call(owner, OPTIONS, "").await.ok(200);
    let credential = device.get(&options.body).unwrap();
    call(owner, PROOF, &credential.to_string()).await
}

fn forget_password(app: &App, name: &str) {
    let of_name = format!("where email_key = '{name}@example.com'");
    app.database().tamper(&format!("update accounts set password_hash = null {of_name}"));
}

#[tokio::test]
async fn an_owner_who_has_only_a_passkey_proves_with_it_who_they_are() {
    let app = app_with("standard", &UNLIMITED).await;
    let (mut ada, mut device) = late_owner(&app, "ada").await;
    forget_password(&app, "ada");
    ada.open("/account/email").await;
    assert!(!ada.page.text.contains("proof_password"), "{}", ada.page.text);
    ada.sees("data-proves=\"/account/proof/passkey\"");
    ada.sees("<noscript><p class=\"hint\">Confirming with a passkey needs JavaScript.");
    ada.sees("<a href=\"/sign-in?again&#38;return_to=%2Faccount%2Femail\">Sign in again</a>");
    ada.submit("/account/email", &[NEW]).await;
    assert_eq!(ada.page.status, 400, "nothing is proved yet");
    ada.sees("This needs a sign-in of the last 15 minutes.");
    ada.sees("value=\"new@example.org\"");
    let proved = prove(&mut ada, &mut device).await;
    assert_eq!(proved.status, 200, "{}", proved.text);
    let newest = "select methods || ' ' || level from sessions where page_hash is not null";
    assert_eq!(app.database().texts(newest), ["pwd hwk uv 2"], "both factors");
    ada.submit("/account/email", &[NEW]).await;
    ada.sees("If the new address can be used, we have sent a link to it.");
    for path in ["/account/data/export", "/account/data/delete", "/account/passkeys"] {
        ada.open(path).await;
        assert!(!ada.page.text.contains("data-proves"), "{path}: the proof holds");
    }
}

#[tokio::test]
async fn a_passkey_is_offered_beside_the_password_to_those_who_have_one() {
    let app = app_with("standard", &UNLIMITED).await;
    let (mut ada, _) = late_owner(&app, "ada").await;
    let mut bob = Visitor::owner(&app, "bob").await;
    app.turn_clock(Duration::from_mins(16));
    for path in
        ["/account/email", "/account/passkeys", "/account/data/export", "/account/data/delete"]
    {
        for (owner, has_key) in [(&mut ada, true), (&mut bob, false)] {
            owner.open(path).await;
            owner.sees("id=\"proof_password\"");
            assert_eq!(owner.page.text.contains("data-proves"), has_key, "{path}");
        }
    }
    ada.open("/account/email").await;
    ada.submit("/account/email", &[NEW, ("proof_password", PASSWORD)]).await;
    ada.sees("If the new address can be used, we have sent a link to it.");
    bob.open("/account/email").await;
    assert_eq!(call(&mut bob, OPTIONS, "").await.status, 404, "there is no key to ask for");
}

#[tokio::test]
async fn a_key_proves_nothing_for_another_account_or_session_and_only_once() {
    let app = app_with("standard", &UNLIMITED).await;
    let (mut ada, mut device) = late_owner(&app, "ada").await;
    let (mut eve, mut others) = late_owner(&app, "eve").await;
    ada.open("/account/email").await;
    let options = call(&mut ada, OPTIONS, "").await.ok(200).body;
    let swapped = |allowed: Value| {
        let mut options = options.clone();
        options["allowCredentials"] = allowed;
        options
    };
    let of_eve = call(&mut eve, OPTIONS, "").await.ok(200).body["allowCredentials"].clone();
    let foreign = others.get(&swapped(of_eve)).unwrap();
    let own = device.get(&options).unwrap();
    let wrong = json!({}).to_string();
    for (is_ada, credential) in
        [(true, &foreign.to_string()), (false, &own.to_string()), (true, &wrong)]
    {
        let owner = if is_ada { &mut ada } else { &mut eve };
        let refused = call(owner, PROOF, credential).await;
        assert!(refused.status.is_client_error(), "{}", refused.text);
        owner.submit("/account/email", &[NEW]).await;
        assert_eq!(owner.page.status, 400);
    }
    device.verifies_user = false;
    let unverified = prove(&mut ada, &mut device).await;
    assert!(unverified.status.is_client_error(), "a thief may hold the device");
    device.verifies_user = true;
    let options = call(&mut ada, OPTIONS, "").await.ok(200).body;
    let own = device.get(&options).unwrap().to_string();
    assert_eq!(call(&mut ada, PROOF, &own).await.status, 200);
    assert!(call(&mut ada, PROOF, &own).await.status.is_client_error(), "it is spent");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_asks_for_the_passkey_while_the_form_stays_open() {
    let Some(browser) = Browser::open("a passkey as the proof on a page") else { return };
    let (app, _server, origin) = served().await;
    app.join("ada").await;
    let device = browser.add_authenticator(&json!({
        "protocol": "ctap2_1", "transport": "internal", "hasResidentKey": true,
        "hasUserVerification": true, "isUserConsenting": true, "isUserVerified": true,
    }));
    browser.go(&format!("{origin}/sign-in"));
    browser.keys("#name", "ada@example.com");
    browser.keys("#password", &format!("{PASSWORD}\u{e007}"));
    browser.sees("h1", "Your account");
    browser.go(&format!("{origin}/account/passkeys"));
    browser.press("button[value=passkey]");
    browser.press("form[data-creates] button");
    browser.sees("[role=status]", "The passkey is added.");
    app.turn_clock(Duration::from_mins(16));
    browser.go(&format!("{origin}/account/email"));
    browser.keys("#new_email", "new@example.org");
    browser.picture("proof-password-and-key");
    assert_eq!(axe(&browser, "document"), Vec::<String>::new());
    browser.set_user_verified(&device, false);
    browser.press(".key button");
    browser.sees(".key .reasons", "That did not work, or it was cancelled. You can do it again.");
    browser.picture("proof-key-failed");
    browser.console();
    browser.set_user_verified(&device, true);
    browser.press(".key button");
    browser.sees(".proof [role=status]", "Thank you, it is confirmed that it is you.");
    browser.picture("proof-key-done");
    assert_eq!(axe(&browser, "document"), Vec::<String>::new());
    let focused = browser.run("return document.activeElement.textContent");
    assert_eq!(focused, "Send the link", "Enter sends the form");
    browser.press("main form button:not([type=button])");
    browser.sees(
        "[role=status]",
        "If the new address can be used, we have sent a link to it. We have told your old address \
         too, with a link that undoes the change.",
    );
    forget_password(&app, "ada");
    app.turn_clock(Duration::from_mins(16));
    browser.go(&format!("{origin}/account/data/delete"));
    browser.wait(".key button");
    browser.picture("proof-key-only");
    assert_eq!(axe(&browser, "document"), Vec::<String>::new());
    assert_eq!(browser.console(), Vec::<String>::new());
}
