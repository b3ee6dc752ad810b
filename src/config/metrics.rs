//! `[metrics]`: the figures for Prometheus.

use std::net::SocketAddr;

use super::reader::{Read, Reader};

/// `[metrics]`: the figures for Prometheus.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// A port of their own, open to whoever reaches it; `None` leaves them at `/metrics` beside the API alone.
    pub listen: Option<SocketAddr>,
}

impl Metrics {
    pub(super) fn read(r: &mut Reader) -> Read<Self> {
        let listen = r.option("metrics.listen", "an address and port like 127.0.0.1:9464", |raw| {
            raw.to_text().trim().replace("localhost:", "127.0.0.1:").parse().ok()
        });
        Ok(Self { listen: listen? })
    }
}
