//! `[location]`: the database that maps client IPs to places.

use std::path::PathBuf;

section! {
    /// `[location]`: the database that maps client IPs to places.
    pub struct LocationConfig = "location" {
        /// A file in the `MaxMind` format with countries or cities. Without it, sessions have no
        /// location.
        file: Option<PathBuf> = optional_file();
    }
}
