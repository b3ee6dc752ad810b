//! How the console looks and weighs, and what axe and a keyboard find in a real browser.

use serde_json::json;

use super::{administrator, of};
use crate::admin::make;
use crate::chromium::{Browser, Light, Script};
use crate::docs::axe;
use crate::support::{App, PASSWORD, Server, UNLIMITED, app_with};

const PHONE: u32 = 390;
const DESK: u32 = 1280;

async fn busy() -> App {
    let app = app_with("standard", &UNLIMITED).await;
    make(&app, "root", &["admin"]).await;
    for name in ["ada", "bob", "claudia"] {
        make(&app, name, &[]).await;
    }
    make(&app, "mod", &["moderator"]).await;
    for _ in 0..12 {
        app.login("ada", "a wrong passphrase").await;
    }
    app.login("bob", PASSWORD).await.ok(200);
    app.register("dora").await.ok(201);
    app.api_client("Website", "client").await;
    app
}

fn enter(browser: &Browser, server: &Server, path: &str) {
    browser.go(&server.url(path));
    browser.keys("#name", "root@example.com");
    browser.keys("#password", &format!("{PASSWORD}\u{e007}"));
    browser.wait(".console h1");
}

/// What a page must be in every light and size.
fn assert_good(browser: &Browser, page: &str) {
    let wide = "return document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.run(wide), true, "{page} is wider than the window");
    assert_eq!(axe(browser, "document"), Vec::<String>::new(), "{page}");
    assert_eq!(browser.console(), Vec::<String>::new(), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_has_a_finding_of_axe_in_any_light_and_size() {
    let app = busy().await;
    let ada = authd::identity::admin::accounts::find(&app.core, "ada@example.com").await.unwrap();
    let ada = ada.account.id;
    let (client, _) = app.api_client("Backend", "service").await;
    let server = app.listen().await;
    for (light, width, name) in [
        (Light::Day, DESK, "desk"),
        (Light::Night, PHONE, "phone"),
        (Light::Night, DESK, "desk-dark"),
    ] {
        let Some(browser) = Browser::open_as("the console", Script::On, light, width) else {
            return;
        };
        enter(&browser, &server, "/console");
        for page in authd::web::console::pages().iter().filter(|page| page.opens()) {
            let is_page = ["/export", "/newer"].iter().all(|end| !page.path.ends_with(end));
            let id = match page.in_menu() {
                "/console/roles" => "user",
                "/console/apps" => &client,
                _ => ada.as_str(),
            };
            if !is_page {
                continue;
            }
            let is_bulk = page.path.contains("/bulk/");
            let chosen = if is_bulk { format!("?id={ada}") } else { String::new() };
            browser.go(&server.url(&format!("{}{chosen}", page.path.replace(":id", id))));
            browser.wait("h1");
            browser.picture(&format!("{}-{name}", page.path[1..].replace(['/', ':'], "_")));
            assert_good(&browser, page.path);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_found_and_suspended_by_keyboard_alone_with_and_without_script() {
    let app = busy().await;
    let server = app.listen().await;
    for (script, name) in [(Script::On, "claudia"), (Script::Off, "bob")] {
        let Some(browser) = Browser::open_as("the console by keyboard", script, Light::Day, DESK)
        else {
            return;
        };
        enter(&browser, &server, "/console/overview");
        if script == Script::On {
            browser.type_keys("/");
            assert_eq!(browser.focused(), "find");
            browser.type_keys(name);
            browser.type_keys("\u{e007}");
        } else {
            browser.keys("#find", &format!("{name}\u{e007}"));
        }
        browser.sees("tbody th a", &format!("{name}@example.com"));
        browser.keys("tbody th a", "\u{e007}");
        browser.sees("h1", &format!("{name}@example.com"));
        browser.keys(".actions a[href$=suspend]", "\u{e007}");
        browser.sees("h1", "Suspend account");
        browser.keys("#reason", "asked for it\u{e007}");
        browser.sees("h1", &format!("{name}@example.com"));
        browser.sees(".tags .tag", "suspended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_adds_keys_and_follows_the_record() {
    let app = busy().await;
    let server = app.listen().await;
    let Some(browser) = Browser::open("the script of the console") else { return };
    enter(&browser, &server, "/console/record");
    let title = browser.attribute("tbody time", "title").unwrap();
    assert!(title.ends_with("UTC"), "{title}");
    browser.type_keys("?");
    browser.sees("#keys-title", "Keys");
    browser.type_keys("\u{e00c}");
    browser.press("[data-follows]");
    browser.sees("[data-follows]", "Stop following");
    app.login("claudia", "a wrong passphrase").await;
    browser.sees("tbody tr:first-child td:nth-child(3)", "claudia@example.com");
    browser.sees("tbody tr:first-child strong", "Login");
    browser.type_keys("g");
    browser.type_keys("2");
    browser.sees("h1", "Accounts");
    assert_eq!(browser.console(), Vec::<String>::new());
    let written = browser.run(
        "try { document.body.innerHTML = '<p>x</p>'; return 'written'; } catch { return 'refused'; }",
    );
    assert_eq!(written, json!("refused"));
}

#[tokio::test]
async fn a_page_weighs_little_with_all_that_it_loads() {
    let app = busy().await;
    let mut root = administrator(&app, "boss", &["admin"]).await;
    let ada = authd::identity::admin::accounts::find(&app.core, "ada@example.com").await.unwrap();
    let mut files = 0;
    for path in ["/pages/page.css", "/pages/page.js", "/pages/console.css", "/pages/console.js"] {
        files += app.get(path).header("accept-encoding", "gzip").send_bytes().await.len();
    }
    for path in [
        "/console/overview",
        "/console/accounts",
        &of(ada.account.id.as_str(), ""),
        "/console/record",
        "/console/mail",
    ] {
        root.open(path).await;
        let weight = root.page.text.len();
        assert!(weight + files <= 60_000, "{path}: {weight} and {files}");
    }
}
