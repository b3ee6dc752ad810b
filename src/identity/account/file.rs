//! Files that users upload: streamed into the store in pieces, one write per piece. The last write
//! makes the file visible and counts it towards the quota. Unfinished uploads are removed.

use std::time::Duration;

use crate::env::Env;
use crate::error::{Detail, Error, Field, Kind, Result, Rule};
use crate::identity::access::login_target::LoginTarget;
use crate::identity::account::quota;
use crate::identity::account::quota::Quota;
use crate::identity::account::upload_slots::{UploadSlot, Uploader};
use crate::identity::audit::log::AuditLog;
use crate::identity::{Caller, Core};
use crate::model::event::What;
use crate::model::media::{FileEnding, Media, Sniffer};
use crate::model::{Account, Barrier, Event, Source, Time, text};
use crate::store::tables::files::{Added, SpaceLimits};
use crate::store::{self, Store};

use crate::config;

pub use crate::store::tables::files::FileRow;

/// Bytes per write; all pieces of a file but the last have this size.
const PIECE: usize = 256 * 1024;
/// Bytes per read. A piece is a multiple of them.
const DOWNLOAD_STEP: i64 = 32 * 1024;
/// The most characters in a file name.
const LONGEST_NAME: usize = 255;
/// How long an upload may take before its pieces are removed.
pub const PATIENCE: Duration = Duration::from_hours(1);

/// An upload in progress. Dropped before [`Upload::finish`], it is removed.
pub struct Upload {
    store: Store,
    env: Env,
    log: AuditLog,
    caller: Caller,
    id: String,
    name: String,
    /// The type that the ending of the name claims.
    media: Media,
    sniffer: Sniffer,
    waiting: Vec<u8>,
    position: i64,
    size: u64,
    room: FileSpace,
    configured: u32,
    begun: bool,
    slot: UploadSlot,
}

/// Permission to upload one file: a slot, a quota that is not used up, and space. It is needed
/// before any byte of the request's body is read.
pub struct UploadPermit {
    store: Store,
    env: Env,
    log: AuditLog,
    caller: Caller,
    id: String,
    room: FileSpace,
    configured: u32,
    slot: UploadSlot,
}

/// Permits an upload if the quota, the disk and other uploads leave space for it.
///
/// # Errors
/// `UploadLimitReached`, `TooMany(General)` if the account or its client IP has too many uploads in
/// progress, `Unavailable` if there is no space.
pub async fn permit(core: &Core, caller: &Caller, source: &Source) -> Result<UploadPermit> {
    let account = &caller.account;
    let quota = quota::own(core, caller).await?;
    if quota.remaining() == 0 {
        AuditLog::new(core, source).refuse(Barrier::Uploads, &LoginTarget::of_owner(account));
        return Err(Kind::UploadLimitReached.into());
    }
    let uploader = Uploader::new(account, source.client());
    let slot = core.slots.take(
        uploader,
        (&core.config.files, core.store.node().live()),
        core.env.now(),
    )?;
    let room = FileSpace::of(&core.config.files, account);
    room.check_for_one(&core.store).await?;
    Ok(UploadPermit {
        store: core.store.clone(),
        env: core.env.clone(),
        log: AuditLog::new(core, source),
        caller: caller.clone(),
        id: core.env.new_id()?,
        room,
        configured: core.config.files.limit,
        slot,
    })
}

impl UploadPermit {
    /// Begins the upload of a file with this name.
    ///
    /// # Errors
    /// `Validation` for a bad name, `UnsupportedMediaType` for one whose ending is not in
    /// `files.kinds`, `Unavailable`.
    pub async fn begin(self, name: &str) -> Result<Upload> {
        let name = check_name(name)?;
        let kinds = &self.room.files.kinds;
        let Some(ending) = FileEnding::of(&name).filter(|ending| kinds.contains(ending)) else {
            return Err(unsupported(kinds));
        };
        let upload = Upload {
            name,
            media: ending.media(),
            store: self.store,
            env: self.env,
            log: self.log,
            caller: self.caller,
            id: self.id,
            sniffer: Sniffer::default(),
            waiting: Vec::new(),
            position: 0,
            size: 0,
            room: self.room,
            configured: self.configured,
            begun: true,
            slot: self.slot,
        };
        let (id, account, name, at) = (
            upload.id.clone(),
            upload.caller.account.id.clone(),
            upload.name.clone(),
            upload.log.at(),
        );
        let begin = move |db: &mut dyn store::db::Db| {
            store::tables::files::begin(db, &id, &account, &name, at)
        };
        upload.store.write(begin).await?;
        Ok(upload)
    }
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

fn unsupported(kinds: &[FileEnding]) -> Error {
    Detail::FileTypeNotAllowed { kinds: kinds.iter().map(|kind| kind.as_str()).collect() }.into()
}

/// The space limits for the files of an account.
struct FileSpace {
    files: config::FilesConfig,
    limits: SpaceLimits,
}

impl FileSpace {
    /// Accounts with an unverified address can take half of the space together.
    fn of(files: &config::FilesConfig, account: &Account) -> Self {
        let total = i64::try_from(files.total).unwrap_or(i64::MAX);
        let largest = i64::try_from(files.size).unwrap_or(i64::MAX);
        let unproved = account.email_verified_at.is_none();
        let unproved = unproved.then(|| (total / 2).max(largest).min(total));
        Self { files: files.clone(), limits: SpaceLimits { total, unproved } }
    }

    /// Checks that the largest allowed file would fit, so that no client begins an upload that
    /// fails.
    async fn check_for_one(&self, store: &Store) -> Result<()> {
        let (limits, size) = (self.limits, i64::try_from(self.files.size).unwrap_or(i64::MAX));
        if !store.scan(move |db| store::tables::files::has_space(db, limits, size)).await? {
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
        let (id, position, limits) = (self.id.clone(), self.position, self.room.limits);
        self.position += 1;
        kept(
            self.store
                .write(move |db| store::tables::files::add_piece(db, &id, position, &piece, limits))
                .await?,
        )
    }

    /// Ends the upload. The file is both stored and counted, or neither.
    ///
    /// # Errors
    /// `SessionEnded` if the session has ended meanwhile; `UnsupportedMediaType` if the content is not
    /// allowed or does not match the file name; `UploadLimitReached`.
    pub async fn finish(mut self) -> Result<(FileRow, Quota)> {
        if self.size == 0 {
            return Err(Error::invalid_field(Field::File, Rule::EmptyFile));
        }
        let found = std::mem::take(&mut self.sniffer).finish();
        let media = found
            .filter(|&media| media == self.media)
            .ok_or_else(|| unsupported(&self.room.files.kinds))?;
        let end = FinalPiece {
            piece: std::mem::take(&mut self.waiting),
            id: self.id.clone(),
            caller: self.caller.clone(),
            now: self.env.now(),
            name: self.name.clone(),
            position: self.position,
            media,
            limits: self.room.limits,
            configured: self.configured,
            log: self.log.clone(),
        };
        let done = self.store.write(move |db| end.store(db)).await?;
        self.begun = false;
        self.slot.keep(self.size);
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
    caller: Caller,
    now: Time,
    name: String,
    position: i64,
    media: Media,
    limits: SpaceLimits,
    configured: u32,
    log: AuditLog,
}

impl FinalPiece {
    fn store(&self, db: &mut dyn store::db::Db) -> Result<(FileRow, Quota)> {
        // The upload may have taken an hour.
        self.caller.confirm(db, self.now)?;
        let account = &self.caller.account.id;
        if !self.piece.is_empty() {
            kept(store::tables::files::add_piece(
                db,
                &self.id,
                self.position,
                &self.piece,
                self.limits,
            )?)?;
        }
        let used = store::tables::files::count_one(db, account, i64::from(self.configured))?
            .ok_or_else(|| {
                self.log.refuse(
                    Barrier::Uploads,
                    &LoginTarget::for_record(account).tried_by(account.as_str()),
                );
                Error::new(Kind::UploadLimitReached)
            })?;
        let size =
            store::tables::files::complete(db, &self.id, self.media.as_str(), self.log.at())?
                .ok_or_else(gone)?;
        let event = Event::done(What::FileUploaded).about(account).by(account.as_str());
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

/// Reads the next bytes of a file that [`get`] found, from `offset` on; `None` at its end. They are
/// few, because a slow client keeps them in memory.
///
/// # Errors
/// `Unavailable`.
pub async fn bytes_from(core: &Core, file: &FileRow, offset: i64) -> Result<Option<Vec<u8>>> {
    let id = file.id.clone();
    let piece = i64::try_from(PIECE).unwrap_or(i64::MAX);
    let (position, start) = (offset / piece, offset % piece);
    let bytes = core
        .store
        .scan(move |db| {
            store::tables::files::part_of_piece(db, &id, position, (start, DOWNLOAD_STEP))
        })
        .await?;
    Ok(bytes.filter(|bytes| !bytes.is_empty()))
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
