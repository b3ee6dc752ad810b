//! Providers from the command line: added without a restart, never shown with their secret, tested
//! step by step.

use std::io::{BufRead as _, BufReader};
use std::time::{SystemTime, UNIX_EPOCH};

use super::*;
use crate::fake_provider::{CLIENT, FakeProvider, SECRET};
use crate::process;
use crate::providers::verified;
use crate::reserved_port::ReservedPort;

const ALLOW: [&str; 2] = ["--set", "outbound.allow=127.0.0.1"];

fn add(folder: &Folder, issuer: &str) -> Ran {
    let add = ["provider", "add", "acme", "--issuer", issuer, "--client-id", CLIENT, "--key-stdin"];
    folder.run_with_input(&[&add[..], &["--json"]].concat(), SECRET)
}

#[test]
fn a_provider_is_added_listed_shown_and_removed_without_its_secret() {
    let folder = Folder::new();
    let add = |name: &str, more: &[&str]| {
        let fixed = ["provider", "add", name, "--client-id", "c-1", "--key-stdin"];
        folder.run_with_input(&[&fixed, more].concat(), "hush hush\n")
    };
    let added = add("google", &[]);
    assert_eq!(added.code, Some(0), "{}", added.err);
    let address = "/sign-in/provider/google/callback";
    assert!(added.out.contains("Google") && added.out.contains(address), "{}", added.out);
    assert!(added.err.contains("register this address at the provider: http"), "{}", added.err);
    assert!(added.err.contains("next: authd provider test google"), "{}", added.err);
    let again = add("google", &[]);
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("exists already"), "{}", again.err);
    let listed = folder.run(&["provider", "list", "--json"]);
    let shown = folder.run(&["provider", "show", "google", "--json"]);
    assert_eq!(listed.json()[0]["key"], "client secret");
    assert_eq!(shown.json()["identities"], 0);
    for ran in [&added, &listed, &shown] {
        assert!(!ran.out.contains("hush") && !ran.err.contains("hush"), "{}{}", ran.out, ran.err);
    }
    let refused = folder.run(&["provider", "remove", "google"]);
    assert_eq!(refused.code, Some(2), "without a terminal there is no confirmation");
    let removed = folder.run(&["provider", "remove", "google", "--yes", "--json"]);
    let json = serde_json::json!({ "name": "google", "identities": 0 });
    assert_eq!((removed.code, removed.json()), (Some(0), json));
    assert_eq!(folder.run(&["provider", "list", "--json"]).json(), serde_json::json!([]));
    let none = folder.run(&["provider", "show", "google"]);
    assert_eq!(none.code, Some(1), "{}", none.out);
}

#[test]
fn what_does_not_fit_is_refused_by_its_flag() {
    let folder = Folder::new();
    let add = |arguments: &[&str]| {
        let ran = folder.run(&[&["provider", "add"], arguments].concat());
        (ran.code, ran.err)
    };
    for (arguments, word) in [
        (&["acme", "--client-id", "c", "--public"][..], "--issuer: "),
        (&["google", "--public"], "--client-id: "),
        (&["Google", "--client-id", "c", "--public"], "NAME: "),
        (
            &["google", "--client-id", "c", "--public", "--redirect-uri", "ftp://x"],
            "--redirect-uri: \"ftp://x\" cannot take an answer: it must begin with https://",
        ),
        (
            &["google", "--client-id", "c", "--public", "--redirect-uri", "http://app.example/"],
            "it must begin with https://, unless it is on this machine",
        ),
        (&["google", "--client-id", "c", "--key-file", "none.txt"], "cannot read none.txt"),
    ] {
        let (code, err) = add(arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {err}");
        assert!(err.contains(word), "{arguments:?}: {err}");
    }
    assert_eq!(add(&["google", "--client-id", "c", "--public"]).0, Some(0));
    let (code, err) = add(&["google", "--client-id", "c", "--public"]);
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("to change it: authd provider set google"), "{err}");
    let set = ["--set", "providers.github.client_id=c"];
    let (_, err) = add(&[&["github", "--client-id", "c", "--public"], &set[..]].concat());
    assert!(err.contains("the configuration has it: change it there"), "{err}");
    let (code, err) = add(&["google", "--client-id", "c"]);
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("AUTHD_PROVIDER_KEY") && err.contains("--public"), "{err}");
}

#[test]
fn the_secret_comes_from_a_file_or_the_environment_too() {
    let folder = Folder::new();
    folder.write("secret.txt", "hush\n");
    let of_file = ["provider", "add", "google", "--client-id", "c", "--key-file", "secret.txt"];
    assert_eq!(folder.run(&of_file).code, Some(0));
    let mut command = folder.authd(&["provider", "add", "github", "--client-id", "c"]);
    let ran = ran(command.env("AUTHD_PROVIDER_KEY", "hush").spawn().unwrap());
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let listed = folder.run(&["provider", "list", "--json"]).json();
    let keys: Vec<_> = listed.as_array().unwrap().iter().map(|row| &row["key"]).collect();
    assert_eq!(keys, ["client secret", "client secret"]);
}

#[test]
fn a_setting_or_the_secret_is_changed_and_the_rest_stays() {
    let folder = Folder::new();
    let page = "https://app.example.com/callback";
    let add = ["provider", "add", "google", "--client-id", "c-1", "--label", "Search"];
    let added = [&add[..], &["--redirect-uri", page, "--keep-tokens", "--key-stdin"]].concat();
    assert_eq!(folder.run_with_input(&added, "hush").code, Some(0));
    let set = |arguments: &[&str]| {
        let fixed = ["provider", "set", "google", "--json"];
        folder.run_with_input(&[&fixed, arguments].concat(), "another hush")
    };
    for spelling in ["keep-tokens", "keep_tokens"] {
        assert_eq!(set(&["--keep-tokens"]).json()["keepTokens"], true);
        assert_eq!(set(&["--unset", spelling]).json()["keepTokens"], false);
    }
    for spelling in ["redirect-uris", "redirect_uris"] {
        assert_eq!(
            set(&["--redirect-uri", page]).json()["redirectUris"],
            serde_json::json!([page])
        );
        assert_eq!(set(&["--unset", spelling]).json()["redirectUris"], serde_json::json!([]));
    }
    set(&["--redirect-uri", page]);
    let changed = set(&["--unset", "label", "--keep-tokens=false", "--scope", "calendar"]);
    let json = changed.json();
    assert_eq!((&json["label"], &json["clientId"]), (&"Google".into(), &"c-1".into()));
    assert_eq!((&json["keepTokens"], &json["key"]), (&false.into(), &"client secret".into()));
    assert_eq!(json["redirectUris"], serde_json::json!([page]));
    assert!(json["scopes"].to_string().contains("calendar"), "{json}");
    let rotated = set(&["--key-stdin"]);
    assert_eq!((rotated.code, &rotated.json()["key"]), (Some(0), &"client secret".into()));
    assert!(!rotated.out.contains("hush") && !rotated.err.contains("hush"), "{}", rotated.err);
    assert_eq!(set(&["--public"]).json()["key"], "none");
    let mut by_variable = folder.authd(&["provider", "set", "google", "--new-key", "--json"]);
    let by_variable = ran(by_variable.env("AUTHD_PROVIDER_KEY", "hush").spawn().unwrap());
    assert_eq!(by_variable.json()["key"], "client secret", "{}", by_variable.err);
    // The variable alone changes nothing: it may be of another provider.
    let mut alone = folder.authd(&["provider", "set", "google"]);
    assert_eq!(ran(alone.env("AUTHD_PROVIDER_KEY", "hush").spawn().unwrap()).code, Some(2));

    assert_eq!(set(&[]).code, Some(2));
    let refused = set(&["--unset", "client-id"]);
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    let refused = set(&["--redirect-uri", "ftp://x"]);
    assert!(refused.err.contains("--redirect-uri: "), "{}", refused.err);
    assert_eq!(folder.run(&["provider", "set", "other", "--label", "x"]).code, Some(1));
    let events = folder.run(&["audit", "--event", "provider_changed", "--json"]).json();
    assert_eq!(events.as_array().unwrap().len(), 13, "{events}");
}

#[test]
fn a_page_that_takes_the_answers_of_two_providers_is_warned_of() {
    let folder = Folder::new();
    let add = |name: &str| {
        let fixed = ["provider", "add", name, "--client-id", "c", "--public"];
        folder.run(&[&fixed[..], &["--redirect-uri", "https://app.example.com/back"]].concat())
    };
    assert!(!add("google").err.contains("RFC 9207"));
    let second = add("github");
    assert!(second.err.contains("takes the answers of google too"), "{}", second.err);
}

#[test]
fn a_second_name_for_one_client_is_warned_of() {
    let folder = Folder::new();
    let add = |name: &str, client: &str| {
        folder.run(&[
            "provider",
            "add",
            name,
            "--preset",
            "google",
            "--client-id",
            client,
            "--public",
        ])
    };
    assert!(!add("one", "c").err.contains("same client"));
    assert!(!add("two", "d").err.contains("same client"));
    let third = add("three", "c");
    assert!(
        third.err.contains("one is the same client of https://accounts.google.com"),
        "{}",
        third.err
    );
    let check = folder.run(&["config", "check", "--json"]).json();
    let found = check["findings"].as_array().unwrap().iter();
    let found: Vec<_> =
        found.filter(|one| one["message"].to_string().contains("same client")).collect();
    assert_eq!(found.len(), 1, "{check}");
}

#[test]
fn an_address_to_register_that_is_one_of_this_machine_is_warned_of() {
    let folder = Folder::new();
    let add = ["provider", "add", "google", "--client-id", "c", "--public"];
    let here = folder.run(&add);
    let address = "http://localhost:3000/sign-in/provider/google/callback";
    assert!(
        here.err.contains(address) && here.err.contains("server.public_url is not set"),
        "{}",
        here.err
    );
    let set = ["--set", "server.public_url=https://id.example.com"];
    let there = folder.run(&[&["provider", "show", "google"], &set[..]].concat());
    assert!(
        there.out.contains("https://id.example.com/sign-in/provider/google/callback"),
        "{}",
        there.out
    );
    assert!(!there.err.contains("address to register"), "{}", there.err);
}

/// Nothing listens at this port.
#[test]
fn a_provider_that_refuses_connections_is_told_from_one_that_is_not_allowed() {
    let folder = Folder::new();
    let port = ReservedPort::new();
    let added = add(&folder, &format!("http://127.0.0.1:{}", port.number()));
    assert_eq!(added.code, Some(0), "{}", added.err);
    let test =
        |set: &[&str]| folder.run(&[&["provider", "test", "acme", "--no-login"], set].concat());
    let refused = test(&ALLOW);
    assert!(refused.err.contains("authd permits the request"), "{}", refused.err);
    assert!(!refused.err.contains("outbound.allow"), "{}", refused.err);
    let forbidden = test(&[]);
    assert!(forbidden.err.contains("has to be in outbound.allow"), "{}", forbidden.err);
}

#[test]
fn a_running_server_offers_it_at_once_and_the_configuration_comes_first() {
    let folder = process::Folder::new();
    let server = folder.serve(&[]);
    let offered = || server.get("/v1/auth/providers").unwrap().body["data"].clone();
    assert_eq!(offered(), serde_json::json!([]));
    let json = |arguments: &[&str]| {
        let ran = folder.run(arguments);
        serde_json::from_str::<Value>(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err))
    };
    json(&["provider", "add", "google", "--client-id", "c", "--public", "--json"]);
    assert_eq!(offered()[0]["name"], "google");
    let set = ["--set", "providers.google.client_id=other", "--json"];
    let listed = json(&[&["provider", "list"], &set[..]].concat());
    assert_eq!(
        (&listed[0]["origin"], &listed[0]["inForce"]),
        (&"configuration".into(), &true.into())
    );
    assert_eq!((&listed[1]["origin"], &listed[1]["inForce"]), (&"database".into(), &false.into()));
    let check = json(&[&["config", "check"], &set[..]].concat());
    let findings = check["findings"].as_array().unwrap();
    let is_said = |finding: &&Value| {
        finding["key"] == "providers.google"
            && finding["message"].as_str().unwrap().contains("database")
    };
    assert!(findings.iter().any(|finding| is_said(&finding)), "{check}");
    assert_eq!(server.end(), Some(0));
}

/// Runs `provider test`, logs in at the address that it prints, and pastes what `answer` makes of the
/// provider's answer.
fn test_with(
    folder: &Folder,
    provider: &FakeProvider,
    claims: &Value,
    answer: impl Fn(&str, &str) -> String,
) -> Ran {
    let mut child = folder
        .authd(&[&["provider", "test", "acme"], &ALLOW[..]].concat())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut seen = String::new();
    let url = loop {
        let mut line = String::new();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "{seen}");
        seen.push_str(&line);
        if let Some(url) = line.trim().strip_prefix("open") {
            break url.trim().to_owned();
        }
    };
    let came = provider.log_in(&url, claims);
    let pasted = answer(came["code"].as_str().unwrap(), came["state"].as_str().unwrap());
    let mut input = child.stdin.take().unwrap();
    input.write_all(format!("{pasted}\n").as_bytes()).unwrap();
    drop(input);
    out.read_to_string(&mut seen).unwrap();
    let mut ran = ran(child);
    ran.out = seen;
    ran
}

/// Runs commands in a folder with one provider in the database, whose redirect address is given too.
async fn with_provider(work: impl FnOnce(&Folder, &FakeProvider, &str) + Send + 'static) {
    let provider = FakeProvider::start().await;
    #[allow(
        clippy::disallowed_methods,
        reason = "the program that is tested has the system's clock"
    )]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    provider.script(|script| script.now = i64::try_from(now).unwrap());
    let commands = tokio::task::spawn_blocking(move || {
        let folder = Folder::new();
        let added = add(&folder, &provider.issuer);
        assert_eq!(added.code, Some(0), "{}", added.err);
        work(&folder, &provider, added.json()["redirectAddress"].as_str().unwrap());
    });
    commands.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_prints_each_step_what_came_and_what_a_login_would_do() {
    with_provider(|folder, provider, address| {
        let back = |code: &str, state: &str| format!("{address}?code={code}&state={state}");
        let claims = verified("s-1", "ada@example.com");
        let tested = test_with(folder, provider, &claims, back);
        assert_eq!(tested.code, Some(0), "{}{}", tested.out, tested.err);
        for line in [
            &*format!("ok      discovery  {}", provider.issuer),
            "ok      keys       1 key that can check ID tokens",
            &*format!("register   at the provider: {address}"),
            "ok      login      the provider's answer is genuine",
            "subject    s-1",
            "address    ada@example.com, proved by the claim email_verified",
            "name       Ada Lovelace",
            "claim      email_verified: true",
            "a login    would create an account with ada@example.com",
        ] {
            assert!(tested.out.contains(line), "no {line:?} in\n{}", tested.out);
        }
        let text = format!("{}{}", tested.out, tested.err);
        assert!(!text.contains(SECRET), "{text}");
        // Nothing was done.
        assert_eq!(folder.run(&["user", "list", "--json"]).json(), serde_json::json!([]));

        // Who holds the address decides.
        let create =
            ["user", "create", "--email", "ada@example.com", "--verified", "--password-stdin"];
        assert_eq!(folder.run_with_input(&create, PASSWORD).code, Some(0));
        let tested = test_with(folder, provider, &claims, back);
        assert!(
            tested.out.contains("would ask for the login of ada@example.com"),
            "{}",
            tested.out
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_names_the_step_that_fails_and_what_to_look_at() {
    with_provider(|folder, provider, address| {
        let back = |code: &str, state: &str| format!("{address}?code={code}&state={state}");
        let claims = verified("s-1", "ada@example.com");
        let foreign = |code: &str, _: &str| format!("{address}?code={code}&state=other");
        let tested = test_with(folder, provider, &claims, foreign);
        assert_eq!(tested.code, Some(1));
        assert!(tested.out.contains("FAILED  login"), "{}", tested.out);
        let denied = |_: &str, state: &str| {
            format!("{address}?error=access_denied&error_description=No+way&state={state}")
        };
        let tested = test_with(folder, provider, &claims, denied);
        assert_eq!(tested.code, Some(1));
        assert!(tested.out.contains("access_denied: No way"), "{}", tested.out);
        provider.script(|script| script.claims = serde_json::json!({ "aud": "another" }));
        let tested = test_with(folder, provider, &claims, back);
        assert_eq!(tested.code, Some(1));
        assert!(
            tested.out.contains("FAILED  id token   it was issued to another client"),
            "{}",
            tested.out
        );
        assert!(tested.err.contains("hint:") && tested.err.contains("client ID"), "{}", tested.err);

        let without = [&["provider", "test", "acme", "--no-login", "--json"], &ALLOW[..]].concat();
        let checked = folder.run(&without);
        assert_eq!(
            (checked.code, &checked.json()["ok"]),
            (Some(0), &true.into()),
            "{}",
            checked.err
        );
        provider.script(|script| {
            script.discovery = serde_json::json!({ "issuer": "https://evil.example" });
        });
        let checked = folder.run(&without);
        assert_eq!((checked.code, &checked.json()["ok"]), (Some(1), &false.into()));
        assert!(checked.err.contains("hint: check the issuer, exactly as"), "{}", checked.err);
        let nothing = folder.run(&[&["provider", "test", "other"], &ALLOW[..]].concat());
        assert_eq!(nothing.code, Some(1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_by_a_device_shows_a_code_and_what_the_login_would_do() {
    with_provider(|folder, provider, _| {
        let arguments = [&["provider", "test", "acme", "--device"], &ALLOW[..]].concat();
        let without = folder.run(&arguments);
        assert_eq!(without.code, Some(1));
        assert!(without.out.contains("FAILED  device"), "{}", without.out);
        provider.script(|script| {
            let endpoint = format!("{}/device", provider.issuer);
            script.discovery = serde_json::json!({ "device_authorization_endpoint": endpoint });
            let pending = serde_json::json!({ "error": "authorization_pending" });
            script.device = vec![pending, verified("s-1", "ada@example.com")];
        });
        let tested = folder.run(&arguments);
        assert_eq!(tested.code, Some(0), "{}{}", tested.out, tested.err);
        for word in ["WDJB-MJHT", "/activate", "claim      sub: s-1", "would create an account"] {
            assert!(tested.out.contains(word), "{word}: {}", tested.out);
        }
        provider.script(|script| {
            script.device = vec![serde_json::json!({ "error": "access_denied" })];
        });
        let denied = folder.run(&[&arguments[..], &["--json"]].concat());
        assert_eq!((denied.code, &denied.json()["ok"]), (Some(1), &false.into()));
        // A token that answers another request is none of this login.
        provider.script(|script| {
            script.device = vec![serde_json::json!({ "sub": "s-1", "nonce": "of another" })];
        });
        assert!(folder.run(&arguments).out.contains("FAILED  id token"));
    })
    .await;
}
