//! Timeouts against slow clients: for a request's head, for its body, and for reading the response.
//!
//! hyper's timer covers the wait for a request and the request head together. Here a head has a
//! shorter timeout, from its first byte.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::http::transport::connections::ConnectionPlace;
use crate::http::transport::framing::{BodyLength, Framing};

/// How long each part of a request may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For a TLS handshake.
    pub handshake: Duration,
    /// For a head, from its first byte.
    pub head: Duration,
    /// For a whole body; for an upload, for each [`PIECE`].
    pub body: Duration,
    /// Added to the total time of an upload for each [`PIECE`] that has arrived.
    pub piece: Duration,
    /// The maximum upload size, in bytes, that adds to its total time.
    pub upload: u64,
    /// For a connection without a request.
    pub idle: Duration,
    /// For a client that does not read its response.
    pub write: Duration,
    /// For requests in progress, and for mail, at shutdown.
    pub drain: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(15),
            body: Duration::from_secs(30),
            piece: Duration::from_secs(1),
            upload: 10 * 1024 * 1024,
            idle: Duration::from_secs(75),
            write: Duration::from_secs(30),
            // Together with the second that `cli::serve` grants to work that cannot be interrupted,
            // shutdown takes at most ten seconds.
            drain: Duration::from_secs(9),
        }
    }
}

/// How many bytes of an upload must arrive within [`Timeouts::body`].
pub const PIECE: usize = 64 * 1024;

impl Timeouts {
    /// The time that an upload may take until its next byte, after this many bytes.
    fn upload_so_far(&self, arrived: u64) -> Duration {
        let pieces = arrived.min(self.upload) / PIECE as u64;
        let pieces = u32::try_from(pieces).unwrap_or(u32::MAX);
        self.body.saturating_add(self.piece.saturating_mul(pieces))
    }
}

/// The state of one connection, shared by its stream and its requests.
pub(in crate::http) struct ConnectionProgress {
    begun: AtomicU64,
    done: AtomicU64,
    /// The length of the body of the last request; [`CHUNKED`] if it is not known in advance.
    body: AtomicU64,
    /// The requests in progress, and 1 while the client does not read what was written.
    busy: AtomicU64,
    place: ConnectionPlace,
}

const CHUNKED: u64 = u64::MAX;

/// A request in progress; dropped when its response is written.
pub(in crate::http) struct UnderWay(Arc<ConnectionProgress>);

impl ConnectionProgress {
    /// A new connection.
    pub(in crate::http) fn new(place: ConnectionPlace) -> Arc<Self> {
        let [begun, done, body, busy] = [0; 4].map(AtomicU64::new);
        Arc::new(Self { begun, done, body, busy, place })
    }

    /// The place that it takes.
    pub(in crate::http) fn place(&self) -> &ConnectionPlace {
        &self.place
    }

    /// Marks that a head was read, whose request has this body.
    pub(in crate::http) fn begin(self: &Arc<Self>, body: BodyLength) -> UnderWay {
        let length = match body {
            BodyLength::Exact(length) => length,
            BodyLength::Chunked => CHUNKED,
        };
        self.body.store(length, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.hold();
        UnderWay(self.clone())
    }

    /// Whether a request is in progress or a response is being written.
    pub(in crate::http) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed) > 0
    }

    fn hold(&self) {
        if self.busy.fetch_add(1, Ordering::Relaxed) == 0 {
            self.place.begin();
        }
    }

    fn release(&self) {
        if self.busy.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.place.end();
        }
    }

    fn body(&self) -> BodyLength {
        match self.body.load(Ordering::Relaxed) {
            CHUNKED => BodyLength::Chunked,
            length => BodyLength::Exact(length),
        }
    }

    fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    fn is_waiting(&self) -> bool {
        self.begun() == self.done.load(Ordering::Relaxed)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.done.fetch_add(1, Ordering::Relaxed);
        self.0.release();
    }
}

/// A connection with timeouts for its client.
pub(in crate::http) struct Paced<S> {
    stream: S,
    progress: Arc<ConnectionProgress>,
    timeouts: Timeouts,
    framing: Framing,
    /// Bytes that came together with the end of a head, and are not passed on before its request
    /// has begun.
    behind: Bytes,
    head: Option<(u64, Pin<Box<Sleep>>)>,
    write: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    /// Wraps a new connection.
    pub(in crate::http) fn new(
        stream: S,
        progress: Arc<ConnectionProgress>,
        timeouts: Timeouts,
    ) -> Self {
        let (framing, behind) = (Framing::new(), Bytes::new());
        Self { stream, progress, timeouts, framing, behind, head: None, write: None }
    }

    /// Fails if a head is still incomplete when its timeout expires.
    fn check_head(&mut self, cx: &mut Context<'_>, got_bytes: bool) -> io::Result<()> {
        let begun = self.progress.begun();
        if !self.progress.is_waiting() || self.head.as_ref().is_some_and(|(of, _)| *of != begun) {
            self.head = None;
        }
        let is_in_head = self.framing.has_partial_head().unwrap_or(got_bytes);
        if is_in_head && self.head.is_none() && self.progress.is_waiting() {
            self.head = Some((begun, Box::pin(sleep(self.timeouts.head))));
        }
        let over = self.head.as_mut().is_some_and(|(_, limit)| limit.as_mut().poll(cx).is_ready());
        if over { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }

    fn check_write<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            if self.write.take().is_some() {
                self.progress.release();
            }
            return written;
        }
        let (limit, progress) = (self.timeouts.write, &self.progress);
        let timer = self.write.get_or_insert_with(|| {
            progress.hold();
            Box::pin(sleep(limit))
        });
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let (begun, body) = (self.progress.begun(), self.progress.body());
        let read = if self.behind.is_empty() {
            let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
            let came = &buffer.filled()[before..];
            let passed = self.framing.follow(came, begun, body);
            if passed < came.len() {
                self.behind = Bytes::copy_from_slice(&came[passed..]);
                buffer.set_filled(before + passed);
            }
            read
        } else {
            let fits = self.behind.len().min(buffer.remaining());
            let behind = self.behind.slice(..fits);
            let passed = self.framing.follow(&behind, begun, body);
            buffer.put_slice(&self.behind.split_to(passed));
            Poll::Ready(Ok(()))
        };
        let got_bytes = buffer.filled().len() > before;
        self.check_head(cx, got_bytes)?;
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.check_write(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.check_write(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.check_write(cx, shut)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.check_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// A request body with a time limit. Bytes that the handler does not read are discarded up to a
/// limit, so that the client can read the response instead of getting a connection reset.
pub(in crate::http) struct PacedBody(Option<Under>);

struct Under {
    body: Incoming,
    limit: Pin<Box<Sleep>>,
    upload: Option<UploadPace>,
    unread: Unread,
}

/// The time limits of an upload: of each piece, and of all that has arrived, which is a minimum
/// pace over the whole upload.
struct UploadPace {
    timeouts: Timeouts,
    began: Instant,
    arrived: u64,
    /// The bytes missing from the current piece.
    missing: usize,
}

/// What the body's time limit applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Pace {
    Whole,
    /// Each piece, and all pieces together, by what has arrived. For uploads, which may be as large
    /// as the largest file.
    Pieces,
}

/// What happens to a body that the handler does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Unread {
    /// It is read and discarded, because the client is already sending it.
    Discarded,
    /// It is never requested: the client sent `Expect` and waits for `100 Continue`.
    Refused,
}

/// Maximum number of bytes that are discarded.
const MAX_DISCARDED: usize = 1024 * 1024;

impl PacedBody {
    /// Starts the time limit.
    pub(in crate::http) fn new(
        body: Incoming,
        timeouts: Timeouts,
        pace: Pace,
        unread: Unread,
    ) -> Self {
        let upload = (pace == Pace::Pieces).then(|| UploadPace {
            timeouts,
            began: Instant::now(),
            arrived: 0,
            missing: PIECE,
        });
        Self(Some(Under { body, limit: Box::pin(sleep(timeouts.body)), upload, unread }))
    }
}

impl Under {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            if let Some(Ok(frame)) = &frame {
                self.note(frame.data_ref().map_or(0, Bytes::len));
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)));
        }
        ready!(self.limit.as_mut().poll(cx));
        Poll::Ready(Some(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the request body did not arrive in time",
        ))))
    }

    /// Restarts the time limit of an upload after each complete piece.
    fn note(&mut self, came: usize) {
        let Some(upload) = &mut self.upload else { return };
        upload.arrived = upload.arrived.saturating_add(came as u64);
        upload.missing = upload.missing.saturating_sub(came);
        if upload.missing == 0 {
            upload.missing = PIECE;
            let of_piece = Instant::now() + upload.timeouts.body;
            let of_all = upload.began + upload.timeouts.upload_so_far(upload.arrived);
            self.limit.as_mut().reset(of_piece.min(of_all));
        }
    }

    async fn discard(mut self) {
        let mut discarded = 0;
        self.upload = None;
        while let Some(Ok(frame)) = poll_fn(|cx| self.poll_frame(cx)).await {
            discarded += frame.data_ref().map_or(0, Bytes::len);
            if discarded > MAX_DISCARDED {
                return;
            }
        }
    }
}

impl Drop for PacedBody {
    fn drop(&mut self) {
        let left = self
            .0
            .take()
            .filter(|under| under.unread == Unread::Discarded && !under.body.is_end_stream());
        if let (Some(under), Ok(runtime)) = (left, tokio::runtime::Handle::try_current()) {
            runtime.spawn(under.discard());
        }
    }
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Some(under) = &mut self.0 else { return Poll::Ready(None) };
        let frame = ready!(under.poll_frame(cx));
        if matches!(frame, Some(Err(_))) {
            self.0 = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|under| under.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), |under| under.body.size_hint())
    }
}
