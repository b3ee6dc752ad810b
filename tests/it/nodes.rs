//! Several servers on one PostgreSQL database: real processes, as behind a balancer.

mod paused;
mod spent;
mod versions;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use authd::env::{Clock, Env, SystemRandomness};
use authd::model::{Secret, Time};
use authd::store::ProcessRole;
use serde_json::{Value, json};

use crate::cluster::{self, TestDatabase};
use crate::process::{Client, Folder, Ran, Reply, Server, credentials};

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const PASSWORD: &str = "correct horse battery staple";

/// How long a letter may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Servers that share a database, each started in a folder of its own.
struct Nodes {
    database: TestDatabase,
    folders: Vec<Folder>,
    servers: Vec<Server>,
}

impl Nodes {
    /// Starts servers with these settings; `None` without PostgreSQL.
    fn start(scenario: &str, count: usize, set: &[&str]) -> Option<Self> {
        let database = cluster::shared(scenario)?.database();
        let folders: Vec<Folder> = (0..count).map(|_| folder()).collect();
        let url = database.url();
        let limits = ["limits.general=off", "limits.sign_in=off", "limits.sign_up=off"];
        let is_own = |limit: &&str| {
            let name = limit.strip_suffix("off").unwrap_or(limit).replace('=', ".");
            !set.iter().any(|set| set.starts_with(&name))
        };
        let cheap = ["hashing.memory=64", "hashing.passes=1", "signup.verify_email=false"];
        let sets =
            cheap.into_iter().chain(limits.into_iter().filter(is_own)).chain(set.iter().copied());
        let sets = sets.flat_map(|set| ["--set", set]);
        let arguments: Vec<&str> = ["--db", &url].into_iter().chain(sets).collect();
        let servers = folders.iter().map(|folder| folder.serve(&arguments)).collect();
        Some(Self { database, folders, servers })
    }

    fn client(&self, at: usize) -> Client {
        self.servers[at % self.servers.len()].client()
    }

    fn post(&self, at: usize, path: &str, body: &Value) -> Reply {
        self.client(at).post(path, body).expect("the server answers")
    }

    /// Signs up at a server; returns the tokens of a login there.
    fn enter(&self, at: usize, name: &str) -> Tokens {
        let email = format!("{name}@example.com");
        let body = json!({ "email": email, "password": PASSWORD });
        let made = self.post(at, "/v1/auth/register", &body);
        assert_eq!(made.status, 201, "{}", made.text);
        self.log_in(at, name)
    }

    fn log_in(&self, at: usize, name: &str) -> Tokens {
        let email = format!("{name}@example.com");
        let reply = self.post(at, "/v1/auth/login", &credentials(&email, PASSWORD));
        assert_eq!(reply.status, 200, "{}", reply.text);
        Tokens::of(&reply)
    }

    fn check(&self, at: usize, tokens: &Tokens) -> u16 {
        let bearer = format!("Authorization: Bearer {}\r\n", tokens.access);
        self.client(at).ask("GET", "/v1/users/me", &bearer, None).expect("an answer").status
    }

    fn refresh(&self, at: usize, token: &str) -> Reply {
        self.post(at, "/v1/auth/refresh", &json!({ "refreshToken": token }))
    }

    /// Runs a command in the folder of a server.
    fn run(&self, at: usize, arguments: &[&str]) -> Ran {
        let url = self.database.url();
        self.folders[at].run(&[arguments, &["--db", &url]].concat())
    }

    /// The id of the server that acts for all, and its number here.
    fn leader(&self) -> Option<(String, usize)> {
        let rows = self
            .database
            .texts("select n.id, n.name from authd_nodes n join authd_schema s on s.server = n.id");
        let [id, name] = rows.into_iter().next()?.try_into().ok()?;
        let (id, name) = (id?, name?);
        let process = name.rsplit('/').next()?.to_owned();
        let at = self.servers.iter().position(|one| one.child.id().to_string() == process)?;
        Some((id, at))
    }
}

struct Tokens {
    access: String,
    refresh: String,
}

impl Tokens {
    fn of(reply: &Reply) -> Self {
        Self { access: reply.text("accessToken"), refresh: reply.text("refreshToken") }
    }
}

/// A folder with the master key of all servers.
fn folder() -> Folder {
    let folder = Folder::new();
    let key = folder.path("authd.key");
    std::fs::write(&key, KEY).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    folder
}

fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1500 {
        if holds() {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("it never came: {what}");
}

#[test]
fn what_one_server_revokes_the_next_request_at_every_other_finds_revoked() {
    let Some(nodes) = Nodes::start("revocation at once", 3, &[]) else { return };
    nodes.enter(0, "ada");
    for round in 0..10 {
        let tokens = nodes.log_in(round, "ada");
        // Each server now remembers that the token is valid.
        assert_eq!([0, 1, 2].map(|at| nodes.check(at, &tokens)), [200; 3]);
        let body = json!({ "refreshToken": tokens.refresh });
        assert!(nodes.post(round, "/v1/auth/logout", &body).status < 300);
        assert_eq!([1, 2, 3].map(|more| nodes.check(round + more, &tokens)), [401; 3], "{round}");
    }
    // By a command, all sessions of an account, and all tokens there are.
    let tokens = nodes.log_in(0, "ada");
    assert_eq!([0, 1, 2].map(|at| nodes.check(at, &tokens)), [200; 3]);
    let ran = nodes.run(1, &["user", "lock", "ada@example.com"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!([0, 1, 2].map(|at| nodes.check(at, &tokens)), [401; 3]);
    let bob = nodes.enter(1, "bob");
    assert_eq!([0, 1, 2].map(|at| nodes.check(at, &bob)), [200; 3]);
    let ran = nodes.run(2, &["key", "rotate", "--revoke", "--yes"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!([0, 1, 2].map(|at| nodes.check(at, &bob)), [401; 3]);
    assert_eq!(nodes.refresh(0, &bob.refresh).status, 401);
}

#[test]
fn keys_rotate_without_a_refused_request_at_any_server() {
    let Some(nodes) = Nodes::start("key rotation", 2, &[]) else { return };
    let old = nodes.enter(0, "ada");
    let ran = nodes.run(0, &["key", "rotate", "--now"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    for round in 0..6 {
        let new = nodes.log_in(round, "ada");
        assert_eq!([0, 1].map(|at| nodes.check(at, &new)), [200; 2], "{round}");
        assert_eq!([0, 1].map(|at| nodes.check(at, &old)), [200; 2], "{round}");
    }
    let keys = [0, 1].map(|at| nodes.client(at).ask("GET", "/.well-known/jwks.json", "", None));
    let [one, two] = keys.map(|reply| reply.unwrap().body);
    assert_eq!(one["keys"].as_array().unwrap().len(), 2);
    assert_eq!(one, two);
}

#[test]
fn a_refresh_token_used_again_at_another_server_ends_its_session() {
    let Some(nodes) = Nodes::start("refresh tokens", 2, &["sessions.grace=1s"]) else { return };
    let first = nodes.enter(0, "ada");
    let second = nodes.refresh(1, &first.refresh);
    assert_eq!(second.status, 200, "{}", second.text);
    let second = Tokens::of(&second);
    let third = Tokens::of(&nodes.refresh(0, &second.refresh));
    // The grace period has to be over.
    thread::sleep(Duration::from_millis(2500));
    assert_eq!(nodes.refresh(1, &first.refresh).status, 401);
    assert_eq!([0, 1].map(|at| nodes.check(at, &third)), [401; 2]);
    assert_eq!(nodes.refresh(0, &third.refresh).status, 401);

    // Parallel refreshes with one token at two servers get the same successor, also where the clock of
    // one is a moment behind the other's.
    let nodes = &nodes;
    let session = nodes.log_in(0, "ada");
    let token = session.refresh.as_str();
    let used = thread::scope(|scope| {
        let refresh = |at| {
            let reply = nodes.refresh(at, token);
            (reply.status, reply.text("refreshToken"))
        };
        let calls: Vec<_> = (0..10).map(|at| scope.spawn(move || refresh(at))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect::<Vec<_>>()
    });
    let successors: BTreeSet<&String> = used.iter().map(|(_, token)| token).collect();
    assert!(used.iter().all(|(status, _)| *status == 200), "{used:?}");
    assert_eq!(successors.len(), 1, "{used:?}");
}

/// The statuses of calls made at the same time, spread over the servers.
fn at_once(nodes: &Nodes, calls: usize, call: impl Fn(&Client, usize) -> u16 + Sync) -> Vec<u16> {
    let call = &call;
    thread::scope(|scope| {
        let begun: Vec<_> = (0..calls)
            .map(|number| scope.spawn(move || call(&nodes.client(number), number)))
            .collect();
        begun.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

fn count_of(statuses: &[u16], status: u16) -> usize {
    statuses.iter().filter(|one| **one == status).count()
}

#[test]
fn attempts_spread_over_the_servers_never_exceed_a_limit() {
    let set = [
        "limits.sign_in.count=20",
        "limits.sign_in.window=15m",
        "limits.sign_in.shape=window",
        "limits.forgot.count=100",
        "limits.forgot.window=15m",
        "limits.forgot.shape=window",
        "throttle.enabled=false",
    ];
    let Some(nodes) = Nodes::start("limits of several servers", 3, &set) else { return };
    // Each under a name of its own: only the limit of the client is in the way.
    let statuses = at_once(&nodes, 60, |client, number| {
        let email = format!("nobody{number}@example.com");
        client.post("/v1/auth/login", &credentials(&email, "wrong password")).unwrap().status
    });
    assert_eq!((count_of(&statuses, 401), count_of(&statuses, 429)), (20, 40), "{statuses:?}");

    // A larger one: never more, and at least all but what the other servers hold.
    let mut answers = Vec::new();
    for number in 0..150 {
        let body = json!({ "email": format!("nobody{number}@example.com") });
        answers.push(nodes.post(number, "/v1/auth/forgot-password", &body).status);
    }
    let admitted = answers.iter().filter(|status| **status < 300).count();
    assert_eq!(admitted, 100, "{answers:?}");
    let first_refused = answers.iter().position(|status| *status == 429).unwrap();
    assert!(first_refused >= 100 - 2 * 9, "{first_refused}");
}

#[test]
fn wrong_passwords_count_together_at_every_server() {
    let set = ["lockout.enabled=true", "lockout.failures=5", "throttle.enabled=false"];
    let Some(nodes) = Nodes::start("lockout of several servers", 3, &set) else { return };
    nodes.enter(0, "ada");
    let wrong = credentials("ada@example.com", "wrong password");
    for attempt in 0..5 {
        assert_eq!(nodes.post(attempt, "/v1/auth/login", &wrong).status, 401, "{attempt}");
    }
    let right = credentials("ada@example.com", PASSWORD);
    for at in 0..3 {
        assert_ne!(nodes.post(at, "/v1/auth/login", &right).status, 200, "{at}");
    }
}

/// A mail server that holds letters back until it may accept them.
struct SlowMail {
    port: u16,
    accepted: Arc<Mutex<Vec<String>>>,
    /// Says which letter waits to be accepted.
    offered: Receiver<String>,
    /// One for each connection that waits, in order.
    gates: Receiver<Sender<()>>,
}

impl SlowMail {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepted = Arc::<Mutex<Vec<String>>>::default();
        let ((offers, offered), (openers, gates)) = (channel(), channel());
        let log = accepted.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, offers, openers) = (log.clone(), offers.clone(), openers.clone());
                thread::spawn(move || talk(&stream, &log, &offers, &openers));
            }
        });
        Self { port, accepted, offered, gates }
    }

    /// Accepts the letter that has waited longest, and says to whom it is.
    fn accept_one(&self) -> String {
        let offered = self.offered.recv_timeout(PATIENCE).expect("a letter");
        let _ = self.gates.recv_timeout(PATIENCE).unwrap().send(());
        offered
    }

    fn wait_for_one(&self) -> (String, Sender<()>) {
        let offered = self.offered.recv_timeout(PATIENCE).expect("a letter");
        (offered, self.gates.recv_timeout(PATIENCE).unwrap())
    }
}

/// A conversation; a letter is accepted when its gate opens while the client is still there.
fn talk(
    stream: &TcpStream,
    accepted: &Mutex<Vec<String>>,
    offers: &Sender<String>,
    openers: &Sender<Sender<()>>,
) -> Option<()> {
    let mut writer = stream.try_clone().ok()?;
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let mut say = |text: &str| writer.write_all(format!("{text}\r\n").as_bytes()).ok();
    say("220 mx.example ESMTP")?;
    let (mut recipient, mut in_data) = (String::new(), false);
    loop {
        let line = lines.next()?.ok()?;
        if in_data && line != "." {
            continue;
        }
        if line == "." {
            in_data = false;
            let (open, gate) = channel();
            offers.send(recipient.clone()).ok()?;
            openers.send(open).ok()?;
            gate.recv().ok()?;
            accepted.lock().unwrap().push(recipient.clone());
            say("250 queued")?;
        } else if line.starts_with("EHLO") {
            say("250-mx.example\r\n250 8BITMIME")?;
        } else if let Some(to) = line.strip_prefix("RCPT TO:") {
            to.clone_into(&mut recipient);
            say("250 ok")?;
        } else if line.starts_with("DATA") {
            in_data = true;
            say("354 go ahead")?;
        } else if line.starts_with("QUIT") {
            return say("221 bye");
        } else {
            say("250 ok")?;
        }
    }
}

#[test]
fn a_letter_is_sent_by_one_server_and_taken_over_when_that_dies() {
    let mail = SlowMail::start();
    let smtp = format!("mail.smtp_url=smtp://127.0.0.1:{}", mail.port);
    let set = [smtp.as_str(), "mail.from=authd@example.com", "limits.mail_client=off"];
    let Some(mut nodes) = Nodes::start("letters of several servers", 3, &set) else { return };
    let forgot = |nodes: &Nodes, at: usize, name: &str| {
        let body = json!({ "email": format!("{name}@example.com") });
        assert!(nodes.post(at, "/v1/auth/forgot-password", &body).status < 300);
    };
    for name in ["ada", "bob", "eve"] {
        nodes.enter(0, name);
    }
    // Letters about the new devices of logins are out of the way first.
    let waiting = |nodes: &Nodes| {
        nodes.database.texts("select count(*) from outbox where state in ('requested', 'waiting')")
            [0][0]
            .clone()
    };
    while waiting(&nodes).as_deref() != Some("0") {
        if mail.offered.recv_timeout(Duration::from_millis(50)).is_ok() {
            let _ = mail.gates.recv().unwrap().send(());
        }
    }
    mail.accepted.lock().unwrap().clear();

    // While all live, each letter leaves once, however long the mail server takes.
    forgot(&nodes, 0, "ada");
    let (to, gate) = mail.wait_for_one();
    assert!(to.contains("ada@"), "{to}");
    thread::sleep(Duration::from_secs(3));
    assert!(mail.offered.try_recv().is_err(), "no other server offers it");
    gate.send(()).unwrap();
    until("it is delivered", || waiting(&nodes).as_deref() == Some("0"));

    // The one that is offering a letter dies before it is accepted.
    forgot(&nodes, 1, "bob");
    let (_, gate) = mail.wait_for_one();
    let claimed = nodes.database.texts(
        "select n.name from outbox o join authd_nodes n on n.id = o.claimed_by where o.state = 'waiting'",
    );
    let holder = claimed[0][0].clone().unwrap();
    let process = holder.rsplit('/').next().unwrap().to_owned();
    let at = nodes.servers.iter().position(|one| one.child.id().to_string() == process).unwrap();
    nodes.servers.remove(at).kill();
    drop(gate);
    assert!(mail.accept_one().contains("bob@"), "another server takes it over");
    forgot(&nodes, 0, "eve");
    assert!(mail.accept_one().contains("eve@"));
    until("all are delivered", || waiting(&nodes).as_deref() == Some("0"));
    let mut accepted = mail.accepted.lock().unwrap().clone();
    accepted.sort();
    assert_eq!(accepted.len(), 3, "{accepted:?}");
    assert!(mail.offered.try_recv().is_err());
}

#[test]
fn another_server_takes_over_what_one_does_for_all() {
    let Some(mut nodes) = Nodes::start("the lease", 3, &["metrics.enabled=true"]) else { return };
    until("one acts for all", || nodes.leader().is_some());
    let (first, at) = nodes.leader().unwrap();
    nodes.servers.remove(at).kill();
    until("another one does", || nodes.leader().is_some_and(|(id, _)| id != first));
    until("the dead one is gone", || {
        nodes.database.texts("select count(*) from authd_nodes")[0][0].as_deref() == Some("2")
    });
    let (second, at) = nodes.leader().unwrap();
    // One that ends hands it on at once.
    assert_eq!(nodes.servers.remove(at).end(), Some(0));
    until("the last one does", || nodes.leader().is_some_and(|(id, _)| id != second));
    let rows = nodes.database.texts("select count(*) from authd_nodes");
    assert_eq!(rows[0][0].as_deref(), Some("1"));
    // Which server it is, is in the metrics and for the doctor.
    let figures = nodes.client(0).ask("GET", "/metrics", "", None).unwrap().text;
    let name = nodes.database.texts("select name from authd_nodes")[0][0].clone().unwrap();
    for line in [format!("authd_server_info{{server=\"{name}\"}} 1"), "authd_server_leads 1".into()]
    {
        assert!(figures.lines().any(|found| found.starts_with(&line)), "{line}\n{figures}");
    }
    let doctor = nodes.run(0, &["doctor", "--local", "--json"]);
    assert!(doctor.out.contains(&name), "{}{}", doctor.out, doctor.err);
}

#[test]
fn a_server_with_another_master_key_is_refused_by_name_and_none_is_made_up() {
    let Some(nodes) = Nodes::start("another master key", 1, &[]) else { return };
    let (other, url) = (Folder::new(), nodes.database.url());
    let serve = ["serve", "--listen", "127.0.0.1:0", "--db", &url];
    let ran = other.run(&serve);
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    assert!(ran.err.contains("AUTHD_MASTER_KEY"), "{}", ran.err);
    assert!(!other.path("authd.key").exists());
    let mut command = other.command(&serve);
    let ran = command.env("AUTHD_MASTER_KEY", "f".repeat(64)).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert!(said.contains("the master key is not the one that"), "{said}");
    // The one that runs is not disturbed, and the refused one left no row behind.
    assert_eq!(nodes.client(0).ask("GET", "/readyz", "", None).unwrap().status, 200);
    let rows = nodes.database.texts("select count(*) from authd_nodes");
    assert_eq!(rows[0][0].as_deref(), Some("1"));
}

#[tokio::test]
async fn of_two_first_servers_with_different_keys_one_starts() {
    let Some(cluster) = cluster::shared("two first servers") else { return };
    for _ in 0..3 {
        let (database, dir) = (cluster.database(), tempfile::tempdir().unwrap());
        let mut config = crate::support::config("standard", &[], dir.path());
        config.database = database.place();
        let config = Arc::new(config);
        let open = |key: String| {
            let key = Some(Secret::new(key));
            tokio::spawn(authd::app::open(config.clone(), key, ProcessRole::Server, Env::real()))
        };
        let (one, two) = (open(KEY.to_owned()), open("f".repeat(64)));
        let opened = [one.await.unwrap(), two.await.unwrap()];
        let refused: Vec<String> = opened
            .iter()
            .filter_map(|one| one.as_ref().err())
            .map(authd::error::Error::chain)
            .collect();
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(refused[0].contains("the master key is not the one that"), "{refused:?}");
    }
}

#[test]
fn the_counts_of_all_servers_add_up() {
    let Some(mut nodes) = Nodes::start("statistics of several servers", 2, &[]) else { return };
    nodes.enter(0, "ada");
    for round in 0..7 {
        nodes.log_in(round, "ada");
    }
    while let Some(server) = nodes.servers.pop() {
        assert_eq!(server.end(), Some(0));
    }
    let ran = nodes.run(0, &["stats", "--by", "day", "--last", "2", "--json"]);
    let found: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
    let sum = |name: &str| -> i64 {
        let counts = found["series"][name].as_array().unwrap();
        counts.iter().map(|count| count.as_i64().unwrap()).sum()
    };
    assert_eq!((sum("sign_ups"), sum("logins"), sum("active_accounts")), (1, 8, 1), "{found}");
}

/// In full only where long tests are asked for: `tests/ha/failover.py` says what it does.
#[test]
fn nothing_acknowledged_is_lost_when_a_server_and_the_primary_are_killed() {
    if !crate::process::is_long() {
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ha/failover.py");
    for program in ["/usr/bin/patroni", "/usr/bin/etcd", "/usr/sbin/haproxy"] {
        if !std::path::Path::new(program).is_file() {
            return crate::tools::missing("a fail-over by Patroni", program);
        }
    }
    // The Python of Debian has the modules of Debian.
    let mut run = std::process::Command::new("/usr/bin/python3");
    crate::tools::succeed(run.args([script, env!("CARGO_BIN_EXE_authd")]));
}

/// A clock that is this many milliseconds ahead of any database.
struct Ahead(i64);

impl Clock for Ahead {
    fn now(&self) -> Time {
        Env::real().now()
    }

    fn wall(&self) -> Time {
        Env::real().wall()
    }

    fn follow(&self, _shown: Duration) -> Option<i64> {
        Some(self.0)
    }
}

#[tokio::test]
async fn a_server_whose_clock_is_far_from_that_of_the_database_is_not_ready() {
    let Some(cluster) = cluster::shared("clocks") else { return };
    let database = cluster.database();
    let dir = tempfile::tempdir().unwrap();
    let mut config = crate::support::config("standard", &[], dir.path());
    config.database = database.place();
    let config = Arc::new(config);
    for (ahead, is_ready) in [(4_900, true), (5_100, false), (-5_100, false), (-4_900, true)] {
        let env = Env::new(Arc::new(Ahead(ahead)), Arc::new(SystemRandomness::default()));
        let key = Some(Secret::new(KEY));
        let core = authd::app::open(config.clone(), key, ProcessRole::Server, env).await.unwrap();
        let ready = authd::identity::system::health::ready(&core).await;
        assert_eq!(ready.is_ok(), is_ready, "{ahead}: {ready:?}");
        if let Err(error) = ready {
            assert!(error.chain().contains("the clock of this machine is 5 s"), "{error:?}");
        }
    }
    // What a server reads of its own machine is compared in `env`.
    let core = authd::app::open(config, Some(Secret::new(KEY)), ProcessRole::Server, Env::real());
    let core = core.await.unwrap();
    assert!(core.store.clock_ahead().is_some_and(|ahead| ahead.abs() < 1000));
}
