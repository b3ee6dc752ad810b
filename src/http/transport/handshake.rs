//! The TLS handshake of a new connection, within a time limit. A client that speaks plain HTTP on
//! the encrypted port learns what is wrong.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::tls::{EncryptedStream, ServedCertificate};

/// The first byte of a TLS handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;

/// What is read of a request in plain HTTP, so that its client reads the response instead of
/// getting a reset.
const MAX_PLAIN: usize = 16 * 1024;

const PLAIN_HTTP: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 28\r\n\
    Connection: close\r\n\r\nThis port expects https only";

/// How a handshake ended.
pub(super) enum HandshakeResult {
    Encrypted(EncryptedStream),
    /// The connection is closed.
    Ended,
}

/// Completes the handshake within this time.
pub(super) async fn complete(
    stream: TcpStream,
    certificate: &ServedCertificate,
    limit: Duration,
) -> HandshakeResult {
    let handshake = async {
        let mut first = [0];
        if !matches!(stream.peek(&mut first).await, Ok(1)) {
            return HandshakeResult::Ended;
        }
        if first[0] != HANDSHAKE {
            refuse(stream, first[0]).await;
            return HandshakeResult::Ended;
        }
        match certificate.accept(stream).await {
            Ok(Some(encrypted)) => HandshakeResult::Encrypted(encrypted),
            Ok(None) => HandshakeResult::Ended,
            Err(error) => {
                tracing::debug!(%error, "a TLS handshake failed");
                HandshakeResult::Ended
            }
        }
    };
    tokio::time::timeout(limit, handshake).await.unwrap_or(HandshakeResult::Ended)
}

/// Answers what looks like a request in plain HTTP.
async fn refuse(mut stream: TcpStream, first: u8) {
    if first.is_ascii_uppercase() {
        let _ = stream.try_read(&mut [0; MAX_PLAIN]);
        let _ = stream.write_all(PLAIN_HTTP).await;
        let _ = stream.shutdown().await;
    }
}
