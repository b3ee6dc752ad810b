//! The documentation pages in a real browser: they show every call, contact no external host, and
//! cause no violation of their content security policy.

use serde_json::Value;

use crate::chromium::{Browser, Light, Script};
use crate::cli::Folder;
use crate::tools::{installed, missing};

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

/// What axe finds in a part of the page, as `rule: selector`. Nothing, with a message, if it is not
/// installed.
pub fn axe(browser: &Browser, part: &str) -> Vec<String> {
    let Some(tools) = installed("node") else {
        missing("the accessibility of a page", "axe-core");
        return Vec::new();
    };
    let source = tools.join("node_modules/axe-core/axe.min.js");
    let Ok(source) = std::fs::read_to_string(source) else {
        missing("the accessibility of a page", "axe-core");
        return Vec::new();
    };
    browser.run(&source);
    let found = browser.run(&format!(
        "return axe.run({part}).then((report) => report.violations.flatMap((rule) => \
         rule.nodes.map((node) => `${{rule.id}}: ${{node.target.join(' ')}}`)))"
    ));
    found.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// Evaluates an expression until it is true, because Swagger UI renders in several steps.
fn becomes_true(browser: &Browser, expression: &str) -> bool {
    (0..2000).any(|_| browser.run(&format!("return !!({expression})")) == true)
}

#[test]
fn the_page_begins_with_authentication_and_asks_for_the_access_token_first() {
    let Some(browser) = Browser::open("the page to try calls out") else { return };
    let folder = Folder::new();
    let server = folder.serve();
    let url = server.greeting["url"].as_str().unwrap();
    browser.go(&format!("{url}/docs"));
    browser.wait(".opblock");
    let tags = browser
        .run("return [...document.querySelectorAll('.opblock-tag')].map((tag) => tag.dataset.tag)");
    let tags: Vec<&str> =
        tags.as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()).collect();
    let place = |name: &str| tags.iter().position(|tag| *tag == name).unwrap();
    assert_eq!(tags[0], "Authentication", "{tags:?}");
    assert!(place("Health") > place("User management") && !tags.contains(&"Admin"), "{tags:?}");

    browser.click(".btn.authorize");
    browser.wait(".dialog-ux");
    let schemes = browser.run(
        "return [...document.querySelectorAll('.dialog-ux .auth-container h4 code')]\
         .map((one) => one.textContent)",
    );
    assert_eq!(schemes, serde_json::json!(["bearerAuth", "serviceKey"]));
    let first = "document.querySelector('.dialog-ux input') === document.activeElement";
    assert!(becomes_true(&browser, first), "typing sets the access token");
    let is_shown = "(() => { const box = document.activeElement.getBoundingClientRect(); \
                    return box.top >= 0 && box.bottom <= innerHeight; })()";
    assert!(becomes_true(&browser, is_shown));
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn a_link_to_a_call_shows_it_below_the_bar() {
    let Some(browser) = Browser::open("the page to try calls out") else { return };
    let folder = Folder::new();
    let server = folder.serve();
    let url = server.greeting["url"].as_str().unwrap();
    for (document, call) in [("", "Authentication/login"), ("?api=v1-admin", "Admin/listUsers")] {
        browser.go("about:blank");
        browser.go(&format!("{url}/docs{document}#/{call}"));
        let id = format!("operations-{}", call.replace('/', "-"));
        browser.wait(&format!("#{id}.is-open"));
        let lands = format!(
            "(() => {{ const top = document.getElementById('{id}').getBoundingClientRect().top; \
             const bar = document.querySelector('.bar').getBoundingClientRect().bottom; \
             return top >= bar && top < bar + 100; }})()"
        );
        assert!(becomes_true(&browser, &lands), "{call}");
    }
}

/// The contrast of text and background as it is seen: a filter of the dark scheme changes both. By
/// WCAG 2.2, section 1.4.3, text needs 4.5.
const CONTRAST: &str = r"
    const rgb = (text) => text.match(/[\d.]+/g).map(Number);
    const element = document.querySelector(SELECTOR);
    const filtered = matchMedia('(prefers-color-scheme: dark)').matches && element.closest('#ui') !== null;
    const seen = ([r, g, b]) => {
      if (!filtered) return [r, g, b];
      const [x, y, z] = [r, g, b].map((c) => 0.92 * 255 - 0.84 * c);
      return [-0.574 * x + 1.43 * y + 0.144 * z, 0.426 * x + 0.43 * y + 0.144 * z, 0.426 * x + 1.43 * y - 0.856 * z]
        .map((c) => Math.min(255, Math.max(0, c)));
    };
    const light = (colour) => {
      const [r, g, b] = colour.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const style = getComputedStyle(element);
    const own = rgb(style.backgroundColor);
    const ground = own.length === 4 && own[3] === 0 ? rgb(getComputedStyle(document.body).backgroundColor) : seen(own);
    const [a, b] = [light(seen(rgb(style.color))), light(ground)].sort((one, other) => other - one);
    return (a + 0.05) / (b + 0.05);
";

#[test]
fn what_the_own_style_sheet_colours_is_legible_by_day_and_by_night() {
    let folder = Folder::new();
    let server = folder.serve();
    let url = server.greeting["url"].as_str().unwrap();
    for (light, name) in [(Light::Day, "day"), (Light::Night, "night")] {
        let Some(browser) = Browser::open_as("the colours of the page", Script::On, light, 1200)
        else {
            return;
        };
        browser.go(&format!("{url}/docs"));
        browser.wait(".opblock-delete");
        browser.picture(&format!("docs-{name}"));
        let methods = ["get", "post", "put", "patch", "delete"]
            .map(|method| format!(".opblock-{method} .opblock-summary-method"));
        let bar = [".bar h1", ".bar a", ".btn.authorize"].map(str::to_owned);
        for selector in methods.into_iter().chain(bar) {
            let script = CONTRAST.replace("SELECTOR", &Value::from(selector.as_str()).to_string());
            let contrast = browser.run(&script).as_f64().unwrap();
            assert!(contrast >= 4.5, "{name} {selector}: {contrast}");
        }
        // Swagger UI's own parts are its makers'.
        assert_eq!(axe(&browser, "{ exclude: [['#ui']] }"), Vec::<String>::new(), "{name}");
        let server_list = "document.querySelector('#servers')?.getAttribute('aria-label')";
        assert!(becomes_true(&browser, server_list));
    }
}
