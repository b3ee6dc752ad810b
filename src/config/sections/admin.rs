//! `[admin]`: where administrators may call from.

use crate::config::Network;
use crate::config::layer::Raw;
use crate::config::reader::ConfigReader;

section! {
    /// `[admin]`: administrative calls of all APIs.
    pub struct AdminConfig = "admin" {
        /// Where administrative calls are accepted from.
        networks: AdminNetworks = value(
            "\"any\", \"loopback\", or a list of networks like 10.0.0.0/8",
            AdminNetworks::parse,
        );
    }
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

impl AdminNetworks {
    fn parse(raw: &Raw) -> Option<Self> {
        match raw.to_text().trim() {
            "any" => Some(Self::Any),
            "loopback" => Some(Self::Loopback),
            _ => ConfigReader::networks(raw).map(Self::These),
        }
    }
}
