//! The same story told over every wire: sign up, log in, be known, stay logged in where one can, log out, be nobody.

use poem::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, PASSWORD, app_with, token_in};

/// What a teller must know of a wire.
struct Tongue {
    profile: &'static str,
    sign_up: &'static str,
    /// Whether a mailed link comes before the first login.
    verifies: bool,
    login: &'static str,
    me: &'static str,
    refresh: Option<&'static str>,
    logout: &'static str,
    access: &'static str,
    refresh_token: &'static str,
    email: &'static str,
    wrong_password: (&'static str, &'static str),
    dead_token: (&'static str, &'static str),
}

const V1: Tongue = Tongue {
    profile: "standard",
    sign_up: "/v1/auth/register",
    verifies: true,
    login: "/v1/auth/login",
    me: "/v1/users/me",
    refresh: Some("/v1/auth/refresh"),
    logout: "/v1/auth/logout",
    access: "/data/accessToken",
    refresh_token: "/data/refreshToken",
    email: "/data/email",
    wrong_password: ("/error/code", "INVALID_CREDENTIALS"),
    dead_token: ("/error/code", "TOKEN_REVOKED"),
};

const TONGUES: [Tongue; 6] = [
    V1,
    Tongue { profile: "perfect21", ..V1 },
    Tongue { profile: "siteworks", verifies: false, ..V1 },
    Tongue { profile: "jobpath", verifies: false, ..V1 },
    Tongue {
        profile: "siteworks",
        sign_up: "/api/auth/register",
        verifies: false,
        login: "/api/auth/login",
        me: "/api/auth/profile",
        refresh: Some("/api/auth/refresh"),
        logout: "/api/auth/logout",
        access: "/tokens/accessToken",
        refresh_token: "/tokens/refreshToken",
        email: "/user/email",
        wrong_password: ("/code", "INVALID_CREDENTIALS"),
        dead_token: ("/code", "INVALID_TOKEN"),
    },
    Tongue {
        profile: "jobpath",
        sign_up: "/auth/signup",
        verifies: false,
        login: "/auth/login",
        me: "/auth/me",
        refresh: None,
        logout: "/auth/logout",
        access: "/access_token",
        refresh_token: "",
        email: "/email",
        wrong_password: ("/error", "invalid_credentials"),
        dead_token: ("/error", "invalid_token"),
    },
];

fn at<'a>(answer: &'a Answer, pointer: &str) -> &'a str {
    answer.body.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}: {}", answer.text))
}

#[tokio::test]
async fn the_story_of_an_account_is_the_same_over_every_wire() {
    for tongue in TONGUES {
        let app = app_with(tongue.profile, &[]).await;
        tell(&app, &tongue).await;
    }
}

async fn tell(app: &App, tongue: &Tongue) {
    let name = json!({
        "email": "Ada@example.com", "password": PASSWORD,
        "username": "ada", "firstName": "Ada", "lastName": "Lovelace", "name": "Ada Lovelace",
    });
    let made = app.post(tongue.sign_up, &name).send().await;
    assert_eq!(made.status, 201, "{}: {}", tongue.profile, made.text);
    if tongue.verifies {
        let token = token_in(&app.mails().await, "verify-email?token=");
        assert_eq!(app.post("/v1/auth/verify-email", &json!({ "token": token })).send().await.status, 200);
    }

    let login = |password: &str| app.post(tongue.login, &json!({ "email": "ada@EXAMPLE.com", "password": password }));
    let wrong = login("Wr0ng&password").send().await;
    assert_eq!((wrong.status.as_u16(), at(&wrong, tongue.wrong_password.0)), (401, tongue.wrong_password.1));
    let entered = login(PASSWORD).send().await;
    assert_eq!(entered.status, 200, "{}: {}", tongue.profile, entered.text);
    let mut access = at(&entered, tongue.access).to_owned();

    let me = app.get(tongue.me).bearer(&access).send().await;
    assert_eq!((me.status.as_u16(), at(&me, tongue.email)), (200, "Ada@example.com"));

    if let Some(path) = tongue.refresh {
        let token = at(&entered, tongue.refresh_token);
        let turned = app.post(path, &json!({ "refreshToken": token })).send().await;
        assert_eq!(turned.status, 200, "{}: {}", tongue.profile, turned.text);
        at(&turned, tongue.access).clone_into(&mut access);
        assert_eq!(app.get(tongue.me).bearer(&access).send().await.status, 200);
    }

    let out = app.call(Method::POST, tongue.logout).bearer(&access).send().await;
    assert_eq!(out.status, 200, "{}: {}", tongue.profile, out.text);
    let dead = app.get(tongue.me).bearer(&access).send().await;
    assert_eq!((dead.status.as_u16(), at(&dead, tongue.dead_token.0)), (401, tongue.dead_token.1), "{}", dead.text);
    if let Some(path) = tongue.refresh {
        let token = at(&entered, tongue.refresh_token);
        assert_eq!(app.post(path, &json!({ "refreshToken": token })).send().await.status, 401);
    }
}
