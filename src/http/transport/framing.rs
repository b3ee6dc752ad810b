//! Follows where the requests of a connection begin and end, so that the time limit of a head holds
//! from its first byte even if that byte came in one piece with the request before it.
//!
//! It reads no more than that needs: the lines of a head, and the framing of a body whose length
//! the request has announced. hyper parses the requests; if it reads on where this expects a
//! request, nothing is followed any more on the connection.

/// How the end of a request's body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum BodyLength {
    /// This many bytes; 0 without a body.
    Exact(u64),
    Chunked,
}

/// The position in the bytes of a connection.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) struct Framing {
    heads: u64,
    at: StreamPosition,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StreamPosition {
    /// In a head, after some complete lines or at its start, in the middle of a line or between two.
    Head {
        has_lines: bool,
        in_line: bool,
    },
    /// A head is complete; the request has not begun.
    HeadEnd,
    /// So many bytes of the body are missing.
    Body(u64),
    Chunk(ChunkPart),
    Unknown,
}

const START: StreamPosition = StreamPosition::Head { has_lines: false, in_line: false };

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChunkPart {
    Size(u64),
    Extension(u64),
    Data(u64),
    DataEnd,
    /// In the trailer, after this many bytes of a line.
    Trailer(usize),
}

impl Framing {
    /// The start of a connection.
    pub(in crate::http) fn new() -> Self {
        Self { heads: 0, at: START }
    }

    /// Whether the connection has sent a part of a head; `None` if it can no longer be followed.
    pub(in crate::http) fn has_partial_head(&self) -> Option<bool> {
        match self.at {
            StreamPosition::Head { has_lines, in_line } => Some(has_lines || in_line),
            StreamPosition::Unknown => None,
            _ => Some(false),
        }
    }

    /// Follows bytes up to the end of a head, or to their own end, and returns how many. `begun` is
    /// the number of requests that have begun, and `body` belongs to the last of them.
    pub(in crate::http) fn follow(&mut self, bytes: &[u8], begun: u64, body: BodyLength) -> usize {
        if self.at == StreamPosition::HeadEnd {
            self.at = match body {
                _ if begun != self.heads => StreamPosition::Unknown,
                BodyLength::Exact(0) => START,
                BodyLength::Exact(length) => StreamPosition::Body(length),
                BodyLength::Chunked => StreamPosition::Chunk(ChunkPart::Size(0)),
            };
        }
        let mut done = 0;
        while done < bytes.len() && self.at != StreamPosition::HeadEnd {
            done += self.step(&bytes[done..]);
        }
        done
    }

    /// Follows one byte, one line of a head, or all bytes of one kind.
    fn step(&mut self, bytes: &[u8]) -> usize {
        match self.at {
            StreamPosition::Head { has_lines, in_line } => {
                self.step_head(has_lines, in_line, bytes)
            }
            StreamPosition::Body(missing) => {
                let (passed, left) = pass(bytes, missing);
                self.at = if left == 0 { START } else { StreamPosition::Body(left) };
                passed
            }
            StreamPosition::Chunk(part) => self.step_chunk(part, bytes),
            StreamPosition::HeadEnd | StreamPosition::Unknown => bytes.len(),
        }
    }

    fn step_head(&mut self, has_lines: bool, in_line: bool, bytes: &[u8]) -> usize {
        let end = memchr::memchr(b'\n', bytes);
        let line = &bytes[..end.unwrap_or(bytes.len())];
        let in_line = in_line || line.iter().any(|byte| *byte != b'\r');
        let Some(end) = end else {
            self.at = StreamPosition::Head { has_lines, in_line };
            return bytes.len();
        };
        self.at = match (has_lines, in_line) {
            (_, true) => StreamPosition::Head { has_lines: true, in_line: false },
            // Empty lines before a request are ignored.
            (false, false) => START,
            (true, false) => StreamPosition::HeadEnd,
        };
        if self.at == StreamPosition::HeadEnd {
            self.heads += 1;
        }
        end + 1
    }

    fn step_chunk(&mut self, part: ChunkPart, bytes: &[u8]) -> usize {
        let byte = bytes[0];
        let after_size = |size| match size {
            0 => ChunkPart::Trailer(0),
            size => ChunkPart::Data(size),
        };
        let next = match (part, byte) {
            (ChunkPart::Data(missing), _) => {
                let (passed, left) = pass(bytes, missing);
                let next = if left == 0 { ChunkPart::DataEnd } else { ChunkPart::Data(left) };
                self.at = StreamPosition::Chunk(next);
                return passed;
            }
            (ChunkPart::Size(size) | ChunkPart::Extension(size), b'\n') => after_size(size),
            (ChunkPart::Size(size), b'\r') => ChunkPart::Size(size),
            (ChunkPart::Size(size), b';' | b' ' | b'\t') | (ChunkPart::Extension(size), _) => {
                ChunkPart::Extension(size)
            }
            (ChunkPart::Size(size), digit) => {
                let digit = char::from(digit).to_digit(16);
                let size =
                    size.checked_mul(16).zip(digit).map(|(size, digit)| size | u64::from(digit));
                let Some(size) = size else {
                    self.at = StreamPosition::Unknown;
                    return 1;
                };
                ChunkPart::Size(size)
            }
            (ChunkPart::DataEnd, b'\n') => ChunkPart::Size(0),
            (ChunkPart::DataEnd, _) => ChunkPart::DataEnd,
            (ChunkPart::Trailer(0), b'\n') => {
                self.at = START;
                return 1;
            }
            (ChunkPart::Trailer(_), b'\n') => ChunkPart::Trailer(0),
            (ChunkPart::Trailer(line), b'\r') => ChunkPart::Trailer(line),
            (ChunkPart::Trailer(line), _) => ChunkPart::Trailer(line + 1),
        };
        self.at = StreamPosition::Chunk(next);
        1
    }
}

/// How many of the missing bytes are here, and how many are still missing.
fn pass(bytes: &[u8], missing: u64) -> (usize, u64) {
    let here = usize::try_from(missing).map_or(bytes.len(), |missing| missing.min(bytes.len()));
    (here, missing - here as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    /// Follows `bytes` in steps of `size` bytes, with these bodies; returns where it ends.
    fn follow(bytes: &[u8], bodies: &[BodyLength], size: usize) -> Framing {
        let mut framing = Framing::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let begun = framing.heads;
            let body = match begun {
                0 => BodyLength::Exact(0),
                begun => bodies[usize::try_from(begun).unwrap() - 1],
            };
            let done = framing.follow(&rest[..size.min(rest.len())], begun, body);
            assert!(done > 0);
            rest = &rest[done..];
        }
        framing
    }

    #[test]
    fn a_half_head_behind_any_request_is_seen() {
        let chunked = b"5;x=y\r\nab\ncd\r\n1 \r\nx\r\n0\r\nTrailer: a\r\n\r\n";
        for (body, length) in [
            (&b""[..], BodyLength::Exact(0)),
            (b"a\r\n\r\nb", BodyLength::Exact(6)),
            (chunked, BodyLength::Chunked),
            (b"0\r\n\r\n", BodyLength::Chunked),
        ] {
            for size in [1, 2, 3, 7, 1000] {
                let whole = [GET, body].concat();
                let bodies = [length, length];
                let framing = follow(&whole, &bodies, size);
                assert_ne!(framing.has_partial_head(), Some(true), "{length:?} {size}");
                let twice = [&whole[..], &whole, b"\r\nGE"].concat();
                let framing = follow(&twice, &bodies, size);
                assert_eq!(
                    (framing.heads, framing.has_partial_head()),
                    (2, Some(true)),
                    "{length:?}"
                );
            }
        }
    }

    #[test]
    fn empty_lines_are_no_head_and_what_cannot_be_followed_is_not_guessed() {
        assert_eq!(follow(b"\r\n\n", &[], 1).has_partial_head(), Some(false));
        assert_eq!(follow(b"\r\nG", &[], 1).has_partial_head(), Some(true));
        let broken = [GET, b"zz\r\n"].concat();
        assert_eq!(follow(&broken, &[BodyLength::Chunked], 9).has_partial_head(), None);
        let mut framing = Framing::new();
        assert_eq!(framing.follow(GET, 0, BodyLength::Exact(0)), GET.len());
        assert_eq!(framing.follow(GET, 0, BodyLength::Exact(0)), GET.len(), "it has not begun");
        assert_eq!(framing.has_partial_head(), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_followed_to_their_end(bytes: Vec<u8>, chunked: bool, size in 1_usize..50) {
            let length = if chunked { BodyLength::Chunked } else { BodyLength::Exact(3) };
            let framed = [GET, &bytes].concat();
            follow(&framed, &vec![length; framed.len()], size);
        }
    }
}
