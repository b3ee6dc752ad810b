//! Letters on the pages of the console: previews in a frame, and a test letter.

use poem::http::Method;

use super::administrator;
use crate::mail::server::Server;
use crate::support::{app, app_with};

#[tokio::test]
async fn a_letter_is_shown_in_a_frame_that_can_do_nothing() {
    let app = app().await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    root.open("/console/letters?language=de").await;
    root.sees("href=\"/console/letters/verify_email?language=de\"");
    root.sees("<option value=\"de\" selected>Deutsch</option>");
    root.open("/console/letters/new_device?language=de").await;
    root.sees("<iframe src=\"/console/letters/new_device/html?language=de\" sandbox");
    root.sees("Chrome unter Windows");
    let policy = root.page.header("content-security-policy");
    assert!(policy.ends_with("; frame-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(root.page.header("x-frame-options"), "DENY");
    let path = "/console/letters/new_device/html?language=de";
    let letter = root.send(Method::GET, path, None).await;
    let policy = letter.header("content-security-policy");
    assert!(policy.starts_with("sandbox; default-src 'none'; "), "{policy}");
    assert!(!policy.contains("script") && !policy.contains("allow-"), "{policy}");
    assert!(policy.ends_with("frame-ancestors 'self'"), "{policy}");
    assert_eq!(letter.header("x-frame-options"), "SAMEORIGIN");
    assert!(letter.text.contains("<html lang=\"de\""), "{}", letter.text);
    for rubbish in ["/console/letters/nothing", "/console/letters/..%2Fx/html"] {
        root.open(rubbish).await;
        assert_eq!(root.page.status, 404, "{rubbish}");
    }
    root.open("/console/letters/alert?language=%3Cscript%3E").await;
    assert_eq!(root.page.status, 200, "an unknown language is that of the server");
}

#[tokio::test]
async fn a_test_letter_shows_each_step() {
    let server = Server::start(vec![("RCPT", "550 <b>no</b> such user")]).await;
    let url = format!("smtp+insecure://127.0.0.1:{}", server.port);
    let set = [("mail.smtp_url", url.as_str()), ("mail.from", "no-reply@auth.example")];
    let app = app_with("standard", &set).await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    root.open("/console/mail/test").await;
    root.sees("value=\"root@example.com\"");
    root.submit("/console/mail/test", &[("to", "nobody")]).await;
    assert_eq!(root.page.status, 400);
    root.submit("/console/mail/test", &[("to", "joe@example.org")]).await;
    root.sees("The letter to joe@example.org was not sent.");
    root.sees("550 &#60;b&#62;no&#60;/b&#62; such user");
    root.sees("the server does not accept mail for this recipient");
}
