//! The documentation pages in a real browser: they show every call, contact no external host, and
//! cause no violation of their content security policy.

use serde_json::Value;

use crate::chromium::Browser;
use crate::cli::Folder;

/// The ids of all operations of a document.
fn operations(document: &Value) -> Vec<String> {
    let items = document["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap().values());
    operations
        .filter_map(|operation| operation["operationId"].as_str())
        .map(str::to_owned)
        .collect()
}

/// All resources came from this server, and none was blocked.
fn assert_quiet(browser: &Browser, url: &str) {
    assert_eq!(browser.console(), Vec::<String>::new());
    let loaded =
        browser.run("return performance.getEntriesByType('resource').map(entry => entry.name)");
    for name in loaded.as_array().unwrap() {
        assert!(
            name.as_str().unwrap().starts_with(url) || name.as_str().unwrap().starts_with("data:"),
            "{name}"
        );
    }
}

fn fits_the_window(browser: &Browser) -> bool {
    browser.run("return document.documentElement.scrollWidth <= innerWidth") == true
}

/// The interactive page has every call of a document.
fn assert_tries_out(browser: &Browser, folder: &Folder, url: &str, name: &str) {
    let document = folder.run(&["openapi", name]).json();
    browser.go(&format!("{url}/docs?api={name}"));
    browser.wait(".opblock");
    for id in operations(&document) {
        let is_there = browser.run(&format!("return !!document.querySelector('[id$=\"-{id}\"]')"));
        assert_eq!(is_there, true, "{name} {id}");
    }
}

/// The reference has every call of a document, each with its heading.
fn assert_reads(browser: &Browser, folder: &Folder, name: &str) {
    for id in operations(&folder.run(&["openapi", name]).json()) {
        assert!(!browser.wait(&format!("#{id} h3")).is_empty(), "{name} {id}");
    }
}

#[test]
fn every_wire_s_own_calls_are_on_both_pages_under_its_profile() {
    let Some(browser) = Browser::open("the pages of the documents") else { return };
    for (profile, call) in
        [("jobpath", "login"), ("jobpsych", "uploadFile"), ("authbackend", "verifyOtp")]
    {
        let folder = Folder::new();
        let server = folder.serve_with(&["--profile", profile]);
        let url = server.greeting["url"].as_str().unwrap();
        browser.go(&format!("{url}/docs"));
        browser.wait(".opblock");
        assert_eq!(browser.run("return document.getElementById('documents').value"), profile);
        assert!(
            operations(&folder.run(&["openapi", profile]).json()).contains(&call.to_owned()),
            "{profile}"
        );
        assert_tries_out(&browser, &folder, url, profile);
        browser.go(&format!("{url}/redoc"));
        assert_reads(&browser, &folder, profile);
        assert_quiet(&browser, url);
    }
}

#[test]
fn every_call_can_be_tried_out_in_the_browser() {
    let Some(browser) = Browser::open("the page to try calls out") else { return };
    let folder = Folder::new();
    let server = folder.serve_with(&["--profile", "siteworks"]);
    let url = server.greeting["url"].as_str().unwrap();
    browser.go(&format!("{url}/docs"));
    browser.wait(".opblock");
    assert_eq!(browser.run("return document.getElementById('documents').value"), "siteworks");
    browser.run(
        "const list = document.getElementById('documents'); list.value = 'v1'; list.dispatchEvent(new Event('change'))",
    );
    browser.wait("#operations-Health-getHealth");
    assert_eq!(browser.run("return location.search"), "?api=v1");
    for name in ["siteworks", "v1"] {
        assert_tries_out(&browser, &folder, url, name);
    }

    browser.go(&format!("{url}/docs?api=v1"));
    browser.click("#operations-Health-getHealth .opblock-summary-control");
    browser.click("#operations-Health-getHealth .try-out__btn");
    browser.click("#operations-Health-getHealth .execute");
    assert!(
        browser.wait(".live-responses-table .response .response-col_status").starts_with("200")
    );
    browser.be_a_phone();
    assert!(fits_the_window(&browser));
    assert_quiet(&browser, url);
}

#[test]
fn the_reference_shows_every_call_without_script() {
    let Some(browser) = Browser::open("the reference") else { return };
    let folder = Folder::new();
    let server = folder.serve_with(&["--profile", "siteworks"]);
    let url = server.greeting["url"].as_str().unwrap();
    browser.go(&format!("{url}/redoc"));
    let title =
        browser.run("return document.querySelector('.documents a[aria-current]').textContent");
    assert_eq!(title, "siteworks");
    assert_quiet(&browser, url);

    browser.click(".documents a[href$='redoc/v1']");
    browser.wait("#getHealth");
    assert_eq!(browser.run("return document.scripts.length"), 0);
    assert_reads(&browser, &folder, "v1");
    let error =
        "return document.querySelector('#login').textContent.includes('INVALID_CREDENTIALS')";
    assert_eq!(browser.run(error), true);
    let styled = "return getComputedStyle(document.querySelector('.frame')).display";
    assert_eq!(browser.run(styled), "grid");
    browser.be_a_phone();
    assert_eq!(browser.run(styled), "block");
    assert!(fits_the_window(&browser));
    assert_quiet(&browser, url);

    // The policy is in force, so the console would have reported a violation.
    browser.run("document.body.append(Object.assign(document.createElement('script'), { textContent: '1' }))");
    assert!(browser.console().iter().any(|line| line.contains("Content Security Policy")));
}
