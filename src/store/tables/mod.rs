//! One file per table group: plain functions with portable SQL.

pub mod accounts;
pub mod anomalies;
pub mod apps;
pub mod attempts;
pub mod audit;
pub mod challenges;
pub mod codes;
pub mod directory;
pub mod erasure;
pub mod export;
pub mod factors;
pub mod files;
pub mod health;
pub mod identities;
pub mod instance;
pub mod keys;
pub mod known_ips;
pub mod links;
pub mod outbox;
pub mod passkeys;
pub mod roles;
pub mod search_build;
pub mod search_index;
pub mod sessions;
pub mod stats;
pub mod transfer;
