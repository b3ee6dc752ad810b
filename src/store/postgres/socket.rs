//! Connects to a server: TCP or a Unix socket, with TLS where the URL asks for it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::model::{PostgresHost, PostgresTls, PostgresUrl};

/// The request for TLS: its length and its code.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// For how long the other machine may leave what was sent unacknowledged.
const SILENCE: Duration = Duration::from_secs(5);

/// After how long a time without traffic the other machine is asked whether it is there, and how often.
const FIRST_PROBE: Duration = Duration::from_secs(2);
const PROBES: Duration = Duration::from_secs(1);

/// A connected stream of any kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Connects to the server of a database.
pub(super) async fn connect(url: &PostgresUrl) -> io::Result<Box<dyn Stream>> {
    match &url.host {
        PostgresHost::Socket(directory, port) => {
            let path = directory.join(format!(".s.PGSQL.{port}"));
            Ok(Box::new(UnixStream::connect(path).await?))
        }
        PostgresHost::Tcp(host, port) => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            notice_silence(&stream)?;
            match &url.tls {
                PostgresTls::Off => Ok(Box::new(stream)),
                PostgresTls::Verified(roots) => encrypted(stream, host, roots.as_deref()).await,
            }
        }
    }
}

/// Ends a connection that leads nowhere any more, because the other machine lost its power or a firewall forgot
/// the connection. Otherwise each statement on it would wait until it is given up.
fn notice_silence(stream: &TcpStream) -> io::Result<()> {
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, FIRST_PROBE)?;
    sockopt::set_tcp_keepintvl(stream, PROBES)?;
    #[cfg(target_os = "linux")]
    sockopt::set_tcp_user_timeout(stream, SILENCE.as_millis().try_into().unwrap_or(0))?;
    Ok(())
}

async fn encrypted(
    mut stream: TcpStream,
    host: &str,
    roots: Option<&Path>,
) -> io::Result<Box<dyn Stream>> {
    let connector = connector(roots)?;
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    stream.write_all(&TLS_REQUEST).await?;
    // Exactly one byte is read: what another party sent before the handshake is never taken for the
    // server's (CVE-2021-23222).
    if stream.read_u8().await? != b'S' {
        return Err(io::Error::other(
            "the server does not support TLS, which another machine needs unless the URL says sslmode=disable",
        ));
    }
    Ok(Box::new(connector.connect(name, stream).await?))
}

fn connector(file: Option<&Path>) -> io::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    match file {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let unreadable = |error: &dyn std::fmt::Display| {
                io::Error::other(format!("sslrootcert {}: {error}", path.display()))
            };
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| unreadable(&error))?;
                roots.add(certificate).map_err(|error| unreadable(&error))?;
            }
            if roots.is_empty() {
                return Err(unreadable(&"it has no certificate"));
            }
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
