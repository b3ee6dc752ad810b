//! Looks at the certificate that a server shows: whether browsers accept it, and until when. The
//! connection is closed after the handshake; nothing is sent over it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};

use super::client::{HttpClient, server_name};
use super::error::OutboundError;
use crate::model::{HttpUrl, Time};

/// The certificate that a server showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCertificate {
    pub not_before: Time,
    pub not_after: Time,
    /// How many certificates the server sent, its own included.
    pub chain: usize,
    /// Why it is not accepted, if it is not.
    pub refusal: Option<String>,
}

impl HttpClient {
    /// The certificate at the host and port of a URL.
    ///
    /// # Errors
    /// As in [`OutboundError`] if there is no connection, or no certificate in it that can be read.
    pub async fn certificate(
        &self,
        url: &HttpUrl,
        limit: Duration,
    ) -> Result<ShownCertificate, OutboundError> {
        let invalid = |error: TlsError| OutboundError::Tls(std::io::Error::other(error));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let roots: Arc<RootCertStore> = self.roots();
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider.clone())
            .build()
            .map_err(|error| OutboundError::Tls(std::io::Error::other(error)))?;
        let observer = Arc::new(Observer { verifier, seen: Mutex::default() });
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(invalid)?
            .dangerous()
            .with_custom_certificate_verifier(observer.clone())
            .with_no_client_auth();
        let shake = async {
            let stream = self.stream(url, limit).await?;
            let connector = TlsConnector::from(Arc::new(config));
            let shaken = connector.connect(server_name(url.host())?, stream).await;
            shaken.map(drop).map_err(OutboundError::Tls)
        };
        let shaken = match tokio::time::timeout(limit, shake).await {
            Ok(shaken) => shaken,
            Err(_) => Err(OutboundError::Timeout(limit)),
        };
        let seen = observer.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        match seen {
            Some(seen) => seen.ok_or_else(|| {
                OutboundError::Tls(std::io::Error::other("the certificate cannot be read"))
            }),
            None => Err(shaken.err().unwrap_or(OutboundError::Timeout(limit))),
        }
    }
}

/// Remembers what it verifies. What it does not accept ends the handshake.
#[derive(Debug)]
struct Observer {
    verifier: Arc<WebPkiServerVerifier>,
    seen: Mutex<Option<Option<ShownCertificate>>>,
}

impl ServerCertVerifier for Observer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let verified = self.verifier.verify_server_cert(end_entity, intermediates, name, ocsp, now);
        let shown = validity(end_entity).map(|(not_before, not_after)| ShownCertificate {
            not_before,
            not_after,
            chain: intermediates.len() + 1,
            refusal: verified.as_ref().err().map(ToString::to_string),
        });
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.verifier.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.verifier.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// From when until when a certificate is valid (RFC 5280, section 4.1).
fn validity(certificate: &[u8]) -> Option<(Time, Time)> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let (SEQUENCE, certificate, _) = element(certificate)? else { return None };
    let (SEQUENCE, mut rest, _) = element(certificate)? else { return None };
    if let (VERSION, _, after) = element(rest)? {
        rest = after;
    }
    // Serial number, signature algorithm and issuer.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (SEQUENCE, validity, _) = element(rest)? else { return None };
    let (kind, not_before, rest) = element(validity)?;
    let (next_kind, not_after, _) = element(rest)?;
    Some((time(kind, not_before)?, time(next_kind, not_after)?))
}

/// The tag and the contents of the first DER element, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first & 0x80 != 0 {
        let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if digits.len() > 4 {
            return None;
        }
        length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
        rest = after;
    }
    let (contents, after) = rest.split_at_checked(length)?;
    Some((tag, contents, after))
}

/// A `UTCTime` or a `GeneralizedTime`.
fn time(kind: u8, text: &[u8]) -> Option<Time> {
    let text = std::str::from_utf8(text).ok()?;
    let whole = match kind {
        // Years from 50 on are in the last century.
        0x17 => format!("{}{text}", if text.get(..2)? >= "50" { "19" } else { "20" }),
        0x18 => text.to_owned(),
        _ => return None,
    };
    let moment = DateTime::strptime("%Y%m%d%H%M%SZ", whole).ok()?;
    // The last moment that a certificate can name, which means never, is beyond the last timestamp.
    let stamp = moment.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |moment| moment.timestamp());
    Some(Time::from_millis(stamp.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_both_kinds_are_read() {
        let read = |kind, text: &str| time(kind, text.as_bytes()).map(Time::to_seconds_text);
        assert_eq!(read(0x17, "261130235959Z").as_deref(), Some("2026-11-30T23:59:59Z"));
        assert_eq!(read(0x17, "991231235959Z").as_deref(), Some("1999-12-31T23:59:59Z"));
        assert_eq!(read(0x18, "20500101000000Z").as_deref(), Some("2050-01-01T00:00:00Z"));
        for (kind, text) in
            [(0x17, "x"), (0x17, ""), (0x18, "20501301000000Z"), (0x04, "261130235959Z")]
        {
            assert_eq!(read(kind, text), None, "{kind} {text}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_validity() {
        for bytes in
            [&b""[..], b"\x30", b"\x30\x82", b"\x30\x85\x01\x01\x01\x01\x01", b"\x30\x02\x30\x00"]
        {
            assert_eq!(validity(bytes), None, "{bytes:?}");
        }
    }
}
