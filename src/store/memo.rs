//! Answers that are remembered for exactly as long as the database does not change ([`Adapter::revision`]).
//!
//! After a commit of our own, which nobody else's can have joined, only what may read the tables that it wrote is forgotten;
//! after any other, everything.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::db::{Adapter as _, Argument, Database, Revision, Row, key_of};
use super::statement::{Identity, Statement, Tables};

/// The most that is remembered, bytes, and the largest answer.
const MAX_BYTES: usize = 16 * 1024 * 1024;
const MAX_ANSWER_BYTES: usize = 80 * 1024;

/// The answers of one statement, by its arguments.
struct Answers {
    reads: Tables,
    answers: HashMap<Vec<u8>, Vec<Row>>,
    bytes: usize,
}

#[derive(Default)]
struct Known {
    revision: Option<Revision>,
    statements: HashMap<Identity, Answers>,
    bytes: usize,
}

impl Known {
    fn forget(&mut self) {
        self.statements.clear();
        self.bytes = 0;
    }
}

/// A question that was not answered: what [`Memo::remember`] needs once it is.
pub struct Blank {
    sql: Statement,
    key: Vec<u8>,
    revision: Option<Revision>,
}

/// Answers of one database.
pub struct Memo {
    database: Arc<Database>,
    known: Mutex<Known>,
}

impl Memo {
    /// Of that database; where its revision cannot be told, nothing is ever remembered.
    pub fn of(database: Arc<Database>) -> Self {
        Self { database, known: Mutex::default() }
    }

    /// What the database is now; `None` while that cannot be told.
    pub fn revision(&self) -> Option<Revision> {
        self.database.revision()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer in a revision, if it is known.
    pub fn look(
        &self,
        sql: Statement,
        arguments: &[Argument<'_>],
        revision: Option<Revision>,
    ) -> Result<Vec<Row>, Blank> {
        let key = key_of(arguments);
        let Some(revision) = revision else { return Err(Blank { sql, key, revision }) };
        let mut known = self.known();
        if known.revision != Some(revision) {
            // Who has been under way for long must not have what came since forgotten.
            if self.revision() != Some(revision) {
                return Err(Blank { sql, key, revision: None });
            }
            known.forget();
            known.revision = Some(revision);
        }
        let answer = known.statements.get(&sql.identity()).and_then(|statement| statement.answers.get(&key));
        answer.cloned().ok_or(Blank { sql, key, revision: Some(revision) })
    }

    /// Remembers an answer, unless the database changed while it was being found.
    pub fn remember(&self, blank: Blank, rows: &[Row]) {
        let Blank { sql, key, revision } = blank;
        let bytes = rows.iter().map(Row::size).sum::<usize>() + key.len() + size_of::<Vec<Row>>();
        if bytes > MAX_ANSWER_BYTES || revision.is_none() || self.revision() != revision {
            return;
        }
        let mut known = self.known();
        if known.revision != revision {
            return;
        }
        if known.bytes + bytes > MAX_BYTES {
            known.forget();
        }
        known.bytes += bytes;
        let statement = known.statements.entry(sql.identity()).or_insert_with(|| Answers {
            reads: sql.reads,
            answers: HashMap::new(),
            bytes: 0,
        });
        statement.bytes += bytes;
        statement.answers.insert(key, rows.to_vec());
    }

    /// A commit of ours: `before` is what the database was while the transaction was open, `written` what it wrote.
    pub fn committed(&self, before: Option<Revision>, written: Tables) {
        let (Some(before), Some(now)) = (before, self.revision()) else { return };
        let mut known = self.known();
        if known.revision != Some(before) || !Database::follows(&now, &before) {
            return;
        }
        let mut freed = 0;
        known.statements.retain(|_, statement| {
            let stays = !written.meets(statement.reads);
            freed += if stays { 0 } else { statement.bytes };
            stays
        });
        known.bytes = known.bytes.saturating_sub(freed);
        known.revision = Some(now);
    }
}
