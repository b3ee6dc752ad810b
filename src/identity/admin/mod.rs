//! What administrators do with other accounts, roles and the whole instance.

pub mod accounts;
pub mod export_all;
pub mod import;
pub mod login_check;
pub mod providers;
pub mod role_cache;
pub mod roles;
pub mod search;
pub mod stats;
