//! `[admin]`: from where administrators may call.

use super::Network;
use super::reader::{Read, Reader};

/// `[admin]`: administrative calls of all wires.
#[derive(Debug, Clone)]
pub struct Admin {
    /// From where they are let in.
    pub networks: AdminNetworks,
}

/// From where administrative calls are let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminNetworks {
    /// From everywhere.
    Any,
    /// From the machine itself, by the rule of `server.service_networks`.
    Loopback,
    /// From these client addresses.
    These(Vec<Network>),
}

impl Admin {
    pub(super) fn read(r: &mut Reader) -> Read<Self> {
        let networks =
            r.value("admin.networks", "\"any\", \"loopback\", or a list of networks like 10.0.0.0/8", |raw| match raw
                .to_text()
                .trim()
            {
                "any" => Some(AdminNetworks::Any),
                "loopback" => Some(AdminNetworks::Loopback),
                _ => Reader::networks(raw).map(AdminNetworks::These),
            });
        Ok(Self { networks: networks? })
    }
}
