//! Answers of statements, each for exactly as long as the database is what it was
//! ([`crate::store::db::Adapter::revision`]).
//!
//! After a commit of our own, which nobody else's can have joined, only what reads the tables that it wrote is stale;
//! after any other, everything. An entry bears the stamp of the moment when it was kept, and each table that of its
//! last change.

use std::sync::{Arc, MutexGuard, PoisonError};

use super::{Cache, Key};
use crate::store::db::{Adapter as _, Argument, Database, Revision, Row};
use crate::store::statement::{Statement, Tables, tables};

/// The largest answer that is kept.
const MAX_ANSWER_BYTES: usize = 80 * 1024;

/// Which answers hold.
#[derive(Default)]
pub struct Freshness {
    /// What the database was when they were found.
    revision: Option<Revision>,
    /// Counts the changes.
    stamp: u64,
    /// By tables, the stamp of the last change.
    changed: [u64; tables::NUMBER],
}

impl Freshness {
    /// Some tables are other than they were.
    fn changes(&mut self, written: Tables, revision: Revision) {
        self.stamp += 1;
        for place in written.places() {
            if let Some(changed) = self.changed.get_mut(place) {
                *changed = self.stamp;
            }
        }
        self.revision = Some(revision);
    }

    fn holds(&self, answer: &CachedAnswer) -> bool {
        answer.reads.places().all(|place| self.changed.get(place).is_some_and(|changed| *changed <= answer.stamp))
    }
}

struct CachedAnswer {
    rows: Vec<Row>,
    reads: Tables,
    stamp: u64,
}

/// A question that was not answered: what [`Cache::put_rows`] needs once it is.
pub struct Miss {
    key: Key,
    reads: Tables,
    /// Of which revision the answer will be; `None`: it is not to be kept.
    revision: Option<Revision>,
}

impl Cache {
    fn freshness(&self) -> MutexGuard<'_, Freshness> {
        self.freshness.lock().unwrap_or_else(PoisonError::into_inner)
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
            let answer = CachedAnswer { rows: rows.to_vec(), reads, stamp: fresh.stamp };
            self.put(key, Arc::new(answer), bytes);
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
}
