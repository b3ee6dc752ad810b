//! Passwords from sign-up to login: any script, no case folding, the reasons for refusals, and
//! rehashing of old hashes.

use serde_json::{Value, json};

use authd::error::{Field, FieldError, Rule, Weakness};
use authd::identity::By;
use authd::identity::account::sign_up::NewAccount;
use authd::identity::admin::accounts;
use authd::model::{Email, Password, Username};

use crate::support::{Answer, App, PASSWORD, app, app_with};

async fn sign_up(app: &App, name: &str, password: &str) -> Answer {
    let body =
        json!({ "email": format!("{name}@example.com"), "username": name, "password": password });
    app.post("/v1/auth/register", &body).send().await
}

/// The stored hash of an account, after setting it if one is given.
fn hash(app: &App, name: &str, new: Option<&str>) -> String {
    let file = app.database();
    let of_name = format!("where email_key = '{name}@example.com'");
    if let Some(new) = new {
        let set = format!("update accounts set password_hash = '{new}' {of_name}");
        assert_eq!(file.tamper(&set), 1);
    }
    file.texts(&format!("select password_hash from accounts {of_name}")).pop().unwrap()
}

fn reasons(answer: &Answer) -> Vec<(&str, &str)> {
    let rows = answer.body["error"]["details"].as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter()
        .map(|row| (row["code"].as_str().unwrap(), row["message"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn a_password_may_be_of_any_script_and_is_taken_as_it_is() {
    let set = [
        ("limits.sign_up", "off"),
        ("signup.verify_email", "false"),
        ("signup.reveal_existing", "true"),
        ("password.blocklist", "false"),
    ];
    let app = app_with("standard", &set).await;
    let longest = "🦀ß".repeat(128);
    for (n, password) in [
        "пароль не для всех",
        " spaces at both ends ",
        "ÅngströmÅngström",
        "Tab-less \u{2003} wide",
        longest.as_str(),
        "a\u{200d}b\u{200d}c\u{200d}d\u{200d}e\u{200d}f\u{200d}g",
    ]
    .iter()
    .enumerate()
    {
        let name = format!("user{n}");
        assert_eq!(sign_up(&app, &name, password).await.status, 201, "{password:?}");
        assert_eq!(app.login(&name, password).await.status, 200, "{password:?}");
        for other in [
            password.trim(),
            &password.to_lowercase(),
            &password[..password.len() - password.chars().last().unwrap().len_utf8()],
        ] {
            if other != *password {
                assert_eq!(app.login(&name, other).await.status, 401, "{other:?} for {password:?}");
            }
        }
    }
    assert_eq!(
        app.login("user2", "A\u{30a}ngstro\u{308}mA\u{30a}ngstro\u{308}m").await.status,
        200,
        "one spelling of a text"
    );
}

#[tokio::test]
async fn a_bad_password_is_refused_with_every_reason() {
    let app = app_with("standard", &[("limits.sign_up", "off")]).await;
    let strength = "INVALID_PASSWORD_STRENGTH";
    for (password, expected) in [
        ("short one", vec![("FIELD_TOO_SHORT", "Too short")]),
        ("🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀", vec![("FIELD_TOO_SHORT", "Too short")]),
        ("passwordpassword", vec![(strength, "Too common")]),
        ("ada@example.com", vec![(strength, "Too personal")]),
        ("Lovelace-Ada-1815", vec![]),
        ("authdauthdauthd", vec![(strength, "Too personal")]),
    ] {
        let answer = sign_up(&app, "ada", password).await;
        let got: Vec<_> = reasons(&answer)
            .into_iter()
            .filter(|(_, why)| expected.iter().any(|(_, other)| other == why))
            .collect();
        assert_eq!(got, expected, "{password}: {}", answer.text);
        assert_eq!(answer.status == 201, expected.is_empty(), "{password}: {}", answer.text);
    }
    let long = "x".repeat(257);
    assert_eq!(reasons(&sign_up(&app, "bob", &long).await), [("FIELD_TOO_LONG", "Too long")]);
    let login = app.login("ada", &long).await;
    assert_eq!(
        (login.status.as_u16(), login.code()),
        (400, "VALIDATION_ERROR"),
        "before anything is hashed"
    );
}

#[tokio::test]
async fn a_hash_of_another_scheme_works_once_more_and_is_replaced() {
    let app = app().await;
    app.join("ada").await;
    let replaced = hash(&app, "ada", None);
    assert!(replaced.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{replaced}");
    // "correct horse battery", hashed by another program at the minimum cost.
    for old in [
        "$2b$04$abcdefghijklmnopqrstuuHKtYmcHE/DbdYlRZVbVxAbYrPTdaVBe",
        "$argon2id$v=19$m=16,t=1,p=1$c29tZXNhbHQ$wrong",
    ] {
        hash(&app, "ada", Some(old));
        assert_eq!(app.login("ada", "another password").await.code(), "INVALID_CREDENTIALS");
        assert_eq!(hash(&app, "ada", None), old, "a wrong password changes nothing");
    }
    hash(&app, "ada", Some(&replaced));
    let app = app.restart("standard", &[("hashing.memory", "16")]).await;
    assert_eq!(app.login("ada", PASSWORD).await.status, 200);
    let costlier = hash(&app, "ada", None);
    assert!(costlier.starts_with("$argon2id$v=19$m=16,t=1,p=1$"), "{costlier}");
    assert_eq!(app.login("ada", PASSWORD).await.status, 200);
    assert_eq!(hash(&app, "ada", None), costlier, "once is enough");
    let app = app.restart("standard", &[("hashing.memory", "8")]).await;
    assert_eq!(app.login("ada", PASSWORD).await.status, 200);
    assert_eq!(hash(&app, "ada", None), costlier, "nothing is made cheaper");
}

#[tokio::test]
async fn a_bcrypt_hash_opens_and_is_replaced_by_a_better_one() {
    let app = app().await;
    app.join("ada").await;
    let old = bcrypt::hash(PASSWORD, 4).unwrap();
    for letters in ["$2b$", "$2a$", "$2y$"] {
        hash(&app, "ada", Some(&old.replace("$2b$", letters)));
        assert_eq!(app.login("ada", "wrong password").await.status, 401, "{letters}");
        assert_eq!(app.login("ada", PASSWORD).await.status, 200, "{letters}");
        assert!(hash(&app, "ada", None).starts_with("$argon2id$"), "{letters}");
        assert_eq!(app.login("ada", PASSWORD).await.status, 200, "{letters}");
    }
}

#[tokio::test]
async fn no_answer_ever_holds_a_password_or_a_hash() {
    let app = app().await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let tokens = app.enter("bob").await;
    let mut texts =
        vec![sign_up(&app, "ada", "hunter2").await.text, app.register("ada").await.text];
    texts.push(app.post("/v1/auth/login", &body).send().await.text);
    texts.push(app.get("/v1/users/me").bearer(&tokens.access).send().await.text);
    let update: Value = json!({ "firstName": "B", "password": PASSWORD, "passwordHash": "x" });
    texts.push(app.put("/v1/users/me", &update).bearer(&tokens.access).send().await.text);
    for text in texts {
        assert!(
            !text.contains(PASSWORD) && !text.contains("argon2") && !text.contains("hunter2"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_password_made_of_any_of_the_accounts_names_is_refused_to_administrators_too() {
    let app = app_with("jobpsych", &[("password.personal", "true")]).await;
    let body = json!({
        "name": "Augusta Lovelace", "email": "ada@example.com", "password": PASSWORD, "company_name": "Analytical Engines"
    });
    assert_eq!(app.post("/api/auth/register", &body).send().await.status, 201);
    let by = By::command_line();
    let too_personal = |field| [FieldError::new(field, Rule::Weak(Weakness::Personal))];
    for made_of_it in
        ["augustalovelace", "Analytical-Engines", "AnalyticalEngines1", "ada@example.com"]
    {
        let refused =
            accounts::set_password(&app.core, &by, "ada@example.com", Password::new(made_of_it))
                .await;
        let refused = refused.err().unwrap_or_else(|| panic!("{made_of_it} was taken"));
        assert_eq!(refused.fields(), too_personal(Field::NewPassword), "{made_of_it}");
    }
    accounts::set_password(&app.core, &by, "ada@example.com", Password::new(PASSWORD))
        .await
        .unwrap();

    let app = app_with("standard", &[]).await;
    let new = |password: &str| accounts::NewEntry {
        account: NewAccount {
            username: Username::parse("the-builder"),
            first_name: Some("Robert".to_owned()),
            last_name: Some("Builderson".to_owned()),
            ..NewAccount::new(Email::parse("bob@example.com").unwrap(), Password::new(password))
        },
        roles: Vec::new(),
        verified: true,
    };
    for made_of_it in ["robertbuilderson", "the-builder-the-builder", "bob@example.com"] {
        let refused = accounts::create(&app.core, &by, new(made_of_it)).await;
        let refused = refused.err().unwrap_or_else(|| panic!("{made_of_it} was taken"));
        assert_eq!(refused.fields(), too_personal(Field::Password), "{made_of_it}");
    }
    accounts::create(&app.core, &by, new(PASSWORD)).await.unwrap();
}
