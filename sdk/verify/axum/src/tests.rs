//! The verifier against a server of keys made here, with clocks that the test puts ahead.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::Router;
use axum::extract::{Request, State};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::clock::Clock;
use crate::{Auth, Refusal, Verifier, VerifierBuilder};

const JWKS: &str = "/.well-known/jwks.json";
const ME: &str = "/v1/users/me";

/// A key pair whose public half authd would publish.
struct Signer {
    kid: &'static str,
    pair: EcdsaKeyPair,
}

impl Signer {
    fn new(kid: &'static str) -> Self {
        Self { kid, pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap() }
    }

    fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
        json!({ "kty": "EC", "use": "sig", "alg": "ES256", "kid": self.kid, "crv": "P-256", "x": x, "y": y })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", encode(signature))
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The answers of a server, by path, and how often each was asked for.
#[derive(Clone, Default)]
struct Answers {
    told: Arc<Mutex<HashMap<&'static str, (u16, String)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

async fn answer(
    State(answers): State<Answers>,
    request: Request,
) -> (StatusCode, [(&'static str, HeaderValue); 1], String) {
    let path = request.uri().path().to_owned();
    let told = answers.told.lock().unwrap().get(path.as_str()).cloned();
    answers.asked.lock().unwrap().push(path);
    let (status, body) = told.unwrap_or((404, String::new()));
    let header = if status == 302 {
        ("location", "/moved")
    } else {
        ("cache-control", "public, max-age=60")
    };
    (StatusCode::from_u16(status).unwrap(), [(header.0, HeaderValue::from_static(header.1))], body)
}

struct World {
    issuer: String,
    answers: Answers,
    clock: Clock,
    signer: Signer,
}

impl World {
    async fn new() -> Self {
        let answers = Answers::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(answers.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let world = Self { issuer, answers, clock: Clock::default(), signer: Signer::new("1") };
        world.publish(&[&world.signer]);
        let account = json!({ "data": { "roles": ["admin"], "permissions": ["users.read"], "email": "a@b.c", "username": null } });
        world.tell(ME, 200, &account.to_string());
        world
    }

    fn tell(&self, path: &'static str, status: u16, body: &str) {
        self.answers.told.lock().unwrap().insert(path, (status, body.to_owned()));
    }

    fn publish(&self, signers: &[&Signer]) {
        let keys: Vec<_> = signers.iter().map(|signer| signer.jwk()).collect();
        self.tell(JWKS, 200, &json!({ "keys": keys }).to_string());
    }

    fn asked(&self, path: &str) -> usize {
        self.answers.asked.lock().unwrap().iter().filter(|asked| *asked == path).count()
    }

    fn build(&self, adjust: impl FnOnce(VerifierBuilder) -> VerifierBuilder) -> Verifier {
        adjust(Verifier::of(&self.issuer)).build_with(self.clock.clone()).unwrap()
    }

    fn verifier(&self) -> Verifier {
        self.build(|builder| builder)
    }

    /// A token with these members in place of the usual ones.
    fn token(&self, signer: &Signer, header: &Value, claims: &Value) -> String {
        let now = self.clock.wall();
        let mut head = json!({ "alg": "ES256", "kid": signer.kid, "typ": "JWT" });
        let mut all = json!({
            "iss": self.issuer, "sub": "a", "sid": "s", "jti": signer.kid, "iat": now, "exp": now + 900, "roles": ["user"],
        });
        for (object, changes) in [(&mut head, header), (&mut all, claims)] {
            for (name, value) in changes.as_object().unwrap() {
                object[name] = value.clone();
            }
        }
        signer.sign(&head, &all)
    }

    fn good(&self) -> String {
        self.token(&self.signer, &json!({}), &json!({}))
    }
}

#[tokio::test]
async fn a_hundred_requests_at_once_cause_one_fetch() {
    let world = World::new().await;
    let (verifier, token) = (world.verifier(), world.good());
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (verifier, token) = (verifier.clone(), token.clone());
        all.spawn(async move { verifier.verify(&token).await });
    }
    let found = all.join_all().await;
    assert!(found.iter().all(Result::is_ok));
    assert_eq!(world.asked(JWKS), 1);
}

#[tokio::test]
async fn keys_are_kept_as_long_as_the_server_says_and_one_that_is_gone_then_is_refused() {
    let world = World::new().await;
    let (verifier, token) = (world.verifier(), world.good());
    verifier.verify(&token).await.unwrap();
    world.publish(&[&Signer::new("2")]);
    world.clock.advance(50);
    verifier.verify(&token).await.unwrap();
    assert_eq!(world.asked(JWKS), 1);
    world.clock.advance(11);
    assert_eq!(verifier.verify(&token).await, Err(Refusal::InvalidToken));
    assert_eq!(world.asked(JWKS), 2);
}

#[tokio::test]
async fn unknown_keys_cause_one_fetch_a_minute_for_all_of_them_together() {
    let world = World::new().await;
    let verifier = world.verifier();
    let strangers = ["x", "y", "z"].map(Signer::new);
    let tokens = strangers.each_ref().map(|signer| world.token(signer, &json!({}), &json!({})));
    assert_eq!(verifier.verify(&tokens[0]).await, Err(Refusal::InvalidToken));
    assert_eq!(world.asked(JWKS), 1, "the first fetch is not repeated");
    for token in &tokens {
        assert_eq!(verifier.verify(token).await, Err(Refusal::InvalidToken));
    }
    assert_eq!(world.asked(JWKS), 2);
    world.publish(&[&world.signer, &strangers[0]]);
    world.clock.advance(50);
    assert_eq!(verifier.verify(&tokens[0]).await, Err(Refusal::InvalidToken));
    world.clock.advance(11);
    assert!(verifier.verify(&tokens[0]).await.is_ok());
    assert_eq!(world.asked(JWKS), 3);
}

#[tokio::test]
async fn while_the_server_is_down_the_last_keys_stay() {
    let world = World::new().await;
    let (verifier, token) = (world.verifier(), world.good());
    verifier.verify(&token).await.unwrap();
    let large = format!("{}{{\"keys\":[]}}", " ".repeat(70_000));
    let answers =
        [(500, "{}"), (302, "{}"), (200, "<html>"), (200, r#"{"keys":1}"#), (200, &large)];
    for (count, (status, body)) in answers.into_iter().enumerate() {
        world.tell(JWKS, status, body);
        world.clock.advance(61);
        assert!(verifier.verify(&token).await.is_ok(), "{status} {body}");
        assert_eq!(world.asked(JWKS), 2 + count);
    }
    assert_eq!(world.asked("/moved"), 0);
    // The failed fetch is not repeated at once.
    verifier.verify(&token).await.unwrap();
    assert_eq!(world.asked(JWKS), 6);
}

#[tokio::test]
async fn without_any_key_nothing_is_judged_until_there_is_one() {
    let world = World::new().await;
    let (verifier, token) = (world.verifier(), world.good());
    for (status, body) in [(500, ""), (200, r#"{"keys":[]}"#)] {
        world.tell(JWKS, status, body);
        world.clock.advance(61);
        assert_eq!(verifier.verify(&token).await, Err(Refusal::Unavailable));
    }
    world.publish(&[&world.signer]);
    world.clock.advance(61);
    assert!(verifier.verify(&token).await.is_ok());
}

#[tokio::test]
async fn keys_that_cannot_check_a_signature_are_left_out() {
    let world = World::new().await;
    let others = ["enc", "alg", "curve", "point", "1"].map(Signer::new);
    let mut keys = vec![world.signer.jwk()];
    keys.extend(others.iter().map(Signer::jwk));
    keys[1]["use"] = json!("enc");
    keys[2]["alg"] = json!("RS256");
    keys[3]["crv"] = json!("P-384");
    keys[4]["x"] = keys[4]["y"].clone();
    keys.push(json!({ "kty": "oct", "kid": "secret", "alg": "HS256", "k": encode("secret") }));
    keys.push(json!({ "kty": [], "kid": 7 }));
    keys.push(Value::Null);
    world.tell(JWKS, 200, &json!({ "keys": keys }).to_string());
    let verifier = world.verifier();
    assert!(verifier.verify(&world.good()).await.is_ok());
    for signer in &others {
        let token = world.token(signer, &json!({}), &json!({}));
        assert_eq!(verifier.verify(&token).await, Err(Refusal::InvalidToken), "{}", signer.kid);
    }
}

#[tokio::test]
async fn thirty_seconds_of_difference_between_clocks_are_allowed() {
    let world = World::new().await;
    let (verifier, now) = (world.verifier(), world.clock.wall());
    let judged =
        async |claims| verifier.verify(&world.token(&world.signer, &json!({}), &claims)).await;
    let edge = json!({ "exp": now - 25, "iat": now + 30, "nbf": now + 30 });
    assert!(judged(edge).await.is_ok());
    assert_eq!(judged(json!({ "exp": now - 30 })).await, Err(Refusal::ExpiredToken));
    for name in ["iat", "nbf"] {
        assert_eq!(judged(json!({ name: now + 40 })).await, Err(Refusal::InvalidToken), "{name}");
    }
}

#[tokio::test]
async fn a_token_is_for_whom_its_audience_says_and_of_the_kind_that_the_service_checks() {
    let world = World::new().await;
    let (app, api) = ("https://app.example", "https://api.example");
    let verifiers = [
        world.verifier(),
        world.build(|builder| builder.audience(app)),
        world.build(|builder| builder.resource(api)),
    ];
    for (verifier, typ, claims, passes) in [
        (0, "JWT", json!({}), true),
        (0, "JWT", json!({ "aud": app }), false),
        (0, "JWT", json!({ "aud": null }), false),
        (0, "at+jwt", json!({ "aud": app }), false),
        (1, "JWT", json!({ "aud": app }), true),
        (1, "JWT", json!({ "aud": [api, app] }), true),
        (1, "JWT", json!({ "aud": api }), false),
        (1, "JWT", json!({}), false),
        (1, "at+jwt", json!({ "aud": app }), false),
        (2, "at+jwt", json!({ "aud": api, "scope": "read" }), true),
        (2, "at+jwt", json!({ "aud": app }), false),
        (2, "JWT", json!({ "aud": api }), false),
    ] {
        let token = world.token(&world.signer, &json!({ "typ": typ }), &claims);
        let judged = verifiers[verifier].verify(&token).await;
        assert_eq!(judged.is_ok(), passes, "{verifier} {typ} {claims}");
    }
}

#[test]
fn what_cannot_work_is_refused_when_the_verifier_is_made() {
    let id = "https://id.example.com";
    assert!(Verifier::of("id.example.com").build().is_err());
    assert!(Verifier::of(id).url("here").build().is_err());
    assert!(Verifier::of(id).resource("https://api.example").live().build().is_err());
    assert!(Verifier::of(id).build().unwrap().require_permission("users.read").is_err());
}

#[tokio::test]
async fn with_a_live_check_an_ended_session_is_refused_within_ten_seconds() {
    let world = World::new().await;
    let (verifier, token) = (world.build(VerifierBuilder::live), world.good());
    let auth = verifier.verify(&token).await.unwrap();
    assert_eq!(
        (auth.roles, auth.permissions),
        (vec!["admin".to_owned()], vec!["users.read".to_owned()])
    );
    assert_eq!(auth.email.as_deref(), Some("a@b.c"));
    world.tell(ME, 401, "{}");
    world.clock.advance(5);
    verifier.verify(&token).await.unwrap();
    assert_eq!(world.asked(ME), 1);
    world.clock.advance(6);
    for _ in 0..2 {
        assert_eq!(verifier.verify(&token).await, Err(Refusal::RevokedToken));
    }
    assert_eq!(world.asked(ME), 2);
}

#[tokio::test]
async fn a_live_check_without_an_answer_lets_no_request_pass_and_is_repeated_at_once() {
    let world = World::new().await;
    let (verifier, token) = (world.build(VerifierBuilder::live), world.good());
    let works = world.answers.told.lock().unwrap()[ME].1.clone();
    for (status, body) in
        [(429, "{}"), (500, "{}"), (302, ""), (200, "{}"), (200, r#"{"data":{}}"#)]
    {
        world.tell(ME, status, body);
        assert_eq!(verifier.verify(&token).await, Err(Refusal::Unavailable), "{status} {body}");
    }
    world.tell(ME, 200, &works);
    assert!(verifier.verify(&token).await.is_ok());
}

#[tokio::test]
async fn the_layer_and_the_extractor_refuse_as_authd_does() {
    let world = World::new().await;
    let verifier = world.verifier();
    let no_role: [&str; 0] = [];
    let app = Router::new()
        .route("/me", get(async |auth: Auth| auth.sub))
        .route("/admin", get(async || "in").layer(verifier.require_role("admin")))
        .route(
            "/user",
            get(async |auth: Auth| auth.sub).layer(verifier.require_any_role(["admin", "user"])),
        )
        .route("/none", get(async || "in").layer(verifier.require_any_role(no_role)))
        .with_state(verifier);
    let bad = r#"Bearer error="invalid_token""#;
    let lacking = r#"Bearer error="insufficient_scope""#;
    let good = format!("Bearer {}", world.good());
    for (path, headers, status, challenge) in [
        ("/me", vec![], 401, Some("Bearer")),
        ("/me", vec!["Bearer "], 401, Some(bad)),
        ("/me", vec!["Basic abc"], 401, Some(bad)),
        ("/me", vec![&good, &good], 401, Some(bad)),
        ("/me", vec![&good], 200, None),
        ("/user", vec![&good], 200, None),
        ("/admin", vec![&good], 403, Some(lacking)),
        ("/admin", vec![], 401, Some("Bearer")),
        ("/none", vec![&good], 403, Some(lacking)),
    ] {
        let mut request = Request::new(axum::body::Body::empty());
        *request.uri_mut() = path.parse().unwrap();
        for value in headers {
            request.headers_mut().append("authorization", value.parse().unwrap());
        }
        let response = app.clone().oneshot(request).await.unwrap();
        let challenged =
            response.headers().get("www-authenticate").map(|value| value.to_str().unwrap());
        assert_eq!((response.status().as_u16(), challenged), (status, challenge), "{path}");
    }
}
