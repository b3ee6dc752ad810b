//! Store scenarios: the store's guarantees to readers and writers, on real files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail at once"
)]

mod files;
mod load;
mod plans;
mod schema;

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
async fn what_was_acknowledged_is_there_after_reopening() {
    let Opened { store, path, _folder } = opened();
    store.write(keep("a", 1)).await.unwrap();
    drop(store);
    let store = open(&path, ProcessRole::Server).unwrap();
    assert_eq!(names(&store).await, ["a"]);
}

#[tokio::test]
async fn no_caller_is_answered_before_the_commit_of_the_whole_group() {
    let Opened { store, path: _, _folder } = opened();
    let (first, second) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let mut ahead = Box::pin(store.write(hold(&first)));
    assert!(ahead.as_mut().now_or_never().is_none());
    first.wait();
    let mut early = Box::pin(store.write(keep("early", 1)));
    let mut late = Box::pin(store.write(hold(&second)));
    assert!(early.as_mut().now_or_never().is_none());
    assert!(late.as_mut().now_or_never().is_none());
    first.wait();
    ahead.await.unwrap();

    second.wait();
    assert!(early.as_mut().now_or_never().is_none(), "answered while its group was still open");
    assert!(names(&store).await.is_empty(), "seen before its commit");
    second.wait();
    early.await.unwrap();
    late.await.unwrap();
    assert_eq!(names(&store).await, ["early"]);
}

#[tokio::test]
async fn a_patient_write_waits_until_an_urgent_one_commits() {
    let Opened { store, .. } = &opened();
    let mut patient =
        std::pin::pin!(store.write_patiently(Duration::from_mins(10), keep("patient", 1)));
    assert!(tokio::time::timeout(Duration::from_millis(30), &mut patient).await.is_err());
    assert!(names(store).await.is_empty());
    let (first, second) = tokio::join!(patient, store.write(keep("hurried", 2)));
    assert!(first.is_ok() && second.is_ok());
    store.write_patiently(Duration::from_millis(1), keep("alone", 3)).await.unwrap();
    assert_eq!(names(store).await, ["alone", "hurried", "patient"]);
}

#[tokio::test]
async fn a_failing_and_a_panicking_write_leave_their_group_intact() {
    let Opened { store, path: _, _folder } = opened();
    let barrier = Arc::new(Barrier::new(2));
    let mut ahead = Box::pin(store.write(hold(&barrier)));
    assert!(ahead.as_mut().now_or_never().is_none());
    barrier.wait();
    let mut before = Box::pin(store.write(keep("before", 1)));
    let mut failing = Box::pin(store.write(|db: &mut dyn Db| {
        keep("failing", 2)(db)?;
        Err::<(), _>(Error::new(Kind::Forbidden))
    }));
    let mut panicking = Box::pin(store.write(|db: &mut dyn Db| -> Result<()> {
        keep("panicking", 3)(db)?;
        resume_unwind(Box::new("on purpose"));
    }));
    let mut after = Box::pin(store.write(keep("after", 4)));
    for waiting in [&mut before, &mut after] {
        assert!(waiting.as_mut().now_or_never().is_none());
    }
    assert!(failing.as_mut().now_or_never().is_none());
    assert!(panicking.as_mut().now_or_never().is_none());
    barrier.wait();

    before.await.unwrap();
    after.await.unwrap();
    assert_eq!(failing.await.unwrap_err().kind(), Kind::Forbidden);
    let error = panicking.await.unwrap_err();
    assert_eq!(error.kind(), Kind::Internal);
    assert!(error.chain().contains("on purpose"));
    assert_eq!(names(&store).await, ["after", "before"]);
}

#[tokio::test]
async fn a_change_whose_caller_has_gone_does_not_run() {
    let Opened { store, path: _, _folder } = opened();
    let barrier = Arc::new(Barrier::new(2));
    let runs = Arc::new(AtomicUsize::new(0));
    let mut ahead = Box::pin(store.write(hold(&barrier)));
    assert!(ahead.as_mut().now_or_never().is_none());
    barrier.wait();
    let counted = Arc::clone(&runs);
    let mut gone = Box::pin(store.write(move |_: &mut dyn Db| {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }));
    assert!(gone.as_mut().now_or_never().is_none());
    drop(gone);
    barrier.wait();
    ahead.await.unwrap();
    store.write(keep("last", 1)).await.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_full_queue_refuses_the_next_change_at_once() {
    let Opened { store, path: _, _folder } = opened();
    let barrier = Arc::new(Barrier::new(2));
    let mut ahead = Box::pin(store.write(hold(&barrier)));
    assert!(ahead.as_mut().now_or_never().is_none());
    barrier.wait();
    let mut waiting = Vec::new();
    let refused = loop {
        let mut change = Box::pin(store.write(keep(&format!("{:05}", waiting.len()), 1)));
        match change.as_mut().now_or_never() {
            Some(answer) => break answer.unwrap_err(),
            None => waiting.push(change),
        }
        assert!(waiting.len() < 100_000, "the queue has no end");
    };
    assert_eq!(refused.kind(), Kind::Unavailable);
    assert!(refused.retry_delay().is_some());
    barrier.wait();
    let accepted = waiting.len();
    for change in waiting {
        change.await.unwrap();
    }
    assert_eq!(names(&store).await.len(), accepted);
}

#[tokio::test]
async fn a_violated_unique_constraint_is_reported_by_name() {
    fn account(
        number: i64,
        email: &'static str,
        username: &'static str,
    ) -> impl Fn(&mut dyn Db) -> Result<()> + Send {
        move |db| {
            let id = format!("id {number}");
            let values: [Value; 5] = [
                id.into(),
                number.into(),
                vec![u8::try_from(number).unwrap()].into(),
                email.into(),
                username.into(),
            ];
            let sql = sql!(
                "insert into accounts (id, number, handle, email, email_key, username_key, credential_version,
                   created_at, updated_at)
                 values ($1, $2, $3, $4, $4, $5, 0, 0, 0)"
            );
            db.run(sql, &values).map(|_| ())
        }
    }
    let Opened { store, path: _, _folder } = opened();
    store.write(account(1, "a@example.com", "a")).await.unwrap();
    for (again, rule) in [
        (account(2, "a@example.com", "b"), Constraint::Email),
        (account(2, "b@example.com", "a"), Constraint::Username),
        (account(1, "b@example.com", "b"), Constraint::Other),
    ] {
        let error = store.write(again).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Internal);
        assert_eq!(Constraint::of(&error), Some(rule));
    }
    let unknown = store
        .write(|db| {
            let sql = sql!(
                "insert into known_ips (account_id, client_ip, last_login_at) values ($1, $2, 0)"
            );
            db.run(sql, &["nobody".into(), vec![1].into()])
        })
        .await
        .unwrap_err();
    assert_eq!((unknown.kind(), Constraint::of(&unknown)), (Kind::Internal, None));
}

#[tokio::test]
async fn a_column_read_as_another_type_is_a_fault() {
    let Opened { store, path: _, _folder } = opened();
    store.write(keep("a", 1)).await.unwrap();
    let error = store
        .read(|db| {
            let mut row = db.first(sql!("select number from instance"), &[])?.unwrap();
            row.take::<String>()
        })
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Internal);
    assert!(error.chain().contains("should be a text and is a bigint"), "{error:?}");
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
async fn all_statements_of_a_read_see_one_moment() {
    let Opened { store, path, _folder } = opened();
    store.write(keep("a", 1)).await.unwrap();
    let read = move |db: &mut dyn Db| {
        let count = |db: &mut dyn Db| {
            db.first(sql!("select count(*) from instance"), &[])?.unwrap().take::<i64>()
        };
        let before = count(db)?;
        let other = rusqlite::Connection::open(&path).unwrap();
        other.execute("insert into instance (name) values (hex(randomblob(8)))", []).unwrap();
        Ok((before, count(db)?))
    };
    let (before, after) = store.scan(read).await.unwrap();
    assert_eq!((before, after), (1, 1));
    assert_eq!(names(&store).await.len(), 2);
}

#[tokio::test]
async fn a_read_that_tries_to_write_or_panics_harms_no_other() {
    let Opened { store, path: _, _folder } = opened();
    assert_eq!(store.read(keep("a", 1)).await.unwrap_err().kind(), Kind::Internal);
    let panicking = store.clone();
    let outcome = tokio::spawn(async move {
        let work = |_: &mut dyn Db| -> Result<()> { resume_unwind(Box::new("on purpose")) };
        panicking.read(work).await
    });
    assert!(outcome.await.unwrap_err().is_panic());
    store.write(keep("b", 1)).await.unwrap();
    assert_eq!(names(&store).await, ["b"]);
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
