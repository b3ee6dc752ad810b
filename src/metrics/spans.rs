//! Spans of requests that wait to be exported: a bounded queue. What does not fit is counted and
//! dropped, so a slow collector never makes a request wait.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::Time;

/// How many spans wait at most.
const MOST: usize = 4096;

/// Where a request belongs in a trace (W3C Trace Context).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    trace: [u8; 16],
    span: [u8; 8],
    parent: Option<[u8; 8]>,
}

impl TraceContext {
    /// The context of a request with this `traceparent`, if it has one, else of a new trace. `None` if
    /// the sender of the header does not record the trace.
    #[must_use]
    pub fn of(traceparent: Option<&str>, random: [u8; 24]) -> Option<Self> {
        let (mut trace, mut span) = ([0; 16], [0; 8]);
        trace.copy_from_slice(&random[..16]);
        span.copy_from_slice(&random[16..]);
        let new = Self { trace, span, parent: None };
        match traceparent.and_then(parse) {
            None => Some(new),
            Some((_, _, flags)) if flags & 1 == 0 => None,
            Some((trace, parent, _)) => Some(Self { trace, parent: Some(parent), ..new }),
        }
    }
}

/// Trace, parent and flags of a header such as `00-<32 digits>-<16 digits>-01`.
fn parse(header: &str) -> Option<([u8; 16], [u8; 8], u8)> {
    let mut parts = header.split('-');
    let [version] = digits::<1>(parts.next()?)?;
    let (trace, parent) = (digits::<16>(parts.next()?)?, digits::<8>(parts.next()?)?);
    let [flags] = digits::<1>(parts.next()?)?;
    // Later versions may append more; 255 is forbidden, and so are zeros.
    let is_valid = version != 255
        && (version > 0 || parts.next().is_none())
        && trace != [0; 16]
        && parent != [0; 8];
    is_valid.then_some((trace, parent, flags))
}

/// Bytes written in lower-case hexadecimal digits.
fn digits<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != 2 * N || !text.bytes().all(is_digit) {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// An answered request.
#[derive(Debug, Clone)]
pub struct RequestSpan {
    pub context: TraceContext,
    /// The wall-clock time at which the request began.
    pub began: Time,
    pub seconds: f64,
    pub method: &'static str,
    /// The template of its path.
    pub route: Arc<str>,
    pub status: u16,
}

impl RequestSpan {
    /// The ids of the trace, the span, and the parent if it has one, in hexadecimal digits.
    #[must_use]
    pub fn ids(&self) -> (String, String, Option<String>) {
        let TraceContext { trace, span, parent } = &self.context;
        (hexadecimal(trace), hexadecimal(span), parent.as_ref().map(|id| hexadecimal(id)))
    }
}

/// The spans that wait to be sent. Adding one says whether it was dropped.
#[derive(Debug, Default)]
pub(super) struct SpanQueue(Mutex<Vec<RequestSpan>>);

impl SpanQueue {
    /// Adds a span. False if there is no space for it.
    pub(super) fn add(&self, span: RequestSpan) -> bool {
        let mut waiting = self.waiting();
        let has_space = waiting.len() < MOST;
        if has_space {
            waiting.push(span);
        }
        has_space
    }

    /// Takes up to this many of the oldest spans.
    pub(super) fn take(&self, most: usize) -> Vec<RequestSpan> {
        let mut waiting = self.waiting();
        let count = most.min(waiting.len());
        waiting.drain(..count).collect()
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<RequestSpan>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT: &str = "00f067aa0ba902b7";

    fn ids(traceparent: Option<&str>) -> Option<(String, String, Option<String>)> {
        let context = TraceContext::of(traceparent, [7; 24])?;
        let (began, method, route) = (Time::default(), "GET", "/".into());
        Some(RequestSpan { context, began, seconds: 0.0, method, route, status: 200 }.ids())
    }

    #[test]
    fn a_request_goes_on_with_the_trace_that_it_belongs_to() {
        let own = (hexadecimal(&[7; 16]), hexadecimal(&[7; 8]), None);
        assert_eq!(ids(None), Some(own.clone()));
        let header = format!("00-{TRACE}-{PARENT}-01");
        let expected = (TRACE.to_owned(), own.1.clone(), Some(PARENT.to_owned()));
        assert_eq!(ids(Some(&header)), Some(expected.clone()));
        assert_eq!(ids(Some(&format!("01-{TRACE}-{PARENT}-01-more"))), Some(expected));
        assert_eq!(ids(Some(&format!("00-{TRACE}-{PARENT}-00"))), None, "it is not recorded");
        for header in [
            "",
            "00",
            &format!("ff-{TRACE}-{PARENT}-01"),
            &format!("00-{TRACE}-{PARENT}-01-more"),
            &format!("00-{TRACE}-{PARENT}"),
            &format!("00-{}-{PARENT}-01", "0".repeat(32)),
            &format!("00-{TRACE}-{}-01", "0".repeat(16)),
            &format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
            &format!("00-{}é-{PARENT}-01", &TRACE[..30]),
        ] {
            assert_eq!(ids(Some(header)), Some(own.clone()), "{header}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_the_oldest_leave_first() {
        let queue = SpanQueue::default();
        let context = TraceContext::of(None, [1; 24]).unwrap();
        let span = |status| {
            let (began, method, route) = (Time::default(), "GET", "/".into());
            RequestSpan { context, began, seconds: 0.0, method, route, status }
        };
        let added = (0..=MOST).filter(|at| queue.add(span(u16::try_from(*at).unwrap()))).count();
        assert_eq!(added, MOST);
        let taken = queue.take(2);
        assert_eq!(taken.iter().map(|span| span.status).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(queue.take(usize::MAX).len(), MOST - 2);
    }
}
