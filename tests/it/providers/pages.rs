//! Logins with providers on the sign-in and account pages.

use std::fmt::Write as _;

use authd::identity::session::page_session;
use authd::model::{Secret, percent};
use poem::http::Method;
use serde_json::{Value, json};

use super::{Site, verified};
use crate::fake_provider::FakeProvider;
use crate::support::{Answer, PASSWORD};

/// A browser: its cookies.
pub struct Browser<'a> {
    site: &'a Site,
    cookies: Vec<(String, String)>,
}

impl<'a> Browser<'a> {
    pub fn new(site: &'a Site) -> Self {
        let visitor = ("authd-visitor".to_owned(), "visitor".to_owned());
        Self { site, cookies: vec![visitor] }
    }

    fn cookie(&self, name: &str) -> Option<&str> {
        let found = self.cookies.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn keep(&mut self, answer: &Answer) {
        for line in answer.headers.get_all("set-cookie") {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }

    fn header(&self) -> String {
        let sent = self.cookies.iter().filter(|(_, value)| !value.is_empty());
        sent.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        let answer = self.site.app.get(path).header("cookie", &self.header()).send().await;
        self.keep(&answer);
        answer
    }

    pub async fn press(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let secret = self.cookie("authd").or(self.cookie("authd-visitor")).unwrap();
        let token = page_session::form_token(&self.site.app.core, &Secret::new(secret));
        let mut form = format!("form={token}");
        for (name, value) in fields {
            let _ = write!(form, "&{name}={}", percent::encode(value));
        }
        let call = self.site.app.call(Method::POST, path).header("cookie", &self.header());
        let answer = call.body("application/x-www-form-urlencoded", form).send().await;
        self.keep(&answer);
        answer
    }

    /// Logs in at the provider, from this link, and comes back.
    async fn come_back(&mut self, url: &str, claims: &Value) -> Answer {
        let answer = self.site.provider.log_in(url, claims);
        let one = |name: &str| percent::encode(answer[name].as_str().unwrap());
        let query = format!("code={}&state={}", one("code"), one("state"));
        self.get(&format!("/sign-in/provider/acme/callback?{query}")).await
    }

    pub async fn log_in(&mut self, claims: &Value) -> Answer {
        let sent = self.get("/sign-in/provider/acme").await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        self.come_back(place(&sent), claims).await
    }
}

fn place(answer: &Answer) -> &str {
    answer.headers["location"].to_str().unwrap()
}

fn ada() -> Value {
    verified("s-1", "ada@example.com")
}

#[tokio::test]
async fn a_button_leads_to_the_provider_and_back_into_the_account() {
    let site = Site::open(&[("providers.acme.label", "Acme <b>")]).await;
    let mut browser = Browser::new(&site);
    for page in ["/sign-in", "/sign-up"] {
        let shown = browser.get(page).await;
        assert!(shown.text.contains("href=\"/sign-in/provider/acme\""), "{}", shown.text);
        assert!(shown.text.contains("Continue with Acme &#60;b&#62;"), "{}", shown.text);
    }
    let entered = browser.log_in(&ada()).await;
    assert_eq!((entered.status.as_u16(), place(&entered)), (303, "/account"), "{}", entered.text);
    assert!(browser.cookie("authd").is_some());
    assert_eq!(browser.cookie("authd-provider"), None, "the flow is over");
    assert!(browser.get("/account/connections").await.text.contains("ada@example.com"));
    let to = browser.get("/sign-in/provider/acme?return_to=https://evil.example").await;
    assert_eq!(to.status, 400);
}

#[tokio::test]
async fn a_way_to_sign_in_that_is_not_there_leads_to_those_that_are() {
    let site = Site::open(&[("providers.acme.label", "Acme")]).await;
    let mut browser = Browser::new(&site);
    let page = browser.get("/sign-in/provider/nope?return_to=/account/connections").await;
    assert_eq!(page.status, 404);
    for part in [
        "This way to sign in is not offered here. Choose another one.",
        "href=\"/sign-in/provider/acme?return_to=%2Faccount%2Fconnections\">Continue with Acme</a>",
        "href=\"/sign-in?return_to=%2Faccount%2Fconnections\">Sign in</a>",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
}

#[tokio::test]
async fn the_buttons_of_presets_have_their_logos() {
    let presets = [
        "google",
        "microsoft",
        "github",
        "gitlab",
        "discord",
        "facebook",
        "slack",
        "linkedin",
        "x",
    ];
    let settings: Vec<_> = presets
        .iter()
        .flat_map(|name| {
            let key = |setting: &str| format!("providers.{name}.{setting}");
            [(key("client_id"), "id".to_owned()), (key("client_secret"), "secret".to_owned())]
        })
        .collect();
    let settings: Vec<_> =
        settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let site = Site::open(&settings).await;
    let mut browser = Browser::new(&site);
    for page in ["/sign-in", "/sign-up"] {
        let shown = browser.get(page).await.text;
        for name in presets {
            let link = format!("href=\"/sign-in/provider/{name}\">");
            let button = shown.split(&link).nth(1).unwrap_or_else(|| panic!("{name}: {shown}"));
            assert!(button.starts_with("<svg class=\"logo\""), "{page} {name}: {shown}");
        }
        // Other providers have none.
        let other = shown.split("href=\"/sign-in/provider/acme\">").nth(1).unwrap();
        assert!(other.starts_with("Continue with acme"), "{shown}");
    }
}

#[tokio::test]
async fn an_answer_of_another_browser_opens_nothing_and_says_what_to_do() {
    let site = Site::open(&[]).await;
    let (mut eve, mut ada_browser) = (Browser::new(&site), Browser::new(&site));
    let sent = eve.get("/sign-in/provider/acme").await;
    let answer = site.provider.log_in(place(&sent), &verified("s-e", "eve@example.com"));
    let one = |name: &str| answer[name].as_str().unwrap().to_owned();
    let path =
        format!("/sign-in/provider/acme/callback?code={}&state={}", one("code"), one("state"));
    // The browser has begun nothing, or something else.
    let came = ada_browser.get(&path).await;
    assert_eq!(came.status, 400);
    assert!(came.text.contains("began in another window"), "{}", came.text);
    ada_browser.get("/sign-in/provider/acme").await;
    assert_eq!(ada_browser.get(&path).await.status, 400);
    assert_eq!(ada_browser.cookie("authd"), None);
    assert_eq!(ada_browser.get("/sign-in/provider/none").await.status, 404);
}

#[tokio::test]
async fn an_answer_that_came_to_the_page_of_another_provider_is_sent_nowhere() {
    let honest = FakeProvider::start().await;
    let set = honest.settings("honest");
    let set: Vec<_> = set.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let site = Site::open(&set).await;
    let mut browser = Browser::new(&site);
    // The person begins at acme, which leads the browser on to the other provider.
    let sent = browser.get("/sign-in/provider/acme").await;
    let url = place(&sent).replace(&site.provider.issuer, &honest.issuer);
    let answer = honest.log_in(&url, &ada());
    let one = |name: &str| answer[name].as_str().unwrap().to_owned();
    let (code, state) = (one("code"), one("state"));
    site.provider.requests();
    let path = format!("/sign-in/provider/honest/callback?code={code}&state={state}");
    let came = browser.get(&path).await;
    assert_eq!((came.status.as_u16(), browser.cookie("authd")), (400, None), "{}", came.text);
    assert_eq!(site.provider.requests(), [""; 0], "acme gets no code of another provider");
}

#[tokio::test]
async fn a_picture_of_any_size_is_never_asked_for() {
    let site = Site::open(&[]).await;
    let mut claims = ada();
    claims["picture"] = format!("{}/picture.png", site.provider.issuer).into();
    claims["avatar_url"] = claims["picture"].clone();
    let mut browser = Browser::new(&site);
    let entered = browser.log_in(&claims).await;
    assert_eq!(place(&entered), "/account");
    for page in ["/account", "/account/profile", "/account/connections"] {
        let shown = browser.get(page).await;
        assert!(!shown.text.contains("picture.png"), "no browser asks for it either: {page}");
    }
    let asked = site.provider.requests();
    assert!(!asked.iter().any(|one| one.contains("picture")), "{asked:?}");
}

#[tokio::test]
async fn an_answer_that_is_posted_leads_on_from_our_own_page() {
    let site = Site::open(&[]).await;
    let form = "state=s%22%3E&code=c-1&user=%7B%22name%22%3A%7B%7D%7D&other=x";
    let call = site.app.call(Method::POST, "/sign-in/provider/acme/callback");
    let call = call.header("origin", "https://appleid.apple.com");
    let call = call.header("sec-fetch-site", "cross-site");
    let page = call.body("application/x-www-form-urlencoded", form).send().await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.headers.get("set-cookie").is_none());
    for part in [
        "<form method=\"get\" action=\"/sign-in/provider/acme/callback\" data-presses=\"yes\">",
        "name=\"code\" value=\"c-1\"",
        "name=\"state\" value=\"s&#34;&#62;\"",
        "name=\"user\" value=\"{&#34;name&#34;:{}}\"",
        "<button>Continue</button>",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    assert!(!page.text.contains("other"), "{}", page.text);
}

#[tokio::test]
async fn a_page_asks_for_the_proof_of_the_existing_account_and_a_code_gives_it() {
    let site = Site::open(&[]).await;
    site.app.join("ada").await;
    let mut browser = Browser::new(&site);
    let led = browser.log_in(&ada()).await;
    assert_eq!((led.status.as_u16(), place(&led)), (303, "/sign-in/connect"), "{}", led.text);
    let asks = browser.get("/sign-in/connect").await;
    assert!(
        asks.text.contains("There already is an account with ada@example.com"),
        "{}",
        asks.text
    );
    assert_eq!(
        browser.press("/sign-in/connect/code", &[("email", "ada@example.com")]).await.status,
        303
    );
    let code = site.code_for("ada@example.com").await;
    let wrong = browser.press("/sign-in/connect", &[("code", "BBBBB-BBBBB")]).await;
    assert_eq!(wrong.status, 400);
    let entered = browser.press("/sign-in/connect", &[("code", &code)]).await;
    assert_eq!((entered.status.as_u16(), place(&entered)), (303, "/account"), "{}", entered.text);
    assert_eq!(browser.cookie("authd-provider-step"), None);
}

#[tokio::test]
async fn the_login_of_the_existing_account_gives_it_too() {
    let site = Site::open(&[]).await;
    site.app.join("ada").await;
    let mut browser = Browser::new(&site);
    browser.log_in(&ada()).await;
    let login = [
        ("name", "ada@example.com"),
        ("password", PASSWORD),
        ("return_to", "/account/connections"),
    ];
    let entered = browser.press("/sign-in", &login).await;
    assert_eq!(place(&entered), "/account/connections");
    let waits = browser.get("/account/connections").await;
    assert!(waits.text.contains("You signed in at acme."), "{}", waits.text);
    assert_eq!(browser.press("/account/connections", &[]).await.status, 303);
    let page = browser.get("/account/connections").await;
    assert!(page.text.contains("The account is connected."), "{}", page.text);
    // It logs in from now on.
    let mut other = Browser::new(&site);
    assert_eq!(place(&other.log_in(&ada()).await), "/account");
    let letters = site.app.mails().await;
    assert!(letters.iter().any(|mail| mail.text.contains("not-me?token=")), "{letters:?}");
}

#[tokio::test]
async fn an_owner_connects_and_disconnects_accounts() {
    let site = Site::open(&[]).await;
    let mut browser = Browser::new(&site);
    browser.log_in(&ada()).await;
    let page = browser.press("/account/connections/new", &[("provider", "acme")]).await;
    let url =
        page.text.split("class=\"button\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let url = url.replace("&#38;", "&").replace("&amp;", "&");
    // The answer is of the session in which it began.
    let mut other = Browser::new(&site);
    other
        .cookies
        .push(("authd-provider".to_owned(), browser.cookie("authd-provider").unwrap().to_owned()));
    let claims = json!({ "sub": "s-2", "email": "ada@work.example" });
    assert_eq!(
        place(&other.come_back(&url, &claims).await),
        "/sign-in?return_to=%2Faccount%2Fconnections"
    );
    let linked = browser.come_back(&url, &claims).await;
    assert_eq!(
        (linked.status.as_u16(), place(&linked)),
        (303, "/account/connections"),
        "{}",
        linked.text
    );
    let list = browser.get("/account/connections").await;
    assert!(list.text.contains("ada@work.example"), "{}", list.text);
    let id = list.text.split("remove?id=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let asks = browser.get(&format!("/account/connections/remove?id={id}")).await;
    assert_eq!(asks.status, 200);
    assert_eq!(browser.press("/account/connections/remove", &[("id", &id)]).await.status, 303);
    let last = browser.get("/account/connections").await;
    let id = last.text.split("remove?id=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let refused = browser.press("/account/connections/remove", &[("id", &id)]).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
}
