//! What is PostgreSQL's own: which servers and databases are refused, the servers that share one, lost
//! connections, conflicts with other processes, and poolers.

use std::time::Instant;

use super::proxy::{Cut, Proxy};
use super::*;
use crate::cluster::{self, Cluster, TestDatabase, place};
use crate::pooler::Pooler;

fn database(scenario: &str) -> Option<TestDatabase> {
    cluster::shared(scenario).map(Cluster::database)
}

fn server(url: &str) -> Store {
    Store::open(&place(url), ProcessRole::Server, &Env::real()).unwrap()
}

fn refused(url: &str, role: ProcessRole) -> String {
    let opened = Store::open(&place(url), role, &Env::real());
    opened.err().expect("it should be refused").chain()
}

/// Adds to a number; returns the sum.
fn add(name: &str, number: i64) -> impl Fn(&mut dyn Db) -> Result<i64> + Send + use<> {
    let name = name.to_owned();
    move |db| {
        let sql = sql!(
            "insert into instance (name, number) values ($1, $2) \
             on conflict (name) do update set number = instance.number + excluded.number returning number"
        );
        db.first(sql, &[(&name).into(), number.into()])?.unwrap().take()
    }
}

async fn sum(store: &Store, name: &'static str) -> Option<i64> {
    let read = store.read(move |db| {
        let sql = sql!("select number from instance where name = $1");
        db.first(sql, &[name.into()])?.map(|mut row| row.take()).transpose()
    });
    read.await.unwrap()
}

#[test]
#[allow(clippy::disallowed_methods, reason = "how long a refusal takes is the question")]
fn what_cannot_be_used_is_refused_by_name_and_soon() {
    let Some(cluster) = cluster::shared("refused databases") else { return };
    let (foreign, newer, empty) = (cluster.database(), cluster.database(), cluster.database());
    foreign.texts("create table accounts (id int)");
    drop(server(&newer.url()));
    newer.execute("update authd_schema set version = 1000, oldest = 1000");
    let locked = foreign.url_of("locked", foreign.port);
    let wrong = locked.replace("locked@", "locked:wrong@");
    let free = foreign.url_of("authd", cluster::free_port());
    let missing = foreign.url().replace(&foreign.name, "missing");
    for (url, role, message) in [
        (foreign.url(), ProcessRole::Server, "has tables of another program"),
        (
            newer.url(),
            ProcessRole::Server,
            "was created by a newer authd: its schema is version 1000",
        ),
        (newer.url(), ProcessRole::Command, "was created by a newer authd"),
        (empty.url(), ProcessRole::Command, "`authd serve` creates one"),
        (locked.clone(), ProcessRole::Server, "password missing"),
        (wrong, ProcessRole::Server, "password authentication failed"),
        (missing, ProcessRole::Server, "does not exist"),
        (free, ProcessRole::Server, "Connection refused"),
        (foreign.url() + "?sslmode=verify-full", ProcessRole::Server, "does not support TLS"),
    ] {
        let began = Instant::now();
        let refused = refused(&url, role);
        assert!(refused.contains(message) && !refused.contains("wrong"), "{url}: {refused}");
        assert!(began.elapsed() < Duration::from_secs(5), "{url}");
    }
    let right = foreign.url_of("locked:open%20sesame", foreign.port);
    assert!(refused(&right, ProcessRole::Server).contains("tables of another program"));
    assert_eq!(
        foreign.query("select relname::text from pg_class where relname like 'authd%'").rows.len(),
        0
    );
}

#[test]
fn a_server_that_can_lose_what_it_acknowledged_is_refused() {
    if cluster::shared("fsync = off").is_none() {
        return;
    }
    let careless = Cluster::start(&cluster::programs().unwrap(), &["-c", "fsync=off"]);
    let url = format!("postgres://authd@127.0.0.1:{}/postgres", careless.port);
    assert!(refused(&url, ProcessRole::Server).contains("fsync = off"));
    assert!(refused(&url, ProcessRole::Command).contains("fsync = off"));
}

/// Waits until something holds that another thread brings about.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    for _ in 0..1500 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came: {what}");
}

/// A server whose signs of life are so frequent that it takes another for gone after 200 ms.
fn hasty(url: &str) -> Store {
    let plan = Plan { patience: Duration::from_millis(50), ..Plan::of(ProcessRole::Server) };
    Engine::open(&place(url), &plan, &Env::real()).map(Store::new).unwrap()
}

#[tokio::test]
async fn several_servers_use_a_database_and_one_of_them_acts_for_all() {
    let Some(database) = database("several servers") else { return };
    let url = database.url();
    let (first, second) = (hasty(&url), hasty(&url));
    first.write(keep("first", 1)).await.unwrap();
    second.write(keep("second", 1)).await.unwrap();
    assert_eq!(names(&first).await, ["first", "second"]);
    for store in [&first, &second] {
        until("both are known", async || store.node().live() == 2).await;
    }
    assert!(first.node().leads() && !second.node().leads());
    assert_ne!(first.node().id(), second.node().id());
    let listed = second.nodes().await.unwrap();
    assert_eq!(listed.iter().map(|node| node.leads).filter(|leads| *leads).count(), 1);
    assert_eq!(
        listed.iter().map(|node| &*node.name).collect::<Vec<_>>(),
        [first.node().name().unwrap(); 2]
    );
    let command = Store::open(&place(&url), ProcessRole::Command, &Env::real()).unwrap();
    assert!(command.node().id().is_none() && command.nodes().await.unwrap().len() == 2);
    let alone = Store::open_alone(&place(&url), &Env::real()).err().unwrap();
    assert!(alone.message().contains("another authd is serving"), "{alone:?}");

    // One that ends gives the lease back, and its row goes.
    drop(first);
    until("the next one acts", async || second.node().leads()).await;
    assert_eq!(second.node().live(), 1);

    // One that was killed leaves both behind, with what it was about to send.
    database.execute(
        "insert into authd_nodes (id, name, version, alone, beat) values ('dead', 'box/1', '0', 0, 7)",
    );
    database.execute("update authd_schema set server = 'dead'");
    database.execute(
        "insert into outbox (id, channel, kind, state, attempts, next_at, claimed_by, created_at) \
         values ('m', 'mail', 'k', 'waiting', 1, 9000000000000, 'dead', 0)",
    );
    until("it lost the lease", async || !second.node().leads()).await;
    until("it has the lease again", async || second.node().leads()).await;
    until("the dead one is gone", async || second.nodes().await.unwrap().len() == 1).await;
    let claim = database.texts("select claimed_by, next_at < 9000000000000 from outbox");
    assert_eq!(claim, [[None, Some("t".to_owned())]]);
}

#[tokio::test]
async fn one_that_uses_a_database_alone_keeps_servers_away_until_it_is_gone() {
    let Some(database) = database("a database used alone") else { return };
    let url = database.url();
    drop(server(&url));
    let alone = Store::open_alone(&place(&url), &Env::real()).unwrap();
    let refused = refused(&url, ProcessRole::Server);
    assert!(refused.contains("alone, for a migration"), "{refused}");
    drop(alone);
    drop(server(&url));

    // One that was killed is waited for.
    database.execute(
        "insert into authd_nodes (id, name, version, alone, beat) values ('dead', 'box/1', '0', 1, 7)",
    );
    let next = hasty(&url);
    assert_eq!(next.nodes().await.unwrap().len(), 1);
    drop(next);

    // One that was only slow stops using the database when it notices.
    let slow = Store::open_alone(&place(&url), &Env::real()).unwrap();
    database.execute("delete from authd_nodes");
    until("it notices", async || slow.write(add("more", 1)).await.is_err()).await;
    let error = slow.write(add("more", 1)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(error.chain().contains("taken over"), "{error:?}");
    let unread = slow.read(|db| db.all(sql!("select 1"), &[]).map(drop)).await.unwrap_err();
    assert_eq!(unread.kind(), Kind::Unavailable);
}

#[tokio::test]
async fn a_server_that_cannot_reach_the_database_stops_acting_for_all() {
    let Some(database) = database("a server that is cut off") else { return };
    let proxy = Proxy::to(database.port);
    let first = hasty(&database.url_of("authd", proxy.port));
    until("it acts", async || first.node().leads()).await;
    proxy.lead_to(cluster::free_port());
    database.texts(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity \
         where datname = current_database() and pid <> pg_backend_pid()",
    );
    until("it stopped", async || !first.node().leads() && !first.node().is_current()).await;
    let second = hasty(&database.url());
    until("the next one acts", async || second.node().leads()).await;
    proxy.lead_to(database.port);
    until("it is back", async || first.node().is_current() && first.node().live() == 2).await;
    assert!(second.node().leads() && !first.node().leads());
}

#[tokio::test]
async fn counters_that_several_servers_raise_are_exact_and_wait_for_no_change() {
    let Some(database) = database("counters") else { return };
    let url = database.url();
    let stores: Vec<Store> = (0..3).map(|_| server(&url)).collect();
    // A change that is under way holds no counter up.
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let (begun, may_go_on) = (std::sync::Mutex::new(Some(begun)), std::sync::Mutex::new(may_go_on));
    let slow = stores[0].clone();
    let change = tokio::spawn(async move {
        slow.write(move |db: &mut dyn Db| {
            let done = add("n", 1)(db);
            if let Some(begun) = begun.lock().unwrap().take() {
                begun.send(()).unwrap();
                may_go_on.lock().unwrap().recv().unwrap();
            }
            done
        })
        .await
    });
    has_begun.await.unwrap();
    let adding = stores.iter().map(|store| async move {
        for _ in 0..60 {
            store.count(add("counter", 1)).await.unwrap();
        }
    });
    futures_util::future::join_all(adding).await;
    assert_eq!(sum(&stores[1], "counter").await, Some(180));
    go_on.send(()).unwrap();
    assert_eq!(change.await.unwrap().unwrap(), 1);
    let refused = stores[0].count::<(), _>(|db| {
        add("counter", 1)(db)?;
        Err(Error::new(Kind::Conflict))
    });
    assert_eq!(refused.await.unwrap_err().kind(), Kind::Conflict);
    assert_eq!(sum(&stores[2], "counter").await, Some(180), "a refused count is not kept");
}

#[tokio::test]
async fn a_connection_lost_before_the_commit_is_not_noticed() {
    let Some(database) = database("lost connections") else { return };
    let proxy = Proxy::to(database.port);
    let store = server(&database.url_of("authd", proxy.port));
    for (at, expected) in [(&b"returning number"[..], 1), (b"begin", 2), (b"begin", 3)] {
        proxy.cut(Cut::Before, at);
        assert_eq!(store.write(add("n", 1)).await.unwrap(), expected);
        assert!(proxy.has_cut());
    }
    proxy.cut(Cut::After, b"set local");
    assert_eq!(store.write(add("n", 1)).await.unwrap(), 4);
    assert!(proxy.has_cut());
    proxy.cut(Cut::Before, b"repeatable read");
    assert_eq!(sum(&store, "n").await, Some(4));
    proxy.cut(Cut::After, b"repeatable read");
    assert_eq!(sum(&store, "n").await, Some(4));
    assert!(proxy.has_cut());
}

#[tokio::test]
async fn a_connection_lost_at_the_commit_is_an_open_outcome_and_never_a_second_attempt() {
    let Some(database) = database("lost commits") else { return };
    let proxy = Proxy::to(database.port);
    let store = server(&database.url_of("authd", proxy.port));
    store.write(add("n", 1)).await.unwrap();
    for (cut, expected) in [(Cut::Before, 1), (Cut::After, 2)] {
        let runs = Arc::new(AtomicUsize::new(0));
        let (counted, change) = (runs.clone(), add("n", 1));
        // The name of a setting ends with the same word.
        proxy.cut(cut, b"commit\0");
        let write = store.write(move |db: &mut dyn Db| {
            counted.fetch_add(1, Ordering::SeqCst);
            change(db)
        });
        let error = write.await.unwrap_err();
        assert!(proxy.has_cut());
        assert_eq!(error.kind(), Kind::Unavailable, "{cut:?}");
        assert!(error.retry_delay().is_some() && error.chain().contains("may not be on disk"));
        assert_eq!(runs.load(Ordering::SeqCst), 1, "{cut:?}");
        assert_eq!(sum(&store, "n").await, Some(expected), "{cut:?}");
    }
    assert_eq!(store.write(add("n", 1)).await.unwrap(), 3);
}

#[tokio::test]
async fn two_processes_that_change_the_same_lose_nothing() {
    let Some(database) = database("conflicts") else { return };
    let url = database.url();
    let (one, two) =
        (server(&url), Store::open(&place(&url), ProcessRole::Command, &Env::real()).unwrap());
    // Each checks what the other changes: two rows of which only one may be set.
    let set = |own: &'static str, other: &'static str| {
        move |db: &mut dyn Db| {
            let sql = sql!("select number from instance where name = $1");
            if db.first(sql, &[other.into()])?.is_some() {
                return Err(Error::new(Kind::Conflict));
            }
            keep(own, 1)(db)
        }
    };
    for round in 0..30 {
        let (left, right) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let both = tokio::join!(left.write(set("a", "b")), right.write(set("b", "a")));
        let won = [both.0.is_ok(), both.1.is_ok()].into_iter().filter(|won| *won).count();
        assert_eq!(won, 1, "{both:?}");
        one.write(|db: &mut dyn Db| {
            db.run(sql!("delete from instance where name in ('a', 'b')"), &[])
        })
        .await
        .unwrap();
    }
    let adding = |store: Store| async move {
        for _ in 0..100 {
            store.write(add("n", 1)).await.unwrap();
        }
    };
    tokio::join!(adding(one.clone()), adding(two.clone()));
    assert_eq!(sum(&one, "n").await, Some(200));
}

#[tokio::test]
async fn a_database_that_is_serializable_by_default_serves_too() {
    let Some(database) = database("default isolation") else { return };
    let set = "set default_transaction_isolation = 'serializable'";
    database.texts(&format!("alter database {} {set}", database.name));
    let store = server(&database.url());
    store.write(add("n", 1)).await.unwrap();
    let count = |db: &mut dyn Db| {
        db.first(sql!("select count(*) from instance"), &[])?.unwrap().take::<i64>()
    };
    assert_eq!(*store.recall(("count", ""), count).await.unwrap(), 1);
    assert_eq!(store.scan(count).await.unwrap(), 1);
}

#[tokio::test]
async fn the_server_ends_connections_and_the_store_goes_on() {
    let Some(database) = database("ended connections") else { return };
    let store = server(&database.url());
    for round in 1..=3 {
        assert_eq!(store.write(add("n", 1)).await.unwrap(), round);
        assert_eq!(sum(&store, "n").await, Some(round));
        database.texts(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity \
             where datname = current_database() and pid <> pg_backend_pid()",
        );
    }
    assert_eq!(sum(&store, "n").await, Some(3));
}

#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "how long a fail-over takes is the question")]
async fn after_a_fail_over_nothing_acknowledged_is_lost_and_the_store_goes_on() {
    if cluster::shared("a fail-over").is_none() {
        return;
    }
    let programs = cluster::programs().unwrap();
    let primary = Cluster::start(&programs, &[]);
    let standby = primary.standby(&programs);
    let url = |port: u16| format!("postgres://authd@127.0.0.1:{port}/postgres");
    let proxy = Proxy::to(primary.port);
    let store = server(&url(proxy.port));
    let refused = refused(&url(standby.port), ProcessRole::Command);
    assert!(refused.contains("is a standby"), "{refused}");
    let mut acknowledged = 0;
    for _ in 0..50 {
        acknowledged = store.write(add("n", 1)).await.unwrap();
    }
    primary.kill();
    let error = store.write(add("n", 1)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(error.retry_delay().is_some());

    proxy.lead_to(standby.port);
    standby.promote();
    let began = Instant::now();
    let mut attempts = 0;
    let sum = loop {
        match store.write(add("n", 1)).await {
            Ok(sum) => break sum,
            Err(error) => assert_eq!(error.kind(), Kind::Unavailable),
        }
        attempts += 1;
        assert!(began.elapsed() < Duration::from_secs(15), "{attempts} attempts");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    // The change at the crash was not acknowledged: it may be there or not.
    assert!((acknowledged + 1..=acknowledged + 2).contains(&sum), "{acknowledged} then {sum}");
    assert_eq!(names(&store).await, ["n"]);
}

#[tokio::test]
async fn a_pooler_may_hand_each_transaction_to_another_connection() {
    let Some(database) = database("a pooler") else { return };
    let Some(pooler) = Pooler::to(database.port, 2) else { return };
    let url = database.url_of("authd", pooler.port);
    let (one, two) =
        (server(&url), Store::open(&place(&url), ProcessRole::Command, &Env::real()).unwrap());
    for round in 0..20 {
        let (a, b) = tokio::join!(one.write(add("n", 1)), two.write(add("n", 1)));
        assert!(a.is_ok() && b.is_ok(), "{a:?} {b:?}");
        let (a, b) = tokio::join!(sum(&one, "n"), sum(&two, "n"));
        assert_eq!((a, b), (Some(2 * (round + 1)), Some(2 * (round + 1))));
    }
    let prepared = database.texts("select count(*) from pg_prepared_statements");
    assert_eq!(prepared, [[Some("0".to_owned())]]);
}

/// Other servers that speak PostgreSQL's protocol lack these, and times come from the program.
#[test]
fn no_statement_uses_what_only_one_engine_has() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let banned = [
        "now()",
        "current_timestamp",
        "nextval",
        "serial",
        "pg_",
        "advisory",
        "listen ",
        "notify ",
        "autoincrement",
        "collate nocase",
        "insert or ",
        "json",
        "rowid",
        "ilike",
        "random()",
        "for update",
    ];
    let mut wrong = Vec::new();
    // Where the clock of the database is read, and the servers that share it, are PostgreSQL's own.
    let own = std::fs::read_to_string(source.join("postgres/nodes.rs")).unwrap();
    assert_eq!(own.matches("clock_timestamp()").count(), 1);
    for file in std::fs::read_dir(source.join("postgres")).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap().to_lowercase();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            let only_postgresql =
                ["advisory", "nextval", "\"listen", "\"notify", " now()", "for update"];
            if only_postgresql.iter().any(|word| line.contains(word)) {
                wrong.push(format!("{}: {line}", path.display()));
            }
        }
    }
    for file in std::fs::read_dir(source.join("tables")).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for statement in text.split("sql!(").skip(1) {
            let statement = statement.split("\n    }").next().unwrap().to_lowercase();
            let statement = statement.split(");").next().unwrap();
            for word in banned.iter().filter(|word| statement.contains(*word)) {
                wrong.push(format!("{}: {word} in {statement}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
