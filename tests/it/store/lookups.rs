//! Lookups on PostgreSQL: those that wait are sent together, each gets its own answer, and a result is cached
//! only until something is committed.

use futures_util::future::join_all;

use super::proxy::{Cut, Proxy};
use super::trouble::HOLD;
use super::*;
use crate::cluster::{self, Cluster, TestDatabase, place};
use crate::pooler::Pooler;

fn database(scenario: &str) -> Option<TestDatabase> {
    cluster::shared(scenario).map(Cluster::database)
}

fn server(url: &str) -> Store {
    Store::open(&place(url), ProcessRole::Server, &Env::real()).unwrap()
}

/// Keeps the numbers below this, each under its own name.
async fn fill(store: &Store, count: i64) {
    let writing = move |db: &mut dyn Db| {
        for number in 0..count {
            let sql = sql!("insert into instance (name, number) values ($1, $2)");
            db.run(sql, &[format!("row {number}").into(), number.into()])?;
        }
        Ok(())
    };
    store.write(writing).await.unwrap();
}

async fn number(store: &Store, row: i64) -> Result<Option<i64>> {
    let reading = move |db: &mut dyn Db| {
        let sql = sql!("select number from instance where name = $1");
        db.first(sql, &[format!("row {row}").into()])?.map(|mut row| row.take()).transpose()
    };
    store.recall(("row", &row.to_string()), reading).await.map(|found| *found)
}

/// Many lookups at a time, every second of which finds nothing.
async fn check_all(store: &Store) {
    let expected: Vec<Option<i64>> = (0..200).map(|row| (row < 100).then_some(row)).collect();
    for _ in 0..3 {
        let found: Result<Vec<_>> =
            join_all((0..200).map(|row| number(store, row))).await.into_iter().collect();
        assert_eq!(found.unwrap(), expected);
    }
}

#[tokio::test]
async fn each_of_many_gets_its_own_rows() {
    let Some(database) = database("many lookups") else { return };
    let store = server(&database.url());
    fill(&store, 100).await;
    check_all(&store).await;
}

#[tokio::test]
async fn one_that_fails_spoils_no_other() {
    let Some(database) = database("failing lookups") else { return };
    let store = server(&database.url());
    fill(&store, 100).await;
    let wrong = || async {
        let divide = |db: &mut dyn Db| {
            db.first(sql!("select 1 / $1::bigint"), &[0.into()])?.unwrap().take::<i64>()
        };
        store.recall(("wrong", ""), divide).await.unwrap_err()
    };
    let write = || async {
        let write = |db: &mut dyn Db| db.all(sql!("delete from instance"), &[]).map(drop);
        store.recall(("write", ""), write).await.unwrap_err()
    };
    let panics = || async {
        let panics = |db: &mut dyn Db| -> Result<()> {
            let rows = db.all(sql!("select number from instance"), &[])?;
            panic!("{} rows", rows.len());
        };
        let caught = std::panic::AssertUnwindSafe(store.recall(("panic", ""), panics));
        caught.catch_unwind().await.unwrap_err()
    };
    let (errors, refused, panics, ()) = tokio::join!(
        join_all((0..20).map(|_| wrong())),
        join_all((0..20).map(|_| write())),
        join_all((0..20).map(|_| panics())),
        check_all(&store)
    );
    assert!(errors.iter().all(|error| error.chain().contains("division by zero")), "{errors:?}");
    assert!(refused.iter().all(|error| error.chain().contains("tried to write")), "{refused:?}");
    let said = |panic: &Box<dyn std::any::Any + Send>| panic.downcast_ref::<String>().cloned();
    let rows = panics.iter().map(|panic| said(panic).unwrap());
    assert!(rows.into_iter().all(|text| text.ends_with(" rows") && text != "0 rows"));
    check_all(&store).await;
}

#[tokio::test]
async fn a_lookup_that_runs_another_statement_the_second_time_is_refused() {
    let Some(database) = database("a changing lookup") else { return };
    let store = server(&database.url());
    let runs = AtomicUsize::new(0);
    let changing = move |db: &mut dyn Db| {
        let run = i64::try_from(runs.fetch_add(1, Ordering::SeqCst)).unwrap();
        db.first(sql!("select $1::bigint"), &[run.into()])?.unwrap().take::<i64>()
    };
    let error = store.recall(("changing", ""), changing).await.unwrap_err();
    assert!(error.chain().contains("the second time"), "{error:?}");
}

#[tokio::test]
async fn a_lost_connection_is_not_noticed() {
    let Some(database) = database("lost lookups") else { return };
    let proxy = Proxy::to(database.port);
    let store = server(&database.url_of("authd", proxy.port));
    fill(&store, 100).await;
    for cut in [Cut::Before, Cut::After] {
        // A statement is prepared on each connection once, so the text may not come again.
        database.texts(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity \
             where datname = current_database() and pid <> pg_backend_pid()",
        );
        proxy.cut(cut, b"select number from instance");
        check_all(&store).await;
        assert!(proxy.has_cut(), "{cut:?}");
    }
}

#[tokio::test]
async fn one_that_waits_for_a_lock_is_tried_again_and_holds_up_no_other_for_long() {
    let Some(database) = database("a locked lookup") else { return };
    let database = Arc::new(database);
    let store = server(&database.url());
    fill(&store, 100).await;
    let (holder, hold) = (database.clone(), HOLD.replace("TABLE", "providers"));
    let holds = tokio::task::spawn_blocking(move || holder.texts(&hold));
    let is_held = "select 1 from pg_locks where relation = 'providers'::regclass and granted \
                   and mode = 'AccessExclusiveLock'";
    while database.texts(is_held).is_empty() {
        tokio::task::yield_now().await;
    }
    let count = |db: &mut dyn Db| {
        db.first(sql!("select count(*) from providers"), &[])?.unwrap().take::<i64>()
    };
    // The lock goes when a lookup has waited for it twice.
    let (counted, ()) = tokio::join!(store.recall(("held", ""), count), check_all(&store));
    assert_eq!(*counted.unwrap(), 0);
    holds.await.unwrap();
}

#[tokio::test]
async fn behind_a_pooler_they_go_one_by_one() {
    let Some(database) = database("lookups behind a pooler") else { return };
    let Some(pooler) = Pooler::to(database.port, 2) else { return };
    let store = server(&database.url_of("authd", pooler.port));
    fill(&store, 100).await;
    check_all(&store).await;
    let prepared = database.texts("select count(*) from pg_prepared_statements");
    assert_eq!(prepared, [[Some("0".to_owned())]]);
    assert!(!is_cached(&store).await, "asking for the version would take as long");
}

#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "how long a refusal takes is the question")]
async fn while_the_database_is_away_all_are_answered_together() {
    let Some(database) = database("lookups without a database") else { return };
    let proxy = Proxy::to(database.port);
    let store = server(&database.url_of("authd", proxy.port));
    fill(&store, 100).await;
    check_all(&store).await;
    proxy.lead_to(1);
    database.texts(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity \
         where datname = current_database() and pid <> pg_backend_pid()",
    );
    let started = std::time::Instant::now();
    let refused = join_all((0..1000).map(|row| number(&store, row))).await;
    assert!(refused.iter().all(|read| read.as_ref().unwrap_err().kind() == Kind::Unavailable));
    // Refused in groups of 64, they would take a quarter of a minute at least.
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    proxy.lead_to(database.port);
    check_all(&store).await;
}

/// Reads the first number of [`fill`], and whether the database was asked for it.
async fn first_number(store: &Store) -> (i64, bool) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let reading = move |db: &mut dyn Db| {
        counted.fetch_add(1, Ordering::SeqCst);
        let sql = sql!("select number from instance where name = 'row 0'");
        db.first(sql, &[])?.unwrap().take::<i64>()
    };
    let found = store.recall(("first", ""), reading).await.unwrap();
    (*found, runs.load(Ordering::SeqCst) > 0)
}

/// Whether one of many reads was answered from the cache. Not every one is: other tests commit in the same
/// cluster.
async fn is_cached(store: &Store) -> bool {
    for _ in 0..2000 {
        if !first_number(store).await.1 {
            return true;
        }
    }
    false
}

async fn set_first_number(store: &Store, number: i64) {
    let writing = move |db: &mut dyn Db| {
        db.run(sql!("update instance set number = $1 where name = 'row 0'"), &[number.into()])
    };
    store.write(writing).await.unwrap();
}

#[tokio::test]
async fn a_cached_result_is_used_until_somebody_commits() {
    let Some(database) = database("cached lookups") else { return };
    let (store, other) = (server(&database.url()), server(&database.url()));
    fill(&store, 1).await;
    for number in 1..=30 {
        assert!(is_cached(&store).await);
        match number % 3 {
            0 => set_first_number(&store, number).await,
            1 => set_first_number(&other, number).await,
            // An administrator of the database.
            _ => {
                let sql = format!("update instance set number = {number} where name = 'row 0'");
                database.texts(&sql);
            }
        }
        assert_eq!(first_number(&store).await.0, number);
        assert_eq!(first_number(&other).await.0, number);
    }
}

/// The younger transaction ends first, so that the end of the older one changes only the list of those that
/// run. It also changes the row in a savepoint.
#[tokio::test]
async fn the_end_of_an_older_transaction_is_seen() {
    let Some(database) = database("an older transaction") else { return };
    let store = server(&database.url());
    fill(&store, 1).await;
    let older = database.client().await;
    let begin =
        "begin; savepoint a; update instance set number = 7 where name = 'row 0'; release a";
    older.batch_execute(begin).await.unwrap();
    database.texts("insert into instance (name) values ('younger')");
    assert!(is_cached(&store).await);
    assert_eq!(first_number(&store).await.0, 0);
    older.batch_execute("commit").await.unwrap();
    assert_eq!(first_number(&store).await.0, 7);
}

#[tokio::test]
async fn a_result_is_not_used_on_another_connection() {
    let Some(database) = database("cached lookups on another connection") else { return };
    let store = server(&database.url());
    fill(&store, 1).await;
    for number in 1..=5 {
        assert!(is_cached(&store).await);
        database.texts(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity \
             where datname = current_database() and pid <> pg_backend_pid()",
        );
        database.texts(&format!("update instance set number = {number} where name = 'row 0'"));
        assert_eq!(first_number(&store).await.0, number);
    }
}

#[tokio::test]
async fn beside_a_stream_of_changes_no_lookup_is_older_than_what_was_acknowledged() {
    let Some(database) = database("lookups beside changes") else { return };
    let (store, other) = (server(&database.url()), server(&database.url()));
    fill(&store, 1).await;
    let acknowledged = AtomicUsize::new(0);
    let changes = async {
        for number in 1..=400 {
            set_first_number(if number % 2 == 0 { &store } else { &other }, number).await;
            acknowledged.store(usize::try_from(number).unwrap(), Ordering::SeqCst);
        }
    };
    let reads = join_all((0..16).map(|reader| {
        let (acknowledged, store) = (&acknowledged, if reader % 2 == 0 { &store } else { &other });
        async move {
            while acknowledged.load(Ordering::SeqCst) < 400 {
                let before = acknowledged.load(Ordering::SeqCst);
                let found = first_number(store).await.0;
                assert!(found >= i64::try_from(before).unwrap(), "{found} after {before}");
            }
        }
    }));
    tokio::join!(changes, reads);
}

#[tokio::test]
async fn a_server_whose_snapshots_do_not_tell_of_changes_is_asked_every_time() {
    let Some(database) = database("snapshots that stay") else { return };
    database.texts(
        "create function pg_current_snapshot() returns text language sql as $$ select 'always' $$",
    );
    let name = &database.name;
    database.texts(&format!("alter database {name} set search_path = public, pg_catalog"));
    let (store, other) = (server(&database.url()), server(&database.url()));
    fill(&store, 1).await;
    assert!(!is_cached(&store).await);
    for number in 1..=20 {
        set_first_number(&other, number).await;
        assert_eq!(first_number(&store).await.0, number);
    }
}
