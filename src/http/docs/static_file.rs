//! A file that browsers keep: it has an `ETag`, and is sent compressed to clients that accept gzip.

use std::io::{Read as _, Write as _};
use std::sync::OnceLock;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use hyper::body::Bytes;
use poem::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use poem::http::{HeaderMap, HeaderValue, StatusCode};
use poem::{Request, Response};

use crate::error::{Error, Result};
use crate::model::secret;

/// A file, compressed and not.
#[derive(Debug)]
pub struct StaticFile {
    content_type: &'static str,
    gzip: Option<Representation>,
    /// A file that is embedded compressed is unpacked for the first client that does not accept
    /// gzip; `None` if it is damaged.
    plain: OnceLock<Option<Representation>>,
}

/// The bytes as they are sent, and their `ETag`. Each representation has its own (RFC 9110, section
/// 8.8.3.3).
#[derive(Debug)]
struct Representation {
    bytes: Bytes,
    etag: HeaderValue,
}

impl Representation {
    fn new(bytes: Bytes) -> Self {
        let tag = format!("\"{}\"", &secret::encode(&secret::digest(&bytes))[..22]);
        let etag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""));
        Self { bytes, etag }
    }
}

impl StaticFile {
    /// A file with this content.
    #[must_use]
    pub fn new(content_type: &'static str, content: Bytes) -> Self {
        let gzip = pack(&content).ok().map(|bytes| Representation::new(bytes.into()));
        Self { content_type, gzip, plain: OnceLock::from(Some(Representation::new(content))) }
    }

    /// A file that is embedded compressed.
    #[must_use]
    pub fn packed(content_type: &'static str, gzip: &'static [u8]) -> Self {
        let gzip = Some(Representation::new(Bytes::from_static(gzip)));
        Self { content_type, gzip, plain: OnceLock::new() }
    }

    /// The content.
    ///
    /// # Errors
    /// `Internal` if a compressed file is damaged.
    pub fn content(&self) -> Result<&Bytes> {
        self.plain().map(|plain| &plain.bytes)
    }

    fn plain(&self) -> Result<&Representation> {
        let unpacked = || unpack(&self.gzip.as_ref()?.bytes).ok();
        let plain = self.plain.get_or_init(|| Some(Representation::new(unpacked()?.into())));
        plain.as_ref().ok_or_else(|| Error::internal("an embedded file is damaged"))
    }

    /// Responds with the file, or with 304 if the client's copy is current.
    ///
    /// # Errors
    /// `Internal` if a compressed file is damaged.
    pub fn answer(&self, request: &Request) -> Result<Response> {
        let gzip = self.gzip.as_ref().filter(|_| accepts_gzip(request.headers()));
        let sent = gzip.map_or_else(|| self.plain(), Ok)?;
        let response = Response::builder()
            .header(ETAG, sent.etag.clone())
            .header(CACHE_CONTROL, "no-cache")
            .header(VARY, "Accept-Encoding");
        if is_current(request.headers(), &sent.etag) {
            return Ok(response.status(StatusCode::NOT_MODIFIED).finish());
        }
        let response = match gzip {
            Some(_) => response.header(CONTENT_ENCODING, "gzip"),
            None => response,
        };
        Ok(response.header(CONTENT_TYPE, self.content_type).body(sent.bytes.clone()))
    }
}

/// Whether the client's copy has this tag.
fn is_current(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or("");
    let tag = etag.to_str().unwrap_or_default();
    known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag)
}

/// Whether `Accept-Encoding` names gzip with a weight above zero.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_some_and(|weight| weight > 0.0)
    })
}

fn pack(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content)?;
    encoder.finish()
}

fn unpack(gzip: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    GzDecoder::new(gzip).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fetch(file: &StaticFile, accepted: &str) -> (Response, Vec<u8>) {
        let request = Request::builder().header(ACCEPT_ENCODING, accepted).finish();
        let mut response = file.answer(&request).unwrap();
        let body = response.take_body().into_vec().await.unwrap();
        (response, body)
    }

    #[tokio::test]
    async fn a_file_is_the_same_packed_and_unpacked() {
        let content = Bytes::from("a word, ".repeat(1000));
        let embedded: &'static [u8] = pack(&content).unwrap().leak();
        for file in [
            StaticFile::new("text/plain", content.clone()),
            StaticFile::packed("text/plain", embedded),
        ] {
            let (plain, body) = fetch(&file, "br").await;
            assert_eq!(body, content);
            assert!(!plain.headers().contains_key(CONTENT_ENCODING));
            let (gzip, packed) = fetch(&file, "br, gzip").await;
            assert_eq!(gzip.headers()[CONTENT_ENCODING], "gzip");
            assert!(packed.len() < content.len() / 10 && unpack(&packed).unwrap() == content);
            assert_ne!(gzip.headers()[ETAG], plain.headers()[ETAG]);
            for answer in [plain, gzip] {
                assert_eq!(answer.headers()[VARY], "Accept-Encoding");
            }
        }
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let file = StaticFile::packed("text/plain", b"not gzip");
        assert!(file.answer(&Request::default()).is_err() && file.content().is_err());
    }

    #[test]
    fn gzip_is_sent_only_to_clients_that_accept_it() {
        for (line, accepts) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000, br", false),
            ("gzip;q=x", false),
            ("br", false),
            ("x-gzip", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, line.parse().unwrap())]);
            assert_eq!(accepts_gzip(&headers), accepts, "{line}");
        }
    }
}
