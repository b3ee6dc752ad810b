//! What pgbench does with the statements of authd, which are taken from the log of the database.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::cluster::Cluster;

/// The secret of the sessions that pgbench rotates, which stays the same.
const SECRET: &str = "'\\x0000000000000000000000000000000000000000000000000000000000000001'";

/// Each client uses a session of its own, and reads once which.
const FIRST: &str = "\\if :ready = 0
select id as session, account_id as account from pgbench_sessions where n = :client_id \\gset
\\set ready 1
\\set generation 0
\\endif
";

/// How many [`Commits`] there are in a second.
pub const COMMITS: u32 = 1000;

/// Commits of another program, which change no table. They end when this is dropped.
pub struct Commits(Child);

impl Commits {
    pub fn start(cluster: &Cluster, database: &str) -> Self {
        let path = cluster.path("commits.sql");
        std::fs::write(&path, "select pg_current_xact_id();\n").unwrap();
        let mut command = cluster.pgbench(&path, database);
        command.args(["-c", "2", "-T", "3600", "-R", &COMMITS.to_string()]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self(child)
    }
}

impl Drop for Commits {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A script of pgbench.
pub struct Script {
    path: PathBuf,
    database: String,
}

/// A statement in the log.
struct Logged {
    text: String,
    values: Vec<String>,
}

/// Gives pgbench sessions that no client of authd has: each account's second one.
pub fn prepare(cluster: &Cluster, database: &str, count: usize) {
    cluster.run(
        database,
        &format!(
            "create table pgbench_sessions (n int primary key, id text, account_id text);
             insert into pgbench_sessions select row_number() over (order by account_id) - 1, max(id), account_id
               from (select id, account_id, row_number() over (partition by account_id order by id) as nth
                     from sessions) s where nth = 2 group by account_id;
             update sessions set generation = 0, secret_hash = {SECRET} where id in (select id from pgbench_sessions)"
        ),
    );
    let found = cluster.run(database, "select count(*) from pgbench_sessions");
    assert_eq!(found.trim(), count.to_string(), "a session for each client");
}

/// The statements with values that the log has, in order.
fn logged(cluster: &Cluster) -> Vec<Logged> {
    let log = cluster.log();
    let mut found: Vec<Logged> = Vec::new();
    for line in log.lines() {
        if let Some((_, rest)) = line.split_once("  execute ") {
            let (_, text) = rest.split_once(": ").unwrap();
            found.push(Logged { text: text.to_owned(), values: Vec::new() });
        } else if let (Some((_, values)), Some(last)) =
            (line.split_once("DETAIL:  parameters: "), found.last_mut())
        {
            let value = |pair: &str| Some(pair.split_once(" = ")?.1.to_owned());
            last.values = values.split(", ").filter_map(value).collect();
        }
    }
    found
}

/// The only statement of the log that begins like this.
fn statement(all: &[Logged], begins: &str) -> Logged {
    let found = all.iter().find(|one| one.text.starts_with(begins));
    let found = found.unwrap_or_else(|| panic!("no statement begins with: {begins}"));
    Logged { text: found.text.clone(), values: found.values.clone() }
}

impl Logged {
    /// The statement for pgbench, with these values in place of those that it had.
    fn with(self, changes: &[(usize, &str)]) -> String {
        let Self { mut text, mut values } = self;
        for (number, value) in changes {
            (*value).clone_into(&mut values[number - 1]);
        }
        for (at, value) in values.iter().enumerate().rev() {
            text = text.replace(&format!("${}", at + 1), value);
        }
        text + ";\n"
    }
}

impl Script {
    pub fn of_check(cluster: &Cluster, database: &str) -> Self {
        let snapshot = statement(&logged(cluster), "select s.id, ");
        Self::write(cluster, database, "check", &snapshot.with(&[(1, ":session")]))
    }

    /// Without the settings and the lock with which authd begins a transaction: they would cost pgbench a
    /// round trip each.
    pub fn of_refresh(cluster: &Cluster, database: &str) -> Self {
        let all = logged(cluster);
        let snapshot = statement(&all, "select s.id, ").with(&[(1, ":session")]);
        let rotate = statement(&all, "update sessions set generation");
        let known = (rotate.values[6].len(), rotate.values.len());
        assert!(known.0 == 38 && known.1 == 9, "the values of a rotation have changed");
        let rotate = rotate.with(&[
            (1, ":next"),
            (2, SECRET),
            (7, ":session"),
            (8, ":generation"),
            (9, SECRET),
        ]);
        let activity =
            statement(&all, "select hour from account_activity").with(&[(1, ":account")]);
        let text = format!(
            "\\set next :generation + 1\nbegin isolation level serializable, read write;\n{snapshot}{rotate}{activity}\
             commit;\n\\set generation :next\n"
        );
        Self::write(cluster, database, "refresh", &text)
    }

    fn write(cluster: &Cluster, database: &str, name: &str, text: &str) -> Self {
        let path = cluster.path(&format!("{name}.sql"));
        std::fs::write(&path, format!("{FIRST}{text}")).unwrap();
        Self { path, database: database.to_owned() }
    }

    /// Transactions a second on so many connections.
    pub fn per_second(&self, cluster: &Cluster, connections: usize, span: Duration) -> f64 {
        let reset =
            "update sessions set generation = 0 where id in (select id from pgbench_sessions)";
        cluster.run(&self.database, reset);
        let mut command = cluster.pgbench(&self.path, &self.database);
        command.args(["-D", "ready=0", "--max-tries=100", "-c", &connections.to_string()]);
        let seconds = span.as_secs().max(2);
        let output = command.args(["-T", &seconds.to_string()]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        let rate = said.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = rate.filter(|_| output.status.success());
        let rate = rate.unwrap_or_else(|| panic!("pgbench: {said}{errors}"));
        rate.split(' ').next().unwrap().parse().unwrap()
    }
}
