//! GitHub and Apple, imitated from their public documentation, and the whole program in a process of its
//! own: what a browser and an app see of a login.

use authd::env::Env;
use authd::model::percent;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use serde_json::{Value, json};

use crate::fake_provider::{CLIENT, FakeProvider, PAGE, SECRET};
use crate::process::{Folder, Reply, Server};
use crate::reserved_port::ReservedPort;

/// A browser: its cookies.
struct Browser<'a> {
    server: &'a Server,
    cookies: Vec<(String, String)>,
}

impl<'a> Browser<'a> {
    fn new(server: &'a Server) -> Self {
        Self { server, cookies: Vec::new() }
    }

    fn get(&mut self, path: &str) -> Reply {
        let sent: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookie = format!("Cookie: {}\r\n", sent.join("; "));
        let reply = self.server.client().ask("GET", path, &cookie, None).unwrap();
        for line in reply.head.lines() {
            let Some((name, pair)) = line.split_once(": ") else { continue };
            if name.eq_ignore_ascii_case("set-cookie") {
                let (name, value) = pair.split(';').next().unwrap().split_once('=').unwrap();
                self.cookies.retain(|(known, _)| known != name);
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        reply
    }
}

fn place(reply: &Reply) -> &str {
    let mut lines = reply.head.lines().filter_map(|line| line.split_once(": "));
    let found = lines.find(|(name, _)| name.eq_ignore_ascii_case("location"));
    found.unwrap_or_else(|| panic!("{} {}", reply.head, reply.text)).1
}

/// A provider whose clock is that of the program.
async fn provider() -> FakeProvider {
    let provider = FakeProvider::start().await;
    provider.script(|script| {
        script.now = Env::real().wall().millis() / 1000;
        script.takes_any_client = true;
    });
    provider
}

fn callback(name: &str, answer: &Value) -> String {
    let one = |key: &str| percent::encode(answer[key].as_str().unwrap());
    format!("/sign-in/provider/{name}/callback?code={}&state={}", one("code"), one("state"))
}

/// The server of an enterprise that has GitHub on its own host: the endpoints are below the issuer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_and_an_app_log_in_at_github() {
    let provider = provider().await;
    let emails = json!([
        { "email": "other@example.com", "primary": false, "verified": true },
        { "email": "octocat@example.com", "primary": true, "verified": true },
    ]);
    provider.script(|script| script.emails = emails);
    let folder = Folder::new();
    let settings = format!(
        "[outbound]\nallow = [\"127.0.0.1\"]\n[log]\nlevel = \"trace\"\n[providers.github]\n\
         issuer = \"{}\"\nclient_id = \"{CLIENT}\"\nclient_secret = \"{SECRET}\"\n\
         redirect_uris = [\"{PAGE}\"]\nkeep_tokens = true\n",
        provider.issuer
    );
    std::fs::write(folder.path("authd.toml"), settings).unwrap();
    tokio::task::block_in_place(|| {
        let server = folder.serve(&[]);
        let octocat = json!({ "login": "octocat", "id": 583_231, "name": "The Octocat" });
        let mut browser = Browser::new(&server);
        let sent = browser.get("/sign-in/provider/github");
        let url = place(&sent).to_owned();
        assert!(url.starts_with(&format!("{}/login/oauth/authorize?", provider.issuer)), "{url}");
        let answer = provider.log_in(&url, &octocat);
        let entered = browser.get(&callback("github", &answer));
        assert_eq!((entered.status, place(&entered)), (303, "/account"), "{}", entered.text);
        let home = browser.get("/account");
        assert!(home.text.contains("octocat@example.com"), "{}", home.text);
        // A code counts once: GitHub says so with status 200.
        let again = browser.get(&callback("github", &answer));
        assert_eq!(again.status, 400, "{}", again.text);

        let begun = server.post("/v1/auth/providers/github/begin", &json!({ "redirectUri": PAGE }));
        let begun = begun.unwrap();
        let mut body = provider.log_in(&begun.text("authorizationUrl"), &octocat);
        body["flow"] = begun.text("flow").into();
        let entered = server.post("/v1/auth/providers/callback", &body).unwrap();
        assert_eq!(entered.status, 200, "{}", entered.text);
        let bearer = format!("Authorization: Bearer {}\r\n", entered.text("accessToken"));
        let ask = |method: &str, path: &str| server.client().ask(method, path, &bearer, None);
        let list = ask("GET", "/v1/users/me/identities").unwrap();
        let own = &list.body["data"][0];
        assert_eq!((&own["subject"], &own["name"]), (&"583231".into(), &"The Octocat".into()));
        let path = format!("/v1/users/me/identities/{}/token", own["id"].as_str().unwrap());
        let given = ask("POST", &path).unwrap();
        let token = given.text("accessToken");
        assert!(given.body["data"]["expiresAt"].is_null(), "it does not end: {}", given.text);
        assert_eq!(server.end(), Some(0));
        let log = std::fs::read_to_string(folder.path("log")).unwrap();
        assert!(!log.contains(&token) && !log.contains(SECRET), "{log}");
    });
}

/// Browsers send the cookie of a login back to the name that set it, so the printed one is registered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_from_the_printed_address_comes_back_there_and_elsewhere_leaves_a_line_in_the_log()
{
    let provider = provider().await;
    let folder = Folder::new();
    let settings = format!(
        "[outbound]\nallow = [\"127.0.0.1\"]\n[providers.acme]\nissuer = \"{}\"\n\
         client_id = \"{CLIENT}\"\nclient_secret = \"{SECRET}\"\n",
        provider.issuer
    );
    std::fs::write(folder.path("authd.toml"), settings).unwrap();
    let port = ReservedPort::new();
    let listen = format!("127.0.0.1:{}", port.number());
    tokio::task::block_in_place(|| {
        let server = folder.serve_at(&listen, &[]);
        let printed = server.greeting["pages"].as_str().unwrap().to_owned();
        assert_eq!(printed, format!("http://localhost:{}/sign-in", port.number()));
        let mut browser = Browser::new(&server);
        let url = place(&browser.get("/sign-in/provider/acme")).to_owned();
        let back = crate::fake_provider::parameter(&url, "redirect_uri").unwrap();
        assert_eq!(back, format!("{printed}/provider/acme/callback"));
        let answer = provider.log_in(&url, &json!({ "sub": "ada" }));
        let path = callback("acme", &answer);
        let elsewhere = Browser::new(&server).get(&path);
        assert_eq!(elsewhere.status, 400, "{}", elsewhere.text);
        let mut swapped = Browser::new(&server);
        swapped.get("/sign-in/provider/acme");
        assert_eq!(swapped.get(&path).status, 400);
        let mut other = Browser::new(&server);
        other.get("/sign-in/provider/acme");
        assert_eq!(other.get("/sign-in/provider/other%0Aline/callback?state=s").status, 400);
        assert_eq!(browser.get(&path).status, 303);
        let mut refuses = Browser::new(&server);
        let url = place(&refuses.get("/sign-in/provider/acme")).to_owned();
        let state = crate::fake_provider::parameter(&url, "state").unwrap();
        let error = "error=access_denied&error_description=Not+today%0A2026-01-01+forged";
        let page = refuses.get(&format!("/sign-in/provider/acme/callback?state={state}&{error}"));
        assert!(page.text.contains("You cancelled the sign-in."), "{}", page.text);
        assert!(!page.text.contains("Not today"), "{}", page.text);
        assert_eq!(server.end(), Some(0));
        let log = std::fs::read_to_string(folder.path("log")).unwrap();
        for why in
            ["without the cookie of a login", "state is not that of the login", "another provider"]
        {
            let lines = log.lines().filter(|line| line.contains(why)).count();
            assert_eq!(lines, 1, "{why}: {log}");
        }
        let said = log.lines().find(|line| line.contains("access_denied")).unwrap();
        assert!(said.contains("Not today") && said.contains("forged"), "one line: {said}");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_logs_in_at_apple_whose_answer_is_posted_from_another_site() {
    let provider = provider().await;
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let der = base64::engine::general_purpose::STANDARD.encode(key.to_pkcs8v1().unwrap().as_ref());
    let folder = Folder::new();
    let settings = format!(
        "[outbound]\nallow = [\"127.0.0.1\"]\n[providers.apple]\nissuer = \"{}\"\n\
         client_id = \"{CLIENT}\"\nteam_id = \"TEAM123456\"\nkey_id = \"KEY1234567\"\n\
         private_key = \"\"\"\n-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n\"\"\"\n",
        provider.issuer
    );
    std::fs::write(folder.path("authd.toml"), settings).unwrap();
    tokio::task::block_in_place(|| {
        let server = folder.serve(&[]);
        let mut browser = Browser::new(&server);
        let url = place(&browser.get("/sign-in/provider/apple")).to_owned();
        assert!(url.contains("response_mode=form_post"), "{url}");
        let claims = json!({
            "sub": "001.a", "email": "x@privaterelay.example", "email_verified": "true",
        });
        let answer = provider.log_in(&url, &claims);
        let one = |key: &str| percent::encode(answer[key].as_str().unwrap());
        let user = percent::encode(r#"{"name":{"firstName":"Ada","lastName":"Lovelace"}}"#);
        let form = format!("state={}&code={}&user={user}", one("state"), one("code"));
        // The browser sends no cookie with a request from another site.
        let posted = server.client().raw(format!(
            "POST /sign-in/provider/apple/callback HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Origin: https://appleid.apple.com\r\nSec-Fetch-Site: cross-site\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        ));
        let page = posted.unwrap();
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(!page.head.to_lowercase().contains("set-cookie"), "{}", page.head);
        let fields = page.text.split("<input type=\"hidden\" name=\"").skip(1).map(|part| {
            let (name, rest) = part.split_once("\" value=\"").unwrap();
            let value = rest.split_once('"').unwrap().0;
            let value = value.replace("&#34;", "\"").replace("&#38;", "&");
            format!("{name}={}", percent::encode(&value))
        });
        let query = fields.collect::<Vec<_>>().join("&");
        let entered = browser.get(&format!("/sign-in/provider/apple/callback?{query}"));
        assert_eq!((entered.status, place(&entered)), (303, "/account"), "{}", entered.text);
        let profile = browser.get("/account/profile");
        assert!(profile.text.contains("value=\"Ada\""), "{}", profile.text);
        let form = provider.forms().pop().unwrap();
        let secret = crate::fake_provider::parameter(&form, "client_secret").unwrap();
        assert_eq!(secret.split('.').count(), 3, "the secret is signed for the request: {secret}");
        assert_eq!(server.end(), Some(0));
    });
}
