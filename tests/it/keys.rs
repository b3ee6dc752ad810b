//! Key rotation under a running program: published, signing, verifying and retired keys.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use authd::error::Kind;
use authd::identity::FreshBy;
use authd::identity::access::caller;
use authd::identity::system::key;
use authd::token::{Begin, Old, Rotation};
use serde_json::json;

use crate::support::{App, PASSWORD, app, app_on, app_with};

const LATER: Rotation = Rotation { begin: Begin::AfterLead, old: Old::Expire };
const NOW: Rotation = Rotation { begin: Begin::AtOnce, old: Old::Expire };
const REVOKED: Rotation = Rotation { begin: Begin::AtOnce, old: Old::Die };
const MINUTES: fn(u64) -> Duration = Duration::from_mins;

async fn rotate(app: &App, rotation: Rotation) -> String {
    key::rotate(&app.core, &FreshBy::command_line(), rotation).await.unwrap()
}

async fn me(app: &App, access: &str) -> u16 {
    app.get("/v1/users/me").bearer(access).send().await.status.as_u16()
}

async fn refresh(app: &App, token: &str) -> (u16, String, String) {
    let answer = app.post("/v1/auth/refresh", &json!({ "refreshToken": token })).send().await;
    let text = |name: &str| answer.body["data"][name].as_str().unwrap_or("").to_owned();
    (answer.status.as_u16(), text("accessToken"), text("refreshToken"))
}

async fn published(app: &App) -> BTreeSet<String> {
    let jwks = app.get("/.well-known/jwks.json").send().await.body;
    jwks["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

fn kid(access: &str) -> String {
    jsonwebtoken::decode_header(access).unwrap().kid.unwrap()
}

#[tokio::test]
async fn a_key_rotation_invalidates_no_token() {
    let app = app().await;
    let before = app.enter("ada").await;
    let old = kid(&before.access);
    let new = rotate(&app, LATER).await;
    assert_eq!(published(&app).await, BTreeSet::from([old.clone(), new.clone()]));
    assert_eq!(kid(&app.login("ada", PASSWORD).await.tokens().access), old);
    app.turn_clock(MINUTES(10));
    let after = app.login("ada", PASSWORD).await.tokens();
    assert_eq!(kid(&after.access), new);
    assert_eq!((me(&app, &before.access).await, me(&app, &after.access).await), (200, 200));
    assert_eq!(refresh(&app, &before.refresh).await.0, 200);
    app.turn_clock(MINUTES(16));
    assert_eq!(published(&app).await, BTreeSet::from([new]));
    let log = app.audit().await;
    assert_eq!(
        log.iter().filter(|line| line.starts_with("key_made done es256-")).count(),
        2,
        "{log:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_refused_while_keys_are_rotated_under_load() {
    let app = Arc::new(
        app_with("standard", &[("limits.general", "off"), ("limits.sign_in", "off")]).await,
    );
    let start = app.enter("ada").await;
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..16 {
        let own = app.login("ada", PASSWORD).await.tokens();
        let (app, mut access, mut refresh_token) = (app.clone(), own.access, own.refresh);
        callers.spawn(async move {
            for round in 0..60 {
                assert_eq!(me(&app, &access).await, 200, "caller {number}, round {round}");
                if round % 6 == 0 {
                    let (status, next, successor) = refresh(&app, &refresh_token).await;
                    assert_eq!(status, 200, "caller {number}, round {round}");
                    (access, refresh_token) = (next, successor);
                }
                tokio::task::yield_now().await;
            }
        });
    }
    let mut rotations = 0;
    while callers.len() > 8 || rotations < 4 {
        rotate(&app, if rotations % 2 == 0 { NOW } else { LATER }).await;
        rotations += 1;
        if let Some(ended) = callers.try_join_next() {
            ended.unwrap();
        }
    }
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }
    assert_eq!(me(&app, &start.access).await, 200);
}

/// Why each session ended, sorted; nothing for an active one.
fn ended(app: &App) -> Vec<String> {
    app.database().texts("select coalesce(end_reason, '') from sessions order by 1")
}

#[tokio::test]
async fn revoking_kills_every_token_that_is_out_and_a_login_makes_good_ones() {
    let app = app().await;
    let before = app.enter("ada").await;
    assert_eq!(me(&app, &before.access).await, 200);
    app.login("ada", PASSWORD).await;
    let new = rotate(&app, REVOKED).await;
    assert_eq!(ended(&app), ["keys_revoked", "keys_revoked"]);
    assert_eq!(
        (me(&app, &before.access).await, refresh(&app, &before.refresh).await.0),
        (401, 401)
    );
    assert_eq!(published(&app).await, BTreeSet::from([new]));
    let after = app.login("ada", PASSWORD).await.tokens();
    assert_eq!((me(&app, &after.access).await, refresh(&app, &after.refresh).await.0), (200, 200));
    assert!(app.audit().await.iter().any(|line| line.starts_with("keys_revoked done es256-")));
    let sessions = app.get("/v1/users/me/sessions").bearer(&after.access).send().await.body;
    assert_eq!(sessions["data"].as_array().unwrap().len(), 1, "{sessions}");
    rotate(&app, NOW).await;
    assert_eq!(ended(&app), ["", "keys_revoked", "keys_revoked"]);
}

#[tokio::test]
async fn a_token_that_was_checked_before_its_key_was_revoked_opens_nothing_after_it() {
    let app = app().await;
    let access = app.enter("ada").await.access;
    let recognise =
        async |checked| caller::recognise(&app.core, &checked, || Ok(access.as_str())).await;
    let checked = app.core.tokens.verify(&access).unwrap();
    assert!(recognise(checked.clone()).await.is_ok());
    rotate(&app, NOW).await;
    assert!(recognise(checked.clone()).await.is_ok(), "its key still verifies");
    rotate(&app, REVOKED).await;
    assert_eq!(
        app.core.tokens.verify(&access).unwrap_err().kind(),
        Kind::TokenInvalid,
        "the keys are loaded"
    );
    assert_eq!(recognise(checked).await.unwrap_err().kind(), Kind::TokenInvalid);
}

#[tokio::test]
async fn a_refresh_token_outlives_the_rotation_of_its_key_until_its_session_ends() {
    let app = app().await;
    let first = app.enter("ada").await;
    rotate(&app, NOW).await;
    app.turn_clock(Duration::from_hours(24 * 29));
    let (status, _, next) = refresh(&app, &first.refresh).await;
    assert_eq!(status, 200);
    app.turn_clock(Duration::from_hours(24 * 29));
    authd::identity::system::cleanup::purge(&app.core).await.unwrap();
    let keys =
        app.core.store.read(|db| authd::store::tables::keys::refresh_keys(db)).await.unwrap();
    assert_eq!(keys.iter().map(|key| key.version).collect::<Vec<_>>(), [2]);
    assert_eq!(refresh(&app, &next).await.0, 200);
}

#[tokio::test]
async fn a_token_that_is_never_rotated_lasts_as_long_as_its_session() {
    let app =
        app_with("standard", &[("sessions.rotate", "never"), ("sessions.absolute", "none")]).await;
    let first = app.enter("ada").await;
    for _ in 0..4 {
        rotate(&app, NOW).await;
        app.turn_clock(Duration::from_hours(24 * 29));
        authd::identity::system::cleanup::purge(&app.core).await.unwrap();
        assert_eq!(refresh(&app, &first.refresh).await.0, 200);
    }
}

#[tokio::test]
async fn on_schedule_a_key_gets_its_successor_once() {
    let app = app_with("standard", &[("tokens.rotate_every", "30 days")]).await;
    key::rotate_if_due(&app.core).await.unwrap();
    assert_eq!(published(&app).await.len(), 1);
    app.turn_clock(Duration::from_hours(24 * 30));
    key::rotate_if_due(&app.core).await.unwrap();
    key::rotate_if_due(&app.core).await.unwrap();
    let uses = |listed: Vec<key::KeySummary>| {
        listed.into_iter().map(|key| key.used_for.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(uses(key::list(&app.core).await.unwrap()), ["next", "signing"]);
    app.turn_clock(MINUTES(10));
    assert_eq!(uses(key::list(&app.core).await.unwrap()), ["signing", "verifying"]);
    app.turn_clock(MINUTES(16));
    assert_eq!(uses(key::list(&app.core).await.unwrap()), ["signing", "ended"]);
    authd::identity::system::cleanup::purge(&app.core).await.unwrap();
    assert_eq!(key::list(&app.core).await.unwrap().len(), 1);
}

/// Runs `authd key …` next to the server.
fn run_key(app: &App, rest: &[&str]) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_authd"));
    command.args(["key"]).args(rest).args(["--json", "--set", "tokens.algorithm=EdDSA"]);
    let ran =
        command.current_dir(app.dir.path()).env_clear().stdin(Stdio::null()).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[tokio::test]
async fn keys_rotated_by_another_process_apply_at_the_next_request() {
    let app = app_with("standard", &[("tokens.algorithm", "EdDSA")]).await;
    let before = app.enter("ada").await;
    run_key(&app, &["rotate", "--revoke", "--yes"]);
    assert_eq!(me(&app, &before.access).await, 401);
}

#[tokio::test]
async fn a_login_right_after_another_process_revoked_the_keys_gets_tokens_of_the_new_ones() {
    let app = app_with("standard", &[("tokens.algorithm", "EdDSA")]).await;
    let before = app.enter("ada").await;
    for rest in [&["rotate", "--revoke", "--yes"][..], &["rotate", "--now"]] {
        run_key(&app, rest);
        let after = app.login("ada", PASSWORD).await.tokens();
        assert_ne!(kid(&after.access), kid(&before.access), "{rest:?}");
        assert_eq!(me(&app, &after.access).await, 200, "{rest:?}");
        run_key(&app, &["rotate", "--now"]);
        let (status, access, next) = refresh(&app, &after.refresh).await;
        assert_eq!((status, kid(&access) == kid(&after.access)), (200, false), "{rest:?}");
        assert_eq!((me(&app, &access).await, refresh(&app, &next).await.0), (200, 200), "{rest:?}");
    }
}

#[tokio::test]
async fn a_server_whose_clock_lags_follows_a_revocation_at_once() {
    let lag = Duration::from_hours(2);
    let now = authd::env::Env::real().wall() - lag;
    let app = app_on(&[("tokens.algorithm", "EdDSA")], now.millis(), |_| {}).await;
    let before = app.enter("ada").await;
    run_key(&app, &["rotate", "--revoke", "--yes"]);
    assert_eq!(me(&app, &before.access).await, 401);
    assert_eq!(refresh(&app, &before.refresh).await.0, 401);
    let after = app.login("ada", PASSWORD).await.tokens();
    assert_ne!(kid(&after.access), kid(&before.access), "the revoked key signs");
    assert_eq!(published(&app).await, BTreeSet::from([kid(&after.access)]));
    assert_eq!((me(&app, &after.access).await, refresh(&app, &after.refresh).await.0), (200, 200));
    let listed = key::list(&app.core).await.unwrap();
    let uses: Vec<_> =
        listed.iter().map(|key| (key.id == kid(&before.access), key.used_for)).collect();
    assert_eq!(uses, [(false, key::Use::Signing), (true, key::Use::Ended)]);
    authd::identity::system::cleanup::purge(&app.core).await.unwrap();
    assert_eq!(published(&app).await, BTreeSet::from([kid(&after.access)]));
}

#[tokio::test]
async fn a_refresh_right_after_another_process_revoked_the_keys_gets_nothing() {
    let app = app_with("standard", &[("tokens.algorithm", "EdDSA")]).await;
    let before = app.enter("ada").await;
    run_key(&app, &["rotate", "--revoke", "--yes"]);
    assert_eq!(refresh(&app, &before.refresh).await.0, 401);
    assert_eq!(me(&app, &before.access).await, 401);
}
