//! A browser without JavaScript: it keeps cookies, follows redirects and posts the forms of a page.

use std::collections::BTreeMap;

use authd::model::percent;
use poem::http::Method;
use poem::http::header::SET_COOKIE;

use crate::support::{Answer, App, PASSWORD};

pub const FORM: &str = "application/x-www-form-urlencoded";

/// One browser.
pub struct Visitor<'a> {
    app: &'a App,
    pub cookies: BTreeMap<String, String>,
    /// The page that is shown.
    pub page: Answer,
    pub path: String,
    /// The redirects that led to it.
    pub redirects: Vec<String>,
    pub from: String,
}

impl<'a> Visitor<'a> {
    /// Opens a page.
    pub async fn at(app: &'a App, path: &str) -> Self {
        let page = app.get("/livez").send().await;
        let mut visitor = Self {
            app,
            cookies: BTreeMap::new(),
            page,
            path: String::new(),
            redirects: Vec::new(),
            from: "192.0.2.1".into(),
        };
        visitor.open(path).await;
        visitor
    }

    /// Signs up by the API, and logs in on the page.
    pub async fn owner(app: &'a App, name: &str) -> Self {
        app.join(name).await;
        Self::known(app, name).await
    }

    /// Logs in on the page.
    pub async fn known(app: &'a App, name: &str) -> Self {
        let mut visitor = Self::at(app, "/sign-in").await;
        visitor.sign_in(name, PASSWORD).await;
        assert_eq!(visitor.path, "/account", "{}", visitor.page.text);
        visitor
    }

    pub async fn sign_in(&mut self, name: &str, password: &str) {
        let email = format!("{name}@example.com");
        self.submit("/sign-in", &[("name", &email), ("password", password), ("remember", "yes")])
            .await;
    }

    pub async fn open(&mut self, path: &str) -> &Answer {
        self.redirects.clear();
        let answer = self.send(Method::GET, path, None).await;
        self.follow(path, answer).await
    }

    /// Posts the form of the page with this action: its hidden fields, and these.
    pub async fn submit(&mut self, action: &str, fields: &[(&str, &str)]) -> &Answer {
        let form = self.form(action, fields);
        self.redirects.clear();
        let answer = self.send(Method::POST, action, Some(form)).await;
        self.follow(action, answer).await
    }

    /// The body that [`Visitor::submit`] would post.
    pub fn form(&self, action: &str, fields: &[(&str, &str)]) -> String {
        let hidden = hidden_fields(&self.page.text, action);
        let all = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all = all.chain(fields.iter().copied());
        all.map(|(name, value)| format!("{name}={}", percent::encode(value)))
            .collect::<Vec<_>>()
            .join("&")
    }

    /// Sends one request, without following a redirect.
    pub async fn send(&mut self, method: Method, path: &str, form: Option<String>) -> Answer {
        let mut call = self.app.call(method, path).from(&self.from);
        if !self.cookies.is_empty() {
            let cookies: Vec<_> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            call = call.header("cookie", &cookies.join("; "));
        }
        if let Some(form) = form {
            call = call.body(FORM, form).header("origin", "http://localhost");
        }
        let answer = call.send().await;
        self.keep(&answer);
        answer
    }

    /// Keeps the cookies of a response that are for every path.
    fn keep(&mut self, answer: &Answer) {
        for line in answer.headers.get_all(SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if !line.contains("Path=/;") {
                continue;
            }
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    async fn follow(&mut self, path: &str, first: Answer) -> &Answer {
        let (mut path, mut answer) = (path.to_owned(), first);
        while answer.status == 303 {
            let place = answer.header("location").to_owned();
            self.redirects.push(place.clone());
            if !place.starts_with('/') {
                break;
            }
            answer = self.send(Method::GET, &place, None).await;
            path = place;
        }
        path.split('?').next().unwrap().clone_into(&mut self.path);
        self.page = answer;
        &self.page
    }

    /// Asserts that the page shows these words.
    #[track_caller]
    pub fn sees(&self, words: &str) {
        assert!(self.page.text.contains(words), "{words:?} at {}: {}", self.path, self.page.text);
    }
}

/// The hidden fields of the form with this action.
pub fn hidden_fields(page: &str, action: &str) -> Vec<(String, String)> {
    let start = format!("action=\"{action}\"");
    let form = page.split(&start).nth(1).unwrap_or_else(|| panic!("no form for {action}: {page}"));
    let form = form.split("</form>").next().unwrap();
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!(" {name}=\"")).unwrap();
        rest.split('"').next().unwrap().replace("&#38;", "&")
    };
    form.split("<input")
        .filter(|tag| tag.contains("type=\"hidden\""))
        .map(|tag| (attribute(tag, "name"), attribute(tag, "value")))
        .collect()
}
