//! Every page with texts that are doubled and written from right to left, on a phone and on a desk:
//! nothing is wider than the window, nothing is cut off, and axe finds nothing. One browser shows
//! all of them.

use std::path::Path;
use std::time::Duration;

use authd::words::export;
use serde_json::json;

use crate::chromium::Browser;
use crate::docs::axe;
use crate::support::{App, PASSWORD, Server, UNLIMITED, UNLIMITED_MAIL, app_with, token_in};
use crate::web::account::turn_on_second_step;
use crate::web::by_code::code_in;
use crate::web::visitor::Visitor;

/// What is cut off or outside the window, but for what is meant to be: the list of pages on a phone
/// can be scrolled, and some words are for screen readers alone.
const CUT: &str = "
    const found = [];
    for (const one of document.querySelectorAll('a, button, input, select, summary, label, h1, h2, p, li, strong, td')) {
        const box = one.getBoundingClientRect(), style = getComputedStyle(one);
        if (box.width === 0 || one.closest('nav, .skip, .away, [hidden]')) continue;
        const is_out = box.left < -1 || box.right > innerWidth + 1;
        const is_cut = style.overflow !== 'visible' && one.tagName !== 'INPUT' && one.tagName !== 'SELECT'
            && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1);
        const parent = one.parentElement.getBoundingClientRect();
        const is_over = one.matches('button, a.button') && (box.left < parent.left - 1 || box.right > parent.right + 1);
        if (one.matches('p, h1, h2, li, label') && !one.closest('.codes') && style.direction !== 'rtl') found.push(`${one.tagName}: from left to right: ${one.textContent.slice(0, 60)}`);
        if (is_out || is_cut || is_over) found.push(`${one.tagName} ${one.className}: ${one.textContent.slice(0, 60)}`);
    }
    const who = document.querySelector('.who');
    if (who && who.getClientRects().length && who.getBoundingClientRect().height > 40) found.push('the name of the owner is broken');
    if (document.documentElement.scrollWidth > innerWidth) found.push('the page is wider than the window');
    if (document.documentElement.dir !== 'rtl') found.push('left to right');
    return found;";

/// A browser, and what it has seen of the pages.
struct Looker {
    browser: Browser,
    server: Server,
    found: Vec<String>,
}

impl Looker {
    fn go(&mut self, path: &str) {
        self.browser.go(&self.server.url(path));
        self.look(path);
    }

    /// Looks at the page on both screens.
    fn look(&mut self, name: &str) {
        self.browser.wait("h1");
        let file = name.replace(['/', '?', '&', '='], "_");
        self.browser.be_a_desktop();
        self.note(name, "desk");
        self.browser
            .picture(&format!("mirrored-{}-desk", file.chars().take(40).collect::<String>()));
        self.browser.be_a_phone();
        self.note(name, "phone");
        self.browser
            .picture(&format!("mirrored-{}-phone", file.chars().take(40).collect::<String>()));
        let findings = axe(&self.browser, "document");
        self.found.extend(findings.into_iter().map(|finding| format!("{name}: {finding}")));
    }

    fn note(&mut self, name: &str, screen: &str) {
        let cut = self.browser.run(CUT);
        let cut = cut.as_array().unwrap().iter();
        self.found.extend(cut.map(|cut| format!("{name} on a {screen}: {cut}")));
    }
}

/// A server that has the language.
async fn mirrored(folder: &Path) -> App {
    std::fs::write(folder.join("en-XA.toml"), export::export_pseudo()).unwrap();
    let words = folder.to_str().unwrap();
    let set = [
        ("language.words", words),
        ("login.passwordless", "true"),
        ("pages.name", "A company with quite a long name"),
        ("pages.terms", "https://example.com/terms"),
        ("pages.privacy", "https://example.com/privacy"),
    ];
    app_with("standard", &[&UNLIMITED[..], &UNLIMITED_MAIL, &set].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_is_cut_off_in_a_language_of_long_words_from_right_to_left() {
    let Some(browser) = Browser::open("mirrored pages") else { return };
    let folder = tempfile::tempdir().unwrap();
    let app = mirrored(folder.path()).await;
    let server = app.listen().await;
    let mut looker = Looker { browser, server, found: Vec::new() };
    let mut ada = Visitor::owner(&app, "ada").await;
    let access = app.login("ada", PASSWORD).await.tokens().access;
    let mut device = crate::authenticator::Device::new();
    crate::passkeys::add(&app, &access, &mut device, "passkey").await;
    let phone = turn_on_second_step(&app, &mut ada).await;
    app.mails().await;
    before_a_login(&app, &mut looker).await;
    app.turn_clock(Duration::from_mins(1));
    looker.browser.go(&looker.server.url("/sign-in"));
    looker.browser.keys("#name", "ada@example.com");
    looker.browser.keys("#password", &format!("{PASSWORD}\u{e007}"));
    looker.browser.wait("#code");
    looker.look("second-step");
    looker.browser.keys("#code", &format!("{}\u{e007}", phone.code(&app)));
    looker.browser.wait("#content");
    app.turn_clock(Duration::from_mins(16));
    after_a_login(&mut looker);
    assert!(looker.found.is_empty(), "{}", looker.found.join("\n"));
}

async fn before_a_login(app: &App, looker: &mut Looker) {
    for path in [
        "/sign-in?lang=en-XA",
        "/sign-up",
        "/sign-up/done",
        "/sign-in?return_to=nowhere",
        "/sign-in/code",
        "/forgot-password",
        "/resend-verification",
        "/verify-email?token=abc",
        "/",
    ] {
        looker.go(path);
    }
    looker.browser.go(&looker.server.url("/sign-in"));
    looker.browser.keys("#name", "ada@example.com");
    looker.browser.keys("#password", "wrong\u{e007}");
    looker.browser.wait("#problem");
    looker.look("sign-in-refused");
    looker.browser.go(&looker.server.url("/sign-in/code"));
    looker.browser.keys("#email", "ada@example.com\u{e007}");
    looker.browser.wait("#code");
    looker.look("sign-in-code-sent");
    looker.browser.go(&looker.server.url("/sign-up"));
    looker.browser.run("document.forms[0].noValidate = true");
    looker.browser.keys("#new_password", "short\u{e007}");
    looker.browser.wait("#email-reason");
    looker.look("sign-up-refused");
    let code = code_in(&app.mails().await[0]);
    assert_eq!(code.len(), 6);
    app.post("/v1/auth/forgot-password", &json!({ "email": "ada@example.com" })).ok(200).await;
    let token = token_in(&app.mails().await, "/reset-password?token=");
    looker.go(&format!("/reset-password?token={token}"));
}

fn after_a_login(looker: &mut Looker) {
    for path in [
        "/account",
        "/account/profile",
        "/account/email",
        "/account/password",
        "/account/passkeys",
        "/account/authenticator",
        "/account/backup-codes",
        "/account/sessions",
        "/account/record",
        "/account/data",
        "/account/data/export",
        "/account/data/delete",
        "/sign-in",
    ] {
        looker.go(path);
    }
    for page in ["/account/passkeys", "/account/authenticator"] {
        looker.browser.go(&looker.server.url(page));
        looker.browser.click(".list .button");
        looker.browser.wait("button.risk");
        looker.look(&format!("{page}/remove"));
    }
    looker.browser.keys("#proof_password", &format!("{PASSWORD}\u{e007}"));
    looker.browser.wait(".note.good");
    looker.look("removed");
    looker.browser.click("main form button:not([type=button])");
    looker.browser.wait("#secret");
    looker.look("authenticator-new");
}

/// Presses Tab until the focus is on what has this id or text, and can be seen.
fn tab_to(browser: &Browser, wanted: &str) {
    for _ in 0..40 {
        browser.type_keys("\u{e004}");
        let focus = browser.run(
            "const one = document.activeElement, style = getComputedStyle(one); \
             return [one.id, one.textContent.trim(), style.outlineStyle]",
        );
        assert_ne!(focus[2], "none", "the focus cannot be seen: {focus}");
        if focus[0] == wanted || focus[1] == wanted {
            return;
        }
    }
    panic!("the keyboard does not reach {wanted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_step_and_the_account_are_used_by_keyboard_alone() {
    let Some(browser) = Browser::open("an account by keyboard") else { return };
    let app = app_with("standard", &UNLIMITED).await;
    let server = app.listen().await;
    let mut ada = Visitor::owner(&app, "ada").await;
    let phone = turn_on_second_step(&app, &mut ada).await;
    app.turn_clock(Duration::from_mins(1));
    browser.go(&server.url("/sign-in"));
    browser.type_keys("ada@example.com\u{e004}");
    browser.type_keys(&format!("{PASSWORD}\u{e007}"));
    browser.sees("h1", "One more step");
    assert_eq!(browser.focused(), "code", "typing can begin at once");
    browser.type_keys(&format!("{}\u{e007}", phone.code(&app)));
    browser.sees("h1", "Your account");
    browser.type_keys("\u{e004}");
    assert_eq!(browser.run("return document.activeElement.className"), "skip");
    browser.type_keys("\u{e007}");
    tab_to(&browser, "Change profile");
    browser.type_keys("\u{e007}");
    browser.sees("h1", "Profile");
    tab_to(&browser, "last_name");
    browser.type_keys("Lovelace\u{e007}");
    browser.sees("[role=status]", "Saved.");
    app.turn_clock(Duration::from_mins(16));
    tab_to(&browser, "Email address");
    browser.type_keys("\u{e007}");
    browser.sees("h1", "Email address");
    tab_to(&browser, "new_email");
    browser.type_keys("new@example.org");
    tab_to(&browser, "proof_password");
    browser.type_keys(PASSWORD);
    tab_to(&browser, "Send the link");
    browser.type_keys("\u{e007}");
    browser.wait("[role=status]");
    tab_to(&browser, "Sign out");
    browser.type_keys("\u{e007}");
    browser.sees("h1", "Sign in");
    let mails = app.mails().await;
    assert!(mails.iter().any(|mail| mail.to == "new@example.org"), "the link is mailed");
}
