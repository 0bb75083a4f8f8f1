//! Which answers of statements hold: each for exactly as long as the database is what it was
//! ([`crate::store::db::Adapter::revision`]).
//!
//! After a commit of our own, which nobody else's can have joined, only what reads the tables that it wrote is stale;
//! after any other, everything. An entry bears the stamp of the moment when it was kept, and each table that of its
//! last change.

use crate::store::db::{Revision, Row};
use crate::store::statement::{Tables, tables};

/// Which answers hold.
pub struct Freshness {
    /// What the database was when they were found.
    pub revision: Option<Revision>,
    /// Counts the changes.
    stamp: u64,
    /// By tables, the stamp of the last change.
    changed: [u64; tables::NUMBER],
}

/// The answer of a statement.
pub struct CachedAnswer {
    /// The answer.
    pub rows: Vec<Row>,
    reads: Tables,
    stamp: u64,
}

impl Default for Freshness {
    fn default() -> Self {
        Self { revision: None, stamp: 0, changed: [0; tables::NUMBER] }
    }
}

impl Freshness {
    /// Some tables are other than they were.
    pub fn changes(&mut self, written: Tables, revision: Revision) {
        self.stamp += 1;
        for place in written.places() {
            if let Some(changed) = self.changed.get_mut(place) {
                *changed = self.stamp;
            }
        }
        self.revision = Some(revision);
    }

    /// Has none of the tables changed that an answer was read from?
    pub fn holds(&self, answer: &CachedAnswer) -> bool {
        answer.reads.places().all(|place| self.changed.get(place).is_some_and(|changed| *changed <= answer.stamp))
    }

    /// An answer that was read now, from some tables.
    pub fn answer(&self, rows: Vec<Row>, reads: Tables) -> CachedAnswer {
        CachedAnswer { rows, reads, stamp: self.stamp }
    }
}
