//! Content by SHA-256: small bodies as rows, large ones as files.

use std::collections::HashMap;
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use sha2::{Digest as _, Sha256};
use tokio::fs;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::blocks::{of_file, shared};
use super::body_references::HashRange;
use super::cache::Key;
use super::data_directory::{DataDirectory, blocking};
use super::db::arguments;
use super::db::text::{bodies_as_one, listed};
use super::executor::{Executor, row};
use super::list::list;
use super::page::bodies;
use super::statement::tables::BODY;
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::{Id, Timestamp};
use crate::model::node::{Blob, ContentStream};

/// Bodies up to this size are rows, committed with the node that names them.
pub const INLINE_BYTES: usize = 64 * 1024;
/// Unnamed bodies are kept this long: whoever staged one may still be about to name it.
pub const SWEEP_AGE: Duration = Duration::from_secs(86_400);
/// Where in the directory lies what is still arriving, or about to go.
const STAGING: &str = "staging";
/// Buffer of a document that is written: with small ones a large one costs its time in system calls.
const BUFFER_BYTES: usize = 512 * 1024;
/// How much of a document is written before the disk begins to take it.
const SYNC_BYTES: usize = 8 * 1024 * 1024;

/// The directory of large bodies: `ab/abcdef...`, and `staging/` for what is still arriving or about to go.
#[derive(Clone, Debug)]
pub struct Blobs {
    place: DataDirectory,
    directory: PathBuf,
    flush: bool,
    pub(super) large: Arc<Semaphore>,
}

/// Content to be read.
pub enum BodyContent {
    /// All of it.
    Whole(Bytes),
    /// The asked part, read as it is taken.
    Blocks(ContentStream),
}

impl Blobs {
    /// Opens the directory, making it where there is none, and clears what a dead process left half-written.
    pub async fn open(place: DataDirectory, directory: PathBuf, flush: bool) -> Result<Self, Failure> {
        for made in [directory.clone(), directory.join(STAGING)] {
            place.make_directory(&made).map_err(|e| Failure::new("making the directory of documents", e))?;
        }
        let large = shared();
        let blobs = Self { place, directory, flush, large };
        blobs.sweep_staging().await?;
        Ok(blobs)
    }

    /// Only files that nobody has written to for long: another process may be staging now.
    async fn sweep_staging(&self) -> Result<(), Failure> {
        let failed = |e| Failure::new("clearing half-written documents", e);
        let mut entries = fs::read_dir(self.directory.join(STAGING)).await.map_err(failed)?;
        while let Some(entry) = entries.next_entry().await.map_err(failed)? {
            if entry.metadata().await.is_ok_and(|m| is_old(&m)) {
                let _ = fs::remove_file(entry.path()).await;
            }
        }
        Ok(())
    }

    fn file(&self, hash: &str) -> PathBuf {
        self.directory.join(hash.get(..2).unwrap_or("00")).join(hash)
    }

    /// A new file where lies what is arriving, or about to go.
    fn aside(&self) -> PathBuf {
        self.directory.join(STAGING).join(Id::generate().to_string())
    }

    /// A place for content that is arriving.
    pub fn stage(&self) -> Staging {
        Staging { blobs: self.clone(), hash: Sha256::new(), size: 0, buffer: BytesMut::new(), file: None, whole: None }
    }

    /// A large body, or the part of it from `start`, `length` bytes long. `None`: it is not there.
    pub async fn read(&self, hash: &str, start: u64, length: u64) -> Result<Option<BodyContent>, Failure> {
        let path = self.file(hash);
        let open = move || -> std::io::Result<std::fs::File> {
            let mut file = std::fs::File::open(path)?;
            file.seek(std::io::SeekFrom::Start(start))?;
            Ok(file)
        };
        let file = match blocking(open).await {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Failure::new("opening a document", e)),
        };
        Ok(Some(BodyContent::Blocks(of_file(file, length, &self.large))))
    }

    /// SHA-256 of the bytes that are really there; `None`: there is no such file.
    pub async fn verify(&self, hash: &str) -> Result<Option<String>, Failure> {
        let path = self.file(hash);
        let work = move || -> std::io::Result<Option<String>> {
            let mut file = match std::fs::File::open(path) {
                Ok(file) => file,
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(e) => return Err(e),
            };
            let mut hasher = Sha256::new();
            std::io::copy(&mut file, &mut HashWriter(&mut hasher))?;
            Ok(Some(hexadecimal(hasher.finalize())))
        };
        blocking(work).await.map_err(|e| Failure::new("reading a document", e))
    }

    /// The large bodies of a part that are older than [`SWEEP_AGE`].
    pub async fn old(&self, part: &HashRange) -> Result<Vec<String>, Failure> {
        let (directory, part) = (self.directory.clone(), part.clone());
        let work = move || -> std::io::Result<Vec<String>> {
            let mut names = Vec::new();
            for folder in std::fs::read_dir(directory)? {
                let folder = folder?;
                if folder.file_name() == STAGING || !folder.file_type()?.is_dir() {
                    continue;
                }
                for file in std::fs::read_dir(folder.path())? {
                    let file = file?;
                    let name = file.file_name().into_string().ok().filter(|name| part.has(name));
                    if name.is_some() && is_old(&file.metadata()?) {
                        names.extend(name);
                    }
                }
            }
            Ok(names)
        };
        blocking(work).await.map_err(|e| Failure::new("listing documents", e))
    }

    /// Removes a body, unless it has been written again; did it go? It is set aside and looked at once more, so that
    /// what is written in this moment is not what goes.
    pub async fn remove_old(&self, hash: &str) -> Result<bool, Failure> {
        let (file, aside) = (self.file(hash), self.aside());
        let work = move || {
            if !is_old(&std::fs::metadata(&file)?) {
                return Ok(false);
            }
            std::fs::rename(&file, &aside)?;
            if is_old(&std::fs::metadata(&aside)?) {
                return std::fs::remove_file(&aside).map(|()| true);
            }
            // What may stand there by now has the same content.
            std::fs::rename(&aside, &file).map(|()| false)
        };
        match blocking(work).await {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
            done => done.map_err(|e| Failure::new("removing an unnamed document", e)),
        }
    }
}

fn is_old(metadata: &std::fs::Metadata) -> bool {
    let age = metadata.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
    age.is_some_and(|age| age > SWEEP_AGE)
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Content that is arriving: hashed as it comes, kept in memory while small, then in a file. Dropped unfinished, it
/// leaves nothing.
pub struct Staging {
    blobs: Blobs,
    hash: Sha256,
    size: u64,
    buffer: BytesMut,
    file: Option<StagingFile>,
    /// The hash, once the content is complete.
    whole: Option<String>,
}

/// A block is hashed and written while the next one arrives, and the disk takes what was written while the rest
/// arrives.
struct StagingFile {
    path: PathBuf,
    file: Arc<std::fs::File>,
    writing: Option<JoinHandle<std::io::Result<Sha256>>>,
    syncing: Option<JoinHandle<std::io::Result<()>>>,
    unsynced: usize,
    kept: bool,
}

impl Drop for StagingFile {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl StagingFile {
    async fn create(place: DataDirectory, path: PathBuf) -> std::io::Result<Self> {
        let open = path.clone();
        let file = blocking(move || place.create(&open)).await?;
        Ok(Self { path, file: Arc::new(file), writing: None, syncing: None, unsynced: 0, kept: false })
    }

    /// Begins to write a block, with the hash so far, when the one before is written.
    async fn write(&mut self, bytes: Bytes, hash: Sha256) -> std::io::Result<()> {
        let mut hash = self.written().await?.unwrap_or(hash);
        let file = Arc::clone(&self.file);
        self.unsynced += bytes.len();
        self.writing = Some(tokio::task::spawn_blocking(move || {
            hash.update(&bytes);
            (&*file).write_all(&bytes)?;
            Ok(hash)
        }));
        Ok(())
    }

    /// Waits for the block that is being written; the hash so far.
    async fn written(&mut self) -> std::io::Result<Option<Sha256>> {
        match self.writing.take() {
            Some(writing) => writing.await.map_err(std::io::Error::other)?.map(Some),
            None => Ok(None),
        }
    }

    /// Begins to send to the disk what has been written, if it is much and nothing is on its way.
    async fn begin_sync(&mut self) -> std::io::Result<()> {
        let on_its_way = self.syncing.as_ref().is_some_and(|syncing| !syncing.is_finished());
        if self.unsynced >= SYNC_BYTES && !on_its_way {
            self.synced().await?;
            let file = Arc::clone(&self.file);
            self.unsynced = 0;
            self.syncing = Some(tokio::task::spawn_blocking(move || file.sync_data()));
        }
        Ok(())
    }

    /// Waits for what is on its way. The system reports a fault of the disk once: to whoever asks first.
    async fn synced(&mut self) -> std::io::Result<()> {
        match self.syncing.take() {
            Some(syncing) => syncing.await.map_err(std::io::Error::other)?,
            None => Ok(()),
        }
    }
}

impl Staging {
    /// Bytes taken so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.size += bytes.len() as u64;
        self.buffer.extend_from_slice(bytes);
        let limit = if self.file.is_some() { BUFFER_BYTES } else { INLINE_BYTES };
        if self.buffer.len() > limit { self.spill().await.map_err(written) } else { Ok(()) }
    }

    /// Moves the buffer to the file.
    async fn spill(&mut self) -> std::io::Result<()> {
        let staging = match self.file.take() {
            Some(staging) => staging,
            None => StagingFile::create(self.blobs.place.clone(), self.blobs.aside()).await?,
        };
        let staging = self.file.insert(staging);
        staging.write(self.buffer.split().freeze(), std::mem::take(&mut self.hash)).await?;
        if self.blobs.flush { staging.begin_sync().await } else { Ok(()) }
    }

    /// The hash of the content, which is complete.
    pub async fn hash(&mut self) -> Result<&str, Failure> {
        if self.whole.is_none() {
            if self.file.is_some() {
                self.spill().await.map_err(written)?;
            } else {
                self.hash.update(&self.buffer);
            }
            let hashed = match &mut self.file {
                Some(staging) => staging.written().await.map_err(written)?,
                None => None,
            };
            let hash = hashed.unwrap_or_else(|| std::mem::take(&mut self.hash));
            self.whole = Some(hexadecimal(hash.finalize()));
        }
        Ok(self.whole.as_deref().unwrap_or_default())
    }

    /// The content is complete: small, it goes with the row; large, it is on disk under its name when this returns.
    pub async fn finish(mut self) -> Result<Blob, Failure> {
        let size_bytes = i64::try_from(self.size).map_err(|e| Failure::new("sizing a document", e))?;
        let hash = self.hash().await?.to_owned();
        let Some(staging) = self.file.take() else {
            return Ok(Blob { hash, size_bytes, inline: Some(self.buffer.freeze()) });
        };
        self.keep(staging, &hash).await.map_err(|e| Failure::new("keeping a document", e))?;
        Ok(Blob { hash, size_bytes, inline: None })
    }

    /// Gives the file, whose last block is written, its name.
    async fn keep(&self, mut staging: StagingFile, hash: &str) -> std::io::Result<()> {
        staging.synced().await?;
        let (file, source, blobs) = (Arc::clone(&staging.file), staging.path.clone(), self.blobs.clone());
        let target = blobs.file(hash);
        blocking(move || persist(&blobs, &file, &source, &target)).await?;
        staging.kept = true;
        Ok(())
    }
}

fn written(error: std::io::Error) -> Failure {
    Failure::new("writing a document", error)
}

/// Makes a complete file durable, gives it its name, and makes the name durable. Replacing a body by itself renews its
/// age, so that no sweep takes it before a row names it.
fn persist(blobs: &Blobs, file: &std::fs::File, source: &Path, target: &Path) -> std::io::Result<()> {
    let Some(folder) = target.parent() else { return Err(std::io::ErrorKind::InvalidInput.into()) };
    let flush = blobs.flush;
    if flush {
        file.sync_all()?;
    }
    if !folder.exists() {
        blobs.place.make_directory(folder)?;
        if let Some(above) = folder.parent().filter(|_| flush) {
            std::fs::File::open(above)?.sync_all()?;
        }
    }
    std::fs::rename(source, target)?;
    if flush { std::fs::File::open(folder)?.sync_all() } else { Ok(()) }
}

/// A hash as it is stored: `hex::encode` would write it letter by letter.
fn hexadecimal(hash: impl AsRef<[u8]>) -> String {
    let mut text = vec![0; 2 * hash.as_ref().len()];
    let written = hex::encode_to_slice(hash, &mut text).ok();
    written.and_then(|()| String::from_utf8(text).ok()).unwrap_or_default()
}

/// SHA-256 of some bytes, hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(Sha256::digest(bytes))
}

/// Writes a small body; one that is there already is kept.
pub async fn insert(c: &mut Txn, hash: &str, data: &[u8], now: Timestamp) -> Result<(), Failure> {
    c.note(INSERT, arguments![hash, now, data]).await?;
    Ok(())
}

/// A small body as it is in the database.
pub async fn stored(c: &mut impl Executor, hash: &str) -> Result<Option<Bytes>, Failure> {
    Ok(row(c, STORED, arguments![hash]).await?.map(|row| row.bytes(0)))
}

/// A small body.
pub async fn inline(c: &mut impl Executor, hash: &str) -> Result<Option<Bytes>, Failure> {
    let key = Key::of_body(hash);
    if let Some(known) = c.cache().and_then(|cache| cache.get::<Bytes>(&key)) {
        return Ok(Some(Bytes::clone(&known)));
    }
    let Some(found) = stored(c, hash).await? else { return Ok(None) };
    if let Some(cache) = c.cache() {
        cache.put(key, Arc::new(found.clone()), found.len());
    }
    Ok(Some(found))
}

/// Small bodies by their hashes, in one trip. One that is not among them is not there.
pub async fn several(c: &mut impl Executor, hashes: &[&str]) -> Result<HashMap<String, Bytes>, Failure> {
    let known = |hash: &str| c.cache().and_then(|cache| cache.get::<Bytes>(&Key::of_body(hash)));
    let mut found: HashMap<String, Bytes> =
        hashes.iter().filter_map(|hash| Some(((*hash).to_owned(), Bytes::clone(&*known(hash)?)))).collect();
    let missing: Vec<&str> = hashes.iter().copied().filter(|hash| !found.contains_key(*hash)).collect();
    if missing.is_empty() {
        return Ok(found);
    }
    for (hash, body) in bodies(c, SEVERAL, arguments![&list(&missing)]).await? {
        if let Some(cache) = c.cache() {
            cache.put(Key::of_body(&hash), Arc::new(body.clone()), body.len());
        }
        found.insert(hash, body);
    }
    Ok(found)
}

statements! {
    const INSERT: Statement = writes(
        &[BODY],
        &[],
        "INSERT INTO body (hash, stored_at, data) VALUES ($1, $2, $3) ON CONFLICT (hash) DO UPDATE SET stored_at = \
         excluded.stored_at",
    );
    const STORED: Statement = reads(&[BODY], "SELECT data FROM body WHERE hash = $1");
    const SEVERAL: Statement = reads(
        &[BODY],
        bodies_as_one!(
            "n.hash",
            "n.data",
            concat!("SELECT b.hash, b.data FROM ", listed!("$1"), " l CROSS JOIN body b WHERE b.hash = l.value")
        ),
    );
}
