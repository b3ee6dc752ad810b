//! Programs of two versions on one PostgreSQL database, and what a server may still do whose claims another
//! has taken over.

use authd::model::Time;
use authd::outbox::{Channel, MessageState};
use authd::store::steps::{OlderServers, SchemaChange, UpgradeStep};
use authd::store::tables::outbox::{self, AttemptedMessage, ClaimRule};

use super::*;
use crate::cluster::{self, TestDatabase};

const ADDS: UpgradeStep = UpgradeStep {
    says: "adds pets",
    older: OlderServers::GoOn,
    changes: &[
        SchemaChange::Sql("create table pets (name text primary key)"),
        SchemaChange::Sql("alter table instance add column pet text"),
    ],
};

const RENAMES: UpgradeStep = UpgradeStep {
    says: "renames a column",
    older: OlderServers::Stop,
    changes: &[SchemaChange::Sql("alter table instance rename column number to amount")],
};

fn database(scenario: &str) -> Option<TestDatabase> {
    cluster::shared(scenario).map(cluster::Cluster::database)
}

/// A server that gives a sign of life every half of this.
fn server(database: &TestDatabase, patience: Duration, further: &[UpgradeStep]) -> Result<Store> {
    let plan = Plan::of(ProcessRole::Server);
    let plan = Plan { steps: [plan.steps, further].concat().leak(), patience, ..plan };
    Engine::open(&database.place(), &plan, &Env::real()).map(Store::new)
}

#[tokio::test]
async fn an_older_server_is_kept_from_writing_before_it_knows_why() {
    let Some(database) = database("a step while a server sleeps") else { return };
    // It does not look at the schema again during this test.
    let asleep = server(&database, Duration::from_hours(1), &[]).unwrap();
    asleep.write(keep("before", 1)).await.unwrap();
    let fast = Duration::from_millis(50);
    let adding = server(&database, fast, &[ADDS]).unwrap();
    asleep.write(keep("beside", 1)).await.unwrap();
    adding.write(keep("added", 1)).await.unwrap();
    let newest = server(&database, fast, &[ADDS, RENAMES]).unwrap();
    // This change would still be possible.
    let name = |db: &mut dyn Db| {
        db.run(sql!("insert into instance (name, text_value) values ('late', 'a')"), &[])
    };
    for error in [asleep.write(name).await, asleep.write(name).await] {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable, "{error:?}");
        assert!(error.retry_delay().is_some());
    }
    let read = asleep.read(|db: &mut dyn Db| {
        db.first(sql!("select number from instance where name = 'before'"), &[]).map(|_| ())
    });
    assert_eq!(read.await.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(names(&newest).await, ["added", "before", "beside"]);
    // One that looks knows why, and leaves what it did for all.
    let why = loop {
        let refused = adding.read(|db: &mut dyn Db| db.all(sql!("select 1"), &[]).map(drop)).await;
        match refused {
            Err(error) if error.chain().contains("newer authd") => break error.chain(),
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    assert!(why.contains("servers need version 4, this one knows 3"), "{why}");
    assert!(!adding.node().leads() && !adding.node().is_current());
    newest
        .write(|db: &mut dyn Db| {
            db.run(sql!("insert into instance (name, amount, pet) values ('new', 1, 'cat')"), &[])
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_step_waits_for_what_is_in_its_way_and_then_gives_up_in_words() {
    let Some(database) = database("a step with a lock in its way") else { return };
    drop(server(&database, Duration::from_secs(1), &[]).unwrap());
    // As pg_dump, which reads for a long time.
    let (held, is_held) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let place = database.place();
    let reading = std::thread::spawn(move || {
        Store::inspect(&place, move |db, _| {
            db.all(sql!("select name from instance"), &[])?;
            held.send(()).unwrap();
            let _ = released.recv();
            Ok(())
        })
    });
    is_held.recv().unwrap();
    let error = server(&database, Duration::from_secs(1), &[ADDS]).err().unwrap().chain();
    assert!(error.contains("schema version 3: adds pets") && error.contains("pg_dump"), "{error}");
    assert_eq!(database.texts("select version from authd_schema"), [[Some("2".to_owned())]]);
    assert!(database.texts("select 1 from pg_class where relname = 'pets'").is_empty());
    release.send(()).unwrap();
    reading.join().unwrap().unwrap();
    drop(server(&database, Duration::from_secs(1), &[ADDS]).unwrap());
    assert_eq!(database.texts("select version from authd_schema"), [[Some("3".to_owned())]]);
}

#[tokio::test]
async fn a_message_that_another_server_has_claimed_is_left_to_it() {
    let Some(database) = database("claims of another server") else { return };
    let store = server(&database, Duration::from_secs(1), &[]).unwrap();
    let rule = |server: &str, now| ClaimRule {
        channel: Channel::Mail,
        state: MessageState::Waiting,
        server: Some(server.to_owned()),
        now: Time::from_seconds(now),
    };
    database.execute(
        "insert into outbox (id, channel, kind, sealed, state, attempts, next_at, created_at) \
         values ('m', 'mail', 'k', '\\x00', 'waiting', 0, 0, 0)",
    );
    let (first, second) = (rule("a", 1), rule("b", 2));
    let until = Time::from_seconds(100);
    let claimed = store.write(move |db| {
        let one = outbox::claim(db, &first, until, 9)?.len();
        outbox::free_claims(db, "a", Time::from_seconds(2))?;
        Ok((one, outbox::claim(db, &second, until, 9)?.len()))
    });
    assert_eq!(claimed.await.unwrap(), (1, 1));
    let row = || database.texts("select state, claimed_by, attempts, next_at from outbox");
    let before = row();
    let of = |server: &str| AttemptedMessage { id: "m".into(), server: Some(server.into()) };
    let (late, now) = (of("a"), Time::from_seconds(3));
    store
        .write(move |db| {
            outbox::postpone(db, &late, now, "late")?;
            outbox::give_back(db, &late, now, "late")?;
            outbox::fail(db, &late, now, "late")
        })
        .await
        .unwrap();
    assert_eq!(row(), before);
    let own = of("b");
    store.write(move |db| outbox::give_back(db, &own, now, "own")).await.unwrap();
    assert_ne!(row(), before);
}
