//! `[metrics]`: metrics for Prometheus.

use std::net::SocketAddr;

section! {
    /// `[metrics]`: metrics for Prometheus.
    pub struct MetricsConfig = "metrics" {
        /// A separate port, open to every client that can reach it. `None` serves them only at
        /// `/metrics` on the API's port.
        listen: Option<SocketAddr> = option("an address and port like 127.0.0.1:9464", |raw| {
            raw.to_text().trim().replace("localhost:", "127.0.0.1:").parse().ok()
        });
    }
}
