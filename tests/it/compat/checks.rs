//! What many operations have in common: each check takes the call of one operation and names what
//! that operation promises.

use std::time::Duration;

use poem::http::Method;
use serde_json::{Value, json};

use super::wording::Said;
use super::{EMAIL, MINUTE, PASSWORD, WireApp, WireCall};
use crate::support::Answer;

/// A call of one operation, ready to be completed and sent.
pub type Calls<'a> = &'a dyn Fn() -> WireCall<'a>;
/// The nth call that a limit counts.
pub type NthCall<'a> = &'a dyn Fn(u32) -> WireCall<'a>;
/// The call that checks this token.
pub type TokenCall<'a> = &'a dyn Fn(&str) -> WireCall<'a>;

/// A password that no account of a scenario has.
pub const WRONG_PASSWORD: &str = "WrongPass123!";

impl WireApp {
    /// Replaces one field of a good body at a time. Each bad value is refused with this sentence,
    /// which names its field alone. `null` stands for an absent field too.
    pub async fn refuses_fields(&self, call: Calls<'_>, good: &Value, bad: &[(&str, Value, &str)]) {
        for (field, value, sentence) in bad {
            let mut body = good.clone();
            body[*field] = value.clone();
            let mut bodies = vec![body];
            if value.is_null() {
                let mut body = good.clone();
                body.as_object_mut().unwrap().remove(*field);
                bodies.push(body);
            }
            for body in bodies {
                let answer = call().json(&body).send().await;
                let expected =
                    (self.wording.invalid_status(sentence), self.wording.validation, *sentence);
                assert_eq!(self.refusal(&answer), expected, "{field}: {value}");
                assert_eq!(self.rows(&answer), [(*field, *sentence)], "{value}");
            }
        }
    }

    /// Refuses a call without a token, with anything but a bearer token, and with a token that is
    /// forged, expired, or whose session or account no longer lives.
    pub async fn needs_a_session(&self, call: Calls<'_>) {
        let (ended, of_suspended) =
            (self.join_and_enter("ended@example.com").await, self.join_and_enter(EMAIL).await);
        let aged = self.join_and_enter("aged@example.com").await;
        self.suspend(EMAIL).await;
        assert_eq!(self.post(self.wording.logout).bearer(&ended.access).send().await.status, 200);
        let forged = format!("{}x", aged.access);
        let wording = &self.wording;
        for (call, expected) in [
            (call(), wording.token_missing),
            (call().header("authorization", "Basic YTpi"), wording.token_malformed),
            (call().header("authorization", "Bearer"), wording.token_malformed),
            (call().bearer("a.b.c"), wording.token_invalid),
            (call().bearer(&forged), wording.token_invalid),
            (call().bearer(&ended.access), wording.token_invalid),
            (call().bearer(&of_suspended.access), wording.token_invalid),
        ] {
            let answer = call.send().await;
            assert_eq!(self.refusal(&answer), expected);
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
        self.app.turn_clock(31 * MINUTE);
        let answer = call().bearer(&aged.access).send().await;
        assert_eq!(self.refusal(&answer), wording.token_expired);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }

    /// Allows this many calls, refuses the next one, and lets it pass when the wait is over.
    pub async fn is_limited(&self, call: NthCall<'_>, count: u32, wait: u64, message: &str) {
        for nth in 0..count {
            let answer = call(nth).send().await;
            assert_ne!(answer.status, 429, "call {nth}: {}", answer.text);
        }
        self.is_refused(&call(count).send().await, wait, message);
        self.app.turn_clock(Duration::from_millis(wait * 1000 - 1));
        assert_eq!(call(count).send().await.status, 429);
        self.app.turn_clock(Duration::from_millis(1));
        assert_ne!(call(count).send().await.status, 429);
    }

    /// The refusal of a limit in this wire's envelope, with the seconds to wait.
    pub fn is_refused(&self, answer: &Answer, wait: u64, message: &str) {
        assert_eq!(self.refusal(answer), (429, self.wording.too_many, message));
        assert_eq!(answer.header("retry-after"), wait.to_string());
    }

    /// Uses up the limit of an operation, which allows this many calls. Every other operation still
    /// accepts the same client's calls, with the examples of the document.
    pub async fn has_its_own_limit(
        &self,
        method: Method,
        path: &str,
        call: NthCall<'_>,
        count: u32,
    ) {
        let session = self.join_and_enter("owner@example.com").await;
        for nth in 0..=count {
            call(nth).send().await;
        }
        let last = call(count).send().await;
        assert_eq!(last.status, 429, "{}", last.text);
        let mut others: Vec<_> = self.operations().collect();
        // A logout last: without a session, a call is refused before it is counted.
        others.sort_by_key(|(_, path)| path.contains("logout"));
        for (verb, other) in others.iter().filter(|(verb, other)| (verb, *other) != (&method, path))
        {
            let call = self.call(verb.clone(), &filled(other)).bearer(&session.access);
            let example = self.example(verb, other);
            let answer = example.into_iter().fold(call, |call, body| call.json(&body)).send().await;
            assert_ne!(answer.status, 429, "{verb} {other}: {}", answer.text);
        }
    }

    /// Refuses a login whose address or password is missing, of the wrong type or malformed.
    pub async fn refuses_bad_credentials(&self) {
        let bad = [
            ("email", Value::Null, "Email is required"),
            ("email", json!(""), "Email is required"),
            ("email", json!(7), "Email must be a string"),
            ("email", json!([]), "Email must be a string"),
            ("email", json!({}), "Email must be a string"),
            ("email", json!("user"), "Email must be a valid email address"),
            ("email", json!("user@"), "Email must be a valid email address"),
            ("email", json!("@example.com"), "Email must be a valid email address"),
            ("password", Value::Null, "Password is required"),
            ("password", json!(""), "Password is required"),
            ("password", json!(7), "Password must be a string"),
            ("password", json!({}), "Password must be a string"),
            ("password", long(257), "Password must be at most 256 characters"),
        ];
        let good = json!({ "email": EMAIL, "password": PASSWORD });
        self.refuses_fields(&|| self.post(self.wording.login), &good, &bad).await;
    }

    /// Answers a login with a wrong password, to a known and to an unknown address, in the same
    /// words, and records both.
    pub async fn hides_who_has_an_account(&self, refusal: Said<'_>) {
        self.join(EMAIL).await;
        let (wrong, recorded) = self.recorded(self.login(EMAIL, WRONG_PASSWORD)).await;
        assert_eq!(self.refusal(&wrong), refusal);
        assert!(wrong.cookie().is_none());
        assert_eq!(recorded, ["login refused wrong_password"]);
        let (unknown, recorded) =
            self.recorded(self.login("nobody@example.com", WRONG_PASSWORD)).await;
        assert_eq!(unknown.text, wrong.text);
        assert_eq!(recorded, ["login refused wrong_password"]);
        // A password that breaks the rules for a new one is a wrong one like any other.
        assert_eq!(self.login(EMAIL, "x").send().await.text, wrong.text);
        assert!(self.app.mails().await.is_empty());
    }

    /// Reveals a suspension after the right password only, and records it.
    pub async fn reveals_a_suspension_to_its_owner(&self, refusal: Said<'_>) {
        self.join(EMAIL).await;
        self.suspend(EMAIL).await;
        self.app.mails().await;
        let (answer, recorded) = self.recorded(self.login(EMAIL, PASSWORD)).await;
        assert_eq!(self.refusal(&answer), refusal);
        assert!(answer.cookie().is_none());
        assert_eq!(recorded, ["login refused suspended"]);
        assert!(self.app.mails().await.is_empty());
        assert_eq!(self.login(EMAIL, WRONG_PASSWORD).send().await.status, 401);
    }

    /// Refuses the login of an account with a second factor, after the right password only.
    pub async fn has_no_step_for_a_second_factor(&self, code: &str) {
        self.join(EMAIL).await;
        self.add_authenticator(EMAIL).await;
        let answer = self.login(EMAIL, PASSWORD).send().await;
        assert_eq!(self.refusal(&answer), (403, code, "MFA verification required"));
        assert!(answer.cookie().is_none());
        assert_eq!(self.login(EMAIL, WRONG_PASSWORD).send().await.status, 401);
    }

    /// Locks a known and an unknown address after the third failure (see [`LOCKOUT`]), for right
    /// passwords too.
    pub async fn locks_out(&self, refusal: Said<'_>) {
        self.join(EMAIL).await;
        for email in [EMAIL, "nobody@example.com"] {
            for _ in 0..3 {
                assert_eq!(self.login(email, WRONG_PASSWORD).send().await.status, 401);
            }
            let locked = self.login(email, PASSWORD).send().await;
            assert_eq!(self.refusal(&locked), refusal);
            assert_eq!(locked.header("retry-after"), "1800");
        }
    }

    /// Makes a client wait after ten wrong passwords, and no other client.
    pub async fn slows_guessing_down(&self) {
        self.join(EMAIL).await;
        for _ in 0..10 {
            assert_eq!(self.login(EMAIL, WRONG_PASSWORD).send().await.status, 401);
        }
        let refused = self.login(EMAIL, PASSWORD).send().await;
        self.is_refused(&refused, 60, "Too many requests. Try again in 1 minute.");
        assert_eq!(self.login(EMAIL, PASSWORD).from("192.0.2.9").send().await.status, 200);
    }

    /// Uses up a client's limit of logins, which allows this many. Other operations and other
    /// clients are left alone.
    pub async fn limits_logins_of_a_client_alone(&self, count: u32) {
        let call = |nth| self.login(&format!("user{nth}@example.com"), WRONG_PASSWORD);
        self.has_its_own_limit(Method::POST, self.wording.login, &call, count).await;
        let other = self.login("owner@example.com", PASSWORD).from("192.0.2.9").send().await;
        assert_eq!(other.status, 200, "{}", other.text);
    }

    /// Where a call checks a token from its body: refuses one that is forged, one of another kind,
    /// and one that has expired.
    pub async fn refuses_invalid_tokens(&self, check: TokenCall<'_>, refusal: Said<'_>) {
        let session = self.join_and_enter(EMAIL).await;
        for token in ["jwt-token-here", "a.b.c", &session.refresh, &format!("{}x", session.access)]
        {
            assert_eq!(self.refusal(&check(token).send().await), refusal, "{token}");
        }
        self.app.turn_clock(15 * MINUTE);
        assert_eq!(self.refusal(&check(&session.access).send().await), refusal, "expired");
    }

    /// Where a call checks a token from its body: refuses one whose session has ended, and one whose
    /// account was suspended.
    pub async fn refuses_tokens_of_the_past(&self, check: TokenCall<'_>, refusal: Said<'_>) {
        let (ended, of_suspended) = (self.join_and_enter(EMAIL).await, self.enter(EMAIL).await);
        let logout = self.post(self.wording.logout).bearer(&ended.access).send().await;
        assert_eq!(logout.status, 200);
        assert_eq!(self.refusal(&check(&ended.access).send().await), refusal);
        self.suspend(EMAIL).await;
        assert_eq!(self.refusal(&check(&of_suspended.access).send().await), refusal);
    }

    /// Every operation of the document, by method and path.
    pub fn operations(&self) -> impl Iterator<Item = (Method, &str)> {
        let paths = self.document["paths"].as_object().unwrap();
        paths.iter().flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| (method.to_uppercase().parse().unwrap(), path.as_str()))
        })
    }

    /// The first example of an operation's request body.
    fn example(&self, method: &Method, path: &str) -> Option<Value> {
        let media =
            self.operation(method, path)?.pointer("/requestBody/content/application~1json")?;
        Some(media["examples"].as_object()?.values().next()?["value"].clone())
    }
}

/// A lockout after three failures, in place of the other limits on logins.
pub const LOCKOUT: [(&str, &str); 4] = [
    ("lockout.enabled", "true"),
    ("lockout.failures", "3"),
    ("throttle.enabled", "false"),
    ("limits.sign_in", "off"),
];

/// A path whose parameters name nothing in particular.
pub fn filled(path: &str) -> String {
    let segment = |segment: &str| match segment {
        "{email}" => "nobody@example.com".to_owned(),
        _ if segment.starts_with('{') => "999".to_owned(),
        _ => segment.to_owned(),
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// A text of this many characters.
pub fn long(count: usize) -> Value {
    json!("x".repeat(count))
}
