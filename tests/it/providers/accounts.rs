//! Which account a login with a provider opens.

use std::time::Duration;

use poem::http::Method;
use serde_json::{Value, json};

use super::{Begun, Site, unverified, verified};
use crate::fake_provider::{CLIENT, PAGE};
use crate::support::{Answer, PASSWORD};

/// The account of an access token.
async fn me(site: &Site, answer: &Answer) -> Value {
    let access = answer.tokens().access;
    site.app.get("/v1/users/me").bearer(&access).ok(200).await.body["data"].clone()
}

fn step_of(answer: &Answer) -> (String, String) {
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (401, "PROVIDER_STEP_REQUIRED"),
        "{}",
        answer.text
    );
    let text = |name: &str| answer.body["error"][name].as_str().unwrap().to_owned();
    (text("step"), text("providerToken"))
}

/// Proves the address of a step by the mailed code.
async fn prove(site: &Site, token: &str, email: &str) -> Answer {
    let body = json!({ "providerToken": token, "email": email });
    let sent = site.app.post("/v1/auth/providers/code", &body).ok(200).await;
    let token = sent.body["data"]["providerToken"].clone();
    let body = json!({ "providerToken": token, "code": site.code_for(email).await });
    site.app.post("/v1/auth/providers/complete", &body).send().await
}

#[tokio::test]
async fn a_person_signs_up_with_a_provider_and_logs_in_again() {
    let site = Site::open(&[]).await;
    let listed = site.app.get("/v1/auth/providers").ok(200).await;
    assert_eq!(listed.body["data"], json!([{ "name": "acme", "label": "acme", "preset": null }]));

    let first = site.log_in(&verified("s-1", "ada@example.com")).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let account = me(&site, &first).await;
    assert_eq!(account["email"], "ada@example.com");
    assert_eq!(account["emailVerified"], true);
    // The address at the provider may change; the account stays.
    let second = site.log_in(&verified("s-1", "ada@other.example")).await;
    assert_eq!(me(&site, &second).await["id"], account["id"]);
    let access = second.tokens().access;
    let listed = site.app.get("/v1/users/me/identities").bearer(&access).ok(200).await;
    assert_eq!(listed.body["data"][0]["email"], "ada@other.example");
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 1);
    let export = site.app.get("/v1/users/me/export").bearer(&access).ok(200).await;
    assert_eq!(export.body["data"]["identities"], listed.body["data"]);
    let audit = site.app.audit().await;
    for line in ["sign_up done provider acme", "email_verified done", "login done provider acme"] {
        assert!(audit.contains(&line.to_owned()), "{line}: {audit:#?}");
    }
    // The session knows how it was proved.
    let methods = site.app.database().texts("select methods from sessions order by id");
    assert_eq!(methods, ["fed:acme", "fed:acme"]);
}

#[tokio::test]
async fn an_address_that_changes_its_owner_at_the_provider_opens_no_account_by_itself() {
    let site = Site::open(&[]).await;
    let ada = site.log_in(&verified("s-1", "ada@example.com")).await;
    let account = me(&site, &ada).await;
    // The provider gives the address to another person, who has another subject there.
    let other = site.log_in(&verified("s-2", "ada@example.com")).await;
    assert_eq!(step_of(&other).0, "existing_account");
    let rows = site.app.database().number("select count(*) from identities");
    assert_eq!(rows, 1, "nothing is connected");
    // The first person has another address there now, and the account as before.
    let again = site.log_in(&verified("s-1", "ada@new.example")).await;
    assert_eq!(me(&site, &again).await["id"], account["id"]);
}

#[tokio::test]
async fn an_account_that_nobody_proved_is_taken_over_with_nothing_left_of_it() {
    for verify in ["true", "false"] {
        let site = Site::open(&[("signup.verify_email", verify)]).await;
        site.app.register("ada").await;
        let before = site.app.mails().await;
        assert_eq!(before.len(), 1);
        let entered = site.log_in(&verified("s-1", "ada@example.com")).await;
        assert_eq!(entered.status, 200, "{}", entered.text);
        assert_eq!(site.app.login("ada", PASSWORD).await.status, 401, "the password is void");
        let letters = site.app.mails().await;
        let connected =
            |mail: &authd::mail::Mail| mail.text.contains("An account at acme was connected");
        assert!(letters.iter().any(connected), "{letters:?}");
    }
}

#[tokio::test]
async fn a_proved_account_is_connected_only_by_its_own_proof() {
    let site = Site::open(&[]).await;
    site.app.join("ada").await;
    let (step, token) = step_of(&site.log_in(&verified("s-1", "ada@example.com")).await);
    assert_eq!(step, "existing_account");
    // Nothing happened yet.
    assert_eq!(site.app.database().number("select count(*) from identities"), 0);

    let connected = prove(&site, &token, "ada@example.com").await;
    assert_eq!(connected.status, 200, "{}", connected.text);
    assert_eq!(me(&site, &connected).await["email"], "ada@example.com");
    assert_eq!(site.app.login("ada", PASSWORD).await.status, 200, "the password stays");
    let letters = site.app.mails().await;
    assert!(letters.iter().any(|mail| mail.text.contains("An account at acme was connected")));
    assert_eq!(site.log_in(&verified("s-1", "ada@example.com")).await.status, 200);
}

#[tokio::test]
async fn the_login_of_the_existing_account_connects_too_and_once() {
    let site = Site::open(&[]).await;
    let access = site.app.enter("ada").await.access;
    let (_, token) = step_of(&site.log_in(&verified("s-1", "ada@example.com")).await);
    let body = json!({ "providerToken": token });
    let link = || site.app.post("/v1/users/me/identities", &body).bearer(&access);
    link().ok(200).await;
    link().refused(400, "PROVIDER_REJECTED").await;
    assert_eq!(site.log_in(&verified("s-1", "ada@example.com")).await.status, 200);
    // Neither can another account have it.
    let other = site.app.enter("eve").await.access;
    let begun = begin_link(&site, &other).await;
    let mut answer = site.provider.log_in(&begun.url, &verified("s-1", "ada@example.com"));
    answer["flow"] = begun.flow.into();
    let body = json!({ "callback": answer });
    let link = site.app.post("/v1/users/me/identities", &body).bearer(&other);
    link.refused(409, "ALREADY_EXISTS").await;
}

async fn add_factor(site: &Site, access: &str) {
    let phone = crate::factors::set_up(&site.app, access).await;
    let confirmed = crate::factors::verify(&site.app, access, &phone.code(&site.app, 0)).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);
}

async fn begin_link(site: &Site, access: &str) -> Begun {
    let body = json!({ "provider": "acme", "redirectUri": PAGE });
    let path = "/v1/users/me/identities/begin";
    Begun::of(&site.app.post(path, &body).bearer(access).ok(200).await)
}

#[tokio::test]
async fn an_administrator_and_an_account_with_a_factor_are_connected_by_their_login_alone() {
    let site = Site::open(&[]).await;
    site.app.join("ada").await;
    let give = "insert into account_roles (account_id, role) select id, 'moderator' from accounts";
    assert_eq!(site.app.database().tamper(give), 1);
    let (step, token) = step_of(&site.log_in(&verified("s-1", "ada@example.com")).await);
    assert_eq!(step, "login");
    // A code to the mailbox is not enough.
    let (step, _) = step_of(&prove(&site, &token, "ada@example.com").await);
    assert_eq!(step, "login");
    assert_eq!(site.app.database().number("select count(*) from identities"), 0);
    assert_eq!(site.app.database().tamper("delete from account_roles where role = 'moderator'"), 1);

    let access = site.app.login("ada", PASSWORD).await.tokens().access;
    add_factor(&site, &access).await;
    let (step, token) = step_of(&site.log_in(&verified("s-1", "ada@example.com")).await);
    assert_eq!(step, "login");
    let (step, _) = step_of(&prove(&site, &token, "ada@example.com").await);
    assert_eq!(step, "login");
}

#[tokio::test]
async fn an_address_that_the_provider_does_not_prove_is_proved_by_mail() {
    let site = Site::open(&[]).await;
    site.app.join("ada").await;
    let (step, token) = step_of(&site.log_in(&unverified("s-1", "ada@example.com")).await);
    assert_eq!(step, "email");
    // The answer is the same for a taken address and for a free one.
    let ask = |email: &str| {
        let body = json!({ "providerToken": token, "email": email });
        site.app.post("/v1/auth/providers/code", &body).ok(200)
    };
    let shape = |answer: &Answer| {
        answer.body["data"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(shape(&ask("ada@example.com").await), shape(&ask("new@example.com").await));
    site.app.mails().await;

    let made = prove(&site, &token, "new@example.com").await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert_eq!(me(&site, &made).await["email"], "new@example.com");
    let again = site.log_in(&unverified("s-1", "ada@example.com")).await;
    assert_eq!(me(&site, &again).await["email"], "new@example.com");
}

#[tokio::test]
async fn a_mailed_code_counts_once_and_five_wrong_ones_end_it() {
    let site = Site::open(&crate::support::UNLIMITED).await;
    let (_, token) = step_of(&site.log_in(&unverified("s-1", "ada@example.com")).await);
    let body = json!({ "providerToken": token });
    let sent = site.app.post("/v1/auth/providers/code", &body).ok(200).await;
    let token = sent.body["data"]["providerToken"].clone();
    let code = site.code_for("ada@example.com").await;
    let complete = |code: &str| {
        let body = json!({ "providerToken": token, "code": code });
        site.app.post("/v1/auth/providers/complete", &body)
    };
    for _ in 0..4 {
        complete("BBBBB-BBBBB").refused(400, "INVALID_CODE").await;
    }
    complete(&code.to_lowercase().replace('-', " ")).ok(200).await;
    complete(&code).refused(429, "AUTH_RATE_LIMIT_EXCEEDED").await;

    let (_, token) = step_of(&site.log_in(&unverified("s-2", "bob@example.com")).await);
    let body = json!({ "providerToken": token });
    let sent = site.app.post("/v1/auth/providers/code", &body).ok(200).await;
    let token = &sent.body["data"]["providerToken"];
    let code = site.code_for("bob@example.com").await;
    let complete = |code: &str| {
        let body = json!({ "providerToken": token, "code": code });
        site.app.post("/v1/auth/providers/complete", &body)
    };
    for _ in 0..5 {
        complete("BBBBB-BBBBB").refused(400, "INVALID_CODE").await;
    }
    complete(&code).refused(429, "AUTH_RATE_LIMIT_EXCEEDED").await;
}

#[tokio::test]
async fn further_codes_do_not_keep_an_answer_of_the_provider_for_ever() {
    let site = Site::open(&crate::support::UNLIMITED).await;
    let (_, token) = step_of(&site.log_in(&unverified("s-1", "ada@example.com")).await);
    let mut body = json!({ "providerToken": token });
    for _ in 0..4 {
        let sent = site.app.post("/v1/auth/providers/code", &body).ok(200).await;
        body = json!({ "providerToken": sent.body["data"]["providerToken"] });
        site.app.turn_clock(Duration::from_mins(15));
    }
    site.app.post("/v1/auth/providers/code", &body).refused(400, "PROVIDER_REJECTED").await;
}

#[tokio::test]
async fn a_second_factor_is_asked_for_unless_the_provider_is_trusted_with_it() {
    let site = Site::open(&[("providers.acme.trusted_acr", "phr")]).await;
    let access = site.log_in(&verified("s-1", "ada@example.com")).await.tokens().access;
    add_factor(&site, &access).await;
    assert_eq!(site.log_in(&verified("s-1", "ada@example.com")).await.code(), "MFA_REQUIRED");
    let mut claims = verified("s-1", "ada@example.com");
    claims["acr"] = "other".into();
    assert_eq!(site.log_in(&claims).await.code(), "MFA_REQUIRED");
    claims["acr"] = "phr".into();
    assert_eq!(site.log_in(&claims).await.status, 200);
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let site = Site::open(&[]).await;
    let access = site.log_in(&verified("s-1", "ada@example.com")).await.tokens().access;
    let listed = site.app.get("/v1/users/me/identities").bearer(&access).ok(200).await;
    let id = listed.body["data"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/users/me/identities/{id}");
    let remove = |path: &str| site.app.call(poem::http::Method::DELETE, path).bearer(&access);
    remove(&path).refused(409, "LAST_LOGIN_METHOD").await;
    remove("/v1/users/me/identities/none").refused(404, "NOT_FOUND").await;

    let begun = begin_link(&site, &access).await;
    let mut answer = site.provider.log_in(&begun.url, &verified("s-2", "ada@work.example"));
    answer["flow"] = begun.flow.into();
    let body = json!({ "callback": answer });
    site.app.post("/v1/users/me/identities", &body).bearer(&access).ok(200).await;
    site.app.mails().await;
    remove(&path).ok(200).await;
    let letters = site.app.mails().await;
    assert!(letters.iter().any(|mail| mail.text.contains("was disconnected")), "{letters:?}");
    // Its provider does not log in any more: it would have to be connected again.
    let (step, _) = step_of(&site.log_in(&verified("s-1", "ada@example.com")).await);
    assert_eq!(step, "existing_account");
}

#[tokio::test]
async fn an_app_logs_in_with_an_id_token_of_the_providers_library() {
    let site = Site::open(&[("providers.acme.audiences", "phone-client")]).await;
    let post = |body: Value| site.app.post("/v1/auth/providers/acme/token", &body);
    let with = |more: Value| {
        let mut claims = verified("s-1", "ada@example.com");
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        site.provider.id_token(&claims)
    };
    let hashed = "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4";
    for (more, nonce) in [
        (json!({}), None),
        (json!({ "nonce": "hi" }), Some("hi")),
        (json!({ "nonce": hashed }), Some("hi")),
        (json!({ "aud": "phone-client", "azp": CLIENT }), None),
    ] {
        let mut body = json!({ "idToken": with(more.clone()) });
        if let Some(nonce) = nonce {
            body["nonce"] = nonce.into();
        }
        post(body.clone()).ok(200).await;
        // A token that was seen on the way is worth nothing.
        post(body).refused(400, "PROVIDER_REJECTED").await;
    }
    for (more, nonce) in [
        (json!({ "nonce": "hi" }), None),
        (json!({ "nonce": "hi" }), Some("ho")),
        (json!({}), Some("hi")),
        (json!({ "aud": "other-client" }), None),
        (json!({ "aud": ["phone-client", "other-client"], "azp": "phone-client" }), None),
        (json!({ "azp": "other-client" }), None),
    ] {
        let body = json!({ "idToken": with(more), "nonce": nonce });
        post(body).refused(400, "PROVIDER_REJECTED").await;
    }
}

#[tokio::test]
async fn nothing_is_connected_by_a_session_that_ends_while_the_provider_answers() {
    let site = Site::open(&[]).await;
    let ada = verified("s-1", "ada@example.com");
    let thief = site.log_in(&ada).await.tokens().access;
    let owner = site.log_in(&ada).await.tokens().access;
    let body = json!({ "provider": "acme", "redirectUri": PAGE });
    let begun = site.app.post("/v1/users/me/identities/begin", &body).bearer(&thief).ok(200).await;
    let begun = Begun::of(&begun);
    let mut answer = site.provider.log_in(&begun.url, &verified("s-2", "eve@example.com"));
    answer["flow"] = begun.flow.into();
    let body = json!({ "callback": answer });
    let mut hold = site.provider.hold("/token");
    let link = site.app.post("/v1/users/me/identities", &body).bearer(&thief).send();
    let meanwhile = async {
        hold.has(1).await;
        let end = site.app.call(Method::DELETE, "/v1/users/me/sessions").bearer(&owner);
        end.ok(200).await;
        hold.release();
    };
    let (linked, ()) = tokio::join!(link, meanwhile);
    assert_eq!((linked.status.as_u16(), linked.code()), (401, "TOKEN_REVOKED"), "{}", linked.text);
    let listed = site.app.get("/v1/users/me/identities").bearer(&owner).ok(200).await;
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 1, "{}", listed.text);
}
