//! The open connections: how many there may be in total and from one client network, and which one
//! is closed for a new one.
//!
//! A connection is idle while none of its requests is being handled and no response is being sent,
//! which includes one that has sent a part of a head. Idle connections are found by a scan of one array, which takes some
//! microseconds and happens only while the server or a network is at its limit.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::Notify;

use crate::config::Server;
use crate::env::Env;
use crate::http::extract::client_ip;
use crate::http::limits::HandshakeLimit;
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
    handshakes: RwLock<HandshakeLimit>,
    handshake_warnings: WarningLimit,
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
    /// The network that it belongs to; `None` for a trusted proxy.
    network: Option<ClientIp>,
    /// The network that it counts for: none if it is being closed.
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
            handshakes: RwLock::new(HandshakeLimit::new(server.handshakes_client, env)),
            handshake_warnings: WarningLimit::new(env.clone()),
            metrics: metrics.clone(),
        }))
    }

    /// Uses the trusted proxies and the limits per network of a new configuration.
    pub fn configure(&self, server: &Server) {
        self.0.lock().server = server.clone();
        let mut handshakes = self.0.handshakes.write().unwrap_or_else(PoisonError::into_inner);
        handshakes.set(server.handshakes_client);
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
            && !self.make_room_of(&mut open, client)
        {
            return Admission::Refused;
        }
        if let Some(at) = open.take_place(self.idle_since.len()) {
            let close = Arc::new(Notify::new());
            open.places[at] = Some(OpenConnection {
                network: client,
                client: None,
                is_closing: false,
                close: close.clone(),
            });
            open.count(at);
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

    /// Closes an idle connection of a network that is at its limit, or several if it is above it
    /// because some went on after they were to be closed. Returns false if too few are idle.
    fn make_room_of(&self, open: &mut OpenConnections, client: ClientIp) -> bool {
        let count = open.by_client.get(&client).copied().unwrap_or_default();
        let needed = (count + 1).saturating_sub(open.server.connections_client);
        if needed == 0 {
            return true;
        }
        self.warn_of_client(client);
        if self.idle(open, Candidates::Of(client)).count() < needed {
            self.metrics.note_closed(ClosedConnection::Refused);
            return false;
        }
        (0..needed).all(|_| self.close_idle(open, Candidates::Of(client)))
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
        let Some((_, at)) = self.idle(open, candidates).min() else { return false };
        if let Some(connection) = &mut open.places[at] {
            connection.is_closing = true;
            connection.close.notify_one();
        }
        open.uncount(at);
        self.metrics.note_closed(ClosedConnection::Idle);
        true
    }

    /// The idle connections, each with the time since when it is idle and its place.
    fn idle<'a>(
        &'a self,
        open: &'a OpenConnections,
        candidates: Candidates,
    ) -> impl Iterator<Item = (u64, usize)> + 'a {
        let among = move |place: &Option<OpenConnection>| match (place, candidates) {
            (Some(one), Candidates::All) => !one.is_closing,
            (Some(one), Candidates::Of(client)) => one.client == Some(client),
            (None, _) => false,
        };
        let places = open.places.iter().enumerate().filter(move |(_, place)| among(place));
        places
            .map(|(at, _)| (self.idle_since[at].load(Ordering::SeqCst), at))
            .filter(|(since, _)| *since < BUSY)
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

    /// Counts a connection for its network.
    fn count(&mut self, at: usize) {
        let Some(connection) = &mut self.places[at] else { return };
        if connection.client.is_none() {
            connection.client = connection.network;
            if let Some(client) = connection.client {
                *self.by_client.entry(client).or_default() += 1;
            }
        }
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

    /// Counts a TLS handshake. Returns false if the network has made as many as it may.
    pub(in crate::http) fn permits_handshake(&self) -> bool {
        let network = self.table.lock().places[self.at].as_ref().and_then(|one| one.network);
        let Some(network) = network else { return true };
        let handshakes = self.table.handshakes.read().unwrap_or_else(PoisonError::into_inner);
        if handshakes.permits(network) {
            return true;
        }
        drop(handshakes);
        self.table.metrics.note_closed(ClosedConnection::Handshakes);
        if self.table.handshake_warnings.permits() {
            tracing::warn!(
                client = %network,
                "one client network makes more TLS handshakes than it may (server.handshakes_client): they are refused"
            );
        }
        false
    }

    /// Notes that the connection does not end yet, because a request has just begun: it counts for
    /// its network again.
    pub(in crate::http) fn postpone(&self) {
        self.table.lock().count(self.at);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(connections: usize, connections_client: usize) -> Connections {
        let inputs = crate::config::Inputs::default();
        let server = crate::config::load(&inputs).unwrap().config.server;
        let server = Server { connections, connections_client, ..server };
        Connections::new(&server, &Env::real(), &Metrics::default())
    }

    #[tokio::test]
    async fn a_connection_that_goes_on_after_it_was_to_be_closed_counts_for_its_network_again() {
        let all = connections(100, 2);
        let peer: IpAddr = [192, 0, 2, 1].into();
        let mut open = Vec::new();
        for _ in 0..20 {
            let Some(place) = all.admit(peer).await else { break };
            // Requests begin on those that are being closed for this one.
            for one in &open {
                let one: &ConnectionPlace = one;
                if futures_util::FutureExt::now_or_never(one.closing()).is_some() {
                    one.begin();
                    one.postpone();
                }
            }
            open.push(place);
        }
        // The third one closes the first and the fourth the second; then no other one is idle
        // beside the third and fourth, which are one above the limit each.
        let counted = all.0.lock().by_client.values().sum::<usize>();
        assert_eq!((open.len(), counted), (4, 4));
        assert!(all.admit(peer).await.is_none());
        drop(open);
        assert!(all.0.lock().by_client.is_empty());
    }
}
