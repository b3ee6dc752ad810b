//! How the pages look: brand, weight, caching, and what axe and a keyboard find in a real browser.

use serde_json::json;

use crate::chromium::{Browser, Light, Script};
use crate::docs::axe;
use crate::support::{App, PASSWORD, Server, app, app_with};
use crate::web::account::turn_on_second_step;
use crate::web::visitor::Visitor;

const PHONE: u32 = 390;
const DESK: u32 = 1280;

/// The most that a page may weigh with all that it loads, as sent to a browser.
const MOST: usize = 30_000;

async fn sent(app: &App, path: &str) -> usize {
    let answer = app.get(path).header("accept-encoding", "gzip").send_bytes().await;
    answer.len()
}

#[tokio::test]
async fn a_page_weighs_little_with_all_that_it_loads() {
    let app = app().await;
    let mut ada = Visitor::owner(&app, "ada").await;
    turn_on_second_step(&app, &mut ada).await;
    let files = sent(&app, "/pages/page.css").await + sent(&app, "/pages/page.js").await;
    for path in [
        "/sign-in?again",
        "/sign-up",
        "/account",
        "/account/profile",
        "/account/email",
        "/account/password",
        "/account/authenticator",
        "/account/sessions",
        "/account/record",
        "/account/data/delete",
    ] {
        ada.open(path).await;
        let all = ada.page.text.len() + files;
        assert!(all <= MOST, "{path}: {all} bytes");
    }
}

#[tokio::test]
async fn files_are_kept_by_browsers_and_found_under_each_mount() {
    let app = app().await;
    let page = app.get("/sign-in").send().await.text;
    let style = page.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let first = app.get(style).ok(200).await;
    assert_eq!(first.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(first.header("content-type"), "text/css; charset=utf-8");
    let current = app.get("/pages/page.css").header("if-none-match", first.header("etag"));
    assert_eq!(current.send().await.status, 304);
    for mount in ["", "/v1", "/api/v1"] {
        let link = app.get(&format!("{mount}/resend-verification")).ok(200).await;
        assert!(link.text.contains(&format!("href=\"{mount}/pages/page.css?")), "{}", link.text);
        app.get(&format!("{mount}/pages/page.css")).ok(200).await;
    }
    assert_eq!(app.get("/pages/logo").send().await.status, 404, "there is none");
}

#[tokio::test]
async fn the_operators_brand_is_on_every_page() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let logo = file("logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
    let css = file("own.css", ".box { border-radius: 0; }");
    file("own/header.html", "<p class=\"own\">A header</p>");
    let templates = folder.path().join("own").to_str().unwrap().to_owned();
    let set = [
        ("pages.name", "Plum & Pear"),
        ("pages.logo", &*logo),
        ("pages.css", &css),
        ("pages.templates", &templates),
        ("pages.accent", "#7a0019"),
        ("pages.terms", "https://example.com/terms"),
        ("pages.privacy", "https://example.com/privacy"),
    ];
    let app = app_with("standard", &set).await;
    for path in ["/sign-in", "/v1/forgot-password"] {
        let page = app.get(path).ok(200).await.text;
        for part in [
            "Plum &#38; Pear",
            "/pages/logo\"",
            "<p class=\"own\">A header</p>",
            "<a href=\"https://example.com/terms\">Terms</a>",
            "<a href=\"https://example.com/privacy\">Privacy</a>",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }
    let style = app.get("/pages/page.css").ok(200).await.text;
    assert!(style.contains("--accent:#7a0019") && style.contains("border-radius: 0; }"));
    let logo = app.get("/pages/logo").ok(200).await;
    assert_eq!(logo.header("content-type"), "image/svg+xml");
    assert!(logo.header("content-security-policy").contains("sandbox"));
}

#[test]
fn a_file_that_cannot_be_used_is_refused_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logo.bmp");
    std::fs::write(&path, "").unwrap();
    let set = [("pages.logo", path.to_str().unwrap())];
    let config = crate::support::config("standard", &set, folder.path());
    let refused = authd::web::check(&config).unwrap_err();
    assert!(refused.message().contains("expected a .png, .svg, .jpg or .webp"), "{refused:?}");
}

/// Logs in in the browser.
fn enter(browser: &Browser, server: &Server, name: &str) {
    browser.go(&server.url("/sign-in"));
    browser.keys("#name", &format!("{name}@example.com"));
    browser.keys("#password", &format!("{PASSWORD}\u{e007}"));
    browser.sees("h1", "Your account");
}

/// What a page must be in every light and size.
fn assert_good(browser: &Browser, page: &str) {
    assert_eq!(axe(browser, "document"), Vec::<String>::new(), "{page}");
    let wide = "return document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.run(wide), true, "{page} is wider than the window");
    assert_eq!(browser.console(), Vec::<String>::new(), "{page}");
}

/// Every page of the account.
pub const PAGES: [&str; 12] = [
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
];

#[tokio::test(flavor = "multi_thread")]
async fn no_page_has_a_finding_of_axe_in_any_light_and_size() {
    for (light, width, name) in [(Light::Day, DESK, "desk"), (Light::Night, PHONE, "phone")] {
        let Some(browser) = Browser::open_as("the account pages", Script::On, light, width) else {
            return;
        };
        let app = app_with("standard", &crate::support::UNLIMITED).await;
        let server = app.listen().await;
        let mut ada = Visitor::owner(&app, "ada").await;
        turn_on_second_step(&app, &mut ada).await;
        app.join("bob").await;
        for path in ["/sign-in", "/sign-up", "/sign-up/done", "/sign-in?return_to=x"] {
            browser.go(&server.url(path));
            browser.wait("h1");
            browser.picture(&format!("{}-{name}", path.replace(['/', '?'], "_")));
            let expected = usize::from(path.contains("return_to"));
            let errors = browser.console();
            assert_eq!(errors.len(), expected, "{path}: {errors:?}");
            assert_good(&browser, path);
        }
        browser.go(&server.url("/sign-in"));
        browser.keys("#name", "ada@example.com");
        browser.keys("#password", "wrong\u{e007}");
        let wrong =
            "The name or the password is not right, or the email address is not verified yet.";
        browser.sees("#problem", wrong);
        browser.picture(&format!("sign-in-refused-{name}"));
        browser.console();
        assert_good(&browser, "a refused login");
        browser.keys("#password", &format!("{PASSWORD}\u{e007}"));
        browser.sees("h1", "One more step");
        browser.picture(&format!("factor-{name}"));
        assert_good(&browser, "the second factor");
        enter(&browser, &server, "bob");
        for path in PAGES {
            browser.go(&server.url(path));
            browser.wait("#content");
            browser.picture(&format!("{}-{name}", path.replace('/', "_")));
            assert_good(&browser, path);
        }
        browser.go(&server.url("/account/authenticator"));
        browser.press("main form button");
        browser.sees("h1", "Add an authenticator app");
        browser.picture(&format!("authenticator-new-{name}"));
        assert_good(&browser, "a new authenticator");
        browser.go(&server.url("/sign-in"));
        browser.sees("h1", "You are signed in");
        browser.picture(&format!("known-{name}"));
        assert_good(&browser, "someone who is logged in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_works_by_keyboard_alone_and_leads_to_the_app() {
    let other = app().await;
    let destination = other.listen().await;
    let target = destination.url("/sign-up");
    let set = [("pages.return_to", target.as_str())];
    let app = app_with("standard", &set).await;
    let server = app.listen().await;
    app.join("ada").await;
    for script in [Script::On, Script::Off] {
        let Some(browser) = Browser::open_as("a login by keyboard", script, Light::Day, DESK)
        else {
            return;
        };
        let place = authd::model::percent::encode(&target);
        browser.go(&server.url(&format!("/sign-in?return_to={place}")));
        assert_eq!(browser.focused(), "name", "typing can begin at once");
        browser.keys("#name", "ada@example.com\u{e004}");
        assert_eq!(browser.focused(), "password");
        browser.keys("#password", &format!("{PASSWORD}\u{e007}"));
        browser.sees("h1", "Create an account");
        if script == Script::On {
            assert_eq!(browser.run("return location.href"), json!(target));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_adds_what_is_not_needed() {
    let Some(browser) = Browser::open("the script of the pages") else { return };
    let app = app().await;
    let server = app.listen().await;
    app.join("ada").await;
    browser.go(&server.url("/sign-in"));
    browser.keys("#password", "secret");
    browser.press("[data-shows]");
    assert_eq!(browser.attribute("#password", "type").as_deref(), Some("text"));
    assert_eq!(browser.focused(), "password");
    browser.press("[data-shows]");
    assert_eq!(browser.attribute("#password", "type").as_deref(), Some("password"));
    browser.go(&server.url("/sign-up"));
    browser.keys("#new_password", "short");
    browser.sees("#new_password-live", "Still too short");
    browser.keys("#new_password", " but longer now");
    browser.sees("#new_password-live", "Long enough");
    enter(&browser, &server, "ada");
    browser.go(&server.url("/account/sessions"));
    let title = browser.attribute("time", "title").unwrap();
    assert!(title.ends_with("UTC"), "{title}");
    assert_eq!(browser.console(), Vec::<String>::new());
    // The policy is in force: nothing may be parsed as HTML by a script.
    let written = browser.run(
        "try { document.body.innerHTML = '<p>x</p>'; return 'written'; } catch { return 'refused'; }",
    );
    assert_eq!(written, "refused");
}
