//! Two sign-ups with one address: what becomes of their passwords when the address is verified.

use authd::mail::Mail;
use poem::http::Method;
use serde_json::json;

use crate::support::{Answer, App, app, app_with, token_in};

const OWN: &str = "Horse-staple!0wner";
const FOREIGN: &str = "Battery-pl4ice!squat";
const NEW: &str = "N3w!correct horse-staple";
const ADDRESS: &str = "ada@example.com";

async fn sign_up(app: &App, password: &str) -> Answer {
    app.post("/v1/auth/register", &json!({ "email": ADDRESS, "password": password })).send().await
}

/// The same with the fields that one profile requires.
async fn sign_up_as(app: &App, name: &str, password: &str) -> Answer {
    let body = json!({
        "email": ADDRESS, "password": password, "username": name, "firstName": "A", "lastName": "B",
    });
    app.post("/v1/auth/register", &body).send().await
}

/// Signs up once with each password; returns the mails, in the order of the sign-ups.
async fn signed_up(app: &App, passwords: &[&str]) -> Vec<Mail> {
    let mut mails = Vec::new();
    for password in passwords {
        assert_eq!(sign_up(app, password).await.status, 201);
        mails.extend(app.mails().await);
    }
    assert_eq!(mails.len(), passwords.len(), "{mails:?}");
    mails
}

fn link(mail: &Mail) -> String {
    token_in(std::slice::from_ref(mail), "/v1/verify-email?token=")
}

async fn verify(app: &App, token: &str) -> Answer {
    app.post("/v1/auth/verify-email", &json!({ "token": token })).send().await
}

async fn press(app: &App, form: &str) -> Answer {
    let call = app.call(Method::POST, "/v1/verify-email");
    call.body("application/x-www-form-urlencoded", form).send().await
}

/// Uses the link to choose a password that was mailed.
async fn choose(app: &App) {
    let mails = app.mails().await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!(
        (mails[0].to.as_str(), mails[0].subject.as_str()),
        (ADDRESS, "Choose a password for authd")
    );
    let token = token_in(&mails, "/v1/reset-password?token=");
    let body = json!({ "token": token, "newPassword": NEW });
    app.post("/v1/auth/reset-password", &body).ok(200).await;
    app.login("ada", NEW).await.ok(200);
}

#[tokio::test]
async fn no_password_survives_where_two_differ_whichever_link_is_followed_and_who_came_first() {
    for passwords in [[OWN, FOREIGN], [FOREIGN, OWN]] {
        for followed in [0, 1] {
            let app = app().await;
            let mails = signed_up(&app, &passwords).await;
            verify(&app, &link(&mails[followed])).await.ok(200);
            for password in passwords {
                app.login("ada", password).await.refused(401, "INVALID_CREDENTIALS");
            }
            for mail in &mails {
                let again = verify(&app, &link(mail)).await.ok(200);
                assert_eq!(again.body["message"], "Email is already verified");
            }
            choose(&app).await;
        }
    }
}

#[tokio::test]
async fn a_password_that_every_sign_up_gave_survives() {
    let app = app().await;
    let mails = signed_up(&app, &[OWN, OWN]).await;
    verify(&app, &link(&mails[1])).await.ok(200);
    assert!(app.mails().await.is_empty());
    app.login("ada", OWN).await.ok(200);
}

#[tokio::test]
async fn forms_sent_at_the_same_time_give_the_same_password() {
    let app = app().await;
    let (one, other) = tokio::join!(sign_up(&app, OWN), sign_up(&app, OWN));
    assert_eq!((one.status.as_u16(), other.status.as_u16()), (201, 201));
    verify(&app, &link(&app.mails().await[0])).await.ok(200);
    app.login("ada", OWN).await.ok(200);
}

#[tokio::test]
async fn the_page_asks_for_a_password_where_two_differ() {
    let app = app().await;
    let mails = signed_up(&app, &[FOREIGN, OWN]).await;
    let token = link(&mails[0]);
    let opened = app.get(&format!("/v1/verify-email?token={token}")).send().await;
    assert!(opened.text.contains("name=\"newPassword\""), "{}", opened.text);
    let form = format!("token={token}");
    for (form, reason) in [
        (form.clone(), "Please choose a password."),
        (format!("{form}&newPassword=short"), "at least 12 characters"),
    ] {
        let refused = press(&app, &form).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
        assert!(refused.text.contains(reason), "{}", refused.text);
        assert!(refused.text.contains("name=\"newPassword\""), "{}", refused.text);
    }
    let done = press(&app, &format!("{form}&newPassword={}", NEW.replace(' ', "+"))).await;
    assert_eq!(done.status, 200, "{}", done.text);
    app.login("ada", NEW).await.ok(200);
    for password in [OWN, FOREIGN] {
        app.login("ada", password).await.refused(401, "INVALID_CREDENTIALS");
    }
    let again = press(&app, &format!("{form}&newPassword=Another!pl4ice-fish")).await;
    assert!(again.status == 200 && again.text.contains("Already verified"), "{}", again.text);
    app.login("ada", NEW).await.ok(200);
}

#[tokio::test]
async fn the_page_asks_for_no_password_where_none_differs() {
    let app = app().await;
    let mails = signed_up(&app, &[OWN, OWN]).await;
    let token = link(&mails[0]);
    let opened = app.get(&format!("/v1/verify-email?token={token}")).send().await;
    assert!(!opened.text.contains("newPassword"), "{}", opened.text);
    let done = press(&app, &format!("token={token}&newPassword={}", NEW.replace(' ', "+"))).await;
    assert_eq!(done.status, 200, "{}", done.text);
    app.login("ada", OWN).await.ok(200);
    app.login("ada", NEW).await.refused(401, "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn no_script_presses_the_button_of_a_page_that_asks_for_a_password() {
    let app = app_with("standard", &[("links.post_at_once", "true")]).await;
    let mails = signed_up(&app, &[FOREIGN]).await;
    let path = format!("/v1/verify-email?token={}", link(&mails[0]));
    assert!(app.get(&path).send().await.text.contains("<script"));
    signed_up(&app, &[OWN]).await;
    assert!(!app.get(&path).send().await.text.contains("<script"));
}

/// Where a taken address is revealed, the second sign-up is refused, and counts all the same. Where
/// a sign-up logs in, its sessions end with its password.
#[tokio::test]
async fn a_refused_sign_up_contests_the_password_too() {
    for profile in ["perfect21", "siteworks", "jobpath", "jobpsych"] {
        let app = app_with(profile, &[]).await;
        sign_up_as(&app, "eve", FOREIGN).await.ok(201);
        let token = link(&app.mails().await[0]);
        let squatter = app.login("ada", FOREIGN).await;
        app.mails().await;
        sign_up_as(&app, "ada", OWN).await.refused(409, "EMAIL_EXISTS");
        app.mails().await;
        if squatter.status == 200 {
            // The account goes on until its address is verified.
            app.get("/v1/users/me").bearer(&squatter.tokens()).ok(200).await;
        }
        verify(&app, &token).await.ok(200);
        if squatter.status == 200 {
            app.get("/v1/users/me").bearer(&squatter.tokens()).refused(401, "TOKEN_REVOKED").await;
        }
        app.login("ada", FOREIGN).await.refused(401, "INVALID_CREDENTIALS");
        choose(&app).await;
    }
}

#[tokio::test]
async fn a_squatter_gets_rid_of_the_other_sign_up_with_no_new_account() {
    let app = app_with("siteworks", &[]).await;
    sign_up(&app, FOREIGN).await.ok(201);
    let squatter = app.login("ada", FOREIGN).await.tokens();
    sign_up(&app, OWN).await.refused(409, "EMAIL_EXISTS");
    app.call(Method::DELETE, "/v1/users/me").bearer(&squatter).ok(200).await;
    sign_up(&app, FOREIGN).await.ok(201);
    let mails = app.mails().await;
    verify(&app, &link(mails.last().unwrap())).await.ok(200);
    app.login("ada", FOREIGN).await.refused(401, "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn an_administrator_who_verifies_the_address_keeps_no_contested_password() {
    let by = authd::identity::By::command_line();
    for (passwords, is_kept) in [([OWN, OWN], true), ([FOREIGN, OWN], false)] {
        let app = app().await;
        signed_up(&app, &passwords).await;
        authd::identity::admin::accounts::verify(&app.core, &by, ADDRESS).await.unwrap();
        if is_kept {
            app.login("ada", OWN).await.ok(200);
        } else {
            app.login("ada", FOREIGN).await.refused(401, "INVALID_CREDENTIALS");
            choose(&app).await;
        }
    }
}

#[tokio::test]
async fn a_password_that_an_administrator_sets_is_not_contested() {
    let app = app().await;
    signed_up(&app, &[FOREIGN, OWN]).await;
    let by = authd::identity::By::command_line();
    let new = authd::model::Password::new(NEW);
    authd::identity::admin::accounts::set_password(&app.core, &by, ADDRESS, new).await.unwrap();
    app.mails().await;
    let body = json!({ "email": ADDRESS });
    app.post("/v1/auth/resend-verification", &body).ok(200).await;
    verify(&app, &link(&app.mails().await[0])).await.ok(200);
    app.login("ada", NEW).await.ok(200);
}

/// A sign-up does one hash and draws as much randomness whatever stands at its address, and answers
/// the same.
#[tokio::test]
async fn a_sign_up_costs_and_answers_the_same_whatever_was_signed_up_before() {
    let app = app().await;
    let mut seen = Vec::new();
    for password in [OWN, OWN, FOREIGN, OWN] {
        let before = app.draws();
        let answer = sign_up(&app, password).await;
        seen.push((app.draws() - before, answer.status, answer.body["message"].clone()));
        app.mails().await;
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
}

/// The salt of a first password depends on the address, and no later password has it.
#[tokio::test]
async fn the_salt_of_a_first_password_is_the_addresses_own() {
    let app = app().await;
    let salts = || {
        let hashes = app.database().texts("select password_hash from accounts order by number");
        let salt = |hash: &String| hash.split('$').nth(4).unwrap().to_owned();
        hashes.iter().map(salt).collect::<Vec<_>>()
    };
    app.register("ada").await.ok(201);
    app.register("bob").await.ok(201);
    let first = salts();
    assert_ne!(first[0], first[1]);
    let body = json!({ "email": ADDRESS });
    app.mails().await;
    app.post("/v1/auth/forgot-password", &body).ok(200).await;
    let token = token_in(&app.mails().await, "/v1/reset-password?token=");
    let body = json!({ "token": token, "newPassword": NEW });
    app.post("/v1/auth/reset-password", &body).ok(200).await;
    assert_ne!(salts()[0], first[0]);
}

/// A code proves the address without a password: nothing of the squatter's is left, links included.
#[tokio::test]
async fn a_code_that_proves_the_address_voids_a_pending_change_of_address() {
    let set = [
        ("signup.verify_email", "false"),
        ("signup.reveal_existing", "true"),
        ("login.passwordless", "true"),
    ];
    let app = app_with("standard", &set).await;
    sign_up(&app, FOREIGN).await.ok(201);
    let body = json!({ "email": ADDRESS, "password": FOREIGN });
    let squatter = app.post("/v1/auth/login", &body).from("203.0.113.9").ok(200).await.tokens();
    let move_to = json!({ "newEmail": "squatter@evil.example" });
    app.post("/v1/users/me/email", &move_to).bearer(&squatter).ok(200).await;
    let confirm = token_in(&app.mails().await, "/v1/confirm-email?token=");
    app.post("/v1/auth/otp/request", &json!({ "email": ADDRESS })).ok(200).await;
    let code = token_in(&app.mails().await, "Your code for authd\n\n");
    let body = json!({ "email": ADDRESS, "code": code });
    let owner = app.post("/v1/auth/otp/verify", &body).ok(200).await.tokens();
    let used = app.post("/v1/auth/confirm-email", &json!({ "token": confirm })).send().await;
    assert_eq!(used.status, 404, "{}", used.text);
    let me = app.get("/v1/users/me").bearer(&owner).ok(200).await;
    assert_eq!(me.body["data"]["email"], ADDRESS);
    app.get("/v1/users/me").bearer(&squatter).refused(401, "TOKEN_REVOKED").await;
    let known = "select count(*) from known_ips";
    assert_eq!(app.database().number(known), 1, "the squatter's network is not a known one");
}

/// The link module compares the credential version: no caller has to void links.
#[tokio::test]
async fn a_link_made_for_an_earlier_credential_version_does_not_work() {
    let app = app().await;
    let access = app.enter("ada").await.access;
    let ask = async |path: &str, body: &serde_json::Value| {
        app.post(path, body).bearer(&access).ok(200).await;
        app.mails().await
    };
    let reset = ask("/v1/auth/forgot-password", &json!({ "email": ADDRESS })).await;
    let reset = token_in(&reset, "/v1/reset-password?token=");
    let moved = ask("/v1/users/me/email", &json!({ "newEmail": "new@example.org" })).await;
    let confirm = token_in(&moved, "/v1/confirm-email?token=");
    let undo = token_in(&moved, "/v1/undo-email?token=");
    app.database().tamper("update accounts set credential_version = credential_version + 1");
    let body = json!({ "token": reset, "newPassword": NEW });
    app.post("/v1/auth/reset-password", &body).refused(404, "INVALID_TOKEN").await;
    app.post("/v1/auth/confirm-email", &json!({ "token": confirm }))
        .refused(404, "INVALID_TOKEN")
        .await;
    app.post("/v1/auth/undo-email", &json!({ "token": undo })).ok(200).await;
}
