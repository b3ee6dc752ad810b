//! Files that users upload: streamed into the store in pieces, one write per piece. The last write
//! makes the file visible and counts it towards the quota. Unfinished uploads are removed.

use crate::identity::account::upload_slots::UploadSlot;
use std::time::Duration;

use crate::error::{Detail, Error, Field, Kind, Result, Rule};
use crate::identity::access::login_target::LoginTarget;
use crate::identity::account::quota;
use crate::identity::account::quota::Quota;
use crate::identity::audit::log::AuditLog;
use crate::identity::{Caller, Core};
use crate::model::event::What;
use crate::model::media::{Media, Sniffer};
use crate::model::{AccountId, Barrier, Event, Source, text};
use crate::store::{self, Store};

use crate::config;
use crate::store::tables::files::Added;

pub use crate::store::tables::files::FileRow;

/// Bytes per write.
const PIECE: usize = 256 * 1024;
/// The most characters in a file name.
const LONGEST_NAME: usize = 255;
/// How long an upload may take before its pieces are removed.
pub const PATIENCE: Duration = Duration::from_hours(1);

/// An upload in progress. Dropped before [`Upload::finish`], it is removed.
pub struct Upload {
    store: Store,
    log: AuditLog,
    account: AccountId,
    id: String,
    name: String,
    sniffer: Sniffer,
    waiting: Vec<u8>,
    position: i64,
    size: u64,
    room: FileSpace,
    configured: u32,
    begun: bool,
    _slot: UploadSlot,
}

/// Begins an upload if the quota, the disk and other uploads leave space for it.
///
/// # Errors
/// `UploadLimitReached`, `Validation` for a bad name, `TooMany(General)` if the account has too
/// many uploads in progress, `Unavailable` if there is no space.
pub async fn begin(core: &Core, caller: &Caller, name: &str, source: &Source) -> Result<Upload> {
    let name = check_name(name)?;
    let quota = quota::own(core, caller).await?;
    if quota.remaining() == 0 {
        AuditLog::new(core, source)
            .refuse(Barrier::Uploads, &LoginTarget::of_owner(&caller.account.id));
        return Err(Kind::UploadLimitReached.into());
    }
    let slot = core.slots.take(&caller.account.id)?;
    let room = FileSpace { files: core.config.files.clone() };
    room.check_for_one(&core.store).await?;
    let upload = Upload {
        store: core.store.clone(),
        log: AuditLog::new(core, source),
        account: caller.account.id.clone(),
        id: core.env.new_id()?,
        name,
        sniffer: Sniffer::default(),
        waiting: Vec::new(),
        position: 0,
        size: 0,
        room,
        configured: core.config.files.limit,
        begun: true,
        _slot: slot,
    };
    let (id, account, name, at) =
        (upload.id.clone(), upload.account.clone(), upload.name.clone(), upload.log.at());
    core.store.write(move |db| store::tables::files::begin(db, &id, &account, &name, at)).await?;
    Ok(upload)
}

/// Returns the last part of the path that the client sent, if it is a valid file name.
fn check_name(sent: &str) -> Result<String> {
    let name = sent.rsplit(['/', '\\']).next().unwrap_or("").trim();
    let fits = !name.is_empty()
        && text::length(name) <= LONGEST_NAME
        && !name.chars().any(text::is_control);
    if fits {
        return Ok(name.to_owned());
    }
    Err(Error::invalid_field(Field::File, Rule::FileName { max: LONGEST_NAME }))
}

/// The space limits for files.
struct FileSpace {
    files: config::FilesConfig,
}

impl FileSpace {
    /// Checks that the largest allowed file would fit, so that no client begins an upload that
    /// fails.
    async fn check_for_one(&self, store: &Store) -> Result<()> {
        let taken = store.scan(store::tables::files::total_size).await?;
        if u64::try_from(taken).unwrap_or(u64::MAX).saturating_add(self.files.size)
            > self.files.total
        {
            return Err(full());
        }
        self.check_disk(store, self.files.size)
    }

    /// Checks that this many more bytes leave `files.free_space` free on the disk.
    fn check_disk(&self, store: &Store, more: u64) -> Result<()> {
        match store.free_space() {
            Some(free) if free < self.files.free_space.saturating_add(more) => {
                Err(Error::unavailable("not enough disk space: files.free_space must stay free"))
            }
            _ => Ok(()),
        }
    }

    fn total(&self) -> i64 {
        i64::try_from(self.files.total).unwrap_or(i64::MAX)
    }
}

fn full() -> Error {
    Error::unavailable("files.total would be exceeded")
}

/// Converts the result of storing a piece to an error for the client.
fn kept(added: Added) -> Result<()> {
    match added {
        Added::Kept => Ok(()),
        Added::Gone => Err(gone()),
        Added::Full => Err(full()),
    }
}

fn gone() -> Error {
    Error::unavailable("the upload took too long and was removed")
}

impl Upload {
    /// Adds the next bytes.
    ///
    /// # Errors
    /// `PayloadTooLarge`, `Unavailable`.
    pub async fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.size += bytes.len() as u64;
        let largest = self.room.files.size;
        if self.size > largest {
            return Err(Detail::FileTooLarge { max: largest }.into());
        }
        self.sniffer.feed(bytes);
        self.waiting.extend_from_slice(bytes);
        while self.waiting.len() >= PIECE {
            let rest = self.waiting.split_off(PIECE);
            let piece = std::mem::replace(&mut self.waiting, rest);
            self.store_piece(piece).await?;
        }
        Ok(())
    }

    async fn store_piece(&mut self, piece: Vec<u8>) -> Result<()> {
        self.room.check_disk(&self.store, piece.len() as u64)?;
        let (id, position, total) = (self.id.clone(), self.position, self.room.total());
        self.position += 1;
        kept(
            self.store
                .write(move |db| store::tables::files::add_piece(db, &id, position, &piece, total))
                .await?,
        )
    }

    /// Ends the upload. The file is both stored and counted, or neither.
    ///
    /// # Errors
    /// `UnsupportedMediaType` if the content is not allowed or does not match the file name,
    /// `UploadLimitReached`.
    pub async fn finish(mut self) -> Result<(FileRow, Quota)> {
        if self.size == 0 {
            return Err(Error::invalid_field(Field::File, Rule::EmptyFile));
        }
        let found = std::mem::take(&mut self.sniffer).finish();
        let media = found
            .filter(|&media| Media::by_name(&self.name).is_none_or(|named| named == media))
            .ok_or(Detail::FileTypeNotAllowed)?;
        let end = FinalPiece {
            piece: std::mem::take(&mut self.waiting),
            id: self.id.clone(),
            account: self.account.clone(),
            name: self.name.clone(),
            position: self.position,
            media,
            total: self.room.total(),
            configured: self.configured,
            log: self.log.clone(),
        };
        let done = self.store.write(move |db| end.store(db)).await?;
        self.begun = false;
        Ok(done)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.begun {
            return;
        }
        let (store, id) = (self.store.clone(), self.id.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            // If this fails, the cleanup removes the upload later.
            runtime.spawn(async move {
                store.write(move |db| store::tables::files::abandon(db, &id)).await
            });
        }
    }
}

/// The last write of an upload.
struct FinalPiece {
    piece: Vec<u8>,
    id: String,
    account: AccountId,
    name: String,
    position: i64,
    media: Media,
    total: i64,
    configured: u32,
    log: AuditLog,
}

impl FinalPiece {
    fn store(&self, db: &mut dyn store::db::Db) -> Result<(FileRow, Quota)> {
        if !self.piece.is_empty() {
            kept(store::tables::files::add_piece(
                db,
                &self.id,
                self.position,
                &self.piece,
                self.total,
            )?)?;
        }
        let used = store::tables::files::count_one(db, &self.account, i64::from(self.configured))?
            .ok_or_else(|| {
                self.log.refuse(Barrier::Uploads, &LoginTarget::of_owner(&self.account));
                Error::new(Kind::UploadLimitReached)
            })?;
        let size =
            store::tables::files::complete(db, &self.id, self.media.as_str(), self.log.at())?
                .ok_or_else(gone)?;
        let event = Event::done(What::FileUploaded).about(&self.account).by(self.account.as_str());
        self.log.record(db, &event.because(self.id.as_str()))?;
        let file = FileRow {
            id: self.id.clone(),
            name: self.name.clone(),
            kind: self.media.as_str().to_owned(),
            size,
            uploaded_at: self.log.at(),
        };
        Ok((file, Quota::of(used, self.configured)))
    }
}

/// Lists the caller's files, newest first.
///
/// # Errors
/// `Unavailable`.
pub async fn list(core: &Core, caller: &Caller) -> Result<Vec<FileRow>> {
    let id = caller.account.id.clone();
    core.store.scan(move |db| store::tables::files::list(db, &id)).await
}

/// Finds one of the caller's files.
///
/// # Errors
/// `NotFound`.
pub async fn get(core: &Core, caller: &Caller, file: &str) -> Result<FileRow> {
    let (account, file) = (caller.account.id.clone(), file.to_owned());
    let found = core.store.read(move |db| store::tables::files::find(db, &account, &file)).await?;
    found.ok_or_else(|| Kind::NotFound.into())
}

/// Reads a piece of a file that [`get`] found; `None` after the last one.
///
/// # Errors
/// `Unavailable`.
pub async fn piece(core: &Core, file: &FileRow, position: i64) -> Result<Option<Vec<u8>>> {
    let id = file.id.clone();
    core.store.scan(move |db| store::tables::files::piece(db, &id, position)).await
}

/// The number of the caller's files and their total bytes.
///
/// # Errors
/// `Unavailable`.
pub async fn sums(core: &Core, caller: &Caller) -> Result<(i64, i64)> {
    let id = caller.account.id.clone();
    core.store.scan(move |db| store::tables::files::sums(db, &id)).await
}

/// Deletes one of the caller's files. It still counts towards the quota.
///
/// # Errors
/// `NotFound`.
pub async fn delete(core: &Core, caller: &Caller, file: &str, source: &Source) -> Result<()> {
    let (account, file, log) =
        (caller.account.id.clone(), file.to_owned(), AuditLog::new(core, source));
    core.store
        .write(move |db| {
            if !store::tables::files::delete(db, &account, &file)? {
                return Err(Kind::NotFound.into());
            }
            let event = Event::done(What::FileDeleted).about(&account).by(account.as_str());
            log.record(db, &event.because(file.as_str()))
        })
        .await
}
