//! An administrator's rights are checked again in the write, not only before it.

use authd::error::{Detail, Kind, Result};
use authd::identity::access::actor::{Demand, Locality, ProofAge};
use authd::identity::access::version::{AccountVersion, StatedVersions};
use authd::identity::access::{api_client as apps, caller};
use authd::identity::account::quota;
use authd::identity::admin::accounts::RoleChange;
use authd::identity::admin::changes::Changes;
use authd::identity::admin::{accounts, changes, messages, roles};
use authd::identity::audit::log::{AuditExport, AuditFilter};
use authd::identity::system::key;
use authd::identity::{Actor, By, FreshBy, factor};
use authd::model::app::ApiClientKind as AppKind;
use authd::model::{AccountId, Permission, Source};
use authd::token::{Begin, Old, Rotation};
use serde_json::json;

use super::{make, staff};
use crate::support::{App, app};

const ROTATION: Rotation = Rotation { begin: Begin::AtOnce, old: Old::Die };

/// An administrator who passed the first check for this permission.
async fn let_in(app: &App, token: &str, any_of: &'static [Permission]) -> By {
    let caller = caller::authenticate(&app.core, token).await.unwrap();
    let source = Source::command_line();
    let demand = Demand { any_of, proof: ProofAge::Fresh };
    let admin = caller.require(&app.core, demand, Locality::Local, &source).await.unwrap();
    By { actor: Actor::Admin(admin), source }
}

async fn whole_audit(app: &App) -> usize {
    app.audit().await.len()
}

/// The result of each operation after the first check.
async fn everything(
    app: &App,
    doors: &[By],
    target: &str,
    letter: &str,
) -> Vec<(&'static str, Result<()>)> {
    let core = &app.core;
    let [keys, mail, app_door, role, users, audit] = doors else { panic!("six doors") };
    let change = quota::Change { limit: Some(Some(3)), uploaded: None };
    let id = AccountId::new(target);
    vec![
        ("mail", messages::retry(core, mail, letter).await.map(drop)),
        ("apps", apps::create(core, app_door, "Website", AppKind::Client).await.map(drop)),
        (
            "roles",
            roles::create(core, role, "support", vec!["admin.stats".to_owned()]).await.map(drop),
        ),
        ("quota", quota::change(core, users, &id, change).await.map(drop)),
        ("suspend", accounts::suspend(core, users, target).await.map(drop)),
        ("export", AuditExport::begin(core, audit, AuditFilter::default()).await.map(drop)),
        // It also ends the administrator's own session.
        (
            "keys",
            key::rotate(core, &FreshBy::check(keys.clone()).unwrap(), ROTATION).await.map(drop),
        ),
    ]
}

async fn six_doors(app: &App, token: &str) -> Vec<By> {
    let mut doors = Vec::new();
    for any_of in [
        &[Permission::Keys],
        &[Permission::Mail],
        &[Permission::Apps],
        &[Permission::Roles],
        &[Permission::UsersWrite],
        &[Permission::Audit],
    ] {
        doors.push(let_in(app, token, any_of).await);
    }
    doors
}

#[tokio::test]
async fn who_is_demoted_or_logged_out_after_the_door_is_refused_in_the_write() {
    let app = app().await;
    make(&app, "root", &["admin"]).await;
    let target = make(&app, "ada", &[]).await;
    app.post("/v1/auth/forgot-password", &json!({ "email": "ada@example.com" })).send().await;
    let letter = app
        .core
        .store
        .scan(|db| authd::store::tables::outbox::list(db, None, None, 1))
        .await
        .unwrap()
        .remove(0);
    for (name, expected) in [("second", Kind::Forbidden), ("third", Kind::SessionEnded)] {
        let (id, token) = staff(&app, name, &["admin"]).await;
        let doors = six_doors(&app, &token).await;
        if expected == Kind::Forbidden {
            let by = By::command_line();
            accounts::change_role(&app.core, &by, &id, "admin", RoleChange::Take).await.unwrap();
        } else {
            app.post("/v1/auth/logout", &json!({})).bearer(&token).send().await;
        }
        let (before, signer) = (whole_audit(&app).await, app.core.tokens.signer());
        for (operation, ended) in everything(&app, &doors, &target, &letter.id).await {
            assert_eq!(ended.map_err(|error| error.kind()), Err(expected), "{operation}");
        }
        assert_eq!(
            (whole_audit(&app).await, app.core.tokens.signer()),
            (before, signer),
            "and nothing has changed"
        );
    }
    let (_, token) = staff(&app, "fourth", &["admin"]).await;
    let doors = six_doors(&app, &token).await;
    for (operation, ended) in everything(&app, &doors, &target, &letter.id).await {
        assert!(ended.is_ok(), "{operation}: {ended:?}");
    }
}

#[tokio::test]
async fn a_letter_that_may_not_be_tried_again_stays_as_it_is() {
    let app = app().await;
    let (id, token) = staff(&app, "root", &["admin"]).await;
    make(&app, "second", &["admin"]).await;
    app.join("ada").await;
    let delivered = app
        .core
        .store
        .scan(|db| authd::store::tables::outbox::list(db, None, None, 1))
        .await
        .unwrap()
        .remove(0);
    app.post("/v1/auth/forgot-password", &json!({ "email": "ada@example.com" })).send().await;
    let read = || app.core.store.scan(|db| authd::store::tables::outbox::list(db, None, None, 1));
    let waiting = read().await.unwrap().remove(0);
    app.turn_clock(std::time::Duration::from_secs(5));
    let by = let_in(&app, &token, &[Permission::Mail]).await;
    assert_eq!(
        messages::retry(&app.core, &by, &delivered.id).await.unwrap_err().kind(),
        Kind::Validation
    );
    assert_eq!(
        messages::retry(&app.core, &by, "nothing").await.unwrap_err().kind(),
        Kind::NotFound
    );
    assert!(!app.audit().await.iter().any(|line| line.starts_with("mail_retried")));
    accounts::change_role(&app.core, &By::command_line(), &id, "admin", RoleChange::Take)
        .await
        .unwrap();
    assert_eq!(
        messages::retry(&app.core, &by, &waiting.id).await.unwrap_err().kind(),
        Kind::Forbidden
    );
    assert_eq!(
        read().await.unwrap().remove(0).next_at,
        waiting.next_at,
        "refused is not done all the same"
    );
    let retried = messages::retry(&app.core, &By::command_line(), &waiting.id).await.unwrap();
    assert!(retried.next_at > waiting.next_at);
    let recorded: Vec<String> =
        app.audit().await.into_iter().filter(|line| line.starts_with("mail_retried")).collect();
    assert_eq!(recorded, [format!("mail_retried done {}", waiting.id)], "on the command line too");
}

/// Whatever is done to an account that another administrator has changed meanwhile, the write itself
/// refuses it.
#[tokio::test]
async fn an_account_that_has_changed_since_it_was_seen_stays_as_it_is() {
    let app = app().await;
    let ada = make(&app, "ada", &[]).await;
    let (_, token) = staff(&app, "root", &["admin"]).await;
    let by = let_in(&app, &token, &[Permission::UsersWrite]).await;
    let found = accounts::find(&app.core, &ada).await.unwrap();
    let version = AccountVersion::of(&found.account, &found.roles);
    let seen = StatedVersions::any_of([version.as_str()]);
    accounts::change_role(&app.core, &By::command_line(), &ada, "moderator", RoleChange::Give)
        .await
        .unwrap();
    let Actor::Admin(admin) = by.actor else { panic!("an administrator") };
    let stale = By { actor: Actor::Admin(admin.seeing(Some(seen))), source: by.source };
    let fresh = FreshBy::check(stale.clone()).unwrap();
    let (core, id) = (&app.core, AccountId::new(&ada));
    let change = quota::Change { limit: Some(Some(3)), uploaded: None };
    let before = whole_audit(&app).await;
    for (name, done) in [
        ("update", changes::update(core, &stale, &ada, Changes::default()).await.map(drop)),
        ("suspend", accounts::suspend(core, &stale, &ada).await.map(drop)),
        ("sessions", changes::end_sessions(core, &stale, &ada).await.map(drop)),
        ("reset", changes::send_reset(core, &stale, &ada).await.map(drop)),
        ("quota", quota::change(core, &stale, &id, change).await.map(drop)),
        ("factors", factor::reset_all(core, &fresh, &id).await.map(drop)),
        ("delete", accounts::delete(core, &fresh, &ada).await.map(drop)),
    ] {
        assert_eq!(done.unwrap_err().detail(), Some(&Detail::AccountChanged), "{name}");
    }
    assert_eq!(whole_audit(&app).await, before);
}
