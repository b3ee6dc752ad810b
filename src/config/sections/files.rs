//! `[files]`: how many files an account may upload, and how much space files may take.

use crate::config::reader::{ConfigReader, ReadResult};
use crate::model::media::FileEnding;

/// `[files]`: upload quota and limits on space.
#[derive(Debug, Clone)]
pub struct FilesConfig {
    /// How many uploads an account has, unless it has its own quota.
    pub limit: u32,
    /// The largest file, in bytes.
    pub size: u64,
    /// The endings of file names that may be uploaded.
    pub kinds: Vec<FileEnding>,
    /// The total size of all files, in bytes.
    pub total: u64,
    /// The disk space that must stay free, in bytes.
    pub free_space: u64,
    /// The largest number of simultaneous uploads.
    pub in_flight: usize,
    /// The largest number of simultaneous uploads of one account.
    pub in_flight_account: usize,
}

impl FilesConfig {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        let limit = r.whole("files.limit", 0..=1_000_000_000);
        let size = r.size("files.size", 1..=1_000_000_000);
        let kinds =
            r.list("files.kinds", &format!("endings: {}", FileEnding::WORDS), FileEnding::parse);
        let total = r.whole("files.total", 0..=1_000_000_000_000);
        let free_space = r.whole("files.free_space", 0..=1_000_000_000_000);
        let in_flight = r.whole("files.in_flight", 1..=1000);
        let in_flight_account = r.whole("files.in_flight_account", 1..=1000);
        Ok(Self {
            limit: limit?,
            size: size?,
            kinds: kinds?,
            total: total?,
            free_space: free_space?,
            in_flight: in_flight?,
            in_flight_account: in_flight_account?,
        })
    }
}
