//! The page that a browser gets at the server's address, and the warning about pages of origins that
//! are not allowed.

use poem::http::Method;
use serde_json::json;

use crate::chromium::{Browser, Light, Script};
use crate::docs::axe;
use crate::process::Folder;
use crate::support::{app, app_with};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[tokio::test]
async fn a_browser_gets_a_page_that_leads_on_and_a_program_the_404_of_any_unknown_path() {
    let app = app().await;
    let unknown = app.get("/v1/nothing").header("accept", BROWSER).send().await;
    assert_eq!((unknown.status.as_u16(), unknown.code()), (404, "NOT_FOUND"));
    for path in ["/", "/v1", "/api/v1"] {
        let page = app.get(path).header("accept", BROWSER).send().await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(page.header("vary"), "Accept, Accept-Language", "{path}");
        let links: Vec<&str> = page.text.split("<li><a href=\"").skip(1).collect();
        assert_eq!(links.len(), 7, "{}", page.text);
        for link in links {
            let target = link.split('"').next().unwrap();
            // The account page leads to the sign-in page first.
            let expected = if target == "/account" { 303 } else { 200 };
            assert_eq!(app.get(target).send().await.status, expected, "{target}");
        }
        for accept in ["application/json", "*/*", "application/json, text/html"] {
            let refused = app.get(path).header("accept", accept).send().await;
            assert_eq!((refused.status.as_u16(), refused.code()), (404, "NOT_FOUND"), "{path}");
            assert_eq!(
                refused.body["error"]["message"], unknown.body["error"]["message"],
                "{path} {accept}"
            );
        }
        let posted =
            app.call(Method::POST, path).header("accept", BROWSER).json(&json!({})).send().await;
        assert_eq!((posted.status.as_u16(), posted.code()), (404, "NOT_FOUND"), "{path}");
    }
}

#[tokio::test]
async fn a_browser_that_mistypes_the_path_of_a_page_gets_a_page() {
    let app = app().await;
    for path in [
        "/signin",
        "/signup",
        "/sign-in/",
        "/sign-in/nothing",
        "/sign-up/done/",
        "/account/",
        "/account/password/change",
    ] {
        let page = app.get(path).header("accept", BROWSER).header("accept-language", "de").send();
        let page = page.await;
        assert_eq!(page.status, 404, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert!(page.text.contains("<html lang=\"de\"") && page.text.contains("href=\"/sign-in\""));
        for method in [Method::GET, Method::POST] {
            let program = app.call(method.clone(), path).header("accept", "*/*").send().await;
            let outcome = (program.status.as_u16(), program.code());
            assert_eq!(outcome, (404, "NOT_FOUND"), "{method} {path}");
        }
    }
    let off = app_with("standard", &[("pages.enabled", "false")]).await;
    let page = off.get("/account/x").header("accept", BROWSER).send().await;
    assert_eq!((page.status.as_u16(), page.code()), (404, "NOT_FOUND"));
}

#[test]
fn a_place_that_a_page_may_not_lead_to_is_named_once_a_minute_outside_production() {
    for (environment, expected) in [("development", 1), ("production", 0)] {
        let folder = Folder::new();
        let environment = format!("server.environment={environment}");
        let server = folder.serve(&["--set", &environment]);
        for place in ["https://a.example.com/x", "https://b.example.com/", "/nowhere"] {
            let asked = server.get(&format!("/sign-in?return_to={place}")).unwrap();
            assert!(asked.status == 400 || asked.status == 403, "{}", asked.text);
        }
        assert_eq!(server.end(), Some(0));
        let log = std::fs::read_to_string(folder.path("log")).unwrap();
        let named: Vec<_> = log.lines().filter(|line| line.contains("pages.return_to")).collect();
        assert_eq!(named.len(), expected, "{log}");
        assert!(
            named
                .iter()
                .all(|line| line.contains("WARN") && line.contains("https://a.example.com/x,"))
        );
    }
}

#[test]
fn the_icon_that_browsers_ask_for_is_served() {
    let folder = Folder::new();
    let server = folder.serve(&[]);
    let icon = server.get("/favicon.ico").unwrap();
    let head = icon.head.to_ascii_lowercase();
    assert!(icon.status == 200 && head.contains("content-type: image/x-icon"), "{head}");
    assert_eq!(server.post("/favicon.ico", &json!({})).unwrap().status, 405);
}

#[tokio::test]
async fn a_wire_that_has_a_call_at_the_root_keeps_it() {
    for profile in ["authbackend", "jobpsych"] {
        let app = app_with(profile, &[]).await;
        let root = app.get("/").header("accept", BROWSER).send().await;
        assert!(root.status == 200 && root.body.is_object(), "{profile}: {}", root.text);
        let page = app.get("/v1").header("accept", BROWSER).send().await;
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{profile}");
        // That page works only with the headers of an app, which no browser sends.
        let has_reset = page.text.contains("/forgot-password");
        assert_eq!(has_reset, profile != "authbackend", "{profile}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_at_the_root_has_no_finding_of_axe() {
    let app = app().await;
    let server = app.listen().await;
    for (light, name) in [(Light::Day, "day"), (Light::Night, "night")] {
        let Some(browser) = Browser::open_as("the page at the root", Script::On, light, 390) else {
            return;
        };
        browser.go(&server.url("/"));
        browser.sees("h1", "Authentication API");
        browser.picture(&format!("front-{name}"));
        assert_eq!(axe(&browser, "document"), Vec::<String>::new(), "{name}");
        assert_eq!(browser.console(), Vec::<String>::new());
    }
}

#[test]
fn a_refused_origin_is_named_once_a_minute_in_development_and_never_in_production() {
    for (environment, expected) in [("development", 1), ("production", 0)] {
        let folder = Folder::new();
        let environment = format!("server.environment={environment}");
        let server = folder.serve(&[
            "--set",
            &environment,
            "--set",
            "server.cors_origins=[\"http://app.example.com\"]",
        ]);
        let ask = |origin: &str| {
            let more = format!("Origin: {origin}\r\nAccess-Control-Request-Method: POST\r\n");
            server.client().ask("OPTIONS", "/v1/auth/login", &more, None).unwrap()
        };
        for origin in
            ["http://app.example.com", "http://localhost", "http://0.0.0.0:8000", "not an origin"]
        {
            assert_eq!(ask(origin).status, 204, "{origin}");
        }
        ask("http://0.0.0.0:8000");
        assert_eq!(server.end(), Some(0));
        let log = std::fs::read_to_string(folder.path("log")).unwrap();
        let named: Vec<&str> =
            log.lines().filter(|line| line.contains("server.cors_origins")).collect();
        assert_eq!(named.len(), expected, "{log}");
        assert!(named.iter().all(|line| line.contains("WARN") && line.contains("0.0.0.0:8000")));
    }
}
