//! What happens below HTTP requests: the listening socket, its connections and their shares, time
//! limits and minimum pace, the signals that end or reload the server.

pub mod connections;
pub mod framing;
mod handshake;
mod http2;
pub mod listener;
pub mod pace;
pub mod signals;
