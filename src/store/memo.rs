//! Answers that are remembered for exactly as long as the database does not change.
//!
//! With each commit, of whichever process, SQLite rewrites the header of the index of its write-ahead log, the first bytes
//! of the file `-shm` ("WAL-mode file format", section 2.1). While the header is what it was, every statement would
//! be answered as before. After a commit of our own, which nobody else's can have joined, only what may read the tables
//! that it wrote is forgotten; after any other, everything.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::sql::{Argument, Row};

/// The most that is remembered, bytes, and the largest answer.
const MAX_BYTES: usize = 16 * 1024 * 1024;
const MAX_ANSWER_BYTES: usize = 80 * 1024;
/// One of the two copies of the header.
const HEADER: usize = 48;
/// Where in it the number of commits stands.
const COMMITS: std::ops::Range<usize> = 8..12;

/// What the database was: equal versions are the same content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Version([u8; HEADER]);

impl Version {
    fn commits(&self) -> Option<u32> {
        Some(u32::from_ne_bytes(self.0.get(COMMITS)?.try_into().ok()?))
    }

    /// Is this the version that one commit made of the other?
    fn follows(&self, other: &Self) -> bool {
        matches!((self.commits(), other.commits()), (Some(this), Some(that)) if this == that.wrapping_add(1))
    }
}

/// The answers of one statement, by its arguments.
struct Statement {
    words: HashSet<&'static str>,
    answers: HashMap<Vec<u8>, Vec<Row>>,
    bytes: usize,
}

#[derive(Default)]
struct Known {
    version: Option<Version>,
    statements: HashMap<(usize, usize), Statement>,
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
    sql: &'static str,
    key: Vec<u8>,
    version: Option<Version>,
}

/// Answers of one database.
pub struct Memo {
    /// Never closed: POSIX would take SQLite's own locks on the file away from the whole process.
    index: Option<ManuallyDrop<File>>,
    known: Mutex<Known>,
}

impl Memo {
    /// Of an open database in that file; where its index cannot be read, nothing is ever remembered.
    pub fn open(database: &Path) -> Self {
        let mut name = database.as_os_str().to_owned();
        name.push("-shm");
        Self { index: File::open(name).ok().map(ManuallyDrop::new), known: Mutex::default() }
    }

    /// What the database is now; `None` while a commit is being written.
    pub fn version(&self) -> Option<Version> {
        let mut copies = [0u8; 2 * HEADER];
        self.index.as_ref()?.read_exact_at(&mut copies, 0).ok()?;
        let (one, other) = copies.split_at(HEADER);
        if one == other { one.try_into().ok().map(Version) } else { None }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer in a version, if it is known.
    pub fn look(
        &self,
        sql: &'static str,
        arguments: &[Argument<'_>],
        version: Option<Version>,
    ) -> Result<Vec<Row>, Blank> {
        let key = key_of(arguments);
        let Some(version) = version else { return Err(Blank { sql, key, version }) };
        let mut known = self.known();
        if known.version != Some(version) {
            // Who has been under way for long must not have what came since forgotten.
            if self.version() != Some(version) {
                return Err(Blank { sql, key, version: None });
            }
            known.forget();
            known.version = Some(version);
        }
        let answer = known.statements.get(&place(sql)).and_then(|statement| statement.answers.get(&key));
        answer.cloned().ok_or(Blank { sql, key, version: Some(version) })
    }

    /// Remembers an answer, unless the database changed while it was being found.
    pub fn remember(&self, blank: Blank, rows: &[Row]) {
        let Blank { sql, key, version } = blank;
        let bytes = rows.iter().map(Row::size).sum::<usize>() + key.len() + size_of::<Vec<Row>>();
        if bytes > MAX_ANSWER_BYTES || version.is_none() || self.version() != version {
            return;
        }
        let mut known = self.known();
        if known.version != version {
            return;
        }
        if known.bytes + bytes > MAX_BYTES {
            known.forget();
        }
        known.bytes += bytes;
        let statement = known.statements.entry(place(sql)).or_insert_with(|| Statement {
            words: words(sql).collect(),
            answers: HashMap::new(),
            bytes: 0,
        });
        statement.bytes += bytes;
        statement.answers.insert(key, rows.to_vec());
    }

    /// A commit of ours: `before` is what the database was while the transaction was open, `ran` what ran in it.
    pub fn committed(&self, before: Option<Version>, ran: &[&'static str]) {
        let (Some(before), Some(now)) = (before, self.version()) else { return };
        let mut known = self.known();
        if known.version != Some(before) || !now.follows(&before) {
            return;
        }
        let written: Vec<&str> = ran.iter().flat_map(|sql| written(sql)).collect();
        let mut freed = 0;
        known.statements.retain(|_, statement| {
            let stays = !written.iter().any(|table| statement.words.contains(table));
            freed += if stays { 0 } else { statement.bytes };
            stays
        });
        known.bytes = known.bytes.saturating_sub(freed);
        known.version = Some(now);
    }
}

/// Statements are constants: where one stands tells which it is.
pub(super) fn place(sql: &'static str) -> (usize, usize) {
    (sql.as_ptr().addr(), sql.len())
}

pub(super) fn key_of(arguments: &[Argument<'_>]) -> Vec<u8> {
    let mut key = Vec::with_capacity(arguments.len() * 9);
    for argument in arguments {
        let mut bytes = |tag: u8, value: &[u8]| {
            key.push(tag);
            key.extend_from_slice(&value.len().to_ne_bytes());
            key.extend_from_slice(value);
        };
        match argument {
            Argument::Integer(value) => bytes(1, &value.to_ne_bytes()),
            Argument::Text(value) => bytes(2, value.as_bytes()),
            Argument::Bytes(value) => bytes(3, value),
            Argument::Null => bytes(0, &[]),
        }
    }
    key
}

fn words(sql: &'static str) -> impl Iterator<Item = &'static str> {
    sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Names of the tables that a statement writes.
fn written(sql: &'static str) -> impl Iterator<Item = &'static str> {
    let mut before = ("", "");
    words(sql).filter(move |word| {
        let writes = match before {
            (_, "INTO") | ("DELETE", "FROM") => true,
            (_, "UPDATE") => *word != "SET",
            _ => false,
        };
        before = (before.1, word);
        writes
    })
}

#[cfg(test)]
mod tests {
    use super::written;

    #[test]
    fn what_a_statement_writes() {
        let table: [(&'static str, &[&str]); 5] = [
            ("INSERT INTO a (b) VALUES ($1) ON CONFLICT (b) DO UPDATE SET c = excluded.c", &["a"]),
            (
                "WITH RECURSIVE up(id) AS (SELECT 1 FROM b) UPDATE node SET x = 1 WHERE id IN (SELECT id FROM up)",
                &["node"],
            ),
            ("DELETE FROM lock WHERE node_id = $1", &["lock"]),
            ("SELECT a FROM node", &[]),
            ("UPDATE home SET seq = seq + 1 RETURNING seq", &["home"]),
        ];
        for (sql, tables) in table {
            assert_eq!(written(sql).collect::<Vec<_>>(), tables, "{sql}");
        }
    }
}
