//! Which bodies are named by nodes and their former states, by notifications, and by mail.
//!
//! No index has them: each write would pay for it, and only the check and the sweep ask. They ask for one part of all
//! hashes after the other, and every row is read once a part.
//!
//! What nothing names, and is old, stays unnamed until it is stored again: a hash comes into a row from a body that has
//! just been stored, or from another row; from one that may be gone by then only while nothing is swept
//! ([`super::Store::carrying`]). So it may be asked for in a view, beside the writer, and removed later, if it is still
//! as old then.

use std::collections::HashMap;

use super::db::arguments;
use super::db::text::listed;
use super::executor::{Executor, execute, row, rows};
use super::list::list;
use super::statement::tables::{BODY, MAIL, NODE, NOTIFICATION, PAST};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::Timestamp;

/// A part is made for each so many rows.
const PART_ROWS: i64 = 250_000;
/// Parts begin with one of so many beginnings of a hash.
const BEGINNINGS: i64 = 0x1_0000;
/// After every hash, also one that is damaged.
const END: &str = "\u{10ffff}";

/// The hashes from one on and before another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HashRange {
    from: String,
    before: String,
}

impl HashRange {
    /// Equal parts, one after the other, of all hashes.
    fn of_all(number: i64) -> Vec<Self> {
        let bound = |place: i64| match place {
            0 => String::new(),
            _ if place == number => END.to_owned(),
            _ => format!("{:04x}", place * BEGINNINGS / number),
        };
        (0..number).map(|place| Self { from: bound(place), before: bound(place + 1) }).collect()
    }

    /// Is it one of these?
    pub fn has(&self, hash: &str) -> bool {
        self.from.as_str() <= hash && hash < self.before.as_str()
    }
}

/// All hashes in parts, each of which is small enough to be held.
pub async fn parts(c: &mut impl Executor) -> Result<Vec<HashRange>, Failure> {
    let count = row(c, PARTS, arguments![]).await?.map_or(0, |row| row.integer(0));
    Ok(HashRange::of_all((count / PART_ROWS + 1).min(BEGINNINGS)))
}

/// Hashes of a part that are named, ascending.
pub async fn named(c: &mut impl Executor, part: &HashRange) -> Result<Vec<String>, Failure> {
    Ok(rows(c, NAMED, arguments![&part.from, &part.before]).await?.iter().map(|row| row.text(0)).collect())
}

/// Which of the small bodies of a part that are older than `before`, and of these large ones, nothing names; ascending.
pub async fn unnamed(
    c: &mut impl Executor,
    part: &HashRange,
    before: Timestamp,
    large: &[String],
) -> Result<Vec<String>, Failure> {
    let found = rows(c, UNNAMED, arguments![&part.from, &part.before, before, &list(large)]).await?;
    Ok(found.iter().map(|row| row.text(0)).collect())
}

/// Removes small bodies, unless they have been stored again since `before`; how many.
pub async fn remove(c: &mut Txn, hashes: &[String], before: Timestamp) -> Result<u64, Failure> {
    execute(c, REMOVE, arguments![&list(hashes), before]).await
}

/// For each of these hashes that is named, a document that has or had that content: its name, version and identifier.
pub async fn bearers(c: &mut impl Executor, hashes: &[String]) -> Result<HashMap<String, String>, Failure> {
    Ok(rows(c, BEARERS, arguments![&list(hashes)]).await?.iter().map(|row| (row.text(0), row.text(1))).collect())
}

statements! {
    const PARTS: Statement = reads(
        &[BODY, NODE, PAST],
        "SELECT (SELECT COUNT(*) FROM node) + (SELECT COUNT(*) FROM past) + (SELECT COUNT(*) FROM body)",
    );
    const NAMED: Statement = reads(
        &[MAIL, NODE, NOTIFICATION, PAST],
        "SELECT hash FROM node WHERE hash >= $1 AND hash < $2 UNION SELECT hash FROM past WHERE hash >= $1 AND hash \
         < $2 UNION SELECT hash FROM notification WHERE hash >= $1 AND hash < $2 AND hash <> '' UNION SELECT \
         message_hash FROM mail WHERE message_hash >= $1 AND message_hash < $2 UNION SELECT mail_hash FROM mail WHERE \
         mail_hash >= $1 AND mail_hash < $2 ORDER BY 1",
    );
    const UNNAMED: Statement = reads(
        &[BODY, MAIL, NODE, NOTIFICATION, PAST],
        concat!(
            "SELECT b.hash FROM body b WHERE b.hash >= $1 AND b.hash < $2 AND b.stored_at < $3 UNION SELECT l.value \
             FROM ",
            listed!("$4"),
            " l EXCEPT SELECT n.hash FROM node n WHERE n.hash >= $1 AND n.hash < $2 EXCEPT SELECT p.hash FROM past p \
             WHERE p.hash >= $1 AND p.hash < $2 EXCEPT SELECT t.hash FROM notification t WHERE t.hash >= $1 AND \
             t.hash < $2 EXCEPT SELECT m.message_hash FROM mail m WHERE m.message_hash >= $1 AND m.message_hash < $2 \
             EXCEPT SELECT m.mail_hash FROM mail m WHERE m.mail_hash >= $1 AND m.mail_hash < $2 ORDER BY 1"
        ),
    );
    const REMOVE: Statement = writes(
        &[BODY],
        &[],
        concat!("DELETE FROM body WHERE stored_at < $2 AND hash IN (SELECT l.value FROM ", listed!("$1"), " l)"),
    );
    const BEARERS: Statement = reads(
        &[NODE, PAST],
        concat!(
            "SELECT v.hash, MIN(v.name || ', version ' || v.version || ' (' || v.id || ')') FROM (SELECT hash, name, \
             version, id FROM node UNION ALL SELECT hash, name, version, node_id FROM past) v WHERE v.hash IN \
             (SELECT l.value FROM ",
            listed!("$1"),
            " l) GROUP BY v.hash"
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::HashRange;

    #[test]
    fn every_hash_is_in_one_part() {
        for number in [1, 2, 3, 7, 256, 65_536] {
            let parts = HashRange::of_all(number);
            for hash in ["", "!", "0", "0000", "00010", "7fff", "8000", "abcdef", "ffff", "ffffff", "g", "\u{e9}"] {
                assert_eq!(parts.iter().filter(|part| part.has(hash)).count(), 1, "{hash} of {number}");
            }
        }
    }
}
