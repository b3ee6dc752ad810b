//! authd on PostgreSQL, beside what `pgbench` does there with the same statements.

mod accounts;
mod cluster;
mod pgbench;
mod search;

use std::time::Duration;

use tempfile::TempDir;

use crate::load;
use crate::server::Server;
use crate::{CONNECTIONS, Figure, PASSWORD, ROUNDS, email, mean, ratio};
use cluster::Cluster;
use pgbench::Script;

/// How many accounts the cost of a request is compared at.
const FEW: usize = 1_000;
const MANY: usize = 1_000_000;

/// The account that the others are copies of.
const SEED: &str = "seed@example.com";

/// How many sessions the requests of that comparison are spread over.
const SESSIONS: usize = 960;

/// How often two servers or databases are compared, which differ less than the machine does over time.
const PAIRS: u32 = 8;

/// Servers that share a database.
struct Nodes {
    database: String,
    servers: Vec<Server>,
    folder: TempDir,
}

impl Nodes {
    async fn start(cluster: &Cluster, database: &str, count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut nodes = Self { database: database.to_owned(), servers: Vec::new(), folder };
        for _ in 0..count {
            nodes.servers.push(nodes.another(cluster).await);
        }
        nodes
    }

    async fn another(&self, cluster: &Cluster) -> Server {
        let url = cluster.url(&self.database);
        // What a login costs is not the question here.
        let sets = ["hashing.memory=64", "hashing.passes=1", "signup.verify_email=false"];
        let sets = sets.into_iter().chain(["limits.sign_up=off"]).flat_map(|set| ["--set", set]);
        let arguments: Vec<&str> = ["--db", &url].into_iter().chain(sets).collect();
        let key = ("AUTHD_MASTER_KEY", "0".repeat(64));
        Server::start_with(self.folder.path(), &arguments, &[key]).await
    }

    fn first(&self) -> &Server {
        &self.servers[0]
    }

    async fn sign_up(&self, name: &str) {
        let body = serde_json::json!({ "email": name, "password": PASSWORD }).to_string();
        let mut wire = load::Wire::open(self.first().address).await;
        let (status, body) = wire.call(&load::post("/v1/auth/register", &body)).await;
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(body));
    }
}

/// All figures; none without PostgreSQL.
pub async fn measure(span: Duration) -> Vec<Figure> {
    let programs = match cluster::programs() {
        Ok(programs) => programs,
        Err(missing) => {
            println!("     skipped: PostgreSQL: {missing}");
            return Vec::new();
        }
    };
    let cluster = Cluster::start(programs);
    let mut figures = beside_pgbench(&cluster, span).await;
    figures.extend(few_and_many(&cluster, span).await);
    figures.push(search::measure(&cluster, "many").await);
    figures
}

/// One server beside pgbench, and two servers beside one.
async fn beside_pgbench(cluster: &Cluster, span: Duration) -> Vec<Figure> {
    cluster.create("bench");
    let mut nodes = Nodes::start(cluster, "bench", 1).await;
    let mut tokens = Vec::new();
    for n in 0..CONNECTIONS {
        nodes.sign_up(&email(n)).await;
        tokens.push(nodes.first().login(&email(n), PASSWORD).await);
    }
    // Sessions that only pgbench uses.
    for n in 0..CONNECTIONS {
        nodes.first().login(&email(n), PASSWORD).await;
    }
    let (check, refresh) = scripts(cluster, nodes.first()).await;
    cluster.run("bench", "vacuum analyze");
    let checks: Vec<Vec<u8>> =
        tokens.iter().map(|token| load::get("/v1/users/me", &token.access)).collect();
    let address = nodes.first().address;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let part = span / ROUNDS;
    load::run(address, CONNECTIONS, part, |n| checks[n].clone()).await;
    let cpu = nodes.first().cpu_seconds();
    let mut calls = 0;
    for _ in 0..ROUNDS {
        theirs.push(check.per_second(cluster, CONNECTIONS, part));
        let load = load::run(address, CONNECTIONS, part, |n| checks[n].clone()).await;
        calls += load.calls;
        ours.push(load.per_second);
    }
    let each = (nodes.first().cpu_seconds() - cpu) * 1e6 / calls as f64;
    println!("     PostgreSQL: a token check takes {each:.1} µs of authd's processor time");
    let mut figures = vec![ratio(
        "PostgreSQL: token checks, 64 connections",
        mean(&ours),
        "pgbench",
        mean(&theirs),
        0.5,
    )];

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut chains: Vec<String> = tokens.iter().map(|token| token.refresh.clone()).collect();
    for _ in 0..ROUNDS {
        theirs.push(refresh.per_second(cluster, CONNECTIONS, part));
        let (load, next) = load::refresh(address, chains, part).await;
        chains = next;
        ours.push(load.per_second);
    }
    figures.push(ratio(
        "PostgreSQL: refreshes, 64 connections",
        mean(&ours),
        "pgbench",
        mean(&theirs),
        0.5,
    ));

    nodes.servers.push(nodes.another(cluster).await);
    figures.extend(one_and_two(&nodes, &checks, chains, part).await);
    figures
}

/// The same load on one of the servers and on both.
async fn one_and_two(
    nodes: &Nodes,
    checks: &[Vec<u8>],
    mut chains: Vec<String>,
    part: Duration,
) -> Vec<Figure> {
    let [one, two] = [&nodes.servers[0], &nodes.servers[1]].map(|server| server.address);
    let half = CONNECTIONS / 2;
    load::run(two, half, part, |n| checks[n].clone()).await;
    let (mut single, mut double) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        single.push(load::run(one, CONNECTIONS, part, |n| checks[n].clone()).await.per_second);
        let (left, right) = tokio::join!(
            load::run(one, half, part, |n| checks[n].clone()),
            load::run(two, half, part, |n| checks[half + n].clone())
        );
        double.push(left.per_second + right.per_second);
    }
    let checks =
        ratio("token checks, two servers", mean(&double), "one server", mean(&single), 1.0);
    let (mut single, mut double) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let (load, next) = load::refresh(one, chains, part).await;
        single.push(load.per_second);
        let mut left = next;
        let right = left.split_off(half);
        let ((left, kept), (right, more)) =
            tokio::join!(load::refresh(one, left, part), load::refresh(two, right, part));
        double.push(left.per_second + right.per_second);
        chains = kept.into_iter().chain(more).collect();
    }
    let refreshes =
        ratio("refreshes, two servers", mean(&double), "one server", mean(&single), 1.0);
    vec![checks, refreshes]
}

/// The statements of one check and of one refresh, as the server of the database saw them.
async fn scripts(cluster: &Cluster, server: &Server) -> (Script, Script) {
    let tokens = server.login(&email(0), PASSWORD).await;
    let check = load::get("/v1/users/me", &tokens.access);
    load::once(server.address, &check).await;
    let next = load::once(server.address, &load::refresh_request(&tokens.refresh)).await;
    let next: serde_json::Value = serde_json::from_slice(&next).unwrap();
    // Only the first one of an hour notes that the account was active.
    let again = load::refresh_request(next["data"]["refreshToken"].as_str().unwrap());
    cluster.log_statements("bench", true);
    load::once(server.address, &check).await;
    load::once(server.address, &again).await;
    cluster.log_statements("bench", false);
    pgbench::prepare(cluster, "bench", CONNECTIONS);
    (Script::of_check(cluster, "bench"), Script::of_refresh(cluster, "bench"))
}

/// The cost of a request with few accounts and with many, each with a session.
async fn few_and_many(cluster: &Cluster, span: Duration) -> Vec<Figure> {
    let mut sites = [
        AccountsSite::open(cluster, "few", FEW).await,
        AccountsSite::open(cluster, "many", MANY).await,
    ];
    cluster.run("many", "checkpoint");
    let part = span / ROUNDS;
    for site in &mut sites {
        site.checks(part).await;
        site.refreshes(part).await;
    }
    let mut costs = [[0.0; 2]; 2];
    for _ in 0..PAIRS {
        for (cost, site) in costs.iter_mut().zip(&mut sites) {
            cost[0] += 1.0 / site.checks(part).await / f64::from(PAIRS);
            cost[1] += 1.0 / site.refreshes(part).await / f64::from(PAIRS);
        }
    }
    beside_commits(cluster, &sites, part).await;
    let [few, many] = costs;
    let names = ["a token check in 1,000,000 accounts", "a refresh in 1,000,000 accounts"];
    let figure = |at: usize| Figure {
        name: names[at],
        measured: many_of_few(many[at], few[at]),
        limit: "1.1 of it in 1,000".to_owned(),
        holds: many[at] / few[at] <= 1.1,
    };
    vec![figure(0), figure(1)]
}

fn many_of_few(many: f64, few: f64) -> String {
    format!("{:.1} µs = {:.2} of {:.1} µs", many * 1e6, many / few, few * 1e6)
}

/// The cost of a token check while others commit, so that every one reads the rows of its session.
async fn beside_commits(cluster: &Cluster, sites: &[AccountsSite; 2], part: Duration) {
    let commits = pgbench::Commits::start(cluster, "few");
    let mut costs = [0.0; 2];
    for _ in 0..PAIRS {
        for (cost, site) in costs.iter_mut().zip(sites) {
            *cost += 1.0 / site.checks(part).await / f64::from(PAIRS);
        }
    }
    drop(commits);
    let [few, many] = costs;
    println!(
        "     PostgreSQL: a token check in 1,000,000 accounts beside {} commits a second takes {}",
        pgbench::COMMITS,
        many_of_few(many, few)
    );
}

/// A server with many accounts, some of which are logged in.
struct AccountsSite {
    nodes: Nodes,
    checks: Vec<Vec<Vec<u8>>>,
    chains: Vec<String>,
}

impl AccountsSite {
    async fn open(cluster: &Cluster, database: &str, count: usize) -> Self {
        cluster.create(database);
        let nodes = Nodes::start(cluster, database, 1).await;
        nodes.sign_up(SEED).await;
        nodes.first().login(SEED, PASSWORD).await;
        drop(nodes);
        accounts::fill(cluster, database, count);
        let nodes = Nodes::start(cluster, database, 1).await;
        let mut tokens = Vec::new();
        for n in 0..SESSIONS {
            let name = accounts::email(n * count / SESSIONS);
            tokens.push(nodes.first().login(&name, PASSWORD).await);
        }
        let requests: Vec<Vec<u8>> =
            tokens.iter().map(|token| load::get("/v1/users/me", &token.access)).collect();
        let checks = requests.chunks(SESSIONS / CONNECTIONS).map(<[_]>::to_vec).collect();
        let chains = tokens.into_iter().map(|token| token.refresh).collect();
        Self { nodes, checks, chains }
    }

    /// Token checks a second, over all of these sessions.
    async fn checks(&self, span: Duration) -> f64 {
        load::run_each(self.nodes.first().address, span, self.checks.clone()).await.per_second
    }

    /// Refreshes a second; in each round of other sessions.
    async fn refreshes(&mut self, span: Duration) -> f64 {
        let rest = self.chains.split_off(CONNECTIONS);
        let chains = std::mem::replace(&mut self.chains, rest);
        let (load, next) = load::refresh(self.nodes.first().address, chains, span).await;
        self.chains.extend(next);
        load.per_second
    }
}
