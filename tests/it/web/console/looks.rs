//! How the console looks and weighs, and what axe and a keyboard find in a real browser.

use serde_json::json;

use super::{PageIds, administrator, of};
use crate::admin::make;
use crate::chromium::{Browser, Light, Script};
use crate::docs::axe;
use crate::support::{App, PASSWORD, Server, UNLIMITED, app_with};

const PHONE: u32 = 390;
const DESK: u32 = 1280;

/// A server with a folder for backups.
async fn busy_with(to: &std::path::Path) -> App {
    let to = to.to_str().unwrap();
    let set = [
        ("backup.to", to),
        ("lockout.enabled", "true"),
        ("mail.smtp_url", "smtp://127.0.0.1:9"),
        ("sessions.max", "7"),
    ];
    let app = filled(&[&UNLIMITED[..], &set].concat()).await;
    for _ in 0..6 {
        app.login("claudia", "a wrong passphrase").await;
    }
    authd::identity::system::statistics::write(&app.core).await.unwrap();
    app
}

/// Makes a backup; returns its name.
async fn back_up(app: &App) -> String {
    if crate::cluster::is_wanted() {
        return "none".to_owned();
    }
    let by = authd::identity::By::command_line();
    let name = authd::identity::admin::backups::make(&app.core, &by).await.unwrap();
    while app.core.backup_work.running().is_some() {
        tokio::task::yield_now().await;
    }
    name
}

async fn busy() -> App {
    filled(&UNLIMITED).await
}

async fn filled(set: &[(&str, &str)]) -> App {
    let app = app_with("standard", set).await;
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

fn assert_fits(browser: &Browser, page: &str) {
    let wide = "return document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.run(wide), true, "{page} is wider than the window");
}

/// What a page must be in every light and size. Axe needs scripts.
fn assert_good(browser: &Browser, page: &str) {
    assert_fits(browser, page);
    assert_eq!(axe(browser, "document"), Vec::<String>::new(), "{page}");
    assert_eq!(browser.console(), Vec::<String>::new(), "{page}");
}

/// Opens every page in a browser that shows it so.
async fn open_every_page(script: Script, light: Light, width: u32) {
    let to = tempfile::tempdir().unwrap();
    let app = busy_with(to.path()).await;
    let backup = back_up(&app).await;
    let ada = authd::identity::admin::accounts::find(&app.core, "ada@example.com").await.unwrap();
    let ada = ada.account.id;
    let (client, _) = app.api_client("Backend", "service").await;
    super::add_provider(&app).await;
    let server = app.listen().await;
    let Some(browser) = Browser::open_as("the console", script, light, width) else { return };
    enter(&browser, &server, "/console");
    let ids = PageIds { account: ada.as_str(), role: "user", app: &client, backup: &backup };
    for page in authd::web::console::pages().iter().filter(|page| page.opens()) {
        let is_file = ["/export", "/newer", "/html"].iter().any(|end| page.path.ends_with(end));
        if is_file {
            continue;
        }
        let is_bulk = page.path.contains("/bulk/");
        let chosen = if is_bulk { format!("?id={ada}") } else { String::new() };
        browser.go(&server.url(&format!("{}{chosen}", super::path_of(page, &ids))));
        browser.wait(".console h1");
        browser.picture(&picture_name(page.path, script, light, width));
        if script == Script::On {
            assert_good(&browser, page.path);
        } else {
            // What only a script can do is not shown without it.
            assert_fits(&browser, page.path);
            let shown = "return [...document.querySelectorAll('[data-follows], [data-all], [data-keys-hint]')] \
                         .filter((one) => one.checkVisibility()).length";
            assert_eq!(browser.run(shown), 0, "{}", page.path);
        }
    }
}

fn picture_name(path: &str, script: Script, light: Light, width: u32) -> String {
    let name = path[1..].replace(['/', ':'], "_");
    let screen = if width == PHONE { "phone" } else { "desk" };
    let light = if light == Light::Night { "-dark" } else { "" };
    let script = if script == Script::Off { "-bare" } else { "" };
    format!("{name}-{screen}{light}{script}")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_good_on_a_desk() {
    open_every_page(Script::On, Light::Day, DESK).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_good_on_a_desk_in_the_dark() {
    open_every_page(Script::On, Light::Night, DESK).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_good_on_a_phone() {
    open_every_page(Script::On, Light::Day, PHONE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_good_on_a_phone_in_the_dark() {
    open_every_page(Script::On, Light::Night, PHONE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_whole_without_script_on_a_desk() {
    open_every_page(Script::Off, Light::Night, DESK).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_whole_without_script_on_a_phone() {
    open_every_page(Script::Off, Light::Day, PHONE).await;
}

/// How many rows of the list are selected.
fn selected(browser: &Browser) -> serde_json::Value {
    browser.run("return document.querySelectorAll('input[name=id]:checked').length")
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_open_every_page_of_the_menu_and_walk_through_a_list() {
    let app = busy().await;
    let server = app.listen().await;
    let Some(browser) = Browser::open("the keys of the console") else { return };
    enter(&browser, &server, "/console/overview");
    let menu = authd::web::console::pages().iter().filter(|page| page.key.is_some());
    for page in menu.rev() {
        let key = page.key.unwrap().to_string();
        browser.type_keys("?");
        browser.sees("#keys-title", "Keys");
        let listed = "return [...document.querySelectorAll('dialog .two > *')].map((one) => one.textContent.trim()).join(' ')";
        let listed = browser.run(listed);
        let line = format!("{key} {}", page.title);
        assert!(listed.as_str().unwrap().contains(&line), "{line}: {listed}");
        browser.type_keys("\u{e00c}");
        browser.wait("dialog:not([open])");
        browser.type_keys("g");
        browser.type_keys(&key);
        browser.sees("h1", page.title);
    }
    browser.type_keys("g");
    browser.type_keys("a");
    browser.sees("h1", "Accounts");
    for (key, focused) in [("j", "r1"), ("j", "r2"), ("j", "r3"), ("k", "r2")] {
        browser.type_keys(key);
        assert_eq!(browser.focused(), focused, "{key}");
    }
    browser.type_keys("x");
    assert_eq!(selected(&browser), 1);
    assert_eq!(browser.run("return document.querySelector('[aria-labelledby=r2]').checked"), true);
    browser.type_keys("a");
    assert_eq!(selected(&browser), 6);
    browser.type_keys("/");
    assert_eq!(browser.focused(), "find");
    browser.type_keys("n?gm");
    assert_eq!(browser.run("return document.querySelector('#find').value"), "n?gm");
    assert_eq!(browser.run("return document.querySelector('dialog').open"), false);
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_or_one_click_on_any_page_and_enter_make_an_account() {
    let app = busy().await;
    let server = app.listen().await;
    let Some(browser) = Browser::open("a new account") else { return };
    enter(&browser, &server, "/console/overview");
    for (name, by_key) in [("erin", true), ("fred", false)] {
        browser.go(&server.url("/console/overview"));
        browser.sees("h1", "Overview");
        if by_key {
            browser.type_keys("n");
        } else {
            browser.press("[data-new]");
        }
        browser.sees("h1", "New account");
        assert_eq!(browser.focused(), "email");
        browser.type_keys(&format!("{name}@example.com\u{e007}"));
        browser.sees("h1", &format!("{name}@example.com"));
        browser.sees(".note.good", "The account is created, and its owner is sent an invitation.");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_can_be_turned_off_where_they_are_listed() {
    let app = busy().await;
    let server = app.listen().await;
    let Some(browser) = Browser::open("the console without keys") else { return };
    enter(&browser, &server, "/console/mail");
    browser.press("[data-keys-hint]");
    browser.sees("#keys-title", "Keys");
    browser.press("dialog input");
    browser.press("dialog button");
    browser.go(&server.url("/console/roles"));
    browser.sees("h1", "Roles");
    browser.type_keys("?");
    assert_eq!(browser.run("return document.querySelector('dialog').open"), false);
    browser.press("[data-keys-hint]");
    browser.press("dialog input");
    browser.press("dialog button");
    browser.type_keys("?");
    browser.sees("#keys-title", "Keys");
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
    browser.type_keys("a");
    browser.sees("h1", "Accounts");
    assert_eq!(browser.console(), Vec::<String>::new());
    let written = browser.run(
        "try { document.body.innerHTML = '<p>x</p>'; return 'written'; } catch { return 'refused'; }",
    );
    assert_eq!(written, json!("refused"));
}

#[tokio::test]
async fn a_page_weighs_little_with_all_that_it_loads() {
    let to = tempfile::tempdir().unwrap();
    let app = busy_with(to.path()).await;
    super::add_provider(&app).await;
    for _ in 0..30 {
        app.turn_clock(std::time::Duration::from_mins(1));
        back_up(&app).await;
    }
    let mut root = administrator(&app, "boss", &["admin"]).await;
    for number in 0..100 {
        make(&app, &format!("somebody.with.a.long.name.{number}"), &["moderator"]).await;
    }
    let today = app.core.env.now().millis() / 86_400_000;
    // What a day of a million people comes to.
    let counts = [
        ("logins", 512_345),
        ("logins_refused", 41_234),
        ("active_day", 412_345),
        ("sign_ups", 2_345),
        ("mail_delivered", 23_456),
        ("mail_failed", 123),
        ("requests", 51_234_567),
        ("server_errors", 12),
        ("request_millis", 412_345_678),
        ("hashes", 523_456),
        ("hash_wait_millis", 12_345_678),
    ];
    for (series, count) in counts {
        app.database().tamper(&format!(
            "insert into activity_counts (unit, begins, series, count) \
             select 'day', number, '{series}', {count} + number * 7 % 100 from \
             (with recursive n(number) as (select {today} - 40 union all select number + 1 from n where number < {today}) \
             select number from n) as days where true on conflict (unit, begins, series) do update set count = excluded.count",
        ));
    }
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
        "/console/providers",
        "/console/providers/acme",
        "/console/limits",
        "/console/settings",
        "/console/settings?section=limits",
        "/console/settings?q=e",
        "/console/backups",
        "/console/letters",
        "/console/letters/new_device",
    ] {
        root.open(path).await;
        let weight = root.page.text.len();
        assert!(weight + files <= 60_000, "{path}: {weight} and {files}");
        assert!(weight <= 15_000, "{path}: {weight}");
    }
}
