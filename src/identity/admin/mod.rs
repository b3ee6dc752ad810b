//! What administrators do with other accounts, roles and the whole instance.

pub mod accounts;
pub mod backups;
pub mod changes;
pub mod export_all;
pub mod import;
pub mod limits;
pub mod login_check;
pub mod mail_check;
pub mod messages;
pub mod providers;
pub mod role_cache;
pub mod roles;
pub mod saved_searches;
pub mod search;
pub mod settings;
pub mod stats;
