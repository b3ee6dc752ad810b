//! The TLS handshake of a new connection, within a time limit. A client that speaks plain HTTP on
//! the encrypted port learns what is wrong.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::http::transport::connections::ConnectionPlace;
use crate::tls::{EncryptedStream, ServedCertificate};

/// The first byte of a TLS handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;

/// What is read of a request in plain HTTP, so that its client reads the response instead of
/// getting a reset.
const MAX_PLAIN: usize = 16 * 1024;

const PLAIN_HTTP: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 28\r\n\
    Connection: close\r\n\r\nThis port expects https only";

/// Completes the handshake within this time, unless the client network makes too many. Returns `None`
/// if the connection is closed.
pub(super) async fn complete(
    stream: TcpStream,
    place: &ConnectionPlace,
    certificate: &ServedCertificate,
    limit: Duration,
) -> Option<EncryptedStream> {
    let handshake = async {
        let mut first = [0];
        if !matches!(stream.peek(&mut first).await, Ok(1)) {
            return None;
        }
        if first[0] != HANDSHAKE {
            refuse(stream, first[0]).await;
            return None;
        }
        // Before the signature, which costs much more than what a client does for it.
        if !place.permits_handshake() {
            return None;
        }
        match certificate.accept(stream).await {
            Ok(encrypted) => encrypted,
            Err(error) => {
                tracing::debug!(%error, "a TLS handshake failed");
                None
            }
        }
    };
    tokio::time::timeout(limit, handshake).await.unwrap_or(None)
}

/// Answers what looks like a request in plain HTTP.
async fn refuse(mut stream: TcpStream, first: u8) {
    if first.is_ascii_uppercase() {
        let _ = stream.try_read(&mut [0; MAX_PLAIN]);
        let _ = stream.write_all(PLAIN_HTTP).await;
        let _ = stream.shutdown().await;
    }
}
