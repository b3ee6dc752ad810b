//! What every wire shares: listener, boundary, client address, limits, headers, bodies. Knows poem; knows no wire.

pub mod reject;
