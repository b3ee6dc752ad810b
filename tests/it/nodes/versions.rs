//! Servers of two versions on one database: a newer one changes the schema while the older ones serve.

use std::sync::atomic::{AtomicBool, Ordering};

use authd::store::steps::{OlderServers, SchemaChange, UpgradeStep};
use authd::store::{Engine, Plan, Store};

use super::*;

/// Additions to tables that every login and every refresh uses.
const ADDS: UpgradeStep = UpgradeStep {
    says: "adds devices",
    older: OlderServers::GoOn,
    changes: &[
        SchemaChange::Sql(
            "create table devices (id text primary key, account_id text not null references accounts (id))",
        ),
        SchemaChange::Sql("alter table sessions add column device_id text"),
        SchemaChange::Sql("alter table accounts add column nickname text not null default ''"),
        SchemaChange::Sql("create index sessions_device on sessions (device_id)"),
    ],
};

const RENAMES: UpgradeStep = UpgradeStep {
    says: "renames the address",
    older: OlderServers::Stop,
    changes: &[SchemaChange::Sql("alter table accounts rename column email to address")],
};

/// A server whose program has these further steps, as far as the database can tell.
fn newer(nodes: &Nodes, further: &[UpgradeStep]) -> Store {
    let plan = Plan::of(ProcessRole::Server);
    let plan = Plan { steps: [plan.steps, further].concat().leak(), ..plan };
    let opened = Engine::open(&nodes.database.place(), &plan, &Env::real());
    Store::new(opened.unwrap_or_else(|error| panic!("{}", error.chain())))
}

/// Logins, refreshes and sign-ups at all servers while something happens; what they were answered.
fn under_load(nodes: &Nodes, happens: impl FnOnce()) -> Vec<Reply> {
    let is_over = AtomicBool::new(false);
    let work = |number: usize| {
        let mut replies = Vec::new();
        let name = format!("load{number}");
        let mut round = 0;
        while !is_over.load(Ordering::Relaxed) || round < 3 {
            round += 1;
            let email = format!("{name}-{round}@example.com");
            let body = json!({ "email": email, "password": PASSWORD });
            replies.push(nodes.post(number, "/v1/auth/register", &body));
            let login = nodes.post(number, "/v1/auth/login", &credentials(&email, PASSWORD));
            if login.status == 200 {
                let refreshed = nodes.refresh(number + 1, &login.text("refreshToken"));
                replies.push(refreshed);
            }
            replies.push(login);
        }
        replies
    };
    thread::scope(|scope| {
        let work = &work;
        let working: Vec<_> = (0..4).map(|number| scope.spawn(move || work(number))).collect();
        happens();
        is_over.store(true, Ordering::Relaxed);
        working.into_iter().flat_map(|one| one.join().unwrap()).collect()
    })
}

fn ready(nodes: &Nodes) -> Vec<u16> {
    let ask = |at| nodes.client(at).ask("GET", "/readyz", "", None).unwrap().status;
    (0..nodes.servers.len()).map(ask).collect()
}

#[test]
fn older_servers_go_on_and_start_again_beside_a_newer_one_that_adds_to_the_schema() {
    let Some(mut nodes) = Nodes::start("a newer schema", 2, &[]) else { return };
    let before = nodes.enter(0, "ada");
    let replies = under_load(&nodes, || {
        let newer = newer(&nodes, &[ADDS]);
        until("all know of each other", || newer.node().live() == 3);
        let version = nodes.database.texts("select version, oldest from authd_schema");
        assert_eq!(version, [["3", "2"].map(|text| Some(text.to_owned()))]);
    });
    let statuses: BTreeSet<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [200, 201].into(), "{replies:?}");
    assert_eq!(ready(&nodes), [200; 2]);
    // One that is restarted, and a command, can use the newer schema too.
    assert_eq!(nodes.servers.remove(0).end(), Some(0));
    let url = nodes.database.url();
    let again = nodes.folders[0].serve(&["--db", &url]);
    let log = std::fs::read_to_string(nodes.folders[0].path("log")).unwrap();
    assert!(log.contains("the schema is newer than this authd, which can use it"), "{log}");
    nodes.servers.insert(0, again);
    assert_eq!([0, 1].map(|at| nodes.check(at, &before)), [200; 2]);
    let ran = nodes.run(0, &["user", "lock", "ada@example.com"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!([0, 1].map(|at| nodes.check(at, &before)), [401; 2]);
    // Not so what has to know every column.
    drop(nodes.servers.drain(..));
    let ran = nodes.folders[0].run(&["migrate", "--db", &url, "--to", "authd.db"]);
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    assert!(ran.err.contains("its schema is version 3, this one supports up to 2"), "{}", ran.err);
}

#[test]
fn older_servers_change_nothing_and_say_so_after_a_step_that_they_would_not_survive() {
    let Some(nodes) = Nodes::start("a schema that is too new", 2, &[]) else { return };
    let before = nodes.enter(0, "ada");
    let mut newest = None;
    let replies = under_load(&nodes, || {
        let newer = newer(&nodes, &[ADDS, RENAMES]);
        until("the older ones have left", || newer.node().live() == 1 && newer.node().leads());
        assert_eq!(ready(&nodes), [503; 2]);
        newest = Some(newer);
    });
    for reply in &replies {
        let is_refused = reply.status == 503 && reply.head.to_lowercase().contains("retry-after: ");
        assert!(is_refused || [200, 201].contains(&reply.status), "{reply:?}");
    }
    assert!(replies.iter().any(|reply| reply.status == 503), "{replies:?}");
    // What they acknowledged is there, and nothing else.
    let acknowledged = replies.iter().filter(|reply| reply.status == 201).count() + 1;
    let accounts = nodes.database.texts("select count(*) from accounts");
    assert_eq!(accounts, [[Some(acknowledged.to_string())]]);
    assert_eq!([0, 1].map(|at| nodes.check(at, &before)), [503; 2]);
    let log = std::fs::read_to_string(nodes.folders[1].path("log")).unwrap();
    assert!(log.contains("servers need version 4, this one knows 2"), "{log}");
    // None starts again.
    let url = nodes.database.url();
    let ran = nodes.folders[0].run(&["serve", "--listen", "127.0.0.1:0", "--db", &url]);
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    assert!(ran.err.contains("its schema is version 4, this one supports up to 2"), "{}", ran.err);
    let ran = nodes.run(0, &["user", "lock", "ada@example.com"]);
    assert_ne!(ran.code, Some(0));
    drop(newest);
}
