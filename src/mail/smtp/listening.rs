//! A TCP stream that records the server's banner, which lettre does not expose.
//!
//! It rejects input that only a faulty or malicious mail server sends: replies of unlimited length,
//! and data after the reply to STARTTLS, which would be mistaken for encrypted data (RFC 3207,
//! section 4.2).

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

const LONGEST_BANNER: usize = 1024;
const LONGEST_ANSWER: usize = 256 * 1024;

/// The first bytes received.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<u8>>>);

impl Heard {
    /// Returns the first line.
    pub(super) fn banner(&self) -> String {
        let heard = self.0.lock().map(|heard| heard.clone()).unwrap_or_default();
        String::from_utf8_lossy(&heard).lines().next().unwrap_or_default().to_owned()
    }

    fn add(&self, bytes: &[u8]) {
        if let Ok(mut heard) = self.0.lock() {
            let room = LONGEST_BANNER.saturating_sub(heard.len());
            heard.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }
}

/// A TCP stream that checks what it reads.
#[derive(Debug)]
pub(super) struct Listening {
    stream: TcpStream,
    heard: Heard,
    /// Bytes read since the last write.
    answer: usize,
    /// Whether the last command written was STARTTLS.
    is_upgrading: bool,
}

impl Listening {
    /// Wraps a stream; what it reads first is recorded in `heard`.
    pub(super) fn to(stream: TcpStream, heard: Heard) -> Self {
        Self { stream, heard, answer: 0, is_upgrading: false }
    }

    fn judge(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.heard.add(bytes);
        self.answer = self.answer.saturating_add(bytes.len());
        if self.answer > LONGEST_ANSWER {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the reply does not end"));
        }
        if self.is_upgrading
            && bytes.iter().position(|&byte| byte == b'\n').is_some_and(|end| end + 1 < bytes.len())
        {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "unexpected data after the reply to STARTTLS",
            ));
        }
        Ok(())
    }
}

impl AsyncTokioStream for Listening {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncRead for Listening {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Ready(Ok(())) => Poll::Ready(self.judge(&buffer.filled()[before..])),
            other => other,
        }
    }
}

impl AsyncWrite for Listening {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.answer = 0;
        self.is_upgrading = bytes.starts_with(b"STARTTLS");
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
