//! Tells systemd how the server is (`sd_notify(3)`): that it is ready, that it stops, and that it is
//! alive, if the unit has `WatchdogSec=`.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use crate::config::Inputs;
use crate::http::transport::signals::Endings;
use crate::identity::Core;
use crate::identity::system::health;

/// The service manager that started the server, if one did that listens for its state.
pub struct ServiceManager {
    socket: Option<UnixDatagram>,
    /// How long it waits for a sign of life.
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// Reads where it listens from the environment.
    pub fn of(inputs: &Inputs) -> Self {
        let variable = |name: &str| inputs.env.get(name).map(String::as_str);
        let socket = variable("NOTIFY_SOCKET").and_then(|path| match connect(path) {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!(%error, "the socket of the service manager cannot be used");
                None
            }
        });
        let number = |name: &str| variable(name)?.parse::<u64>().ok();
        let is_meant =
            number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|_| is_meant).map(Duration::from_micros);
        Self { socket, watchdog }
    }

    /// Says that the server is ready, and from then on whether it is alive, until it stops.
    pub fn attend(self, core: Arc<Core>, endings: &Endings) {
        let Some(socket) = self.socket else { return };
        notify(&socket, "READY=1");
        let stopping = endings.first();
        tokio::spawn(async move {
            tokio::select! {
                () = stopping => notify(&socket, "STOPPING=1"),
                () = stay_alive(&socket, &core, self.watchdog) => {}
            }
        });
    }
}

/// Gives a sign of life twice in the time that the manager waits for one.
async fn stay_alive(socket: &UnixDatagram, core: &Core, watchdog: Option<Duration>) {
    let Some(limit) = watchdog else { return std::future::pending().await };
    loop {
        // It does not matter whether the database can be read, because a restart mends no disk. But
        // a read that never ends is no sign of life.
        drop(health::ready(core).await);
        notify(socket, "WATCHDOG=1");
        tokio::time::sleep(limit / 2).await;
    }
}

fn connect(path: &str) -> io::Result<UnixDatagram> {
    let address = match path.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(path)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect_addr(&address)?;
    Ok(socket)
}

fn notify(socket: &UnixDatagram, state: &str) {
    if let Err(error) = socket.send(state.as_bytes()) {
        tracing::debug!(%error, "{state} did not reach the service manager");
    }
}
