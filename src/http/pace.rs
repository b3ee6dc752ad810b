//! How slow a client may be: a request's head, its body, and what it reads of an answer each have their time.
//!
//! hyper's own timer covers the wait for a request and its head together; here a head has its shorter time from its
//! first byte on.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long each part of a request may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// A head, from its first byte.
    pub head: Duration,
    /// A whole body; of an upload each [`PIECE`].
    pub body: Duration,
    /// What an upload as a whole has besides, for each [`PIECE`] that was announced.
    pub piece: Duration,
    /// For how many bytes of an upload there is time at most.
    pub upload: u64,
    /// A connection without a request.
    pub idle: Duration,
    /// A client that does not read its answer.
    pub write: Duration,
    /// Requests under way, and mail, when the server ends.
    pub drain: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(15),
            body: Duration::from_secs(30),
            piece: Duration::from_secs(1),
            upload: 10 * 1024 * 1024,
            idle: Duration::from_secs(75),
            write: Duration::from_secs(30),
            // With the second that `cli::serve` leaves to work that cannot be cut off, ten in all.
            drain: Duration::from_secs(9),
        }
    }
}

/// How much of an upload must come in the time that a whole body has otherwise.
pub const PIECE: usize = 64 * 1024;

impl Timeouts {
    /// How long an upload may take as a whole, when so many bytes were announced.
    fn whole_upload(&self, announced: Option<u64>) -> Duration {
        let pieces = announced.map_or(self.upload, |bytes| bytes.min(self.upload)).div_ceil(PIECE as u64);
        self.body.saturating_add(self.piece.saturating_mul(u32::try_from(pieces).unwrap_or(u32::MAX)))
    }
}

/// What one connection is doing, shared by its stream and its requests.
#[derive(Debug, Default)]
pub(super) struct Progress {
    begun: AtomicU64,
    done: AtomicU64,
}

/// A request under way; dropped when it is answered.
pub(super) struct UnderWay(Arc<Progress>);

impl Progress {
    /// A head has been read.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        self.begun.fetch_add(1, Ordering::Relaxed);
        UnderWay(self.clone())
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
    }
}

/// A connection whose client must keep pace.
pub(super) struct Paced<S> {
    stream: S,
    progress: Arc<Progress>,
    timeouts: Timeouts,
    head: Option<(u64, Pin<Box<Sleep>>)>,
    write: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    /// Nothing has been read yet.
    pub(super) fn new(stream: S, progress: Arc<Progress>, timeouts: Timeouts) -> Self {
        Self { stream, progress, timeouts, head: None, write: None }
    }

    /// A head whose first byte came long ago, and which still is no request.
    fn check_head(&mut self, cx: &mut Context<'_>, got_bytes: bool) -> io::Result<()> {
        let begun = self.progress.begun();
        if !self.progress.is_waiting() || self.head.as_ref().is_some_and(|(of, _)| *of != begun) {
            self.head = None;
        }
        if got_bytes && self.head.is_none() && self.progress.is_waiting() {
            self.head = Some((begun, Box::pin(sleep(self.timeouts.head))));
        }
        let over = self.head.as_mut().is_some_and(|(_, limit)| limit.as_mut().poll(cx).is_ready());
        if over { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }

    fn check_write<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write = None;
            return written;
        }
        let limit = self.timeouts.write;
        ready!(self.write.get_or_insert_with(|| Box::pin(sleep(limit))).as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let got_bytes = buffer.filled().len() > before;
        self.check_head(cx, got_bytes)?;
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
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

/// A request's body that must be whole in time. What nobody reads of it is thrown away up to a bound, so that the client
/// gets to read its answer instead of a reset.
pub(super) struct PacedBody(Option<Under>);

struct Under {
    body: Incoming,
    limit: Pin<Box<Sleep>>,
    /// An upload's: when it must be whole, however its pieces come.
    end: Option<Pin<Box<Sleep>>>,
    /// An upload's: how long each piece has, and how much of this one is still to come.
    piece: Option<(Duration, usize)>,
    unread: Unread,
}

/// What must come in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// The whole body.
    Whole,
    /// Each piece of it, and the whole in the time that its size is given: it may be as large as the largest file.
    Pieces,
}

/// What becomes of a body that nobody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is on its way already: taken in.
    Discarded,
    /// The client waits to be asked for it (`Expect`): never asked for.
    Refused,
}

/// The most bytes that are thrown away.
const MAX_DISCARDED: usize = 1024 * 1024;

impl PacedBody {
    /// The time begins now.
    pub(super) fn new(body: Incoming, timeouts: Timeouts, pace: Pace, unread: Unread) -> Self {
        let is_upload = pace == Pace::Pieces;
        let piece = is_upload.then_some((timeouts.body, PIECE));
        let end = is_upload.then(|| Box::pin(sleep(timeouts.whole_upload(body.size_hint().exact()))));
        Self(Some(Under { body, limit: Box::pin(sleep(timeouts.body)), end, piece, unread }))
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
        let has_ended = self.end.as_mut().is_some_and(|end| end.as_mut().poll(cx).is_ready());
        if !has_ended {
            ready!(self.limit.as_mut().poll(cx));
        }
        Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::TimedOut, "the body was not whole in time"))))
    }

    /// Gives an upload its time again for each piece that has come.
    fn note(&mut self, came: usize) {
        let Some((limit, missing)) = &mut self.piece else { return };
        *missing = missing.saturating_sub(came);
        if *missing == 0 {
            *missing = PIECE;
            self.limit = Box::pin(sleep(*limit));
        }
    }

    async fn discard(mut self) {
        let mut discarded = 0;
        self.piece = None;
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
        let left = self.0.take().filter(|under| under.unread == Unread::Discarded && !under.body.is_end_stream());
        if let (Some(under), Ok(runtime)) = (left, tokio::runtime::Handle::try_current()) {
            runtime.spawn(under.discard());
        }
    }
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
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
