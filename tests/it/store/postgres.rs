//! What is PostgreSQL's own: which servers and databases are refused, the lease of the one server, lost
//! connections, conflicts with other processes, and poolers.

use std::process::{Child, Stdio};
use std::time::Instant;

use super::proxy::{Cut, Proxy};
use super::*;
use crate::cluster::{self, Cluster, TestDatabase, place};

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
    newer.execute("update authd_schema set version = 1000");
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

#[tokio::test]
async fn one_server_uses_a_database_and_the_next_one_takes_over() {
    let Some(database) = database("the lease of a server") else { return };
    let (first, url) = (server(&database.url()), database.url());
    first.write(keep("first", 1)).await.unwrap();
    let beside = refused(&url, ProcessRole::Server);
    assert!(beside.contains("another authd is serving"), "{beside}");
    let command = Store::open(&place(&url), ProcessRole::Command, &Env::real()).unwrap();
    assert_eq!(names(&command).await, ["first"]);
    drop(first);
    let second = server(&url);
    assert_eq!(names(&second).await, ["first"]);

    // A server that was killed leaves its row behind.
    drop(second);
    database.execute("update authd_schema set server = 'dead', beat = 7");
    let plan = Plan { patience: Duration::from_millis(50), ..Plan::of(ProcessRole::Server) };
    let third = Engine::open(&place(&url), &plan, &Env::real()).map(Store::new).unwrap();
    third.write(keep("third", 1)).await.unwrap();

    // One that was only slow stops using the database when it notices.
    database.execute("update authd_schema set server = 'other'");
    let error = loop {
        match third.write(add("more", 1)).await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(error.chain().contains("taken over"), "{error:?}");
    let unread = third.read(|db| db.all(sql!("select 1"), &[]).map(drop)).await.unwrap_err();
    assert_eq!(unread.kind(), Kind::Unavailable);
    drop(third);
    let holder = database.texts("select server from authd_schema");
    assert_eq!(holder, [[Some("other".to_owned())]], "the lease of another server stays");
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

/// `PgBouncer` in transaction mode, with two connections to the server.
struct Bouncer {
    port: u16,
    child: Child,
    _folder: TempDir,
}

impl Bouncer {
    fn to(server: u16) -> Option<Self> {
        let program = Path::new("/usr/sbin/pgbouncer");
        if !program.is_file() {
            crate::tools::missing("a pooler", "pgbouncer");
            return None;
        }
        let (folder, port) = (tempfile::tempdir().unwrap(), cluster::free_port());
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={server} user=authd\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 2\n\
             unix_socket_dir =\nlogfile =\n"
        );
        let file = folder.path().join("bouncer.ini");
        std::fs::write(&file, settings).unwrap();
        crate::tools::succeed(
            std::process::Command::new("chmod").arg("-R").arg("a+rX").arg(folder.path()),
        );
        let child = cluster::as_server_user(program.to_str().unwrap())
            .args(["-q", file.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { port, child, _folder: folder })
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_pooler_may_hand_each_transaction_to_another_connection() {
    let Some(database) = database("a pooler") else { return };
    let Some(bouncer) = Bouncer::to(database.port) else { return };
    let url = database.url_of("authd", bouncer.port);
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
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/tables");
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
    for file in std::fs::read_dir(folder).unwrap() {
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
