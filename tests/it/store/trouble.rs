//! A PostgreSQL server that gives no rights, no connection or no room, or is too old.

use super::proxy::Proxy;
use super::*;
use crate::cluster::{self, Cluster, place};

fn opened_at(url: &str) -> Store {
    Store::open(&place(url), ProcessRole::Server, &Env::real()).unwrap()
}

/// The number of the row `n`.
async fn number(store: &Store) -> Result<Option<i64>> {
    let read = store.read(|db: &mut dyn Db| {
        let row = db.first(sql!("select number from instance where name = 'n'"), &[])?;
        row.map(|mut row| row.take()).transpose()
    });
    read.await
}

fn refusal_of(url: &str) -> String {
    let opened = Store::open(&place(url), ProcessRole::Server, &Env::real());
    opened.err().expect("it should be refused").chain()
}

#[tokio::test]
async fn changes_are_refused_while_the_disk_is_full_and_none_is_half_made() {
    let Some(database) = cluster::shared("a full disk").map(Cluster::database) else { return };
    let store = opened_at(&database.url());
    store.write(keep("n", 1)).await.unwrap();
    // What the server says when a file cannot grow.
    database.texts(
        "create function no_room() returns trigger language plpgsql as $$ begin \
         raise exception using errcode = '53100', message = 'could not extend file: No space left on device'; \
         end $$; \
         create trigger no_room before insert on instance for each row execute function no_room()",
    );
    let raise_and_keep = |db: &mut dyn Db| {
        db.run(sql!("update instance set number = number + 1 where name = 'n'"), &[])?;
        keep("more", 1)(db)
    };
    for _ in 0..2 {
        let error = store.write(raise_and_keep).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable, "{error:?}");
        assert!(error.retry_delay().is_some() && error.chain().contains("No space left"));
        assert_eq!(number(&store).await.unwrap(), Some(1), "reads go on");
    }
    database.texts("drop trigger no_room on instance");
    store.write(raise_and_keep).await.unwrap();
    assert_eq!((number(&store).await.unwrap(), names(&store).await.len()), (Some(2), 2));
}

#[tokio::test]
async fn connections_that_others_have_taken_are_missed_only_until_they_are_free() {
    let Some(cluster) = cluster::shared("too few connections") else { return };
    let database = cluster.database();
    let role = format!("few_{}", database.name);
    let limit = |count: i32| database.texts(&format!("alter role {role} connection limit {count}"));
    database.texts(&format!("create role {role} login"));
    database.texts(&format!("alter database {} owner to {role}", database.name));
    let url = database.url_of(&role, database.port);
    limit(0);
    let refused = refusal_of(&url);
    assert!(refused.contains("too many connections for role"), "{refused}");
    // The writer and the signs of life have theirs, readers have none.
    limit(2);
    let store = opened_at(&url);
    store.write(keep("n", 1)).await.unwrap();
    let error = number(&store).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(error.retry_delay().is_some(), "{error:?}");
    assert!(error.chain().contains("too many connections for role"), "{error:?}");
    limit(-1);
    assert_eq!(number(&store).await.unwrap(), Some(1));
    drop(store);
    database.texts(&format!("reassign owned by {role} to authd; drop owned by {role}"));
    cluster.run("postgres", &format!("alter database {} owner to authd", database.name));
    cluster.run("postgres", &format!("drop role {role}"));
}

#[test]
fn a_user_without_rights_is_told_which_are_missing() {
    let Some(cluster) = cluster::shared("missing rights") else { return };
    let database = cluster.database();
    let role = format!("poor_{}", database.name);
    database.texts(&format!("create role {role} login"));
    let url = database.url_of(&role, database.port);
    database.texts("revoke create on schema public from public");
    let refused = refusal_of(&url);
    assert!(refused.contains("cannot create the schema in"), "{refused}");
    assert!(refused.contains("permission denied for schema public"), "{refused}");
    database.texts("revoke usage on schema public from public");
    let refused = refusal_of(&url);
    assert!(refused.contains("grant usage and create on schema public"), "{refused}");
    database.texts(&format!("grant usage, create on schema public to {role}"));
    let store = Store::open(&place(&url), ProcessRole::Server, &Env::real());
    assert!(store.is_ok(), "{:?}", store.err());
    drop(store);
    database.texts(&format!("drop owned by {role}; drop role {role}"));
}

#[test]
fn a_server_that_is_too_old_is_refused() {
    let Some(database) = cluster::shared("an old server").map(Cluster::database) else { return };
    let number = database.texts("show server_version_num")[0][0].clone().unwrap();
    let old = format!("13{}", &number[2..]);
    let proxy = Proxy::to(database.port);
    proxy.change_answers(number, old);
    let refused = refusal_of(&database.url_of("authd", proxy.port));
    assert!(refused.contains("expected 14 or newer"), "{refused}");
    assert!(database.texts("select 1 from pg_class where relname = 'accounts'").is_empty());
}

#[tokio::test]
async fn a_change_waits_for_the_disk_however_the_database_is_set() {
    let Some(cluster) = cluster::shared("durable changes") else { return };
    let setting = |db: &mut dyn Db| {
        let row = db.first(sql!("select current_setting('synchronous_commit')"), &[])?;
        row.map(|mut row| row.take::<String>()).transpose()
    };
    for (set, in_a_change) in
        [("off", "on"), ("local", "on"), ("on", "on"), ("remote_apply", "remote_apply")]
    {
        let database = cluster.database();
        database.texts(&format!("alter database {} set synchronous_commit = {set}", database.name));
        let store = opened_at(&database.url());
        assert_eq!(store.write(setting).await.unwrap().as_deref(), Some(in_a_change), "{set}");
        assert_eq!(store.count(setting).await.unwrap().as_deref(), Some("off"), "{set}");
    }
}

#[tokio::test]
async fn while_a_commit_is_delayed_reads_go_on_and_changes_wait() {
    let Some(database) = cluster::shared("a slow network").map(Cluster::database) else { return };
    let proxy = Proxy::to(database.port);
    let store = opened_at(&database.url_of("authd", proxy.port));
    store.write(keep("n", 1)).await.unwrap();
    // The name of a setting ends with the same word.
    let (came, gate) = proxy.hold(b"commit\0");
    let raise = |db: &mut dyn Db| {
        db.run(sql!("update instance set number = number + 1 where name = 'n'"), &[])
    };
    let (one, two) = (store.clone(), store.clone());
    let first = tokio::spawn(async move { one.write(raise).await });
    tokio::task::spawn_blocking(move || came.recv().unwrap()).await.unwrap();
    let second = tokio::spawn(async move { two.write(raise).await });
    for _ in 0..20 {
        assert_eq!(number(&store).await.unwrap(), Some(1), "neither is committed");
    }
    assert!(!first.is_finished() && !second.is_finished());
    gate.send(()).unwrap();
    assert_eq!((first.await.unwrap().unwrap(), second.await.unwrap().unwrap()), (1, 1));
    assert_eq!(number(&store).await.unwrap(), Some(3));
}

/// Keeps every change waiting until one has waited twice.
pub const HOLD: &str = "do $$ declare first timestamptz; last timestamptz; begin \
     lock table TABLE in access exclusive mode; \
     while clock_timestamp() < now() + interval '20 seconds' loop \
       select waitstart into last from pg_locks where relation = 'TABLE'::regclass and not granted; \
       first := coalesce(first, last); \
       exit when last <> first; \
       perform pg_sleep(0.01); \
     end loop; end $$";

#[tokio::test]
async fn a_change_that_did_not_get_its_lock_in_time_is_attempted_again() {
    let Some(database) = cluster::shared("a lock in the way").map(Cluster::database) else {
        return;
    };
    let database = std::sync::Arc::new(database);
    let store = opened_at(&database.url());
    store.write(keep("n", 1)).await.unwrap();
    let table =
        database.texts("select relname from pg_class where relname ~ '^authd_writing_[0-9]+$'");
    let table = table[0][0].clone().unwrap();
    let (holder, hold) = (database.clone(), HOLD.replace("TABLE", &table));
    let holds = tokio::task::spawn_blocking(move || holder.texts(&hold));
    let is_held = format!(
        "select 1 from pg_locks where relation = '{table}'::regclass and granted \
         and mode = 'AccessExclusiveLock'"
    );
    while database.texts(&is_held).is_empty() {
        tokio::task::yield_now().await;
    }
    store.write(keep("more", 1)).await.unwrap();
    holds.await.unwrap();
    assert_eq!(names(&store).await.len(), 2);
}
