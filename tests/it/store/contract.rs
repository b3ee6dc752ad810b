//! The guarantees that every engine gives. Each test runs on SQLite and on PostgreSQL.

use std::any::Any;

use super::*;
use crate::cluster;
use crate::cluster::TestDatabase;
use crate::database::RawDatabase;

/// A new database of one engine, opened in the server role.
struct Home {
    store: Store,
    database: Database,
    server: Option<Arc<TestDatabase>>,
    folder: Option<Box<dyn Any>>,
}

impl Home {
    fn on(
        database: Database,
        server: Option<Arc<TestDatabase>>,
        folder: Option<Box<dyn Any>>,
    ) -> Self {
        let store = Store::open(&database, ProcessRole::Server, &Env::real()).unwrap();
        Self { store, database, server, folder }
    }

    /// The same after it was closed and opened.
    fn reopened(self) -> Self {
        let Self { store, database, server, folder } = self;
        drop(store);
        Self::on(database, server, folder)
    }

    /// The database without the store.
    fn raw(&self) -> RawDatabase {
        match (&self.server, &self.database) {
            (Some(server), _) => RawDatabase::of_server(server.clone()),
            (None, Database::File(path)) => RawDatabase::at(path),
            (None, Database::Postgres(url)) => panic!("{url} is no database of the tests"),
        }
    }
}

/// A new database of each engine.
fn everywhere(scenario: &str) -> Vec<Home> {
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder.path().join("authd.db"));
    let mut homes = vec![Home::on(file, None, Some(Box::new(folder)))];
    if let Some(cluster) = cluster::shared(scenario) {
        let server = Arc::new(cluster.database());
        homes.push(Home::on(server.place(), Some(server), None));
    }
    homes
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_reopening() {
    for home in everywhere("what_was_acknowledged_is_there_after_reopening") {
        home.store.write(keep("a", 1)).await.unwrap();
        let home = home.reopened();
        assert_eq!(names(&home.store).await, ["a"]);
    }
}

#[tokio::test]
async fn no_caller_is_answered_before_the_commit_of_the_whole_group() {
    for home in everywhere("no_caller_is_answered_before_the_commit_of_the_whole_group") {
        let store = &home.store;
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
        assert!(names(store).await.is_empty(), "seen before its commit");
        second.wait();
        early.await.unwrap();
        late.await.unwrap();
        assert_eq!(names(store).await, ["early"]);
    }
}

#[tokio::test]
async fn a_patient_write_waits_until_an_urgent_one_commits() {
    for home in everywhere("a_patient_write_waits_until_an_urgent_one_commits") {
        let store = &home.store;
        let mut patient =
            std::pin::pin!(store.write_patiently(Duration::from_mins(10), keep("patient", 1)));
        assert!(tokio::time::timeout(Duration::from_millis(30), &mut patient).await.is_err());
        assert!(names(store).await.is_empty());
        let (first, second) = tokio::join!(patient, store.write(keep("hurried", 2)));
        assert!(first.is_ok() && second.is_ok());
        store.write_patiently(Duration::from_millis(1), keep("alone", 3)).await.unwrap();
        assert_eq!(names(store).await, ["alone", "hurried", "patient"]);
    }
}

#[tokio::test]
async fn a_failing_and_a_panicking_write_leave_their_group_intact() {
    for home in everywhere("a_failing_and_a_panicking_write_leave_their_group_intact") {
        let store = &home.store;
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
        assert_eq!(names(store).await, ["after", "before"]);
    }
}

#[tokio::test]
async fn a_change_whose_caller_has_gone_does_not_run() {
    for home in everywhere("a_change_whose_caller_has_gone_does_not_run") {
        let store = &home.store;
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
}

#[tokio::test]
async fn a_full_queue_refuses_the_next_change_at_once() {
    for home in everywhere("a_full_queue_refuses_the_next_change_at_once") {
        let store = &home.store;
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
        assert_eq!(names(store).await.len(), accepted);
    }
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
    for home in everywhere("a_violated_unique_constraint_is_reported_by_name") {
        let store = &home.store;
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
}

#[tokio::test]
async fn a_column_read_as_another_type_is_a_fault() {
    for home in everywhere("a_column_read_as_another_type_is_a_fault") {
        let store = &home.store;
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
}

#[tokio::test]
async fn all_statements_of_a_read_see_one_moment() {
    for home in everywhere("all_statements_of_a_read_see_one_moment") {
        let store = &home.store;
        store.write(keep("a", 1)).await.unwrap();
        let raw = Arc::new(home.raw());
        let other = raw.clone();
        let read = move |db: &mut dyn Db| {
            let count = |db: &mut dyn Db| {
                db.first(sql!("select count(*) from instance"), &[])?.unwrap().take::<i64>()
            };
            let before = count(db)?;
            other.tamper("insert into instance (name) values ('b')");
            Ok((before, count(db)?))
        };
        let (before, after) = store.scan(read).await.unwrap();
        assert_eq!((before, after), (1, 1));
        assert_eq!(names(store).await, ["a", "b"]);
    }
}

#[tokio::test]
async fn a_read_that_tries_to_write_or_panics_harms_no_other() {
    for home in everywhere("a_read_that_tries_to_write_or_panics_harms_no_other") {
        let store = &home.store;
        assert_eq!(store.read(keep("a", 1)).await.unwrap_err().kind(), Kind::Internal);
        let panicking = store.clone();
        let outcome = tokio::spawn(async move {
            let work = |_: &mut dyn Db| -> Result<()> { resume_unwind(Box::new("on purpose")) };
            panicking.read(work).await
        });
        assert!(outcome.await.unwrap_err().is_panic());
        store.write(keep("b", 1)).await.unwrap();
        assert_eq!(names(store).await, ["b"]);
    }
}

#[tokio::test]
async fn a_failed_statement_takes_back_only_itself() {
    let swallowing = |db: &mut dyn Db| {
        keep("before", 1)(db)?;
        let failed = keep("before", 2)(db).unwrap_err();
        assert_eq!(Constraint::of(&failed), Some(Constraint::Other));
        keep("after", 3)(db)
    };
    for home in everywhere("a_failed_statement_takes_back_only_itself") {
        let store = &home.store;
        store.write(swallowing).await.unwrap();
        assert_eq!(names(store).await, ["after", "before"]);
        store.write(|db| db.run(sql!("delete from instance"), &[])).await.unwrap();
        // The same in a group with others.
        let barrier = Arc::new(Barrier::new(2));
        let mut ahead = Box::pin(store.write(hold(&barrier)));
        assert!(ahead.as_mut().now_or_never().is_none());
        barrier.wait();
        let mut one = Box::pin(store.write(keep("one", 1)));
        let mut two = Box::pin(store.write(swallowing));
        let mut three = Box::pin(store.write(keep("three", 1)));
        assert!(one.as_mut().now_or_never().is_none());
        assert!(two.as_mut().now_or_never().is_none());
        assert!(three.as_mut().now_or_never().is_none());
        barrier.wait();
        ahead.await.unwrap();
        one.await.unwrap();
        two.await.unwrap();
        three.await.unwrap();
        assert_eq!(names(store).await, ["after", "before", "one", "three"]);
    }
}
