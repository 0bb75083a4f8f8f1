//! Statements on `personal_part`: what people have of their own on objects of others.

use std::collections::HashMap;

use super::db::text::{listed, total};
use super::db::{Row, arguments};
use super::executor::{Executor, row, rows};
use super::grant;
use super::members::listed_ids;
use super::statement::tables::{NODE, PERSONAL_PART};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::{Id, Seq, Timestamp};

/// A part: its text, and the hash of that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PersonalPart {
    /// SHA-256 of the text, hexadecimal.
    pub hash: String,
    /// A calendar object that says nothing else.
    pub text: String,
}

/// The hashes of the parts that a person sees, at a moment, on some objects of one owner. Who keeps the calendars of
/// that owner sees and writes what is the owner's, and none of their own.
pub async fn hashes(
    c: &mut impl Executor,
    person: Id,
    owner: Id,
    now: Timestamp,
    nodes: &[Id],
) -> Result<HashMap<Id, String>, Failure> {
    let found = rows(c, HASHES, arguments![person, &listed_ids(nodes)]).await?;
    if found.is_empty() || grant::keeps_calendars(c, person, owner, now).await? {
        return Ok(HashMap::new());
    }
    Ok(found.iter().map(|row| (Id(row.integer(0)), row.text(1))).collect())
}

/// These parts.
pub async fn parts(c: &mut impl Executor, person: Id, nodes: &[Id]) -> Result<HashMap<Id, PersonalPart>, Failure> {
    let found = rows(c, PARTS, arguments![person, &listed_ids(nodes)]).await?;
    let part = |row: &Row| (Id(row.integer(0)), PersonalPart { hash: row.text(1), text: row.text(2) });
    Ok(found.iter().map(part).collect())
}

/// What a person has of their own in all calendars.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeldParts {
    /// How many parts.
    pub number: i64,
    /// Bytes of their texts.
    pub bytes: i64,
}

/// How much a person has of their own, but for an object.
pub async fn held_beside(c: &mut impl Executor, person: Id, node: Id) -> Result<HeldParts, Failure> {
    let found = row(c, HELD_BESIDE, arguments![person, node]).await?;
    Ok(found.map_or_else(HeldParts::default, |row| HeldParts { number: row.integer(0), bytes: row.integer(1) }))
}

/// Writes the part that a person has on an object from now on.
pub async fn set(c: &mut Txn, node: Id, person: Id, part: &PersonalPart) -> Result<(), Failure> {
    let PersonalPart { hash, text } = part;
    c.note(SET, arguments![node, person, hash, text.len() as i64, text]).await
}

/// A person has none on an object any more.
pub async fn remove(c: &mut Txn, node: Id, person: Id) -> Result<(), Failure> {
    c.note(REMOVE, arguments![node, person]).await
}

/// Somebody may have a part on an object, which stands in a calendar.
pub async fn mark(c: &mut Txn, object: Id, calendar: Id) -> Result<(), Failure> {
    c.note(MARK, arguments![object, calendar]).await
}

/// An object changes by what somebody has of their own there, and by nothing else.
pub async fn number(c: &mut Txn, object: Id, seq: Seq) -> Result<(), Failure> {
    c.note(NUMBER, arguments![object, seq]).await
}

/// A part as it is stored, for the check.
pub struct StoredPart {
    /// The object.
    pub node: Id,
    /// Whose it is.
    pub person: Id,
    /// Name of the object.
    pub name: String,
    /// The part.
    pub part: PersonalPart,
}

/// Parts in the order of their objects and of whose they are, so many after that of a person on an object.
pub async fn all(c: &mut impl Executor, node: Id, person: Id, limit: i64) -> Result<Vec<StoredPart>, Failure> {
    let found = rows(c, ALL, arguments![node, person, limit]).await?;
    let stored = |row: &Row| StoredPart {
        node: Id(row.integer(0)),
        person: Id(row.integer(1)),
        name: row.text(2),
        part: PersonalPart { hash: row.text(3), text: row.text(4) },
    };
    Ok(found.iter().map(stored).collect())
}

statements! {
    const HASHES: Statement = reads(
        &[PERSONAL_PART],
        concat!(
            "SELECT p.node_id, p.hash FROM ",
            listed!("$2"),
            " l CROSS JOIN personal_part p WHERE p.node_id = CAST(l.value AS BIGINT) AND p.principal_id = $1"
        ),
    );
    const PARTS: Statement = reads(
        &[PERSONAL_PART],
        concat!(
            "SELECT p.node_id, p.hash, p.text FROM ",
            listed!("$2"),
            " l CROSS JOIN personal_part p WHERE p.node_id = CAST(l.value AS BIGINT) AND p.principal_id = $1"
        ),
    );
    const HELD_BESIDE: Statement = reads(
        &[PERSONAL_PART],
        concat!(
            "SELECT COUNT(*), ",
            total!("p.size"),
            " FROM personal_part p WHERE p.principal_id = $1 AND p.node_id <> $2"
        ),
    );
    const SET: Statement = writes(
        &[PERSONAL_PART],
        &[],
        "INSERT INTO personal_part (node_id, principal_id, hash, size, text) VALUES ($1, $2, $3, $4, $5) ON CONFLICT \
         (node_id, principal_id) DO UPDATE SET hash = excluded.hash, size = excluded.size, text = excluded.text",
    );
    const REMOVE: Statement =
        writes(&[PERSONAL_PART], &[], "DELETE FROM personal_part WHERE node_id = $1 AND principal_id = $2");
    const MARK: Statement = writes(&[NODE], &[], "UPDATE node SET personal_parts = 1 WHERE id IN ($1, $2)");
    const NUMBER: Statement = writes(&[NODE], &[], "UPDATE node SET seq = $2 WHERE id = $1");
    const ALL: Statement = reads(
        &[NODE, PERSONAL_PART],
        "SELECT p.node_id, p.principal_id, COALESCE(n.name, ''), p.hash, p.text FROM personal_part p LEFT JOIN node n \
         ON n.id = p.node_id WHERE (p.node_id, p.principal_id) > ($1, $2) ORDER BY p.node_id, p.principal_id LIMIT $3",
    );
}
