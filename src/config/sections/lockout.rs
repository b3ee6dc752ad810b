//! `[lockout]`: failures that lock an account name for all clients.

use std::time::Duration;

section! {
    /// `[lockout]`: failures that lock an account name for all clients.
    pub struct Lockout = "lockout" {
        /// Whether the lockout is active.
        enabled: bool = truth();
        /// How many failures lock the name.
        failures: u32 = whole(1..=100_000);
        /// How long the name stays locked.
        duration: Duration = duration(Duration::from_secs(1)..=Duration::from_hours(366 * 24));
    }
}
