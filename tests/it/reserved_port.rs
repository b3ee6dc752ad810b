//! A port of this machine for one test, where an address has to be known before a server listens there.

use tokio::net::TcpSocket;

/// A port that no other socket gets unless it asks for this one: it is bound, and nothing listens at
/// it until a server does.
pub struct ReservedPort {
    socket: TcpSocket,
}

impl ReservedPort {
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // A server may bind it too.
        socket.set_reuseaddr(true).unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self { socket }
    }

    pub fn number(&self) -> u16 {
        self.socket.local_addr().unwrap().port()
    }
}
