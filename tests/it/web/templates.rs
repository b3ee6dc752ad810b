//! Templates of the operator, from a folder: those of the documentation, and those that are refused.

use std::path::Path;

use crate::process::Folder;
use crate::support::{PASSWORD, UNLIMITED, app_with};
use crate::web::account::turn_on_second_step;
use crate::web::visitor::Visitor;

const DOCUMENTATION: &str = include_str!("../../../docs/pages.md");

/// The examples of the documentation.
fn examples() -> Vec<&'static str> {
    let blocks = DOCUMENTATION.split("```html\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect()
}

fn write(folder: &Path, file: &str, text: &str) {
    std::fs::write(folder.join(file), text).unwrap();
}

#[tokio::test]
async fn the_templates_of_the_documentation_are_around_and_in_the_pages() {
    let folder = tempfile::tempdir().unwrap();
    let [page, sign_in] = examples()[..] else { panic!("expected two examples") };
    write(folder.path(), "page.html", page);
    write(folder.path(), "sign-in.html", sign_in);
    write(folder.path(), "footer.html", "<p class=\"imprint\">Plum GmbH</p>");
    let templates = folder.path().to_str().unwrap();
    let set = [("pages.templates", templates), ("pages.name", "Plum & <Pear>")];
    let app = app_with("standard", &[&UNLIMITED[..], &set].concat()).await;
    app.join("ada").await;
    let mut ada = Visitor::at(&app, "/sign-in?lang=de").await;
    let policy = ada.page.header("content-security-policy").to_owned();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self'"),
        "{policy}"
    );
    assert!(
        ada.page.text.trim_start().starts_with("<!doctype html>\n<html lang=\"de\" dir=\"ltr\">")
    );
    ada.sees("<title>Anmelden – Plum &#38; &#60;Pear&#62;</title>");
    ada.sees("<main class=\"welcome\">\n<p class=\"brand\">Plum &#38; &#60;Pear&#62;</p>\n<h1>Anmelden</h1>");
    ada.sees("<p class=\"imprint\">Plum GmbH</p>");
    let at = |text: &str| ada.page.text.find(text).unwrap_or_else(|| panic!("{text}"));
    assert!(at("href=\"/sign-up\"") < at("<form method=\"post\" action=\"/sign-in\">"));
    assert!(at("/pages/page.js?") < at("</head>"), "passkeys need the script");
    ada.sign_in("ada", "wrong").await;
    assert_eq!(ada.page.text.matches("id=\"problem\"").count(), 1);
    ada.sign_in("ada", PASSWORD).await;
    assert_eq!(ada.path, "/account");
    for path in ["/account", "/sign-up", "/forgot-password", "/v1/resend-verification", "/sign-in"]
    {
        ada.open(path).await;
        let count = |text: &str| ada.page.text.matches(text).count();
        let once = ["<!doctype", "<p class=\"tagline\">", "</body>", "<h1>", "/pages/page.css?"];
        assert_eq!(once.map(count), [1; 5], "{path}: {}", ada.page.text);
        assert!(!ada.page.text.contains("authd.") && !ada.page.text.contains("<!--"), "{path}");
        assert!(!ada.page.text.contains("{{"), "{path}: {}", ada.page.text);
    }
}

#[tokio::test]
async fn every_arranged_page_works() {
    let folder = tempfile::tempdir().unwrap();
    let card = "<main class=\"mine\">{{title}}|{{brand}}{{links}}{{form}}{{message}}</main>";
    for file in ["sign-in.html", "sign-in-code.html", "second-step.html", "sign-up.html"] {
        write(folder.path(), file, card);
    }
    let account =
        "<div class=\"mine\">{{content}}{{message}}<h1>{{title}}</h1>{{navigation}}{{owner}}</div>";
    write(folder.path(), "account.html", account);
    let templates = folder.path().to_str().unwrap();
    let set = [("pages.templates", templates), ("login.passwordless", "true")];
    let app = app_with("standard", &[&UNLIMITED[..], &set].concat()).await;
    let mut ada = Visitor::owner(&app, "ada").await;
    let phone = turn_on_second_step(&app, &mut ada).await;
    ada.sees("<div class=\"mine\">");
    for path in ["/account", "/account/sessions", "/account/data/delete"] {
        ada.open(path).await;
        ada.sees("<div class=\"mine\">");
        ada.sees("aria-current=\"page\"");
    }
    ada.submit("/sign-out", &[]).await;
    app.turn_clock(std::time::Duration::from_mins(1));
    let mut mallory = Visitor::at(&app, "/sign-up").await;
    // What is typed can be neither a name nor a mark.
    let typed = "<!--authd./-->{{form}}<!--authd:/-->";
    mallory.submit("/sign-up", &[("email", typed), ("new_password", "x")]).await;
    mallory.sees("&#60;!--authd./--&#62;{{form}}&#60;!--authd:/--&#62;");
    mallory.sees("id=\"email-reason\"");
    mallory.sees("<main class=\"mine\">Create an account|<p class=\"brand\">");
    mallory.open("/sign-in/code").await;
    mallory.submit("/sign-in/code/send", &[("email", "ada@example.com")]).await;
    mallory.sees("<main class=\"mine\">");
    mallory.sees("we have sent it a code.");
    ada.open("/sign-in").await;
    ada.sign_in("ada", PASSWORD).await;
    ada.sees("<main class=\"mine\">One more step|");
    ada.submit("/sign-in/factor", &[("code", &phone.code(&app))]).await;
    assert_eq!(ada.path, "/account");
}

#[test]
fn a_template_that_cannot_be_used_is_named_by_the_check_and_stops_the_start() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("pages")).unwrap();
    let set = format!("pages.templates={}", folder.path("pages").display());
    for (file, text, found) in [
        ("page.html", "{{styles}}\n{{scripts}}\n", "page.html, line 2: `{{content}}` is missing"),
        ("page.html", "\n{{contents}}", "page.html, line 2: `contents` is unknown here"),
        ("sign-in.html", "{{form", "sign-in.html, line 1: `{{` is not closed by `}}`"),
        ("signin.html", "{{form}}", "signin.html: expected one of header.html"),
    ] {
        let path = folder.path("pages").join(file);
        std::fs::write(&path, text).unwrap();
        for command in [&["config", "check"][..], &["serve"]] {
            let ran = folder.run(&[command, &["--set", &set]].concat());
            let said = format!("{}{}", ran.out, ran.err);
            assert!(ran.code != Some(0) && said.contains(found), "{command:?}: {said}");
        }
        std::fs::remove_file(path).unwrap();
    }
}
