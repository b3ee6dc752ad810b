//! A provider in software: OpenID Connect with discovery, or OAuth 2 with endpoints of its own, on a
//! port of this machine. What it answers can be changed in every part. It shares no code with the
//! server's client.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use authd::model::percent;
use authd::model::secret::{digest, encode};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::START;

pub const CLIENT: &str = "client-1";
pub const SECRET: &str = "s3cret of the client";
/// A page of an app that takes answers.
pub const PAGE: &str = "https://app.example.com/callback";

/// What the provider answers. Values are laid over the right ones; null takes a value away.
#[derive(Default)]
pub struct Script {
    pub discovery: Value,
    /// The header and claims of ID tokens.
    pub header: Value,
    pub claims: Value,
    pub userinfo: Value,
    /// The key that signs, and the keys that are published.
    pub signer: usize,
    pub published: Vec<usize>,
    /// A whole HTTP response instead of the answer of a path.
    pub instead: HashMap<String, Vec<u8>>,
    /// What the token endpoint answers besides.
    pub token: Value,
    /// Whether it issues refresh tokens, of which each counts once. A used one ends them all.
    pub issues_refresh_tokens: bool,
    /// The list of addresses, as GitHub has it.
    pub emails: Value,
    /// The answers to a device that asks, first to last: an error, or the claims of who logged in.
    pub device: Vec<Value>,
    /// Whether the token endpoint takes any client.
    pub takes_any_client: bool,
    /// The time of the tokens, in seconds.
    pub now: i64,
}

struct Grant {
    nonce: Option<String>,
    challenge: String,
    redirect_uri: String,
    claims: Value,
}

struct FakeState {
    issuer: String,
    keys: Vec<EcdsaKeyPair>,
    script: Script,
    grants: HashMap<String, Grant>,
    tokens: HashMap<String, Value>,
    /// The refresh tokens so far, and which of them count.
    refresh: HashMap<String, bool>,
    held: HashMap<String, HeldPath>,
    requests: Vec<String>,
    forms: Vec<String>,
    /// Numbers codes and tokens.
    serial: usize,
}

/// What requests to a held path wait for, and how many do.
#[derive(Clone)]
struct HeldPath {
    open: watch::Receiver<bool>,
    waiting: Arc<watch::Sender<usize>>,
}

/// A path whose answers wait until it is released.
pub struct Hold {
    open: watch::Sender<bool>,
    waiting: watch::Receiver<usize>,
}

impl Hold {
    /// Waits until so many requests have come.
    pub async fn has(&mut self, count: usize) {
        self.waiting.wait_for(|waiting| *waiting >= count).await.unwrap();
    }

    /// How many requests have come.
    pub fn count(&self) -> usize {
        *self.waiting.borrow()
    }

    pub fn release(self) {
        self.open.send(true).unwrap();
    }
}

/// The provider.
pub struct FakeProvider {
    pub issuer: String,
    state: Arc<Mutex<FakeState>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Lays values over others.
fn lay(mut below: Value, above: &Value) -> Value {
    for (name, value) in above.as_object().into_iter().flatten() {
        if value.is_null() {
            below.as_object_mut().unwrap().remove(name);
        } else {
            below[name] = value.clone();
        }
    }
    below
}

/// The value of a parameter.
pub fn parameter(pairs: &str, name: &str) -> Option<String> {
    let value = pairs.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    percent::decode(&value.replace('+', " "))
}

impl FakeProvider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let key = || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let script = Script { published: vec![0], now: START / 1000, ..Script::default() };
        let state = Arc::new(Mutex::new(FakeState {
            issuer: issuer.clone(),
            keys: vec![key(), key()],
            script,
            grants: HashMap::new(),
            tokens: HashMap::new(),
            refresh: HashMap::new(),
            held: HashMap::new(),
            requests: Vec::new(),
            forms: Vec::new(),
            serial: 0,
        }));
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { issuer, state, task }
    }

    /// The settings of a provider of this name.
    pub fn settings(&self, name: &str) -> Vec<(String, String)> {
        let key = |setting: &str| format!("providers.{name}.{setting}");
        vec![
            ("outbound.allow".to_owned(), "127.0.0.1".to_owned()),
            (key("issuer"), self.issuer.clone()),
            (key("client_id"), CLIENT.to_owned()),
            (key("client_secret"), SECRET.to_owned()),
            (key("redirect_uris"), PAGE.to_owned()),
        ]
    }

    pub fn script(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.state.lock().unwrap().script);
    }

    /// Holds the answers of a path back.
    pub fn hold(&self, path: &str) -> Hold {
        let (open, is_open) = watch::channel(false);
        let (count, waiting) = watch::channel(0);
        let held = HeldPath { open: is_open, waiting: Arc::new(count) };
        self.state.lock().unwrap().held.insert(path.to_owned(), held);
        Hold { open, waiting }
    }

    /// Answers what is asked of a path from now on. What waits goes on waiting.
    pub fn let_pass(&self, path: &str) {
        self.state.lock().unwrap().held.remove(path);
    }

    /// What was asked of it so far, such as `GET /keys`.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }

    /// The forms that were posted to the token endpoint so far.
    pub fn forms(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().forms)
    }

    /// A person with these claims logs in on the page that a browser was sent to. Returns the
    /// parameters that the browser brings back.
    pub fn log_in(&self, url: &str, claims: &Value) -> Value {
        let (page, query) = url.split_once('?').unwrap();
        assert!(page.starts_with(&self.issuer) && page.ends_with("/authorize"), "{page}");
        let one = |name: &str| parameter(query, name).unwrap_or_else(|| panic!("no {name}: {url}"));
        assert_eq!(
            (one("response_type"), one("code_challenge_method")),
            ("code".into(), "S256".into())
        );
        assert_eq!(one("client_id"), CLIENT);
        let mut state = self.state.lock().unwrap();
        state.serial += 1;
        let code = format!("code-{}", state.serial);
        let grant = Grant {
            nonce: parameter(query, "nonce"),
            challenge: one("code_challenge"),
            redirect_uri: one("redirect_uri"),
            claims: claims.clone(),
        };
        state.grants.insert(code.clone(), grant);
        json!({ "code": code, "state": one("state") })
    }

    /// An ID token for an app.
    pub fn id_token(&self, claims: &Value) -> String {
        self.state.lock().unwrap().id_token(claims)
    }
}

impl FakeState {
    fn id_token(&self, claims: &Value) -> String {
        let (kid, now) = (format!("k{}", self.script.signer), self.script.now);
        let header = lay(json!({ "alg": "ES256", "kid": kid }), &self.script.header);
        let right = json!({
            "iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300,
        });
        let claims = lay(lay(right, claims), &self.script.claims);
        let part = |value: &Value| encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let key = &self.keys[self.script.signer];
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", encode(signature.as_ref()))
    }

    fn answer(&mut self, method: &str, path: &str, head: &str, body: &str) -> (u16, Value) {
        match path {
            _ if path.ends_with("/.well-known/openid-configuration") => {
                let at = |path: &str| format!("{}{path}", self.issuer);
                let right = json!({
                    "issuer": self.issuer, "authorization_endpoint": at("/authorize"),
                    "token_endpoint": at("/token"), "jwks_uri": at("/keys"),
                    "userinfo_endpoint": at("/userinfo"),
                });
                (200, lay(right, &self.script.discovery))
            }
            "/keys" => {
                let keys = self.script.published.iter().map(|index| {
                    let point = self.keys[*index].public_key().as_ref();
                    json!({
                        "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256",
                        "kid": format!("k{index}"),
                        "x": encode(&point[1..33]), "y": encode(&point[33..]),
                    })
                });
                (200, json!({ "keys": keys.collect::<Vec<_>>() }))
            }
            "/token" if method == "POST" => self.redeem(head, body),
            "/device" if method == "POST" => {
                let begun = json!({
                    "device_code": "dc-1", "user_code": "WDJB-MJHT", "expires_in": 300,
                    "verification_uri": format!("{}/activate", self.issuer), "interval": 1,
                });
                (200, begun)
            }
            "/userinfo" | "/api/v3/user" => {
                let bearer =
                    head.lines().find_map(|line| line.strip_prefix("authorization: Bearer "));
                match self.tokens.get(bearer.unwrap_or_default()) {
                    Some(claims) => (200, lay(claims.clone(), &self.script.userinfo)),
                    None => (401, json!({ "error": "invalid_token" })),
                }
            }
            // GitHub has no ID tokens, and answers errors with status 200.
            "/login/oauth/access_token" if method == "POST" => {
                let (_, mut answer) = self.redeem(head, body);
                answer.as_object_mut().unwrap().remove("id_token");
                (200, answer)
            }
            "/api/v3/user/emails" => (200, self.script.emails.clone()),
            _ => (404, json!({})),
        }
    }

    fn redeem(&mut self, head: &str, body: &str) -> (u16, Value) {
        use base64::Engine as _;
        let one = |name: &str| parameter(body, name).unwrap_or_default();
        let pair = format!("{}:{}", percent::encode(CLIENT), percent::encode(SECRET));
        let basic = base64::engine::general_purpose::STANDARD.encode(pair);
        self.forms.push(body.to_owned());
        let proves = format!("authorization: Basic {basic}");
        if !self.script.takes_any_client && !head.lines().any(|line| line == proves) {
            return (401, json!({ "error": "invalid_client" }));
        }
        if one("grant_type") == "refresh_token" {
            return self.refresh(&one("refresh_token"));
        }
        if let Some(code) = parameter(body, "device_code") {
            assert_eq!(code, "dc-1");
            let answer = self.script.device.remove(0);
            if answer.get("error").is_some() {
                return (400, answer);
            }
            let id_token = self.id_token(&answer);
            return (200, json!({ "access_token": "access-of-device", "id_token": id_token }));
        }
        // A code counts once.
        let Some(grant) = self.grants.remove(&one("code")) else {
            return (400, json!({ "error": "invalid_grant", "error_description": "unknown code" }));
        };
        let is_verified = encode(&digest(one("code_verifier").as_bytes())) == grant.challenge;
        if !is_verified || one("redirect_uri") != grant.redirect_uri {
            return (400, json!({ "error": "invalid_grant", "error_description": "PKCE" }));
        }
        self.serial += 1;
        let access = format!("access-{}", self.serial);
        let claims = lay(json!({ "nonce": grant.nonce }), &grant.claims);
        let id_token = self.id_token(&claims);
        self.tokens.insert(access.clone(), grant.claims);
        let mut answer = self.tokens_of(&access);
        answer["id_token"] = id_token.into();
        (200, answer)
    }

    fn tokens_of(&mut self, access: &str) -> Value {
        let mut answer = json!({ "access_token": access, "token_type": "Bearer" });
        if self.script.issues_refresh_tokens {
            let token = format!("refresh-{}", self.serial);
            self.refresh.insert(token.clone(), true);
            answer["refresh_token"] = token.into();
        }
        lay(answer, &self.script.token)
    }

    fn refresh(&mut self, token: &str) -> (u16, Value) {
        let refused = || (400, json!({ "error": "invalid_grant", "error_description": "used" }));
        match self.refresh.insert(token.to_owned(), false) {
            Some(true) => {}
            Some(false) => {
                self.refresh.values_mut().for_each(|counts| *counts = false);
                return refused();
            }
            None => return refused(),
        }
        self.serial += 1;
        let access = format!("access-{}", self.serial);
        (200, self.tokens_of(&access))
    }
}

/// Answers one request.
async fn serve(mut stream: TcpStream, state: Arc<Mutex<FakeState>>) {
    let mut bytes = Vec::new();
    let (head, mut body) = loop {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            break (head, bytes[end + 4..].to_vec());
        }
    };
    let length = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    while body.len() < length.unwrap_or(0) {
        if stream.read_buf(&mut body).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let body = String::from_utf8(body).unwrap();
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let path = path.split('?').next().unwrap();
    let held = {
        let mut state = state.lock().unwrap();
        state.requests.push(format!("{method} {path}"));
        state.held.get(path).cloned()
    };
    if let Some(mut held) = held {
        held.waiting.send_modify(|waiting| *waiting += 1);
        let _ = held.open.wait_for(|open| *open).await;
    }
    let response = {
        let mut state = state.lock().unwrap();
        if let Some(whole) = state.script.instead.get(path) {
            whole.clone()
        } else {
            let (status, value) = state.answer(method, path, &head, &body);
            let value = value.to_string();
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n\
                 content-length: {}\r\nconnection: close\r\n\r\n",
                value.len()
            );
            [head.as_bytes(), value.as_bytes()].concat()
        }
    };
    let _ = stream.write_all(&response).await;
    let _ = stream.shutdown().await;
}
