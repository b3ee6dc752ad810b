//! A client for this machine's own server: it asks whether the server answers, not who it is, so
//! any certificate will do.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, Error as TlsError, StreamOwned};

use crate::outbound::{CertificateCheck, HandshakeVerifier, ShownChain};

/// Accepts every certificate.
#[derive(Debug)]
struct AnyCertificate;

impl CertificateCheck for AnyCertificate {
    fn check(&self, _shown: &ShownChain<'_>) -> Result<(), TlsError> {
        Ok(())
    }
}

/// What a client that asks for one protocol and accepts any certificate uses.
fn accepting_any(protocol: &[u8]) -> io::Result<ClientConfig> {
    verified_by(Arc::new(HandshakeVerifier::new(AnyCertificate)), protocol)
}

/// What a client that asks for one protocol and has a verifier of its own uses.
pub(super) fn verified_by(
    verifier: Arc<dyn ServerCertVerifier>,
    protocol: &[u8],
) -> io::Result<ClientConfig> {
    let provider = aws_lc_rs::default_provider();
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(config)
}

/// Speaks TLS on a connection to this machine's own server, with any certificate.
///
/// # Errors
/// If the host is no name or address. The handshake happens with the first bytes.
pub fn unverified(
    stream: TcpStream,
    host: &str,
) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let config = Arc::new(accepting_any(b"http/1.1")?);
    let connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
    Ok(StreamOwned::new(connection, stream))
}
