//! The pictures of the documentation: a month at a small shop, as its administrator sees it.
//! `scripts/pictures` makes them again.

use std::time::Duration;

use authd::identity::By;
use authd::identity::account::sign_up::NewAccount;
use authd::identity::admin::accounts::{NewEntry, RoleChange};
use authd::identity::admin::{accounts, roles};
use authd::model::{Email, Password};
use serde_json::json;

use crate::chromium::Browser;
use crate::support::{App, PASSWORD, Server, UNLIMITED, app_with};

const GIVEN: [&str; 12] = [
    "Amara", "Bruno", "Chiara", "Daniel", "Elif", "Freya", "Hanna", "Jakub", "Leila", "Mateo",
    "Noor", "Sven",
];
const FAMILY: [&str; 9] =
    ["Costa", "Dubois", "Fischer", "Haddad", "Kowalski", "Moreau", "Okafor", "Rossi", "Yilmaz"];
const ADMINISTRATOR: &str = "ines.weber@example.com";
const HOUR: Duration = Duration::from_hours(1);
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0";
const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 20_1 like Mac OS X) AppleWebKit/605.1.15 \
                     (KHTML, like Gecko) Version/20.1 Mobile/15E148 Safari/604.1";
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like \
                      Gecko) Chrome/150.0.0.0 Safari/537.36";

async fn add(app: &App, given: &str, family: &str, own: &[&str]) -> String {
    let place = if given == "Ines" { "example.com" } else { "example.org" };
    let email = format!("{given}.{family}@{place}").to_lowercase();
    let account = NewAccount {
        first_name: Some(given.to_owned()),
        last_name: Some(family.to_owned()),
        ..NewAccount::new(Email::parse(&email).unwrap(), Password::new(PASSWORD))
    };
    let roles = own.iter().map(|&role| role.to_owned()).collect();
    let new = NewEntry { account, roles, verified: true };
    accounts::create(&app.core, &By::command_line(), new).await.unwrap().account.id.to_string()
}

async fn log_in(app: &App, email: &str, password: &str, from: &str, agent: &str) -> String {
    let body = json!({ "email": email, "password": password });
    let call = app.post("/v1/auth/login", &body).from(from).header("user-agent", agent);
    call.send().await.body["data"]["refreshToken"].as_str().unwrap_or_default().to_owned()
}

/// Four weeks: people sign up, log in and mistype.
async fn weeks(app: &App) {
    let names = FAMILY.iter().flat_map(|family| GIVEN.iter().map(move |given| (given, family)));
    for (number, (given, family)) in names.enumerate() {
        add(app, given, family, &[]).await;
        app.turn_clock(HOUR * 5);
        let email = format!("{given}.{family}@example.org").to_lowercase();
        let from = format!("198.51.100.{}", number + 10);
        if number % 4 == 0 {
            log_in(app, &email, PASSWORD, &from, [FIREFOX, PHONE, CHROME][number % 3]).await;
        }
    }
    app.mails().await;
}

/// What was counted on each day, with fewer people on weekends.
fn count_days(app: &App) {
    let today = app.core.env.now().millis() / 86_400_000;
    for ago in 0..30_i64 {
        let day = today - ago;
        let is_weekend = [2, 3].contains(&(day % 7));
        let swing = (day * 7919) % 23;
        let logins = if is_weekend { 74 + swing } else { 182 + swing * 2 } - ago;
        let burst = if ago == 9 { 117 } else { 0 };
        for (series, count) in [
            ("logins", logins),
            ("logins_refused", logins / 14 + swing / 5 + burst),
            ("active_day", logins * 3 / 4),
            ("sign_ups", 2 + swing / 4),
            ("mail_delivered", 9 + swing / 2),
            ("mail_failed", i64::from(swing == 4)),
            ("requests", logins * 41),
            ("server_errors", 0),
            ("request_millis", logins * 41 * (6 + swing / 8)),
            ("hashes", logins + logins / 14),
            ("hash_wait_millis", logins * (2 + swing / 3) + burst * 90),
        ] {
            app.database().tamper(&format!(
                "insert into activity_counts (unit, begins, series, count) \
                 values ('day', {day}, '{series}', {count}) \
                 on conflict (unit, begins, series) do update set count = excluded.count"
            ));
        }
    }
}

/// The morning of the pictures. Returns the account that cannot log in, and one that is in use.
async fn morning(app: &App) -> (String, String) {
    let new = json!({
        "email": "tomas.novak@example.org", "password": PASSWORD, "firstName": "Tomas", "lastName": "Novak",
    });
    app.post("/v1/auth/register", &new).from("203.0.113.24").ok(201).await;
    app.turn_clock(Duration::from_mins(12));
    for _ in 0..3 {
        app.turn_clock(Duration::from_secs(70));
        log_in(app, "tomas.novak@example.org", "tomas loves coffee", "203.0.113.24", CHROME).await;
    }
    let freya = "freya.dubois@example.org";
    log_in(app, freya, PASSWORD, "198.51.100.23", FIREFOX).await;
    let stolen = log_in(app, freya, PASSWORD, "198.51.100.23", PHONE).await;
    for (minutes, given) in [(4, "leila"), (7, "jakub"), (11, "hanna"), (3, "mateo")] {
        app.turn_clock(Duration::from_mins(minutes));
        let from = format!("198.51.100.{}", 60 + minutes);
        log_in(app, &format!("{given}.moreau@example.org"), PASSWORD, &from, CHROME).await;
    }
    let by = By::command_line();
    accounts::change_role(&app.core, &by, "noor.haddad@example.org", "support", RoleChange::Give)
        .await
        .unwrap();
    app.post("/v1/auth/refresh", &json!({ "refreshToken": stolen })).ok(200).await;
    app.turn_clock(Duration::from_mins(9));
    app.post("/v1/auth/refresh", &json!({ "refreshToken": stolen }))
        .from("203.0.113.99")
        .send()
        .await;
    let mut by = By::command_line();
    by.source = by.source.because("Chargebacks, ticket 4821");
    accounts::suspend(&app.core, &by, "sven.rossi@example.org").await.unwrap();
    app.mails().await;
    let id =
        async |email: &str| accounts::find(&app.core, email).await.unwrap().account.id.to_string();
    (id("tomas.novak@example.org").await, id(freya).await)
}

/// Opens a page and takes a picture of it, from this part of it on.
fn take(browser: &Browser, server: &Server, path: &str, (part, name): (&str, &str)) {
    browser.go(&server.url(path));
    browser.wait(".console h1");
    // The bar with the search covers what is above.
    browser.run(&format!(
        "scrollTo(0, document.querySelector('{part}').getBoundingClientRect().top - 90); return 0"
    ));
    browser.picture(name);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pictures_of_the_documentation_are_of_pages_with_something_on_them() {
    let set = [
        ("mail.smtp_url", "smtp://mail.example.com:587"),
        ("mail.from", "Harbour Coffee <accounts@harbour.test>"),
        ("pages.name", "Harbour Coffee"),
    ];
    let app = app_with("standard", &[&UNLIMITED[..], &set].concat()).await;
    let support = vec!["admin.users.read".to_owned(), "admin.audit".to_owned()];
    roles::create(&app.core, &By::command_line(), "support", support).await.unwrap();
    add(&app, "Ines", "Weber", &["admin"]).await;
    app.api_client("Shop", "client").await;
    weeks(&app).await;
    let (locked, busy) = morning(&app).await;
    authd::identity::system::statistics::write(&app.core).await.unwrap();
    count_days(&app);
    let server = app.listen().await;
    let Some(browser) = Browser::open("the pictures") else { return };
    browser.go(&server.url("/console/overview"));
    browser.keys("#name", ADMINISTRATOR);
    browser.keys("#password", &format!("{PASSWORD}\u{e007}"));
    browser.sees("h1", "Overview");
    take(&browser, &server, "/console/overview", (".figures", "console-overview"));
    assert_eq!(browser.run("return document.querySelectorAll('.charts rect').length > 100"), true);
    take(&browser, &server, "/console/accounts", ("h1", "console-accounts"));
    take(&browser, &server, &super::of(&busy, ""), ("h1", "console-account"));
    take(&browser, &server, &super::of(&locked, "/login"), ("h1", "console-why-not"));
    assert!(browser.wait("main").contains("not verified"));
    browser.prefer_dark();
    take(&browser, &server, "/console/record", ("h1", "console-record-dark"));
    assert!(browser.wait("tbody").contains("watch"), "a theft is marked");
}
