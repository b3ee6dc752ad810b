//! Name resolution and TCP connections, behind a trait so that tests need no network.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::env::Later;

/// A connection.
pub trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> ByteStream for T {}

/// Resolves names and opens connections. Only addresses can be connected to, so nothing resolves
/// a name again after the addresses were checked.
pub trait Connector: Send + Sync {
    /// The addresses of a host name, in the order in which they should be used.
    fn resolve<'a>(&'a self, name: &'a str) -> Later<'a, io::Result<Vec<IpAddr>>>;

    /// Opens a TCP connection.
    fn connect(&self, address: SocketAddr) -> Later<'_, io::Result<Box<dyn ByteStream>>>;
}

/// The operating system's resolver and network.
pub struct SystemConnector;

impl Connector for SystemConnector {
    fn resolve<'a>(&'a self, name: &'a str) -> Later<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }

    fn connect(&self, address: SocketAddr) -> Later<'_, io::Result<Box<dyn ByteStream>>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            Ok(Box::new(stream) as Box<dyn ByteStream>)
        })
    }
}
