//! `[metrics]`: metrics for Prometheus.

use std::net::SocketAddr;

use crate::config::reader::{ConfigReader, ReadResult};

/// `[metrics]`: metrics for Prometheus.
#[derive(Debug, Clone)]
pub struct MetricsConfig {
    /// Whether metrics are served at all.
    pub enabled: bool,
    /// A separate port, if metrics are enabled, open to every client that can reach it. `None`
    /// serves them only at `/metrics` on the API's port.
    pub listen: Option<SocketAddr>,
}

impl MetricsConfig {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        let listen = r.option("metrics.listen", "an address and port like 127.0.0.1:9464", |raw| {
            raw.to_text().trim().replace("localhost:", "127.0.0.1:").parse().ok()
        });
        let enabled = r.truth("metrics.enabled");
        let enabled = enabled?;
        Ok(Self { enabled, listen: listen?.filter(|_| enabled) })
    }
}
