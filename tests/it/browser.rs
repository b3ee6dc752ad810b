//! The pages in a real browser with a phone-sized window, with and without JavaScript.

use serde_json::json;

use crate::chromium::{Browser, Light, Script};
use crate::support::{App, PASSWORD, app, app_with, token_in};

const PHONE: u32 = 390;
const NEW: &str = "N3w!correct horse-staple";

async fn token_for(app: &App, call: &str, path: &str) -> String {
    app.post(&format!("/v1/auth/{call}"), &json!({ "email": "ada@example.com" })).send().await;
    token_in(&app.mails().await, path)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_reset_on_a_phone_without_scripts() {
    for (script, light, name) in
        [(Script::Off, Light::Day, "day"), (Script::On, Light::Night, "night")]
    {
        let Some(browser) = Browser::open_as("a new password", script, light, PHONE) else {
            return;
        };
        let app = app().await;
        let server = app.listen().await;
        app.join("ada").await;
        let token = token_for(&app, "forgot-password", "/v1/reset-password?token=").await;
        browser.go(&server.url(&format!("/v1/reset-password?token={token}")));
        browser.sees("h1", "Choose a new password");
        assert_eq!(browser.focused(), "new-password", "typing can begin at once");
        browser.picture(&format!("reset-{name}"));

        browser.keys("#new-password", "password1234");
        browser.press("button");
        browser.sees(".reasons", "Password is too common or too easy to guess");
        assert_eq!(browser.attribute("#new-password", "aria-invalid").as_deref(), Some("true"));
        browser.picture(&format!("reset-refused-{name}"));

        browser.keys("#new-password", &format!("{NEW}\u{e007}"));
        browser.sees("h1", "Password changed");
        browser.picture(&format!("reset-done-{name}"));
        assert_eq!(app.login("ada", NEW).await.status, 200);

        browser.go(&server.url(&format!("/v1/reset-password?token={token}")));
        browser.sees("h1", "This link does not work");
        browser.picture(&format!("reset-used-{name}"));
        browser.keys("#email", "ada@example.com");
        browser.press("button");
        browser.sees("h1", "Check your email");
        browser.picture(&format!("forgot-done-{name}"));
        assert!(
            app.mails().await.iter().any(|mail| mail.subject.starts_with("Set a new password"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_verified_changed_and_kept_by_pressing_buttons() {
    for (script, light, width, name) in
        [(Script::Off, Light::Night, PHONE, "phone"), (Script::On, Light::Day, 1200, "desk")]
    {
        let Some(browser) = Browser::open_as("an address", script, light, width) else { return };
        let app = app().await;
        let server = app.listen().await;
        app.register("ada").await;
        let token = token_in(&app.mails().await, "/v1/verify-email?token=");
        browser.go(&server.url(&format!("/v1/verify-email?token={token}")));
        browser.picture(&format!("verify-{name}"));
        browser.press(".other");
        browser.sees("h1", "This was not you?");
        browser.picture(&format!("disown-{name}"));
        browser.go(&server.url(&format!("/v1/verify-email?token={token}")));
        browser.press("button");
        browser.sees("h1", "Email address verified");
        browser.picture(&format!("verified-{name}"));

        let access = app.login("ada", PASSWORD).await.tokens().access;
        let body = json!({ "newEmail": "new@example.org" });
        app.post("/v1/users/me/email", &body).bearer(&access).send().await;
        let mails = app.mails().await;
        let confirm = token_in(&mails, "/v1/confirm-email?token=");
        browser.go(&server.url(&format!("/v1/confirm-email?token={confirm}")));
        browser.picture(&format!("confirm-{name}"));
        browser.press("button");
        browser.sees("h1", "Email address changed");

        let undo = token_in(&mails, "/v1/undo-email?token=");
        browser.go(&server.url(&format!("/v1/undo-email?token={undo}")));
        browser.picture(&format!("undo-{name}"));
        browser.press("button");
        browser.sees("h1", "Your account keeps this address");
        browser.picture(&format!("undone-{name}"));
        assert!(browser.attribute(".other", "href").unwrap().ends_with("/v1/forgot-password"));
        assert_eq!(app.login("ada", PASSWORD).await.status, 401);
        let token = token_in(&app.mails().await, "/v1/reset-password?token=");
        browser.go(&server.url(&format!("/v1/reset-password?token={token}")));
        browser.keys("#new-password", &format!("{NEW}\u{e007}"));
        browser.sees("h1", "Password changed");
        assert_eq!(app.login("ada", NEW).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_policy_says_so_script_presses_the_button_of_a_verification_link() {
    for (set, script, heading) in [
        ("true", Script::On, "Email address verified"),
        ("true", Script::Off, "Verify your email address"),
        ("false", Script::On, "Verify your email address"),
    ] {
        let Some(browser) = Browser::open_as("a link used at once", script, Light::Day, PHONE)
        else {
            return;
        };
        let app = app_with("standard", &[("links.post_at_once", set)]).await;
        let server = app.listen().await;
        app.register("ada").await;
        let token = token_in(&app.mails().await, "/v1/verify-email?token=");
        browser.go(&server.url(&format!("/v1/verify-email?token={token}")));
        browser.sees("h1", heading);
        let is_proved = app.login("ada", PASSWORD).await.status == 200;
        assert_eq!(is_proved, heading.ends_with("verified"), "{set}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_runs_injected_script() {
    let Some(browser) = Browser::open_as("injected script", Script::On, Light::Day, PHONE) else {
        return;
    };
    let name = "<img src=x onerror=\"document.title='run'\">";
    let app = app_with("standard", &[("service.name", name)]).await;
    let server = app.listen().await;
    browser.go(&server.url("/v1/forgot-password?token=\"><script>document.title='run'</script>"));
    browser.run("document.forms[0].noValidate = true");
    browser.keys("#email", "\"><script>document.title='run'</script>{text}{actions}");
    browser.press("button");
    browser.sees(".reasons", "Please type an email address, like jo@example.com.");
    let typed = "\"><script>document.title='run'</script>{text}{actions}";
    assert_eq!(browser.attribute("#email", "value").as_deref(), Some(typed));
    browser.picture("xss");
    for path in [
        "/v1/reset-password?token=\"><script>document.title='run'</script>",
        "/v1/undo-email?token='onload='",
    ] {
        browser.go(&server.url(path));
        browser.sees("h1", "This link is incomplete");
    }
    let inside = browser.run(
        "const sheet = document.createElement('style'); sheet.textContent = 'h1 { display: none }'; \
         document.head.append(sheet); const img = document.querySelectorAll('img, script').length; \
         return [document.title.startsWith('This link'), getComputedStyle(document.querySelector('h1')).display, img]",
    );
    assert_eq!(inside, json!([true, "block", 0]), "neither markup nor styles get in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_used_by_keyboard_alone_and_its_parts_have_names() {
    let Some(browser) = Browser::open_as("a page by keyboard", Script::On, Light::Day, PHONE)
    else {
        return;
    };
    let app = app().await;
    let server = app.listen().await;
    browser.go(&server.url("/v1/forgot-password"));
    browser.picture("forgot");
    let widths = browser.run("return [document.documentElement.scrollWidth, innerWidth]");
    assert_eq!(widths[0], widths[1], "nothing to scroll sideways");
    assert_eq!(browser.run("return document.querySelector('label').control.id"), "email");
    assert_eq!(browser.run("return document.documentElement.lang"), "en");
    browser.keys("body", "\u{e004}");
    assert_eq!(browser.focused(), "email");
    browser.keys("#email", "nobody@example.com\u{e004}");
    assert_eq!(browser.run("return document.activeElement.tagName"), "BUTTON");
    browser.keys("button", "\u{e007}");
    browser.sees("h1", "Check your email");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_before_is_left_when_a_click_that_leads_on_returns() {
    let Some(browser) = Browser::open("a click that leads on later") else { return };
    let app = app().await;
    let server = app.listen().await;
    browser.go(&server.url("/sign-up"));
    browser.run("onclick = () => setTimeout(() => { location.href = '/sign-in'; }, 500);");
    browser.follow("h1");
    assert_eq!(browser.wait("h1"), "Sign in");
}
