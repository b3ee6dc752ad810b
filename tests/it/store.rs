//! Store scenarios: the store's guarantees to readers and writers, on real files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail at once"
)]

mod contract;
mod encrypted;
mod files;
mod load;
mod lookups;
mod plans;
mod postgres;
pub mod proxy;
mod schema;
mod trouble;
mod versions;

use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use authd::env::Env;
use authd::error::{Error, Kind, Result};
use authd::model::Database;
use authd::sql;
use authd::store::db::Db;
use authd::store::{Constraint, Engine, Plan, ProcessRole, Store, Value};
use futures_util::FutureExt as _;
use tempfile::TempDir;

/// A folder with a new database, opened in the server role.
struct Opened {
    store: Store,
    path: PathBuf,
    _folder: TempDir,
}

fn opened() -> Opened {
    opened_as(&Plan::of(ProcessRole::Server))
}

fn opened_as(plan: &Plan) -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authd.db");
    let store = open_as(&path, plan).unwrap();
    Opened { store, path, _folder: folder }
}

fn file(path: &Path) -> Database {
    Database::File(path.to_owned())
}

fn open_as(path: &Path, plan: &Plan) -> Result<Store> {
    Engine::open(&file(path), plan, &Env::real()).map(Store::new)
}

fn open(path: &Path, role: ProcessRole) -> Result<Store> {
    Store::open(&file(path), role, &Env::real())
}

/// A change that stores a number under a name.
fn keep(name: &str, number: i64) -> impl Fn(&mut dyn Db) -> Result<()> + Send + use<> {
    let name = name.to_owned();
    move |db| {
        db.run(
            sql!("insert into instance (name, number) values ($1, $2)"),
            &[(&name).into(), number.into()],
        )?;
        Ok(())
    }
}

async fn names(store: &Store) -> Vec<String> {
    store
        .read(|db| {
            let rows = db.all(sql!("select name from instance order by name"), &[])?;
            rows.into_iter().map(|mut row| row.take()).collect()
        })
        .await
        .unwrap()
}

/// Blocks the writer until the test also reaches `barrier`.
fn hold(barrier: &Arc<Barrier>) -> impl Fn(&mut dyn Db) -> Result<()> + Send + use<> {
    let barrier = Arc::clone(barrier);
    move |_| {
        barrier.wait();
        barrier.wait();
        Ok(())
    }
}

fn refusal(path: &Path, role: ProcessRole) -> Error {
    open(path, role).err().expect("the file should be refused")
}

#[tokio::test]
async fn an_answer_is_remembered_until_anybody_changes_anything() {
    let Opened { store, path, _folder } = &opened();
    let beside = open(path, ProcessRole::Command).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let recall = || async {
        let asked = Arc::clone(&asked);
        let count = move |db: &mut dyn Db| {
            asked.fetch_add(1, Ordering::Relaxed);
            db.first(sql!("select count(*) from instance"), &[])?.unwrap().take::<i64>()
        };
        *store.recall(("rows", "all"), count).await.unwrap()
    };
    for (rows, by) in [(1, store), (2, &beside), (3, store), (4, &beside)] {
        by.write(keep(&format!("row {rows}"), rows)).await.unwrap();
        for _ in 0..100 {
            assert_eq!(recall().await, rows);
        }
    }
    assert_eq!(asked.load(Ordering::Relaxed), 4, "once after each change");
    let other = |_: &mut dyn Db| Ok(-1_i64);
    assert_eq!(*store.recall(("rows", "none"), other).await.unwrap(), -1);
    assert_eq!(*store.recall(("others", "all"), other).await.unwrap(), -1);
    let twice = |db: &mut dyn Db| {
        db.all(sql!("select 1"), &[])?;
        db.all(sql!("select 1"), &[]).map(|_| ())
    };
    assert_eq!(store.recall(("twice", ""), twice).await.unwrap_err().kind(), Kind::Internal);
}

#[tokio::test]
async fn a_locked_database_answers_unavailable_and_works_again_afterwards() {
    let plan = Plan { patience: Duration::from_millis(20), ..Plan::of(ProcessRole::Server) };
    let Opened { store, path, _folder } = opened_as(&plan);
    store.write(keep("before", 1)).await.unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let (one, two) = tokio::join!(store.write(keep("one", 1)), store.write(keep("two", 1)));
    for error in [one.unwrap_err(), two.unwrap_err()] {
        assert_eq!(error.kind(), Kind::Unavailable);
        assert!(error.chain().contains("locked"), "{error:?}");
    }
    assert_eq!(names(&store).await, ["before"]);
    other.execute_batch("rollback").unwrap();
    store.write(keep("after", 1)).await.unwrap();
    assert_eq!(names(&store).await, ["after", "before"]);
    assert_eq!(store.figures().waiting, 0);
}

/// A change that needs more pages than are free.
fn fill(db: &mut dyn Db) -> Result<()> {
    let values = ["big".into(), vec![7; 200_000].into()];
    db.run(sql!("insert into instance (name, bytes) values ($1, $2)"), &values).map(|_| ())
}

#[tokio::test]
async fn a_full_disk_answers_unavailable_while_reads_go_on() {
    let Opened { store, path: _, _folder } = opened();
    store.write(keep("before", 1)).await.unwrap();
    // With no free page, SQLite behaves as on a full disk.
    store.write(|db| db.all(sql!("pragma max_page_count = 1"), &[])).await.unwrap();
    let error = store.write(fill).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(error.chain().contains("full"), "{error:?}");
    assert_eq!(names(&store).await, ["before"]);
    store.write(fill).await.unwrap();
    assert_eq!(names(&store).await, ["before", "big"]);
}

#[tokio::test]
async fn when_sqlite_ends_the_transaction_every_caller_in_it_gets_an_error() {
    let Opened { store, path: _, _folder } = opened();
    store.write(|db| db.all(sql!("pragma max_page_count = 1"), &[])).await.unwrap();
    let barrier = Arc::new(Barrier::new(2));
    let mut ahead = Box::pin(store.write(hold(&barrier)));
    assert!(ahead.as_mut().now_or_never().is_none());
    barrier.wait();
    let mut small = Box::pin(store.write(keep("small", 1)));
    let mut swallowing = Box::pin(store.write(|db: &mut dyn Db| {
        let _ = fill(db);
        let _ = keep("behind its back", 1)(db);
        Ok(())
    }));
    let mut later = Box::pin(store.write(keep("later", 1)));
    assert!(small.as_mut().now_or_never().is_none());
    assert!(swallowing.as_mut().now_or_never().is_none());
    assert!(later.as_mut().now_or_never().is_none());
    barrier.wait();
    ahead.await.unwrap();
    for answer in [small.await, swallowing.await, later.await] {
        assert_eq!(answer.unwrap_err().kind(), Kind::Unavailable);
    }
    assert!(names(&store).await.is_empty());
    store.write(keep("after", 1)).await.unwrap();
    assert_eq!(names(&store).await, ["after"]);
}
