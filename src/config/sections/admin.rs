//! `[admin]`: where administrators may call from.

use crate::config::Network;
use crate::config::reader::{ConfigReader, ReadResult};

/// `[admin]`: administrative calls of all APIs.
#[derive(Debug, Clone)]
pub struct AdminConfig {
    /// Where administrative calls are accepted from.
    pub networks: AdminNetworks,
}

/// Where administrative calls are accepted from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminNetworks {
    /// From any address.
    Any,
    /// From this machine, by the rule of `server.service_networks`.
    Loopback,
    /// From client IPs in these networks.
    These(Vec<Network>),
}

impl AdminConfig {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        let networks = r.value(
            "admin.networks",
            "\"any\", \"loopback\", or a list of networks like 10.0.0.0/8",
            |raw| match raw.to_text().trim() {
                "any" => Some(AdminNetworks::Any),
                "loopback" => Some(AdminNetworks::Loopback),
                _ => ConfigReader::networks(raw).map(AdminNetworks::These),
            },
        );
        Ok(Self { networks: networks? })
    }
}
