//! The open connections: how many there may be in total and from one client network, and which one
//! is closed for a new one.
//!
//! A connection is idle while none of its requests is being handled and no response is being sent,
//! which includes one that has sent a part of a head. Idle connections are found by a scan of one array, which takes some
//! microseconds and happens only while the server or a network is at its limit.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::config::Server;
use crate::env::Env;
use crate::http::extract::client_ip;
use crate::http::server::log::WarningLimit;
use crate::metrics::{ClosedConnection, Metrics};
use crate::model::ClientIp;

/// The place has no connection.
const FREE: u64 = u64::MAX;
/// The connection of the place has a request in progress.
const BUSY: u64 = u64::MAX - 1;

/// The open connections of a listener. Clones share their state.
#[derive(Clone)]
pub struct Connections(Arc<ConnectionTable>);

struct ConnectionTable {
    /// For each place: when its connection became idle, by `clock`; or [`FREE`] or [`BUSY`].
    idle_since: Box<[AtomicU64]>,
    /// Counts how often a connection became idle.
    clock: AtomicU64,
    /// Whether a new connection waits for a place.
    is_full: AtomicBool,
    changed: Notify,
    open: Mutex<OpenConnections>,
    full_warnings: WarningLimit,
    client_warnings: WarningLimit,
    metrics: Metrics,
}

struct OpenConnections {
    server: Server,
    /// The connection of each place.
    places: Vec<Option<OpenConnection>>,
    free: Vec<usize>,
    /// The number of connections of each network that is counted.
    by_client: HashMap<ClientIp, usize>,
}

struct OpenConnection {
    /// The network that it counts for; `None` for a trusted proxy, or if it is being closed.
    client: Option<ClientIp>,
    is_closing: bool,
    close: Arc<Notify>,
}

/// Which connections may be closed for a new one.
#[derive(Clone, Copy)]
enum Candidates {
    All,
    Of(ClientIp),
}

/// The place of one connection. Dropping it frees it.
pub(in crate::http) struct ConnectionPlace {
    table: Arc<ConnectionTable>,
    at: usize,
    close: Arc<Notify>,
}

impl Connections {
    /// No connections yet.
    #[must_use]
    pub fn new(server: &Server, env: &Env, metrics: &Metrics) -> Self {
        let idle_since = (0..server.connections.max(1)).map(|_| AtomicU64::new(FREE)).collect();
        let open = OpenConnections {
            server: server.clone(),
            places: Vec::new(),
            free: Vec::new(),
            by_client: HashMap::new(),
        };
        Self(Arc::new(ConnectionTable {
            idle_since,
            clock: AtomicU64::new(0),
            is_full: AtomicBool::new(false),
            changed: Notify::new(),
            open: Mutex::new(open),
            full_warnings: WarningLimit::new(env.clone()),
            client_warnings: WarningLimit::new(env.clone()),
            metrics: metrics.clone(),
        }))
    }

    /// Uses the trusted proxies and the limit per network of a new configuration.
    pub fn configure(&self, server: &Server) {
        self.0.lock().server = server.clone();
    }

    /// Finds a place for a new connection, and waits for one if all connections are busy. `None` if
    /// its network is at its limit and none of its connections is idle.
    pub(in crate::http) async fn admit(&self, peer: IpAddr) -> Option<ConnectionPlace> {
        loop {
            match self.0.admit(peer) {
                Admission::Place(at, close) => {
                    self.0.is_full.store(false, Ordering::SeqCst);
                    return Some(ConnectionPlace { table: self.0.clone(), at, close });
                }
                Admission::Refused => {
                    self.0.is_full.store(false, Ordering::SeqCst);
                    return None;
                }
                Admission::Full => self.0.changed.notified().await,
            }
        }
    }
}

enum Admission {
    Place(usize, Arc<Notify>),
    /// The network is at its limit.
    Refused,
    /// There is no place yet.
    Full,
}

impl ConnectionTable {
    fn lock(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, peer: IpAddr) -> Admission {
        let mut open = self.lock();
        let is_counted = !client_ip::is_trusted_proxy(&open.server, peer);
        let client = is_counted.then(|| ClientIp::of(peer));
        if let Some(client) = client
            && open
                .by_client
                .get(&client)
                .is_some_and(|count| *count >= open.server.connections_client)
        {
            self.warn_of_client(client);
            if !self.close_idle(&mut open, Candidates::Of(client)) {
                self.metrics.note_closed(ClosedConnection::Refused);
                return Admission::Refused;
            }
        }
        if let Some(at) = open.take_place(self.idle_since.len()) {
            let close = Arc::new(Notify::new());
            if let Some(client) = client {
                *open.by_client.entry(client).or_default() += 1;
            }
            let connection = OpenConnection { client, is_closing: false, close: close.clone() };
            open.places[at] = Some(connection);
            self.note_idle(at);
            self.metrics.note_connections(1);
            return Admission::Place(at, close);
        }
        if self.full_warnings.permits() {
            tracing::warn!(
                connections = self.idle_since.len(),
                "all connections are in use (server.connections): idle ones are closed for new ones"
            );
        }
        // Set before the scan, so that a connection that becomes idle during the scan is noticed.
        self.is_full.store(true, Ordering::SeqCst);
        if !self.is_one_closing(&open) {
            self.close_idle(&mut open, Candidates::All);
        }
        Admission::Full
    }

    fn warn_of_client(&self, client: ClientIp) {
        if self.client_warnings.permits() {
            tracing::warn!(
                %client,
                "one client network has as many connections as it may (server.connections_client): its idle ones \
                 are closed for new ones"
            );
        }
    }

    /// Closes the connection that has been idle for longest. Returns false if none is idle.
    fn close_idle(&self, open: &mut OpenConnections, candidates: Candidates) -> bool {
        let idle = open.places.iter().enumerate().filter(|(_, place)| match (place, candidates) {
            (Some(one), Candidates::All) => !one.is_closing,
            (Some(one), Candidates::Of(client)) => one.client == Some(client),
            (None, _) => false,
        });
        let longest = idle
            .map(|(at, _)| (self.idle_since[at].load(Ordering::SeqCst), at))
            .filter(|(since, _)| *since < BUSY)
            .min();
        let Some((_, at)) = longest else { return false };
        if let Some(connection) = &mut open.places[at] {
            connection.is_closing = true;
            connection.close.notify_one();
        }
        open.uncount(at);
        self.metrics.note_closed(ClosedConnection::Idle);
        true
    }

    /// Whether a place becomes free soon: its connection is being closed, and no request has begun
    /// on it in the meantime.
    fn is_one_closing(&self, open: &OpenConnections) -> bool {
        open.places.iter().zip(&self.idle_since).any(|(place, since)| {
            place.as_ref().is_some_and(|one| one.is_closing) && since.load(Ordering::SeqCst) < BUSY
        })
    }

    fn note_idle(&self, at: usize) {
        let since = self.clock.fetch_add(1, Ordering::Relaxed);
        self.idle_since[at].store(since, Ordering::SeqCst);
    }
}

impl OpenConnections {
    /// Takes one of `most` places.
    fn take_place(&mut self, most: usize) -> Option<usize> {
        self.free.pop().or_else(|| {
            let at = self.places.len();
            (at < most).then(|| {
                self.places.push(None);
                at
            })
        })
    }

    /// No longer counts a connection for its network.
    fn uncount(&mut self, at: usize) {
        let Some(client) = self.places[at].as_mut().and_then(|one| one.client.take()) else {
            return;
        };
        if let Some(count) = self.by_client.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                self.by_client.remove(&client);
            }
        }
    }
}

impl ConnectionPlace {
    /// Completes when the connection must end, for a new one.
    pub(in crate::http) async fn closing(&self) {
        self.close.notified().await;
    }

    /// Notes that the connection does not end yet, because a request has just begun.
    pub(in crate::http) fn postpone(&self) {
        self.table.changed.notify_one();
    }

    /// Notes that a request begins.
    pub(in crate::http) fn begin(&self) {
        self.table.idle_since[self.at].store(BUSY, Ordering::SeqCst);
    }

    /// Notes that no request is in progress.
    pub(in crate::http) fn end(&self) {
        self.table.note_idle(self.at);
        if self.table.is_full.load(Ordering::SeqCst) {
            self.table.changed.notify_one();
        }
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        let mut open = self.table.lock();
        open.uncount(self.at);
        open.places[self.at] = None;
        self.table.idle_since[self.at].store(FREE, Ordering::SeqCst);
        open.free.push(self.at);
        self.table.metrics.note_connections(-1);
        drop(open);
        self.table.changed.notify_one();
    }
}
