//! Keys across restarts, configuration changes and rotations.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::{SHARED, part, refusal};
use crate::config::{self, Algorithm};
use crate::env::Env;
use crate::error::Kind;
use crate::model::secret::encode;
use crate::model::{Database, Secret, Time};
use crate::seal::MasterKey;
use crate::store::ProcessRole;
use crate::store::Store;
use crate::store::tables::keys as rows;
use crate::token::Tokens;
use crate::token::fixture::{ISSUER, Instance, START, grant, token};
use crate::token::mint::Mint;
use crate::token::refresh::RefreshToken;

#[test]
fn keys_and_tokens_survive_a_restart() {
    for mut instance in [
        Instance::new(Algorithm::Es256),
        Instance::new(Algorithm::Hs256),
        Instance::with_secret(SHARED),
    ] {
        let first = instance.start();
        let made = token(&first).token;
        let refresh =
            RefreshToken::first(&first.ring().refresh, &instance.env, &grant().session).unwrap();
        let text = refresh.to_text(&first.ring().refresh).unwrap();
        let second = instance.start();
        assert!(second.verify(&made).is_ok());
        assert_eq!(part(&token(&second).token, 0)["kid"], part(&made, 0)["kid"]);
        assert!(RefreshToken::parse(&second.ring().refresh, &text).is_ok());
        assert_eq!(rows::signing_keys(&mut instance.db).unwrap().len(), 1);
        assert_eq!(rows::epoch(&mut instance.db).unwrap(), 1);
    }
}

#[test]
fn another_master_key_is_an_error_and_never_a_reason_for_new_keys() {
    let mut instance = Instance::new(Algorithm::Es256);
    instance.start();
    let right =
        std::mem::replace(&mut instance.master, MasterKey::parse(&"b2".repeat(32)).unwrap());
    assert!(instance.try_start().is_err());
    assert_eq!(rows::signing_keys(&mut instance.db).unwrap().len(), 1);
    instance.master = right;
    assert!(instance.try_start().is_ok());
}

#[test]
fn no_private_key_and_no_secret_is_stored_in_the_clear() {
    let mut instance = Instance::with_secret(SHARED);
    instance.start();
    let key = rows::signing_keys(&mut instance.db).unwrap().remove(0);
    assert!(!key.sealed.windows(8).any(|part| part == &SHARED.as_bytes()[..8]));
    assert_eq!(key.public, None);
    assert!(!key.id.contains(&encode(&crate::model::secret::digest(SHARED.as_bytes()))[..8]));
}

#[test]
fn after_a_change_of_algorithm_old_tokens_live_until_they_expire_and_new_ones_are_of_the_new() {
    let mut instance = Instance::new(Algorithm::Es256);
    let old = token(&instance.start()).token;
    instance.config.algorithm = Algorithm::Hs256;
    let mint = instance.start();
    assert!(mint.verify(&old).is_ok());
    assert_eq!(part(&token(&mint).token, 0)["alg"], "HS256");
    let kid = part(&old, 0)["kid"].as_str().unwrap().to_owned();
    instance.set_clock(START + 900 + 59);
    assert!(mint.ring().find(&kid, instance.env.now()).is_some());
    assert_eq!(refusal(mint.verify(&old)), Kind::TokenExpired);
    instance.set_clock(START + 900 + 60);
    assert!(mint.ring().find(&kid, instance.env.now()).is_none());
    assert_eq!(mint.ring().jwks(instance.env.now()), json!({ "keys": [] }));
    instance.config.algorithm = Algorithm::Es256;
    let back = instance.start();
    assert_ne!(part(&token(&back).token, 0)["kid"], kid);
}

#[test]
fn another_secret_takes_over_at_once_and_one_that_returns_is_the_same_key() {
    let mut instance = Instance::with_secret(SHARED);
    let old = token(&instance.start()).token;
    instance.config.secret = Some(Secret::new("99aa0e3c5b7d42f18866d0c1b2e4f357"));
    instance.set_clock(START + 5);
    let mint = instance.start();
    let new = token(&mint).token;
    assert_ne!(part(&old, 0)["kid"], part(&new, 0)["kid"]);
    assert!(mint.verify(&old).is_ok());
    instance.set_clock(START + 10);
    instance.config.secret = Some(Secret::new(SHARED));
    assert_eq!(part(&token(&instance.start()).token, 0)["kid"], part(&old, 0)["kid"]);
    instance.config.secret = None;
    instance.set_clock(START + 15);
    let own = token(&instance.start()).token;
    assert!(part(&own, 0)["kid"].as_str().unwrap().starts_with("hs256-"));
}

#[test]
fn a_revoked_secret_does_not_come_back() {
    let mut instance = Instance::with_secret(SHARED);
    instance.start();
    instance.config.algorithm = Algorithm::Es256;
    instance.config.secret = None;
    instance.set_clock(START + 5);
    instance.start();
    let now = Time::from_seconds(START + 10);
    assert!(rows::revoke_signing_keys(&mut instance.db, "another", now).unwrap() > 0);
    instance.config.algorithm = Algorithm::Hs256;
    instance.config.secret = Some(Secret::new(SHARED));
    instance.set_clock(START + 15);
    let Err(error) = instance.try_start() else { panic!("a revoked secret is in force") };
    assert!(error.message().contains("was revoked"), "{error}");
}

/// Stores another key of the same algorithm, as a rotation does: it is published immediately and
/// signs later.
fn rotate(instance: &mut Instance, signs_from: i64) {
    let mut other = Instance::new(instance.config.algorithm);
    other.start();
    let mut key = rows::signing_keys(&mut other.db).unwrap().remove(0);
    key.signs_from = Time::from_seconds(signs_from);
    let ends = key.signs_from + instance.config.access + Duration::from_mins(1);
    rows::put_signing_key(&mut instance.db, &key).unwrap();
    rows::supersede_signing_keys(&mut instance.db, &key.id, ends).unwrap();
    rows::raise_epoch(&mut instance.db).unwrap();
}

#[test]
fn a_new_key_is_published_before_it_signs_and_the_old_one_stays_until_its_last_token_is_dead() {
    let mut instance = Instance::new(Algorithm::Es256);
    let mint = instance.start();
    let first = token(&mint).token;
    mint.verify(&first).unwrap();
    rotate(&mut instance, START + 600);
    mint.replace(instance.ring().unwrap());
    let kid = |token: &str| part(token, 0)["kid"].clone();
    let published = |mint: &Mint, at: i64| {
        mint.ring().jwks(Time::from_seconds(at))["keys"].as_array().unwrap().len()
    };
    assert_eq!(kid(&token(&mint).token), kid(&first));
    assert_eq!(published(&mint, START), 2);
    instance.set_clock(START + 599);
    let last = token(&mint).token;
    assert_eq!(kid(&last), kid(&first));
    instance.set_clock(START + 600);
    assert_ne!(kid(&token(&mint).token), kid(&first));
    instance.set_clock(START + 599 + 899);
    assert!(mint.verify(&last).is_ok());
    assert_eq!(published(&mint, START + 600 + 959), 2);
    assert_eq!(published(&mint, START + 600 + 960), 1);
}

#[test]
fn a_token_whose_key_was_revoked_is_refused_though_it_was_remembered() {
    let mut instance = Instance::new(Algorithm::Es256);
    let mint = instance.start();
    let made = token(&mint).token;
    mint.verify(&made).unwrap();
    rotate(&mut instance, START);
    let new = instance.ring().unwrap().signer(Time::from_seconds(START)).unwrap().kid.to_string();
    rows::revoke_signing_keys(&mut instance.db, &new, Time::from_seconds(START + 7200)).unwrap();
    mint.replace(instance.ring().unwrap());
    assert_eq!(refusal(mint.verify(&made)), Kind::TokenInvalid);
    assert!(mint.verify(&token(&mint).token).is_ok());
}

#[test]
fn of_two_that_make_the_first_key_at_once_one_is_kept() {
    let mut instance = Instance::new(Algorithm::Es256);
    let empty = instance.ring().unwrap();
    let make = |instance: &Instance| {
        empty.make_missing(&instance.config, &instance.master, &instance.env).unwrap()
    };
    let (one, two) = (make(&instance), make(&instance));
    let access = instance.config.access;
    one.store(&mut instance.db, access).unwrap();
    two.store(&mut instance.db, access).unwrap();
    let keys = rows::signing_keys(&mut instance.db).unwrap();
    assert_eq!((keys.len(), keys[0].verifies_until), (1, None));
    assert_eq!(rows::refresh_keys(&mut instance.db).unwrap().len(), 1);
    assert!(instance.ring().is_ok());
}

#[test]
fn a_key_moved_to_another_row_is_refused() {
    let mut instance = Instance::new(Algorithm::Es256);
    instance.start();
    let mut key = rows::signing_keys(&mut instance.db).unwrap().remove(0);
    key.id = "es256-moved".to_owned();
    rows::put_signing_key(&mut instance.db, &key).unwrap();
    assert!(instance.try_start().is_err());
}

fn store_at(path: &Path, role: ProcessRole, env: &Env) -> Store {
    Store::open(&Database::File(path.to_owned()), role, env).unwrap()
}

/// A server on a database file, or a command next to it.
async fn open(
    path: &Path,
    role: ProcessRole,
    config: &config::TokensConfig,
    instance: &Instance,
) -> Tokens {
    let (master, env) = (&instance.master, &instance.env);
    let store = store_at(path, role, env);
    match role {
        ProcessRole::Server => Tokens::open(config, ISSUER, &store, master, env).await,
        ProcessRole::Command => Tokens::open_stored(config, ISSUER, &store, master, env).await,
    }
    .unwrap()
}

#[tokio::test]
async fn a_server_makes_its_keys_once_and_finds_them_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authd.db");
    let instance = Instance::new(Algorithm::Es256);
    let first = open(&path, ProcessRole::Server, &instance.config, &instance).await;
    let made = first.sign(&grant()).unwrap();
    assert_eq!(first.made(), part(&made.token, 0)["kid"].as_str());
    assert_eq!((first.epoch(), first.jwks()["keys"].as_array().unwrap().len()), (1, 1));
    drop(first);
    let second = open(&path, ProcessRole::Server, &instance.config, &instance).await;
    assert_eq!((second.made(), second.epoch()), (None, 1));
    assert!(second.verify(&made.token).is_ok());
}

#[tokio::test]
async fn a_command_with_another_configuration_leaves_the_servers_key_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authd.db");
    let instance = Instance::new(Algorithm::Es256);
    let server = open(&path, ProcessRole::Server, &instance.config, &instance).await;
    let made = server.sign(&grant()).unwrap();
    let other = config::TokensConfig { algorithm: Algorithm::Hs256, ..instance.config.clone() };
    let command = open(&path, ProcessRole::Command, &other, &instance).await;
    assert_eq!((command.made(), command.epoch()), (None, 1));
    assert!(command.verify(&made.token).is_ok());
    assert_eq!(refusal(command.sign(&grant())), Kind::Internal);
}

#[tokio::test]
async fn servers_with_two_configurations_agree_on_one_key() {
    let other_secret = Instance::with_secret("b8d7e4a0c6f1953e2a7d0b9c8e5f4a31").config;
    let algorithm = |algorithm| Instance::new(algorithm).config;
    for (old, new) in [
        (algorithm(Algorithm::Es256), algorithm(Algorithm::EdDsa)),
        (algorithm(Algorithm::EdDsa), Instance::with_secret(SHARED).config),
        (Instance::with_secret(SHARED).config, other_secret),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let instance = Instance::new(old.algorithm);
        let store = store_at(&folder.path().join("authd.db"), ProcessRole::Server, &instance.env);
        let open = async |config: &config::TokensConfig| {
            Tokens::open(config, ISSUER, &store, &instance.master, &instance.env).await.unwrap()
        };
        // One server is started again with the new configuration, the other one still has the old one.
        let (before, after) = (open(&old).await, open(&new).await);
        for _ in 0..5 {
            for one in [&before, &after] {
                one.reload(std::future::ready(Ok(()))).await.unwrap();
            }
        }
        let keys = store.read(|db| rows::signing_keys(db)).await.unwrap();
        assert_eq!((keys.len(), before.epoch(), after.epoch()), (2, 2, 2), "{:?}", new.algorithm);
        let kid = after.signer();
        for (one, other) in [(&before, &after), (&after, &before)] {
            let token = one.sign(&grant()).unwrap().token;
            assert_eq!(part(&token, 0)["kid"].as_str(), kid.as_deref());
            assert!(other.verify(&token).is_ok());
        }
        assert_eq!(open(&new).await.made(), None, "the last one finds the key");
    }
}

#[tokio::test]
async fn what_another_process_did_to_the_keys_holds_after_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authd.db");
    let instance = Instance::new(Algorithm::Es256);
    let server = open(&path, ProcessRole::Server, &instance.config, &instance).await;
    let made = server.sign(&grant()).unwrap().token;
    let refresh =
        RefreshToken::first(&server.refresh_keys(), &instance.env, &grant().session).unwrap();
    server.verify(&made).unwrap();
    let kid = server.made().unwrap().to_owned();
    let revoke = move |db: &mut dyn crate::store::db::Db| {
        rows::supersede_signing_keys(db, "", Time::from_seconds(START))?;
        rows::raise_epoch(db)
    };
    store_at(&path, ProcessRole::Command, &instance.env).write(revoke).await.unwrap();
    assert!(server.verify(&made).is_ok(), "not yet seen");
    let all: Vec<_> = (0..8)
        .map(|_| server.clone())
        .map(|one| tokio::spawn(async move { one.reload(std::future::ready(Ok(()))).await }))
        .collect();
    for one in all {
        one.await.unwrap().unwrap();
    }
    assert_eq!(refusal(server.verify(&made)), Kind::TokenInvalid);
    let next = server.sign(&grant()).unwrap().token;
    assert_ne!(part(&next, 0)["kid"], kid.as_str());
    assert!(server.verify(&next).is_ok());
    assert_eq!(server.epoch(), 3);
    assert!(refresh.to_text(&server.refresh_keys()).is_ok());
}

#[tokio::test]
async fn what_else_the_epoch_stands_for_is_read_after_it_and_in_force_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let instance = Instance::new(Algorithm::EdDsa);
    let path = folder.path().join("authd.db");
    let server = open(&path, ProcessRole::Server, &instance.config, &instance).await;
    let writer = store_at(&path, ProcessRole::Command, &instance.env);
    let change = async || writer.write(|db| rows::raise_epoch(db)).await.unwrap();
    let before = server.epoch();
    let first = change().await;
    let mut during = None;
    let others = async {
        // The second writer comes while the first change is being loaded.
        change().await;
        during = Some(server.epoch());
        Ok(())
    };
    server.reload(others).await.unwrap();
    assert_eq!((during, server.epoch()), (Some(before), first), "the second one is not yet seen");
    server.reload(std::future::ready(Ok(()))).await.unwrap();
    assert_eq!(server.epoch(), first + 1);
}

#[tokio::test]
async fn a_weak_secret_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let instance = Instance::with_secret("changeme");
    let path = folder.path().join("authd.db");
    let store = store_at(&path, ProcessRole::Server, &instance.env);
    let opened =
        Tokens::open(&instance.config, ISSUER, &store, &instance.master, &instance.env).await;
    let error = opened.err().unwrap();
    assert!(error.message().starts_with("tokens.secret: expected at least 32 bytes"), "{error}");
}

#[test]
fn a_token_refused_for_its_age_is_refused_for_good_and_one_made_after_a_jump_serves_its_time() {
    let instance = &mut Instance::new(Algorithm::Es256);
    let mint = instance.start();
    let life = instance.config.access;
    let (seen, unseen) = (token(&mint).token, token(&mint).token);
    assert!(mint.verify(&seen).is_ok());
    instance.clock.advance(life);
    assert_eq!(refusal(mint.verify(&seen)), Kind::TokenExpired);
    instance.set_clock(START);
    for old in [&seen, &unseen] {
        assert_eq!(
            refusal(mint.verify(old)),
            Kind::TokenExpired,
            "even though the clock says that it is still valid"
        );
    }
    let new = token(&mint).token;
    assert!(mint.verify(&new).is_ok() && mint.verify(&new).is_ok());
    instance.clock.advance(life);
    assert_eq!(refusal(mint.verify(&new)), Kind::TokenExpired);
    instance.set_clock(START);
    assert_eq!(refusal(mint.verify(&new)), Kind::TokenExpired);
}
