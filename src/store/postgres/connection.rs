//! One connection to a server, for one thread: connecting, the checks of the server, and statements
//! that are prepared once.
//!
//! The connection runs on a small runtime of its own, so that a closure can wait for it on any thread
//! that is not a worker of another runtime.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use tokio::io::AsyncReadExt as _;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls, RowStream, SimpleQueryMessage, Statement};

use super::fault::{DriverReport, Fault, FaultClass};
use super::lookup::LookupQuery;
use super::socket;
use super::value::{Cell, Parameter};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::PostgresUrl;
use crate::store::db::{Row, Value};

/// How long connecting may take. At start, the whole check of the server must fit into five seconds.
const CONNECTING: Duration = Duration::from_secs(4);

/// How long a statement may take.
const STATEMENT: Duration = Duration::from_secs(15);

/// How long answers to statements that were sent together wait for each other.
const TOGETHER: Duration = Duration::from_millis(10);

/// How long closing the connection may take.
const CLOSING: Duration = Duration::from_millis(500);

/// What every connection to one database shares.
#[derive(Clone)]
pub(super) struct PgServer {
    pub url: Arc<PostgresUrl>,
    /// For pauses of random length.
    pub env: Env,
    /// Whether statements must not be prepared: a pooler hands the connection to other server processes.
    is_pooled: Arc<AtomicBool>,
    /// Whether a change of the database shows in its [`DataVersion`](super::data_version::DataVersion).
    shows_changes: Arc<AtomicBool>,
}

impl PgServer {
    pub(super) fn new(url: &PostgresUrl, env: &Env) -> Self {
        Self {
            url: Arc::new(url.clone()),
            env: env.clone(),
            is_pooled: Arc::default(),
            shows_changes: Arc::default(),
        }
    }

    /// The connection of a thread. It is opened when it is needed, and again after it was lost.
    pub(super) fn connected<'c>(
        &self,
        connection: &'c mut Option<PgConnection>,
    ) -> Result<&'c mut PgConnection> {
        let open = match connection.take().filter(|open| !open.is_closed()) {
            Some(open) => open,
            None => PgConnection::open(self)?,
        };
        Ok(connection.insert(open))
    }

    /// Whether statements are not prepared.
    pub(super) fn is_pooled(&self) -> bool {
        self.is_pooled.load(Ordering::Relaxed)
    }

    /// Whether the result of a read can be used again while the version of the database is the same. Behind a
    /// pooler, asking for it would take as long as the read.
    pub(super) fn shows_changes(&self) -> bool {
        self.shows_changes.load(Ordering::Relaxed) && !self.is_pooled()
    }

    /// A commit was seen in the version of the database.
    pub(super) fn set_shows_changes(&self) {
        self.shows_changes.store(true, Ordering::Relaxed);
    }

    /// The version of the database can no longer be read.
    pub(super) fn stop_showing_changes(&self, why: &Error) {
        if self.shows_changes.swap(false, Ordering::Relaxed) {
            let error = why.chain();
            tracing::warn!(error, "{} does not tell of changes: no reads are cached", self.url);
        }
    }

    /// Prepares no statement from now on, and says so once.
    pub(super) fn set_pooled(&self) {
        if !self.is_pooled.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the connection to {} goes through a pooler: statements are not prepared, which costs time",
                self.url
            );
        }
    }
}

/// What a server said about itself.
#[derive(Debug, Clone)]
pub(super) struct ServerFacts {
    /// Such as 150014.
    pub version: u32,
    pub version_text: String,
    pub fsync: bool,
    pub is_standby: bool,
    pub encoding: String,
    pub synchronous_commit: String,
}

/// A connection of one thread.
pub(super) struct PgConnection {
    runtime: Runtime,
    /// Taken when the connection closes.
    client: Option<Client>,
    task: JoinHandle<()>,
    statements: HashMap<&'static str, Statement>,
    server: PgServer,
    pub facts: ServerFacts,
}

impl PgConnection {
    /// Connects, and reads what the server says about itself.
    pub(super) fn open(server: &PgServer) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| not_reached(server, &error))?;
        match runtime.block_on(connect(server)) {
            Ok((client, task, facts)) => {
                let (client, statements) = (Some(client), HashMap::new());
                Ok(Self { runtime, client, task, statements, server: server.clone(), facts })
            }
            Err(error) => {
                // A search for the address that goes on would keep this thread waiting.
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// The database, for messages.
    pub(super) fn place(&self) -> &PostgresUrl {
        &self.server.url
    }

    /// Whether the connection is known to have ended.
    pub(super) fn is_closed(&self) -> bool {
        self.client.as_ref().is_none_or(Client::is_closed)
    }

    /// Runs commands that return no rows.
    pub(super) fn command(&self, text: &str) -> Result<(), Fault> {
        self.command_within(text, STATEMENT)
    }

    /// As [`PgConnection::command`], for commands that may take this long.
    pub(super) fn command_within(&self, text: &str, limit: Duration) -> Result<(), Fault> {
        let client = self.client()?;
        self.wait(limit, async { Ok(client.batch_execute(text).await?) })
    }

    /// Runs a statement, after the commands in `before` if there are any. Both are sent together, so the
    /// statement also runs if the commands fail: they must leave it without effect then.
    pub(super) fn query(
        &mut self,
        before: &str,
        sql: &'static str,
        values: &[Value],
    ) -> Result<(Vec<Row>, u64), Fault> {
        let Self { runtime, client: Some(client), statements, server, .. } = &mut *self else {
            return Err(closed());
        };
        let is_pooled = server.is_pooled();
        let work = async {
            // Of two futures that are joined, the first is polled first, so its commands are sent first.
            let (begun, answer) = if is_pooled {
                let answer = unprepared(client, sql, values);
                tokio::join!(biased; commands(client, before), answer)
            } else if let Some(statement) = statements.get(sql) {
                let answer = prepared(client, statement, values);
                tokio::join!(biased; commands(client, before), answer)
            } else {
                commands(client, before).await?;
                let statement = client.prepare(sql).await?;
                let answer = prepared(client, &statement, values).await;
                statements.insert(sql, statement);
                (Ok(()), answer)
            };
            begun?;
            answer
        };
        let timed = runtime.block_on(async { tokio::time::timeout(STATEMENT, work).await });
        timed.unwrap_or_else(|_| {
            self.client = None;
            Err(Fault::timeout(STATEMENT))
        })
    }

    /// Runs reading statements that do not depend on each other, and passes the outcomes on, in order. They
    /// are sent together, except behind a pooler, which may not handle that. Fails if there are outcomes that
    /// did not come.
    pub(super) fn query_all(
        &mut self,
        queries: &[&LookupQuery],
        mut answered: impl FnMut(Result<Vec<Row>, Fault>),
    ) -> Result<(), Fault> {
        let Self { runtime, client: Some(client), statements, server, .. } = &mut *self else {
            return Err(closed());
        };
        let work = async {
            prepare_all(client, server, statements, queries).await;
            let (statements, is_pooled) = (&*statements, server.is_pooled());
            let answers = queries.iter().map(|query| async {
                let sql = query.sql.text();
                let answer = match statements.get(sql).filter(|_| !is_pooled) {
                    Some(statement) => prepared(client, statement, &query.values).await,
                    None => unprepared(client, sql, &query.values).await,
                };
                answer.map(|(rows, _)| rows)
            });
            let together = if is_pooled { 1 } else { queries.len().max(1) };
            let answers = futures_util::stream::iter(answers).buffered(together);
            pass_on(answers, &mut answered).await;
        };
        let timed = runtime.block_on(async { tokio::time::timeout(STATEMENT, work).await });
        timed.map_err(|_| {
            self.client = None;
            Fault::timeout(STATEMENT)
        })
    }

    /// The rows of simple commands, as text. For checks and for definitions, not for values.
    pub(super) fn texts(&self, text: &str) -> Result<Vec<Vec<Option<String>>>, Fault> {
        let client = self.client()?;
        self.wait(STATEMENT, async { Ok(rows_of(client.simple_query(text).await?)) })
    }

    fn client(&self) -> Result<&Client, Fault> {
        self.client.as_ref().ok_or_else(closed)
    }

    fn wait<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let timed = self.runtime.block_on(async { tokio::time::timeout(limit, work).await });
        timed.unwrap_or_else(|_| Err(Fault::timeout(limit)))
    }
}

impl Drop for PgConnection {
    /// Waits until the connection is closed in order, so that the server does not log a lost one.
    fn drop(&mut self) {
        if self.client.take().is_some() {
            let task = &mut self.task;
            let _ = self.runtime.block_on(async { tokio::time::timeout(CLOSING, task).await });
        }
    }
}

fn not_reached(server: &PgServer, why: &dyn std::fmt::Display) -> Error {
    Error::refused(format!("{} cannot be reached: {why}", server.url))
}

/// Connects, and asks the server about itself.
async fn connect(server: &PgServer) -> Result<(Client, JoinHandle<()>, ServerFacts)> {
    let failed = |error: tokio_postgres::Error| not_reached(server, &DriverReport(error));
    let connecting = async {
        let stream = socket::connect(&server.url).await;
        let stream = stream.map_err(|error| not_reached(server, &error))?;
        let (client, connection) =
            config(&server.url).connect_raw(stream, NoTls).await.map_err(failed)?;
        let task = tokio::spawn(async move {
            // The error is also that of the statement that waits.
            let _ = connection.await;
        });
        let facts = facts(&client, server).await.map_err(failed)?;
        Ok::<_, Error>((client, task, facts))
    };
    let timed = tokio::time::timeout(CONNECTING, connecting).await;
    let (client, task, facts) = timed.map_err(|_| {
        not_reached(server, &format_args!("no answer in {} s", CONNECTING.as_secs()))
    })??;
    // Also when it connects again: what a standby says may be out of date.
    if facts.is_standby {
        return Err(Error::refused(format!(
            "{} is a standby, which cannot be written: name the primary server",
            server.url
        )));
    }
    Ok((client, task, facts))
}

fn closed() -> Fault {
    Fault::unreachable(Error::unavailable("the connection to PostgreSQL is closed"))
}

fn config(url: &PostgresUrl) -> Config {
    let mut config = Config::new();
    config
        .user(&url.user)
        .dbname(&url.database)
        .application_name("authd")
        // The stream is encrypted before the driver gets it.
        .ssl_mode(tokio_postgres::config::SslMode::Disable);
    if let Some(password) = &url.password {
        config.password(password.reveal());
    }
    config
}

async fn commands(client: &Client, text: &str) -> Result<(), tokio_postgres::Error> {
    if text.is_empty() { Ok(()) } else { client.batch_execute(text).await }
}

/// Passes answers on: all at once, so that who gets one does not keep this thread from reading the next, but
/// one by one as they come if that takes long.
async fn pass_on<A>(answers: impl Stream<Item = A>, answered: &mut impl FnMut(A)) {
    let (mut answers, mut come) = (std::pin::pin!(answers), Vec::new());
    let read_all = async {
        while let Some(answer) = answers.next().await {
            come.push(answer);
        }
    };
    let _ = tokio::time::timeout(TOGETHER, read_all).await;
    come.into_iter().for_each(&mut *answered);
    while let Some(answer) = answers.next().await {
        answered(answer);
    }
}

/// Prepares what is not prepared yet. A statement that cannot be prepared is sent as text, and fails with an
/// error of its own.
async fn prepare_all(
    client: &Client,
    server: &PgServer,
    statements: &mut HashMap<&'static str, Statement>,
    queries: &[&LookupQuery],
) {
    let mut tried = HashSet::new();
    for sql in queries.iter().map(|query| query.sql.text()) {
        if server.is_pooled() || statements.contains_key(sql) || !tried.insert(sql) {
            continue;
        }
        match client.prepare(sql).await.map_err(Fault::from) {
            Ok(statement) => _ = statements.insert(sql, statement),
            Err(fault) if fault.class == FaultClass::Unprepared => server.set_pooled(),
            Err(_) => {}
        }
    }
}

async fn prepared(
    client: &Client,
    statement: &Statement,
    values: &[Value],
) -> Result<(Vec<Row>, u64), Fault> {
    let expected = statement.params().len();
    if expected != values.len() {
        return Err(wrong_count(expected, values.len()));
    }
    rows(client.query_raw(statement, values.iter().map(Parameter)).await?).await
}

async fn unprepared(
    client: &Client,
    sql: &str,
    values: &[Value],
) -> Result<(Vec<Row>, u64), Fault> {
    let typed = values.iter().map(Parameter).map(|value| {
        let natural: Type = value.natural_type();
        (value, natural)
    });
    rows(client.query_typed_raw(sql, typed).await?).await
}

fn wrong_count(expected: usize, came: usize) -> Fault {
    Fault {
        class: FaultClass::Statement,
        error: Error::internal(format!("a statement takes {expected} values but got {came}")),
    }
}

async fn rows(stream: RowStream) -> Result<(Vec<Row>, u64), Fault> {
    let mut stream = std::pin::pin!(stream);
    let mut found = Vec::new();
    while let Some(row) = stream.try_next().await? {
        let cells = (0..row.len()).map(|at| Ok(row.try_get::<_, Cell>(at)?.0));
        found.push(Row::new(cells.collect::<Result<_, Fault>>()?));
    }
    Ok((found, stream.rows_affected().unwrap_or(0)))
}

fn rows_of(messages: Vec<SimpleQueryMessage>) -> Vec<Vec<Option<String>>> {
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    rows.map(|row| (0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect()).collect()
}

/// Asks the server about itself, and notices a pooler: behind one, the process that answers is not the
/// one that the connection began with. Names of prepared statements belong to the process, and the same
/// name can mean another program's statement there. A standby does not answer in a serializable transaction, which may be
/// the default there.
async fn facts(client: &Client, server: &PgServer) -> Result<ServerFacts, tokio_postgres::Error> {
    let answer = client
        .simple_query(
            "begin isolation level read committed; \
             select current_setting('server_version_num'), current_setting('server_version'), \
             current_setting('fsync'), pg_is_in_recovery(), current_setting('server_encoding'), \
             current_setting('synchronous_commit'), pg_backend_pid(); \
             end",
        )
        .await?;
    let row = rows_of(answer).pop().unwrap_or_default();
    let mut columns = row.into_iter().map(Option::unwrap_or_default);
    let mut next = || columns.next().unwrap_or_default();
    let facts = ServerFacts {
        version: next().parse().unwrap_or(0),
        version_text: next(),
        fsync: next() == "on",
        is_standby: next() == "t",
        encoding: next(),
        synchronous_commit: next(),
    };
    if next().parse().ok() != begun_with(client).await {
        server.set_pooled();
    }
    Ok(facts)
}

/// The server process that the connection began with. The driver tells it only in a request to cancel,
/// which is not sent to the server here.
async fn begun_with(client: &Client) -> Option<i32> {
    let (ours, mut theirs) = tokio::io::duplex(64);
    client.cancel_token().cancel_query_raw(ours, NoTls).await.ok()?;
    let mut request = [0; 16];
    theirs.read_exact(&mut request).await.ok()?;
    let process = request.get(8..12)?.try_into().ok()?;
    Some(i32::from_be_bytes(process))
}
