//! `[files]`: how many files an account may upload, and how much space files may take.

section! {
    /// `[files]`: upload quota and limits on space.
    pub struct FilesConfig = "files" {
        /// How many uploads an account has, unless it has its own quota.
        limit: u32 = whole(0..=1_000_000_000);
        /// The largest file, in bytes.
        size: u64 = whole(1..=1_000_000_000);
        /// The total size of all files, in bytes.
        total: u64 = whole(0..=1_000_000_000_000);
        /// The disk space that must stay free, in bytes.
        free_space: u64 = whole(0..=1_000_000_000_000);
        /// The largest number of simultaneous uploads.
        in_flight: usize = whole(1..=1000);
        /// The largest number of simultaneous uploads of one account.
        in_flight_account: usize = whole(1..=1000);
    }
}
