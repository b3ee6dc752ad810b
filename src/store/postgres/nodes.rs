//! The servers that share a database: a row for each, whose count rises while it lives, and the lease of
//! the one that acts for all.
//!
//! No clocks are compared. A server watches whether the counts of the others rise; one whose count stands
//! still for eight seconds is gone. A server that could not read them for some seconds starts watching
//! again, so that an outage of the database is not mistaken for the end of a server. What a server that is
//! gone had claimed is released.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Fence;
use super::connection::{PgConnection, PgServer};
use super::data_version;
use super::executor::{PgAccess, PgExecutor};
use super::fault::{Fault, FaultClass};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::metrics::Stopwatch;
use crate::sql;
use crate::store::db::{Db, Row, Value};
use crate::store::node::{ListedNode, Membership};
use crate::store::schema::{Plan, Sharing};
use crate::store::tables::outbox;

/// How many signs of life a server gives in the time after which it is gone: one a second.
const BEATS: u32 = 8;

/// How often the counts of servers are read that are in the way.
const POLL: Duration = Duration::from_millis(250);

/// How often a sign of life is attempted that another server was in the way of.
const ATTEMPTS: u32 = 5;

/// A question about the clock that took longer than twice the best one says too little, and is left out
/// unless it is the only one for this many seconds.
const CLOCK_KEPT: f64 = 60.0;

/// One at a time joins; the lock ends with the transaction.
const BEGIN_TO_JOIN: &str =
    "begin isolation level read committed; update authd_schema set beat = beat + 1";
const INSERT: &str = "insert into authd_nodes (id, name, version, alone, beat) values ($1, $2, $3, $4, 1) \
     on conflict (id) do update set beat = authd_nodes.beat + 1";
const RENEW: &str = "update authd_nodes set beat = beat + 1 where id = $1";
const LOOK: &str =
    "select n.id, n.name, n.beat, n.alone, s.server, s.oldest from authd_nodes n, authd_schema s";
const REMOVE: &str = "delete from authd_nodes where id = $1 and beat = $2";
const LEAVE: &str = "delete from authd_nodes where id = $1";
const TAKE_FREE: &str = "update authd_schema set server = $1 where server is null";
const TAKE_OVER: &str = "update authd_schema set server = $1 where server = $2";
const GIVE_BACK: &str = "update authd_schema set server = null where server = $1";
/// The one place where the clock of the database is read. All other times come from the program.
const CLOCK: &str = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint";

/// A server as its row says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NodeRow {
    id: String,
    name: String,
    beat: i64,
    alone: i64,
    /// The holder of the lease, which is the same in every row.
    leader: Option<String>,
    /// The oldest version of the schema whose servers can use the database, the same in every row.
    oldest: i64,
}

/// What was read of the clock of the database.
struct ClockReading {
    shown: Duration,
    /// How many seconds the question took: half of it is the most that the reading is wrong by.
    took: f64,
}

fn read_clock(connection: &mut PgConnection) -> Result<Option<ClockReading>, Fault> {
    let watch = Stopwatch::start();
    let (rows, _) = connection.query("", CLOCK, &[])?;
    let took = watch.seconds();
    let shown = rows.into_iter().next().map(|mut row| row.take::<i64>()).transpose();
    let micros = shown.map_err(Fault::unreachable)?.and_then(|micros| u64::try_from(micros).ok());
    Ok(micros.map(|micros| ClockReading {
        shown: Duration::from_micros(micros) + Duration::from_secs_f64(took / 2.0),
        took,
    }))
}

/// Makes the clock of this process go by that of the database. Returns by how many milliseconds that of
/// the machine is ahead, if that is known.
pub(super) fn follow_clock(connection: &mut PgConnection, env: &Env) -> Result<Option<i64>, Fault> {
    // The first question prepares the statement, which takes longer.
    read_clock(connection)?;
    Ok(read_clock(connection)?.and_then(|clock| env.follow(clock.shown)))
}

/// Which readings of the clock are good enough.
struct ClockChoice {
    best: f64,
    chosen_at: f64,
}

impl ClockChoice {
    /// Whether to go by a reading that took this long, at this time in seconds.
    fn is_good(&mut self, took: f64, now: f64) -> bool {
        if now - self.chosen_at > CLOCK_KEPT {
            self.best = took;
        }
        let is_good = took <= 2.0 * self.best;
        if is_good {
            self.best = self.best.min(took);
            self.chosen_at = now;
        }
        is_good
    }
}

/// All servers that share the database.
pub(super) fn list(db: &mut dyn Db) -> Result<Vec<ListedNode>> {
    let rows = db.all(
        sql!("select n.name, n.version, n.id, s.server from authd_nodes n, authd_schema s order by n.name, n.id"),
        &[],
    )?;
    let read = |mut row: Row| {
        let (name, version, id) = (row.take()?, row.take()?, row.take::<String>()?);
        Ok(ListedNode { name, version, leads: row.take::<Option<String>>()?.as_ref() == Some(&id) })
    };
    rows.into_iter().map(read).collect()
}

/// The thread that keeps the row of this server. Dropping it removes the row and gives the lease back.
pub(super) struct NodeKeeper {
    /// Dropped to end the thread.
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl NodeKeeper {
    /// Joins the servers that use the database, and starts the thread on the connection.
    ///
    /// # Errors
    /// If a server that lives uses it alone, or this one wants to and there is another.
    pub(super) fn join(
        server: &PgServer,
        mut connection: PgConnection,
        plan: &Plan,
        fence: &Fence,
    ) -> Result<(Self, Arc<Membership>)> {
        let silence = plan.patience * (BEATS / 2);
        let member = Arc::new(Membership::new(server.env.new_id()?, own_name(), silence));
        join(&mut connection, &member, (plan.sharing, silence), &server.env)?;
        if data_version::shows(&mut connection, RENEW, &member.id) {
            server.set_shows_changes();
        } else {
            tracing::info!("{} does not tell of changes: no reads are cached", server.url);
        }
        let mut thread = KeeperThread {
            server: server.clone(),
            connection: Some(connection),
            member: member.clone(),
            sharing: plan.sharing,
            known: plan.version(),
            fence: fence.clone(),
            watch: NodeWatch::new(silence),
            clock: ClockChoice { best: f64::MAX, chosen_at: 0.0 },
        };
        thread.tick();
        let (stop, stopped) = sync_channel(0);
        let thread = std::thread::Builder::new()
            .name("authd-node".to_owned())
            .spawn(move || thread.run(&stopped, silence / BEATS))
            .map_err(|error| {
                Error::internal("failed to start the thread of this server's row").caused_by(error)
            })?;
        Ok((Self { stop: Some(stop), thread: Some(thread) }, member))
    }
}

impl Drop for NodeKeeper {
    fn drop(&mut self) {
        self.stop = None;
        let Some(thread) = self.thread.take() else { return };
        if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
            tracing::error!("the thread of this server's row ended in a panic");
        }
    }
}

/// The name of this server for people: machine and process.
fn own_name() -> String {
    let machine = rustix::system::uname();
    format!("{}/{}", machine.nodename().to_string_lossy(), std::process::id())
}

/// Adds the row of this server, unless a server that lives is in its way.
fn join(
    connection: &mut PgConnection,
    member: &Membership,
    (sharing, silence): (Sharing, Duration),
    env: &Env,
) -> Result<()> {
    let alone = i64::from(sharing == Sharing::Alone);
    let (watch, mut seen) = (Stopwatch::start(), HashMap::new());
    loop {
        connection.command(BEGIN_TO_JOIN).map_err(|fault| fault.error)?;
        let mut others = look(connection).map_err(|fault| fault.error)?;
        others.retain(|other| alone == 1 || other.alone == 1);
        if others.is_empty() {
            let values = own_values(member, alone);
            connection.query("", INSERT, &values).map_err(|fault| fault.error)?;
            return connection.command("commit").map_err(|fault| fault.error);
        }
        connection.command("rollback").map_err(|fault| fault.error)?;
        for other in others {
            let known = seen.entry(other.id.clone()).or_insert((other.beat, watch.seconds()));
            if known.0 != other.beat {
                return Err(in_use(connection, &other));
            }
            if watch.seconds() - known.1 >= silence.as_secs_f64() {
                remove(connection, &other, env).map_err(|fault| fault.error)?;
            }
        }
        std::thread::sleep(POLL.min(silence / BEATS));
    }
}

fn in_use(connection: &PgConnection, other: &NodeRow) -> Error {
    let (place, name) = (connection.place(), &other.name);
    Error::refused(if other.alone == 1 {
        format!(
            "another authd ({name}) uses {place} alone, for a migration: wait until it has ended"
        )
    } else {
        format!("another authd is serving {place} ({name}): stop every server first")
    })
}

fn own_values(member: &Membership, alone: i64) -> [Value; 4] {
    let version = env!("CARGO_PKG_VERSION");
    [(&member.id).into(), (&member.name).into(), version.into(), alone.into()]
}

fn look(connection: &mut PgConnection) -> Result<Vec<NodeRow>, Fault> {
    let (rows, _) = connection.query("", LOOK, &[])?;
    let read = |mut row: Row| {
        Ok(NodeRow {
            id: row.take()?,
            name: row.take()?,
            beat: row.take()?,
            alone: row.take()?,
            leader: row.take()?,
            oldest: row.take()?,
        })
    };
    rows.into_iter().map(read).collect::<Result<_>>().map_err(Fault::unreachable)
}

/// Frees what a server that is gone had claimed, and removes its row, unless it lives after all.
fn remove(connection: &mut PgConnection, gone: &NodeRow, env: &Env) -> Result<(), Fault> {
    free_claims(connection, &gone.id, env)?;
    let values = [(&gone.id).into(), gone.beat.into()];
    let (_, removed) = connection.query("", REMOVE, &values)?;
    if removed == 1 {
        tracing::warn!(server = gone.name, "another server has stopped answering");
    }
    Ok(())
}

/// What is known of the other servers.
struct NodeWatch {
    silence: f64,
    /// The count of each, and when it was first seen.
    seen: HashMap<String, (i64, f64)>,
    looked_at: f64,
}

impl NodeWatch {
    fn new(silence: Duration) -> Self {
        Self { silence: silence.as_secs_f64(), seen: HashMap::new(), looked_at: 0.0 }
    }

    /// The rows of those that are gone, as of this time in seconds.
    fn gone<'r>(&mut self, rows: &'r [NodeRow], now: f64) -> Vec<&'r NodeRow> {
        // While this server could not look, the others could perhaps not give a sign of life either.
        if now - self.looked_at > self.silence / 2.0 {
            self.seen.clear();
        }
        self.looked_at = now;
        self.seen.retain(|id, _| rows.iter().any(|row| row.id == *id));
        let is_gone = |row: &&NodeRow| {
            let seen = self.seen.entry(row.id.clone()).or_insert((row.beat, now));
            if seen.0 != row.beat {
                *seen = (row.beat, now);
            }
            now - seen.1 >= self.silence
        };
        rows.iter().filter(is_gone).collect()
    }
}

/// The state of the thread.
struct KeeperThread {
    server: PgServer,
    connection: Option<PgConnection>,
    member: Arc<Membership>,
    sharing: Sharing,
    /// The version of the schema that this program knows.
    known: i64,
    fence: Fence,
    watch: NodeWatch,
    clock: ClockChoice,
}

impl KeeperThread {
    fn run(mut self, stopped: &Receiver<()>, beat: Duration) {
        while stopped.recv_timeout(beat) == Err(RecvTimeoutError::Timeout) {
            self.tick();
        }
        if let Err(fault) = self.leave() {
            tracing::warn!(
                error = fault.error.chain(),
                "the row of this server was not removed; the others wait until it is silent"
            );
        }
    }

    /// Gives a sign of life and looks after the others.
    fn tick(&mut self) {
        if self.fence.is_closed() {
            return;
        }
        let at = self.member.elapsed();
        for attempt in 1..=ATTEMPTS {
            match self.beat(at) {
                Ok(()) => return,
                // The transactions of this database may be serializable by default.
                Err(fault) if fault.class == FaultClass::Conflict && attempt < ATTEMPTS => {}
                Err(fault) => {
                    let error = fault.error.chain();
                    tracing::warn!(error, "this server gave no sign of life");
                    self.connection = None;
                    return;
                }
            }
        }
    }

    /// Raises the count of this server, reads those of the others, and takes over what a server that is
    /// gone has left.
    fn beat(&mut self, at: Duration) -> Result<(), Fault> {
        let (env, member) = (self.server.env.clone(), self.member.clone());
        let alone = i64::from(self.sharing == Sharing::Alone);
        let connection = self.connection()?;
        let (_, has_row) = if alone == 1 {
            connection.query("", RENEW, &[(&member.id).into()])?
        } else {
            connection.query("", INSERT, &own_values(&member, alone))?
        };
        let clock = read_clock(connection)?;
        let rows = look(connection)?;
        if let Some(clock) = clock.filter(|one| self.clock.is_good(one.took, at.as_secs_f64())) {
            member.set_clock_ahead(env.follow(clock.shown));
        }
        if has_row == 0 {
            tracing::error!(
                "another authd has taken over {}: this one stops using it",
                self.server.url
            );
            self.fence.close("another authd has taken over the database".to_owned());
            return Ok(());
        }
        if let Some(row) = rows.first().filter(|row| row.oldest > self.known) {
            return self.retire(row.oldest);
        }
        member.heard(at);
        let gone = self.watch.gone(&rows, at.as_secs_f64());
        member.set_live(rows.len() - gone.len());
        let connection = self.connection()?;
        let leads = lead(connection, &member, &rows, &gone)?;
        member.set_leads(leads);
        if leads {
            for other in gone {
                remove(connection, other, &env)?;
            }
        }
        Ok(())
    }

    /// Stops using a database whose schema a newer server has changed, and leaves the rest to others.
    fn retire(&mut self, oldest: i64) -> Result<(), Fault> {
        let known = self.known;
        let why = format!(
            "a newer authd has changed the schema of {}: servers need version {oldest}, this one knows {known}. \
             Replace it with the newer one",
            self.server.url
        );
        tracing::error!("{why}");
        self.fence.close(why);
        self.member.retire();
        self.leave()
    }

    fn leave(&mut self) -> Result<(), Fault> {
        let (env, id) = (self.server.env.clone(), self.member.id.clone());
        let connection = self.connection()?;
        free_claims(connection, &id, &env)?;
        connection.query("", LEAVE, &[(&id).into()])?;
        connection.query("", GIVE_BACK, &[(&id).into()])?;
        Ok(())
    }

    fn connection(&mut self) -> Result<&mut PgConnection, Fault> {
        self.server.connected(&mut self.connection).map_err(Fault::unreachable)
    }
}

/// Takes the lease if it is free or its holder is gone. Returns whether this server has it.
fn lead(
    connection: &mut PgConnection,
    member: &Membership,
    rows: &[NodeRow],
    gone: &[&NodeRow],
) -> Result<bool, Fault> {
    let Some(first) = rows.first() else { return Ok(false) };
    let own = Value::from(&member.id);
    let (_, taken) = match &first.leader {
        Some(leader) if *leader == member.id => return Ok(true),
        None => connection.query("", TAKE_FREE, &[own])?,
        Some(leader) => {
            let lives = rows.iter().any(|row| row.id == *leader)
                && !gone.iter().any(|row| row.id == *leader);
            if lives {
                return Ok(false);
            }
            connection.query("", TAKE_OVER, &[own, leader.into()])?
        }
    };
    if taken == 1 {
        tracing::info!("this server now does what one does for all: cleanup, schedules, alarms");
    }
    Ok(taken == 1)
}

fn free_claims(connection: &mut PgConnection, id: &str, env: &Env) -> Result<(), Fault> {
    let mut before = String::new();
    let mut executor = PgExecutor::new(connection, PgAccess::Write, &mut before);
    let freed = outbox::free_claims(&mut executor, id, env.now()).map_err(Fault::unreachable)?;
    if freed > 0 {
        tracing::warn!(messages = freed, "messages that a server had begun to send are due again");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, beat: i64) -> NodeRow {
        NodeRow { id: id.into(), name: id.into(), beat, alone: 0, leader: None, oldest: 1 }
    }

    #[test]
    fn a_server_whose_count_stands_still_is_gone_and_one_whose_count_rises_is_not() {
        let mut watch = NodeWatch::new(Duration::from_secs(8));
        for second in 0..30_i32 {
            let rows = [row("live", second.into()), row("dead", 7)];
            let gone = watch.gone(&rows, f64::from(second));
            let names: Vec<_> = gone.iter().map(|row| &*row.id).collect();
            let expected: &[&str] = if second < 8 { &[] } else { &["dead"] };
            assert_eq!(names, expected, "{second}");
        }
    }

    #[test]
    fn a_slow_answer_says_nothing_of_the_clock_unless_there_is_no_other() {
        let mut choice = ClockChoice { best: f64::MAX, chosen_at: 0.0 };
        for (took, now, expected) in [
            (0.3, 0.0, true),
            (0.001, 1.0, true),
            (0.3, 2.0, false),
            (0.002, 3.0, true),
            (0.003, 4.0, false),
            (0.3, 63.0, false),
            (0.3, 64.0, true),
            (0.5, 65.0, true),
            (0.002, 66.0, true),
        ] {
            assert_eq!(choice.is_good(took, now), expected, "{took} at {now}");
        }
    }

    #[test]
    fn while_this_server_was_cut_off_itself_no_other_is_gone() {
        let mut watch = NodeWatch::new(Duration::from_secs(8));
        let still = [row("other", 7)];
        for second in 0..7 {
            assert!(watch.gone(&still, f64::from(second)).is_empty());
        }
        // The database was away for a minute.
        assert!(watch.gone(&still, 67.0).is_empty());
        for second in 68..75 {
            assert!(watch.gone(&still, f64::from(second)).is_empty(), "{second}");
        }
        assert_eq!(watch.gone(&still, 75.0).len(), 1);
    }
}
