//! The same flow over every wire: sign up, log in, identify the caller, refresh where supported,
//! log out, be rejected.

use authd::identity::By;
use authd::identity::access::api_client as apps;
use authd::model::app::ApiClientKind;
use poem::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, Call, PASSWORD, app_with, token_in};

/// What the test must know of a wire.
struct WireUnderTest {
    profile: &'static str,
    sign_up: &'static str,
    signed_up: u16,
    /// Where the token of a mailed link is sent, if the wire requires it before the first login.
    verify: Option<&'static str>,
    login: &'static str,
    /// Where the mailed code is sent, if a login requires one.
    code: Option<Code>,
    whoami: Whoami,
    refresh: Option<(&'static str, RefreshStorage)>,
    logout: &'static str,
    access: &'static str,
    email: &'static str,
    wrong_password: (&'static str, &'static str),
    dead_token: (&'static str, &'static str),
}

/// How a wire accepts the code of a login.
#[derive(Clone, Copy)]
enum Code {
    /// Together with the address.
    WithEmail(&'static str),
    /// With the token from the first step.
    WithToken(&'static str),
}

/// How a wire reports the owner of a token.
#[derive(Clone, Copy)]
enum Whoami {
    /// To the client that presents it.
    Profile(&'static str),
    /// To a service that asks about it.
    Introspection(&'static str),
}

/// Where a wire's clients store their refresh token.
#[derive(Clone, Copy)]
enum RefreshStorage {
    InBody(&'static str),
    InCookie,
}

const V1: WireUnderTest = WireUnderTest {
    profile: "standard",
    sign_up: "/v1/auth/register",
    signed_up: 201,
    verify: Some("/v1/auth/verify-email"),
    login: "/v1/auth/login",
    code: None,
    whoami: Whoami::Profile("/v1/users/me"),
    refresh: Some(("/v1/auth/refresh", RefreshStorage::InBody("/data/refreshToken"))),
    logout: "/v1/auth/logout",
    access: "/data/accessToken",
    email: "/data/email",
    wrong_password: ("/error/code", "INVALID_CREDENTIALS"),
    dead_token: ("/error/code", "TOKEN_REVOKED"),
};

const WIRES: [WireUnderTest; 10] = [
    V1,
    WireUnderTest { profile: "perfect21", ..V1 },
    WireUnderTest { profile: "siteworks", verify: None, ..V1 },
    WireUnderTest { profile: "jobpath", verify: None, ..V1 },
    WireUnderTest { profile: "jobpsych", verify: None, ..V1 },
    WireUnderTest {
        profile: "authbackend",
        code: Some(Code::WithToken("/v1/auth/mfa/verify")),
        ..V1
    },
    WireUnderTest {
        profile: "siteworks",
        sign_up: "/api/auth/register",
        signed_up: 201,
        verify: None,
        login: "/api/auth/login",
        code: None,
        whoami: Whoami::Profile("/api/auth/profile"),
        refresh: Some(("/api/auth/refresh", RefreshStorage::InBody("/tokens/refreshToken"))),
        logout: "/api/auth/logout",
        access: "/tokens/accessToken",
        email: "/user/email",
        wrong_password: ("/code", "INVALID_CREDENTIALS"),
        dead_token: ("/code", "INVALID_TOKEN"),
    },
    WireUnderTest {
        profile: "jobpath",
        sign_up: "/auth/signup",
        signed_up: 201,
        verify: None,
        login: "/auth/login",
        code: None,
        whoami: Whoami::Profile("/auth/me"),
        refresh: None,
        logout: "/auth/logout",
        access: "/access_token",
        email: "/email",
        wrong_password: ("/error", "invalid_credentials"),
        dead_token: ("/error", "invalid_token"),
    },
    WireUnderTest {
        profile: "authbackend",
        sign_up: "/api/auth/signup",
        signed_up: 200,
        verify: Some("/api/auth/verify-email"),
        login: "/api/auth/login",
        code: Some(Code::WithEmail("/api/auth/verify-otp")),
        whoami: Whoami::Introspection("/api/auth/validate-token"),
        refresh: Some(("/api/auth/refresh-token", RefreshStorage::InBody("/data/refreshToken"))),
        logout: "/api/auth/logout",
        access: "/data/token",
        email: "/data/email",
        wrong_password: ("/code", "AUTHENTICATION_ERROR"),
        dead_token: ("/code", "TOKEN_ERROR"),
    },
    WireUnderTest {
        profile: "jobpsych",
        sign_up: "/api/auth/register",
        signed_up: 201,
        verify: None,
        login: "/api/auth/login",
        code: None,
        whoami: Whoami::Profile("/api/auth/profile"),
        refresh: Some(("/api/auth/refresh", RefreshStorage::InCookie)),
        logout: "/api/auth/logout",
        access: "/accessToken",
        email: "/user/email",
        wrong_password: ("/error", "INVALID_CREDENTIALS"),
        dead_token: ("/error", "TOKEN_VERIFICATION_FAILED"),
    },
];

fn at<'a>(answer: &'a Answer, pointer: &str) -> &'a str {
    answer
        .body
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{pointer}: {}", answer.text))
}

#[tokio::test]
async fn the_story_of_an_account_is_the_same_over_every_wire() {
    for wire in WIRES {
        let app = app_with(wire.profile, &[]).await;
        let (made, key) =
            apps::create(&app.core, &By::command_line(), "web", ApiClientKind::Client)
                .await
                .unwrap();
        WireClient { app, wire, id: made.id, key: key.reveal().to_owned() }.run().await;
    }
}

/// A client of a wire, with the key of its API client.
struct WireClient {
    app: App,
    wire: WireUnderTest,
    id: String,
    key: String,
}

impl WireClient {
    fn post(&self, path: &str, body: &Value) -> Call<'_> {
        self.app.post(path, body).header("x-app-id", &self.id).header("x-service-key", &self.key)
    }

    async fn run(&self) {
        let wire = &self.wire;
        self.join().await;
        let wrong = self.login("Wr0ng&password").await;
        assert_eq!(
            (wrong.status.as_u16(), at(&wrong, wire.wrong_password.0)),
            (401, wire.wrong_password.1)
        );
        let entered = self.enter().await;
        let mut access = at(&entered, wire.access).to_owned();
        let me = self.me(&access).await;
        assert_eq!((me.status.as_u16(), at(&me, wire.email)), (200, "Ada@example.com"));

        if let Some(refresh) = wire.refresh {
            let refreshed = self.refresh(refresh, &entered).await;
            assert_eq!(refreshed.status, 200, "{}: {}", wire.profile, refreshed.text);
            at(&refreshed, wire.access).clone_into(&mut access);
            assert_eq!(self.me(&access).await.status, 200);
        }

        let out = self.app.call(Method::POST, wire.logout).bearer(&access).send().await;
        assert_eq!(out.status, 200, "{}: {}", wire.profile, out.text);
        let dead = self.me(&access).await;
        assert_eq!(
            (dead.status.as_u16(), at(&dead, wire.dead_token.0)),
            (401, wire.dead_token.1),
            "{}",
            dead.text
        );
        if let Some(refresh) = wire.refresh {
            assert_eq!(self.refresh(refresh, &entered).await.status, 401, "{}", wire.profile);
        }
    }

    /// Signs up, and verifies the address if required.
    async fn join(&self) {
        let name = json!({
            "email": "Ada@example.com", "password": PASSWORD, "company_name": "Engines",
            "username": "ada", "firstName": "Ada", "lastName": "Lovelace", "name": "Ada Lovelace",
        });
        let made = self.post(self.wire.sign_up, &name).send().await;
        assert_eq!(made.status, self.wire.signed_up, "{}: {}", self.wire.profile, made.text);
        let letters = self.app.mails().await;
        if let Some(path) = self.wire.verify {
            let body = json!({ "token": token_in(&letters, "verify-email?token=") });
            assert_eq!(self.app.post(path, &body).send().await.status, 200);
        }
    }

    async fn login(&self, password: &str) -> Answer {
        self.post(self.wire.login, &json!({ "email": "ada@EXAMPLE.com", "password": password }))
            .send()
            .await
    }

    /// Logs in, with the mailed code if required.
    async fn enter(&self) -> Answer {
        let first = self.login(PASSWORD).await;
        let Some(code) = self.wire.code else { return self.entered(first) };
        let letters = self.app.mails().await;
        let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit());
        let sent =
            letters.iter().flat_map(|mail| mail.text.lines()).map(str::trim).find(is_code).unwrap();
        self.entered(match code {
            Code::WithEmail(path) => {
                self.post(path, &json!({ "email": "Ada@example.com", "otpCode": sent }))
                    .send()
                    .await
            }
            Code::WithToken(path) => {
                let token = at(&first, "/error/mfaToken");
                self.post(path, &json!({ "code": sent })).bearer(token).send().await
            }
        })
    }

    fn entered(&self, answer: Answer) -> Answer {
        assert_eq!(answer.status, 200, "{}: {}", self.wire.profile, answer.text);
        answer
    }

    async fn me(&self, access: &str) -> Answer {
        match self.wire.whoami {
            Whoami::Profile(path) => self.app.get(path).bearer(access).send().await,
            Whoami::Introspection(path) => {
                self.app.post(path, &json!({ "token": access })).send().await
            }
        }
    }

    /// Refreshes with the token from a login.
    async fn refresh(&self, (path, storage): (&str, RefreshStorage), entered: &Answer) -> Answer {
        match storage {
            RefreshStorage::InBody(pointer) => {
                self.post(path, &json!({ "refreshToken": at(entered, pointer) })).send().await
            }
            RefreshStorage::InCookie => {
                let cookie = format!("refreshToken={}", entered.cookie().unwrap());
                self.app.call(Method::POST, path).header("cookie", &cookie).send().await
            }
        }
    }
}
