//! The pages of the console about the server itself: settings and limits.

use authd::identity::system::statistics;

use super::{administrator, of};
use crate::admin::make;
use crate::support::{app_with, unlimited_but};

#[tokio::test]
async fn settings_are_shown_by_section_and_found_by_their_words() {
    let set = [("sessions.max", "7"), ("mail.smtp_url", "smtp://me:canary@127.0.0.1:2525")];
    let app = app_with("standard", &set).await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    root.open("/console/settings").await;
    root.sees("<code>sessions.max</code>");
    root.sees("How many sessions an account may have.");
    root.sees("flag --set sessions.max");
    root.sees("smtp://***@127.0.0.1:2525");
    root.sees("it is not set, so links in mail lead nowhere");
    assert!(!root.page.text.contains("canary"), "{}", root.page.text);
    assert!(!root.page.text.contains("tokens.access"), "only what is set here");
    root.open("/console/settings?section=limits").await;
    root.sees("<code>limits.sign_up</code>");
    root.sees("10 in 1m, smooth");
    root.sees("class=\"quiet\">default</td>");
    root.open("/console/settings?section=server").await;
    root.sees("<span class=\"tag bad\">error</span> it is not set, so links in mail lead nowhere");
    root.open("/console/settings?q=ACCESS%20tokens%20are%20valid").await;
    root.sees("tokens.access");
    for rubbish in ["?q=%3Cscript%3E", "?section=nothing&q=", "?q=a&q=b", "?section=%00"] {
        root.open(&format!("/console/settings{rubbish}")).await;
        assert_eq!(root.page.status, 200, "{rubbish}");
        assert!(!root.page.text.contains("<script>"), "{}", root.page.text);
    }
}

#[tokio::test]
async fn limits_show_what_they_refused_and_whom_they_keep_out() {
    let set =
        [("lockout.enabled", "true"), ("throttle.enabled", "false"), ("limits.sign_in.count", "4")];
    let app = app_with("standard", &unlimited_but(&set)).await;
    let ada = make(&app, "ada", &[]).await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    root.open("/console/limits").await;
    root.sees("No limit refused anything in 30 days.");
    root.open("/console/limits/locked").await;
    root.sees("No account is locked out now.");
    for from in ["203.0.113.1", "203.0.113.2"] {
        for _ in 0..6 {
            let body = serde_json::json!({ "username": "ada", "password": "wrong passphrase" });
            app.post("/v1/auth/login", &body).from(from).send().await;
        }
    }
    statistics::write(&app.core).await.unwrap();
    root.open("/console/limits").await;
    root.sees("<td data-label=\"Allows\">4 in 1m</td>");
    assert!(!root.page.text.contains("No limit refused anything"), "{}", root.page.text);
    root.open("/console/limits/locked").await;
    root.sees("Locked for every client");
    root.sees(&format!("href=\"{}\">Unlock", of(&ada, "/unlock")));
    let mut mod_ = administrator(&app, "mod", &["moderator"]).await;
    mod_.open("/console/limits/locked").await;
    mod_.sees("ada@example.com");
    assert!(!mod_.page.text.contains("/unlock\""), "it may look, not touch");
    root.open(&of(&ada, "/unlock")).await;
    root.submit(&of(&ada, "/unlock"), &[]).await;
    root.open("/console/limits/locked").await;
    root.sees("No account is locked out now.");
}
