//! Lookups on PostgreSQL: those that wait are sent together, and each gets its own answer.

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
    store.recall(("row", ""), reading).await.map(|found| *found)
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
