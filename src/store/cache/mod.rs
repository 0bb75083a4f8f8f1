//! The one interface to what is kept in memory: answers of statements, pages of members, bodies, and what follows from
//! a content. All of it shares one bound and one policy of eviction (`generations`).
//!
//! An entry is exactly coherent or absent, in one of two ways. The answer of any statement holds for a revision of the
//! database (`freshness`). Other entries name, in their key or beside the answer, the state that they are of, and so
//! cannot go out of date: a body is what its hash says, and the members of a collection are what they are in its state
//! ([`CollectionState`]).

mod freshness;
mod generations;
mod key;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::freshness::{CachedAnswer, Freshness};
use self::generations::Entries;
pub use self::key::{CollectionState, Key};
use super::db::{Adapter as _, Argument, Database, Revision, Row};
use super::statement::{Statement, Tables};
use crate::model::id::Seq;

/// The largest answer of a statement that is kept.
const MAX_ANSWER_BYTES: usize = 80 * 1024;

/// For how long a revision that was read may serve a request that came before.
const REVISION_SERVES: Duration = Duration::from_millis(1);

/// What is known of the members of a collection.
pub enum Lookup<T> {
    /// The answer.
    Hit(T),
    /// What it was before the changes after a number.
    Stale(T, Seq),
    /// Nothing of use.
    Miss,
}

/// A question that was not answered: what [`Cache::put_rows`] needs once it is.
pub struct Miss {
    key: Key,
    reads: Tables,
    /// Of which revision the answer will be; `None`: it is not to be kept.
    revision: Option<Revision>,
}

/// An answer, and the state in which it is so.
struct StampedEntry<T> {
    state: CollectionState,
    answer: T,
}

/// What is kept of one database.
pub struct Cache {
    database: Arc<Database>,
    /// What the database was at that moment or after it.
    last_read: Mutex<Option<(Instant, Revision)>>,
    freshness: Mutex<Freshness>,
    entries: Entries,
}

impl Cache {
    /// Of a database, so many bytes at most.
    pub fn of(database: Arc<Database>, bytes: usize) -> Self {
        Self { database, last_read: Mutex::default(), freshness: Mutex::default(), entries: Entries::within(bytes) }
    }

    /// What the database is now; `None`: it is not known, and nothing is answered from what was.
    pub fn revision(&self) -> Option<Revision> {
        let now = Instant::now();
        let revision = self.database.revision()?;
        *self.last_read.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, revision));
        Some(revision)
    }

    /// What the database was at a moment or after it, and is not long past. To read it is a noticeable part of a small
    /// answer, which needs it to find out who asks and then to find what is asked: a request reads it once.
    pub fn revision_since(&self, moment: Instant) -> Option<Revision> {
        let last_read = *self.last_read.lock().unwrap_or_else(PoisonError::into_inner);
        match last_read {
            Some((at, revision)) if at >= moment && at.elapsed() < REVISION_SERVES => Some(revision),
            _ => self.revision(),
        }
    }

    /// Has nothing changed since a revision?
    pub fn is_current(&self, revision: Revision) -> bool {
        self.database.revision() == Some(revision)
    }

    fn freshness(&self) -> MutexGuard<'_, Freshness> {
        self.freshness.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An entry whose key says all that it depends on, if it is there.
    pub fn get<T: Send + Sync + 'static>(&self, key: &Key) -> Option<Arc<T>> {
        self.entries.get(key)
    }

    /// Keeps such an entry, which takes so many bytes.
    pub fn put<T: Send + Sync + 'static>(&self, key: Key, entry: Arc<T>, bytes: usize) {
        self.entries.put(key, entry, bytes);
    }

    /// The answer in a revision, if it is known.
    pub fn get_rows(&self, sql: Statement, arguments: &[Argument<'_>], revision: Revision) -> Result<Vec<Row>, Miss> {
        let miss = |key, revision| Miss { key, reads: sql.reads, revision };
        let key = Key::of_query(sql, arguments);
        let mut fresh = self.freshness();
        if fresh.revision != Some(revision) {
            // Who has been under way for long must not have what came since forgotten.
            if !self.is_current(revision) {
                return Err(miss(key, None));
            }
            fresh.changes(Tables::ALL, revision);
        }
        match self.get::<CachedAnswer>(&key).filter(|answer| fresh.holds(answer)) {
            Some(answer) => Ok(answer.rows.clone()),
            None => Err(miss(key, Some(revision))),
        }
    }

    /// Keeps an answer, unless the database changed while it was being found.
    pub fn put_rows(&self, miss: Miss, rows: &[Row]) {
        let Miss { key, reads, revision: Some(revision) } = miss else { return };
        let bytes = rows.iter().map(Row::size).sum::<usize>() + size_of::<CachedAnswer>();
        if bytes > MAX_ANSWER_BYTES || !self.is_current(revision) {
            return;
        }
        let fresh = self.freshness();
        if fresh.revision == Some(revision) {
            self.put(key, Arc::new(fresh.answer(rows.to_vec(), reads)), bytes);
        }
    }

    /// A commit of ours: `before` is what the database was while the transaction was open, `written` what it wrote.
    pub fn committed(&self, before: Option<Revision>, written: Tables) {
        let (Some(before), Some(now)) = (before, self.revision()) else { return };
        let mut fresh = self.freshness();
        if fresh.revision == Some(before) && Database::follows(&now, &before) {
            fresh.changes(written, now);
        }
    }

    /// What is known of a collection that is in a state now.
    pub fn get_in<T: Clone + Send + Sync + 'static>(&self, key: &Key, state: CollectionState) -> Lookup<T> {
        let Some(kept) = self.get::<StampedEntry<T>>(key) else { return Lookup::Miss };
        match state.since(&kept.state) {
            _ if state == kept.state => Lookup::Hit(kept.answer.clone()),
            Some(since) => Lookup::Stale(kept.answer.clone(), since),
            None => Lookup::Miss,
        }
    }

    /// Keeps an answer that takes so many bytes.
    pub fn put_in<T: Clone + Send + Sync + 'static>(&self, key: Key, state: CollectionState, answer: &T, bytes: usize) {
        self.put(key, Arc::new(StampedEntry { state, answer: answer.clone() }), bytes);
    }
}
