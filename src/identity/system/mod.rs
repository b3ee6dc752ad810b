//! What the server does by itself: cleanup, signing keys, health, counts, and the mail jobs of the
//! outbox.

pub mod alarms;
pub mod backup;
pub mod backup_work;
pub mod cleanup;
pub mod count_cache;
pub mod health;
pub mod key;
pub mod key_reload;
pub(in crate::identity) mod mail_charge;
pub mod mail_jobs;
pub mod mail_test_limit;
pub mod metrics;
pub mod operator_token;
pub mod statistics;
pub mod upkeep;
