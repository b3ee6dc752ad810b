//! The same flow over every wire: sign up, log in, identify the caller, refresh where supported,
//! log out, be rejected.

use authd::identity::By;
use authd::identity::access::api_client as apps;
use authd::model::app::ApiClientKind;
use poem::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, Call, PASSWORD, app_with, token_in};

/// What the test must know of a wire.
struct Tongue {
    profile: &'static str,
    sign_up: &'static str,
    signed_up: u16,
    /// Where the token of a mailed link is sent, if the wire requires it before the first login.
    verify: Option<&'static str>,
    login: &'static str,
    /// Where the mailed code is sent, if a login requires one.
    code: Option<Code>,
    me: Me,
    refresh: Option<(&'static str, Keeps)>,
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
    Beside(&'static str),
    /// With the token from the first step.
    Under(&'static str),
}

/// How a wire reports the owner of a token.
#[derive(Clone, Copy)]
enum Me {
    /// To the client that presents it.
    Shown(&'static str),
    /// To a service that asks about it.
    Asked(&'static str),
}

/// Where a wire's clients store their refresh token.
#[derive(Clone, Copy)]
enum Keeps {
    InBody(&'static str),
    InCookie,
}

const V1: Tongue = Tongue {
    profile: "standard",
    sign_up: "/v1/auth/register",
    signed_up: 201,
    verify: Some("/v1/auth/verify-email"),
    login: "/v1/auth/login",
    code: None,
    me: Me::Shown("/v1/users/me"),
    refresh: Some(("/v1/auth/refresh", Keeps::InBody("/data/refreshToken"))),
    logout: "/v1/auth/logout",
    access: "/data/accessToken",
    email: "/data/email",
    wrong_password: ("/error/code", "INVALID_CREDENTIALS"),
    dead_token: ("/error/code", "TOKEN_REVOKED"),
};

const TONGUES: [Tongue; 10] = [
    V1,
    Tongue { profile: "perfect21", ..V1 },
    Tongue { profile: "siteworks", verify: None, ..V1 },
    Tongue { profile: "jobpath", verify: None, ..V1 },
    Tongue { profile: "jobpsych", verify: None, ..V1 },
    Tongue { profile: "authbackend", code: Some(Code::Under("/v1/auth/mfa/verify")), ..V1 },
    Tongue {
        profile: "siteworks",
        sign_up: "/api/auth/register",
        signed_up: 201,
        verify: None,
        login: "/api/auth/login",
        code: None,
        me: Me::Shown("/api/auth/profile"),
        refresh: Some(("/api/auth/refresh", Keeps::InBody("/tokens/refreshToken"))),
        logout: "/api/auth/logout",
        access: "/tokens/accessToken",
        email: "/user/email",
        wrong_password: ("/code", "INVALID_CREDENTIALS"),
        dead_token: ("/code", "INVALID_TOKEN"),
    },
    Tongue {
        profile: "jobpath",
        sign_up: "/auth/signup",
        signed_up: 201,
        verify: None,
        login: "/auth/login",
        code: None,
        me: Me::Shown("/auth/me"),
        refresh: None,
        logout: "/auth/logout",
        access: "/access_token",
        email: "/email",
        wrong_password: ("/error", "invalid_credentials"),
        dead_token: ("/error", "invalid_token"),
    },
    Tongue {
        profile: "authbackend",
        sign_up: "/api/auth/signup",
        signed_up: 200,
        verify: Some("/api/auth/verify-email"),
        login: "/api/auth/login",
        code: Some(Code::Beside("/api/auth/verify-otp")),
        me: Me::Asked("/api/auth/validate-token"),
        refresh: Some(("/api/auth/refresh-token", Keeps::InBody("/data/refreshToken"))),
        logout: "/api/auth/logout",
        access: "/data/token",
        email: "/data/email",
        wrong_password: ("/code", "AUTHENTICATION_ERROR"),
        dead_token: ("/code", "TOKEN_ERROR"),
    },
    Tongue {
        profile: "jobpsych",
        sign_up: "/api/auth/register",
        signed_up: 201,
        verify: None,
        login: "/api/auth/login",
        code: None,
        me: Me::Shown("/api/auth/profile"),
        refresh: Some(("/api/auth/refresh", Keeps::InCookie)),
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
    for tongue in TONGUES {
        let app = app_with(tongue.profile, &[]).await;
        let (made, key) =
            apps::create(&app.core, &By::command_line(), "web", ApiClientKind::Client)
                .await
                .unwrap();
        Teller { app, tongue, id: made.id, key: key.reveal().to_owned() }.tell().await;
    }
}

/// A client of a wire, with the key of its API client.
struct Teller {
    app: App,
    tongue: Tongue,
    id: String,
    key: String,
}

impl Teller {
    fn post(&self, path: &str, body: &Value) -> Call<'_> {
        self.app.post(path, body).header("x-app-id", &self.id).header("x-service-key", &self.key)
    }

    async fn tell(&self) {
        let tongue = &self.tongue;
        self.join().await;
        let wrong = self.login("Wr0ng&password").await;
        assert_eq!(
            (wrong.status.as_u16(), at(&wrong, tongue.wrong_password.0)),
            (401, tongue.wrong_password.1)
        );
        let entered = self.enter().await;
        let mut access = at(&entered, tongue.access).to_owned();
        let me = self.me(&access).await;
        assert_eq!((me.status.as_u16(), at(&me, tongue.email)), (200, "Ada@example.com"));

        if let Some(refresh) = tongue.refresh {
            let turned = self.refresh(refresh, &entered).await;
            assert_eq!(turned.status, 200, "{}: {}", tongue.profile, turned.text);
            at(&turned, tongue.access).clone_into(&mut access);
            assert_eq!(self.me(&access).await.status, 200);
        }

        let out = self.app.call(Method::POST, tongue.logout).bearer(&access).send().await;
        assert_eq!(out.status, 200, "{}: {}", tongue.profile, out.text);
        let dead = self.me(&access).await;
        assert_eq!(
            (dead.status.as_u16(), at(&dead, tongue.dead_token.0)),
            (401, tongue.dead_token.1),
            "{}",
            dead.text
        );
        if let Some(refresh) = tongue.refresh {
            assert_eq!(self.refresh(refresh, &entered).await.status, 401, "{}", tongue.profile);
        }
    }

    /// Signs up, and verifies the address if required.
    async fn join(&self) {
        let name = json!({
            "email": "Ada@example.com", "password": PASSWORD, "company_name": "Engines",
            "username": "ada", "firstName": "Ada", "lastName": "Lovelace", "name": "Ada Lovelace",
        });
        let made = self.post(self.tongue.sign_up, &name).send().await;
        assert_eq!(made.status, self.tongue.signed_up, "{}: {}", self.tongue.profile, made.text);
        let letters = self.app.mails().await;
        if let Some(path) = self.tongue.verify {
            let body = json!({ "token": token_in(&letters, "verify-email?token=") });
            assert_eq!(self.app.post(path, &body).send().await.status, 200);
        }
    }

    async fn login(&self, password: &str) -> Answer {
        self.post(self.tongue.login, &json!({ "email": "ada@EXAMPLE.com", "password": password }))
            .send()
            .await
    }

    /// Logs in, with the mailed code if required.
    async fn enter(&self) -> Answer {
        let first = self.login(PASSWORD).await;
        let Some(code) = self.tongue.code else { return self.entered(first) };
        let letters = self.app.mails().await;
        let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit());
        let sent =
            letters.iter().flat_map(|mail| mail.text.lines()).map(str::trim).find(is_code).unwrap();
        self.entered(match code {
            Code::Beside(path) => {
                self.post(path, &json!({ "email": "Ada@example.com", "otpCode": sent }))
                    .send()
                    .await
            }
            Code::Under(path) => {
                let token = at(&first, "/error/mfaToken");
                self.post(path, &json!({ "code": sent })).bearer(token).send().await
            }
        })
    }

    fn entered(&self, answer: Answer) -> Answer {
        assert_eq!(answer.status, 200, "{}: {}", self.tongue.profile, answer.text);
        answer
    }

    async fn me(&self, access: &str) -> Answer {
        match self.tongue.me {
            Me::Shown(path) => self.app.get(path).bearer(access).send().await,
            Me::Asked(path) => self.app.post(path, &json!({ "token": access })).send().await,
        }
    }

    /// Refreshes with the token from a login.
    async fn refresh(&self, (path, keeps): (&str, Keeps), entered: &Answer) -> Answer {
        match keeps {
            Keeps::InBody(pointer) => {
                self.post(path, &json!({ "refreshToken": at(entered, pointer) })).send().await
            }
            Keeps::InCookie => {
                let cookie = format!("refreshToken={}", entered.cookie().unwrap());
                self.app.call(Method::POST, path).header("cookie", &cookie).send().await
            }
        }
    }
}
