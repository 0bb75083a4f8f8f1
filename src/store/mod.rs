//! The store: one database, one directory of bodies. The only module that names a database and the file system.
//!
//! [`Store::read`] opens a snapshot, [`Store::write`] a write transaction; the files below hold one table group each,
//! its statements and nothing else. Nothing here asks who may do what: that is `tree`'s.

pub mod acquaintance;
mod blocks;
pub mod body;
pub mod body_references;
pub mod cache;
pub mod calendar;
pub mod check;
pub mod check_columns;
pub mod check_rights;
pub mod columns;
mod counters;
pub mod data_directory;
pub mod db;
pub mod device;
pub mod executor;
pub mod feed;
pub mod freebusy;
pub mod grant;
pub mod group;
mod held;
pub mod inbox;
pub mod invitee;
pub mod job;
pub mod list;
pub mod lock;
pub mod mail;
pub mod meeting_folder;
pub mod members;
pub mod node;
mod page;
pub mod past;
pub mod personal_part;
pub mod principal;
pub mod property;
pub mod purge;
mod readers;
pub mod reading;
mod reserve;
pub mod retention;
pub mod returned;
pub mod room;
pub mod scheduling;
pub mod share;
pub mod statement;
pub mod subtree;
pub mod task;
#[cfg(test)]
mod tests;
pub mod transaction;
pub mod trash;
pub mod unread;
pub mod usage;
pub mod version;
pub mod way;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::RwLock;

use self::body::Blobs;
use self::cache::Cache;
use self::data_directory::{BODIES, DataDirectory, LockedDataDirectory};
use self::db::{Adapter as _, Database};
use self::readers::Readers;
use self::reading::{CachedReader, Snapshot};
use self::reserve::DiskReserve;
use self::transaction::{Txn, Writer};
use crate::model::budget::CACHE_MIB;
use crate::model::error::Failure;
use crate::model::id::Id;
use crate::model::token::TokenSeal;

pub use self::counters::{Counters, WriterHold};

/// The database and the bodies.
pub struct Store {
    readers: Arc<Readers>,
    writer: Writer,
    pub(crate) cache: Arc<Cache>,
    /// How many statements went to the database.
    pub counters: Arc<Counters>,
    reserve: DiskReserve,
    /// Large bodies.
    pub blobs: Blobs,
    /// Shared while hashes are carried from a view into later changes: what bore them in the view may be gone by then.
    /// Alone, while bodies that nothing names are swept.
    pub carrying: RwLock<()>,
    /// Makes and reads sync tokens, for all processes alike.
    pub seal: Arc<TokenSeal>,
    /// Were others let into the data directory until now?
    pub tightened: bool,
}

impl Store {
    /// Opens the data directory; makes and fills it where there is none, brings an old one up to date. Of many who come
    /// at once one does so, and the others wait.
    pub async fn open(data: &Path, flush: bool) -> Result<Self, Failure> {
        Self::open_within(data, flush, CACHE_MIB << 20).await
    }

    /// The same, with so many bytes for what is kept in memory.
    pub async fn open_within(data: &Path, flush: bool, cache_bytes: usize) -> Result<Self, Failure> {
        let locked = DataDirectory::enter(data, Database::FILES).await?;
        let LockedDataDirectory { directory: place, tightened, .. } = &locked;
        let counters = Arc::<Counters>::default();
        let (database, connection) = Database::open(place, flush, &counters).await?;
        let database = Arc::new(database);
        let cache = Arc::new(Cache::of(Arc::clone(&database), cache_bytes));
        let readers = Readers::open(database).await?;
        let writer = Writer::new(connection, Arc::clone(&cache), Arc::clone(&counters));
        let blobs = Blobs::open(place.clone(), place.join(BODIES), flush).await?;
        let reserve = DiskReserve::of(place.clone());
        let (seal, tightened) = (Arc::new(TokenSeal::of(Arc::default(), "")), *tightened);
        let carrying = RwLock::default();
        let mut store = Self { readers, writer, cache, counters, reserve, blobs, carrying, seal, tightened };
        let epoch = store.setting_or("epoch", || format!("{:x}", Id::generate().0)).await?;
        let mut chance = [0u8; 32];
        getrandom::fill(&mut chance).map_err(|e| Failure::new("making a key", e))?;
        let secret = store.setting_or("token_key", || hex::encode(chance)).await?;
        store.seal = Arc::new(TokenSeal::of(epoch.into(), &secret));
        drop(locked);
        Ok(store)
    }

    /// A setting of the database itself; where it is not there yet, the value that the first of all processes makes.
    pub async fn setting_or(&self, name: &str, make: impl FnOnce() -> String) -> Result<String, Failure> {
        let found = principal::setting(&mut self.read().await?, name).await?;
        if let Some(value) = found {
            return Ok(value);
        }
        let mut txn = self.write().await?;
        principal::insert_setting(&mut txn, name, &make()).await?;
        let value = principal::setting(&mut txn, name).await?.unwrap_or_default();
        txn.commit().await?;
        Ok(value)
    }

    /// A consistent view.
    pub async fn read(&self) -> Result<Snapshot, Failure> {
        Snapshot::open(&self.readers, &self.cache, &self.counters).await
    }

    /// For statements that need not agree with each other: each is answered as of now, from the cache, or later.
    #[must_use]
    pub fn cached(&self) -> CachedReader {
        self.cached_since(Instant::now())
    }

    /// The same for a request that came at a moment: answered as of that moment, or later.
    #[must_use]
    pub fn cached_since(&self, moment: Instant) -> CachedReader {
        CachedReader::new(&self.readers, &self.cache, &self.counters, moment)
    }

    /// A write transaction.
    pub async fn write(&self) -> Result<Txn, Failure> {
        self.writer.begin().await
    }

    /// Waits until what writers have done so far is on disk.
    pub async fn settled(&self) -> Result<(), Failure> {
        self.writer.settled().await
    }

    /// Sets room aside for when the disk is full; how much there is, bytes.
    pub async fn set_aside(&self) -> std::io::Result<u64> {
        self.reserve.fill().await
    }

    /// Is the disk so full that what room is left is for what must go on alone?
    pub async fn is_full(&self) -> bool {
        self.reserve.is_low().await
    }

    /// The disk is full: makes some room for what must go on, the more the more often that was not enough. `false`:
    /// there is none.
    pub async fn make_room(&self, times: u32) -> bool {
        // What the log of the database holds may go where it belongs, and leave its place to what comes.
        let made = match times.checked_sub(1) {
            None => true,
            Some(times) => self.reserve.give(times).await,
        };
        if made {
            self.writer.carry_over().await;
        }
        made
    }

    /// What is to happen on its connections.
    #[cfg(test)]
    pub fn script(&self) -> db::double::Script {
        self.readers.database().script.clone()
    }

    /// Closes all connections; what was acknowledged is on disk already.
    pub async fn close(&self) {
        self.readers.close().await;
    }
}
