//! Statements on versions: those of a document, who left a name, the chain that each version enters.

use std::ops::RangeInclusive;

use super::columns::{COLUMNS, columns, node_of};
use super::db::text::listed;
use super::db::{Row, arguments};
use super::executor::{Executor, row, rows};
use super::held::{held_at, seen_by_role};
use super::node::nodes;
use super::page::{Paged, paged};
use super::statement::tables::{ACE, CALENDAR_OBJECT, CHAIN, EFFECTIVE_MEMBERSHIP, HOME, LOCK, NODE, PAST, PRINCIPAL};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::{Id, Seq, Timestamp};
use crate::model::node::{Node, Version};
use crate::model::privilege::Role;

/// Versions of a document, ascending, with numbers from `from` to `to`. A version that stood under several names is
/// one.
pub async fn versions(
    c: &mut impl Executor,
    node: Id,
    numbers: RangeInclusive<i64>,
    limit: i64,
) -> Result<Vec<Version>, Failure> {
    let found = rows(c, VERSIONS, arguments![node, *numbers.start(), *numbers.end(), limit]).await?;
    Ok(found.iter().map(|row| version_of(node, row)).collect())
}

/// Numbers of those versions, ascending, that stood where an actor may read, and sees what is private if the object is
/// or was that: in the collection as it is now, or in the home of then.
pub async fn readable(
    c: &mut impl Executor,
    actor: Id,
    now: Timestamp,
    node: Id,
    numbers: RangeInclusive<i64>,
) -> Result<Vec<i64>, Failure> {
    let found =
        rows(c, READABLE, arguments![actor, now, node, *numbers.start(), *numbers.end(), Role::Reader.rank()]).await?;
    Ok(found.iter().map(|row| row.integer(0)).collect())
}

fn version_of(node: Id, row: &Row) -> Version {
    Version {
        node,
        number: row.integer(0),
        hash: row.text(1),
        size_bytes: row.integer(2),
        content_type: row.optional_text(3),
        author_id: row.optional_integer(4).map(Id),
        device: row.optional_text(5),
        comment: row.optional_text(6),
        written_at: row.integer(7),
        kept: row.integer(8) != 0,
        author: row.optional_text(9),
    }
}

/// A node by its identifier, wherever it stands; and since when it is gone.
pub async fn node(c: &mut impl Executor, id: Id) -> Result<Option<(Node, Option<Timestamp>)>, Failure> {
    Ok(row(c, BY_ID, arguments![id]).await?.map(|row| (node_of(&row), row.optional_integer(COLUMNS))))
}

/// The hashes of what a document was since it last was the content of a hash, that among them; at most so many.
pub async fn issued_since(c: &mut impl Executor, node: Id, hash: &str, limit: i64) -> Result<Vec<String>, Failure> {
    Ok(rows(c, ISSUED_SINCE, arguments![node, hash, limit]).await?.iter().map(|row| row.text(0)).collect())
}

/// Sets the comment of a version, or marks it as one that retention never takes, wherever its rows are.
pub async fn annotate(c: &mut Txn, version: &Version) -> Result<(), Failure> {
    for sql in ANNOTATE {
        let arguments = arguments![version.node, version.number, version.comment.as_ref(), version.kept];
        c.note(sql, arguments).await?;
    }
    Ok(())
}

/// What is said of the present version of a document is said of it wherever its rows are.
pub async fn describe(c: &mut Txn, document: &Node) -> Result<(), Failure> {
    c.note(
        DESCRIBE,
        arguments![document.id, document.version, document.comment.as_ref(), document.content_type.as_ref()],
    )
    .await
}

/// Who left a name last.
pub struct LastOccupant {
    /// The document, as it is now.
    pub node: Node,
    /// The change in which it left.
    pub left_seq: Seq,
    /// When it left.
    pub left_at: Timestamp,
    /// Since when it is gone.
    pub gone_at: Option<Timestamp>,
    /// Who deleted it.
    pub gone_by: Option<Id>,
    /// Who put it where it stands now.
    pub placed_by: Option<Id>,
    /// The change with which its present state began.
    pub since_seq: Seq,
    /// Name of the collection it stands in now.
    pub place: String,
}

/// The document that left a name last, not before `since`. What is left about by programs, and what was deleted before
/// it was a version, never was anyone's document. It is sought among the last states that ended there.
pub async fn leaver(
    c: &mut impl Executor,
    parent: Id,
    match_name: &str,
    since: Timestamp,
) -> Result<Option<LastOccupant>, Failure> {
    let found = row(c, LEAVER, arguments![parent, match_name, since]).await?;
    Ok(found.map(|row| LastOccupant {
        node: node_of(&row),
        left_seq: row.integer(COLUMNS),
        left_at: row.integer(COLUMNS + 1),
        gone_at: row.optional_integer(COLUMNS + 2),
        gone_by: row.optional_integer(COLUMNS + 3).map(Id),
        placed_by: row.optional_integer(COLUMNS + 4).map(Id),
        since_seq: row.integer(COLUMNS + 5),
        place: row.text(COLUMNS + 6),
    }))
}

/// The version of another document that stood where a document `n` stands until that was put there, with the same
/// content: `n` is the copy that stayed when the other was set aside there.
macro_rules! set_aside {
    () => {
        "SELECT 1 FROM past p WHERE p.parent_id = n.parent_id AND p.match_name = n.match_name AND p.hash = n.hash \
         AND p.node_id <> n.id AND p.sealed = 1 AND p.to_seq = n.placed_seq"
    };
}
pub(super) use set_aside;

/// Is a document the copy of a version that was set aside?
pub async fn was_set_aside(c: &mut impl Executor, copy: Id) -> Result<bool, Failure> {
    Ok(row(c, WAS_SET_ASIDE, arguments![copy]).await?.is_some())
}

/// A link of a chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainLink {
    /// The home.
    pub home: Id,
    /// From 1.
    pub place: i64,
    /// The document.
    pub node: Id,
    /// The version.
    pub version: i64,
    /// Hash over the version; empty for those from before there was a chain.
    pub leaf: String,
    /// Hash over the link before and the leaf.
    pub chain: String,
}

/// Adds a link. A place that is taken is one that a damaged home says: nobody's work ends with that, and the check
/// reports it.
pub async fn enter(c: &mut Txn, link: &ChainLink) -> Result<(), Failure> {
    let arguments = arguments![link.home, link.place, link.node, link.version, &link.leaf, &link.chain];
    c.note(ENTER, arguments).await
}

/// Links after a place of a home, and of all homes after that, in order.
pub async fn chain(c: &mut impl Executor, home: Id, place: i64, limit: i64) -> Result<Vec<ChainLink>, Failure> {
    let found = rows(c, LINKS, arguments![home, place, limit]).await?;
    Ok(found
        .iter()
        .map(|row| ChainLink {
            home: Id(row.integer(0)),
            place: row.integer(1),
            node: Id(row.integer(2)),
            version: row.integer(3),
            leaf: row.text(4),
            chain: row.text(5),
        })
        .collect())
}

/// Heads of the chains: home, number of links, last link.
pub async fn heads(c: &mut impl Executor) -> Result<Vec<(Id, i64, String)>, Failure> {
    let found = rows(c, HEADS, arguments![]).await?;
    Ok(found.iter().map(|row| (Id(row.integer(0)), row.integer(1), row.text(2))).collect())
}

/// Drafts of locks, by the tokens of these, to be sealed: as many as one request may; the job seals what is left of
/// them.
pub async fn drafts(c: &mut impl Executor, tokens: &str) -> Result<Vec<Node>, Failure> {
    nodes(c, DRAFTS, arguments![tokens]).await
}

/// Documents that are no version yet although no lock holds their session open any more, written before `before`. One
/// that was made empty under a lock that lapsed is no document, but what a vanished client left.
pub async fn lapsed(
    c: &mut impl Executor,
    now: Timestamp,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Node>, Failure> {
    nodes(c, LAPSED, arguments![now, before, limit]).await
}

statements! {
    const ANNOTATE: [Statement; 2] = [
        writes(&[PAST], &[], "UPDATE past SET comment = $3, kept = $4 WHERE node_id = $1 AND version = $2"),
        writes(&[NODE], &[], "UPDATE node SET comment = $3, kept = $4 WHERE id = $1 AND version = $2"),
    ];
    const VERSIONS: Statement = reads(
        &[NODE, PAST, PRINCIPAL],
        "SELECT g.*, (SELECT p.display_name FROM principal p WHERE p.id = g.author_id) FROM (SELECT v.version, \
         MAX(v.hash), MAX(v.size), MAX(v.content_type), MAX(v.author_id) AS author_id, MAX(v.device), \
         MAX(v.comment), MAX(v.written_at), MAX(v.kept) FROM (SELECT q.version, q.hash, q.size, q.content_type, \
         q.author_id, q.device, q.comment, q.written_at, q.kept FROM past q WHERE q.node_id = $1 AND q.version >= $2 \
         AND q.version <= $3 AND q.sealed = 1 AND q.hash IS NOT NULL UNION ALL SELECT n.version, n.hash, n.size, \
         n.content_type, n.author_id, n.device, n.comment, n.written_at, n.kept FROM node n WHERE n.id = $1 AND \
         n.version >= $2 AND n.version <= $3 AND n.sealed = 1 AND n.hash IS NOT NULL) v GROUP BY v.version ORDER BY \
         v.version LIMIT $4) g ORDER BY g.version",
    );
    const ISSUED_SINCE: Statement = reads(
        &[PAST],
        "SELECT p.hash FROM past p WHERE p.node_id = $1 AND p.hash IS NOT NULL AND p.version >= (SELECT MAX(q.version) \
         FROM past q WHERE q.node_id = $1 AND q.hash = $2) ORDER BY p.version DESC LIMIT $3",
    );
    const READABLE: Statement = reads(
        &[ACE, CALENDAR_OBJECT, EFFECTIVE_MEMBERSHIP, NODE, PAST],
        concat!(
            "WITH RECURSIVE state(version, place, home) AS (SELECT p.version, p.parent_id, p.home_id FROM past p \
             WHERE p.node_id = $3 AND p.version >= $4 AND p.version <= $5 AND p.sealed = 1 AND p.hash IS NOT NULL \
             UNION SELECT n.version, n.parent_id, n.home_id FROM node n WHERE n.id = $3 AND n.version >= $4 AND \
             n.version <= $5 AND n.sealed = 1 AND n.hash IS NOT NULL), up(place, id) AS (SELECT s.place, s.place \
             FROM state s UNION SELECT s.home, s.home FROM state s UNION SELECT u.place, n.parent_id FROM up u JOIN \
             node n ON n.id = u.id WHERE n.parent_id IS NOT NULL), seen(place) AS (SELECT u.place FROM up u JOIN ace \
             a ON a.node_id = u.id AND ",
            held_at!(),
            " GROUP BY u.place HAVING MAX(a.role) >= $6 AND (MAX(",
            seen_by_role!(),
            ") = 1 OR NOT EXISTS (SELECT 1 FROM calendar_object o WHERE o.node_id = $3 AND o.private > 0))) SELECT \
             DISTINCT s.version FROM state s WHERE s.place IN (SELECT place FROM seen) OR s.home IN (SELECT place \
             FROM seen) ORDER BY 1"
        ),
    );
    const BY_ID: Statement = reads(&[NODE], concat!("SELECT ", columns!(), ", n.gone_at FROM node n WHERE n.id = $1"));
    const DESCRIBE: Statement = writes(
        &[PAST],
        &[],
        "UPDATE past SET comment = $3, content_type = $4 WHERE node_id = $1 AND version = $2 AND hash IS NOT NULL",
    );
    const LEAVER: Statement = reads(
        &[NODE, PAST],
        concat!(
            "SELECT ",
            columns!(),
            ", p.to_seq, p.to_at, n.gone_at, n.gone_by, n.placed_by, n.since_seq, h.name FROM (SELECT q.node_id, \
             q.home_id, q.to_seq, q.to_at FROM past q WHERE q.parent_id = $1 AND q.match_name = $2 ORDER BY q.to_seq \
             DESC LIMIT 100) p JOIN node n ON n.id = p.node_id AND n.home_id = p.home_id JOIN node h ON h.id = \
             n.parent_id WHERE p.to_at >= $3 AND n.kind = 'file' AND n.litter = 0 AND (n.gone_at IS NULL OR \
             (n.sealed = 1 AND n.hidden = 0)) ORDER BY p.to_seq DESC LIMIT 1"
        ),
    );
    const WAS_SET_ASIDE: Statement =
        reads(&[NODE, PAST], concat!("SELECT 1 FROM node n WHERE n.id = $1 AND EXISTS (", set_aside!(), ")"));
    const ENTER: Statement = writes(
        &[CHAIN],
        &[],
        "INSERT INTO chain (home_id, place, node_id, version, leaf, chain) VALUES ($1, $2, $3, $4, $5, $6) ON \
         CONFLICT (home_id, place) DO NOTHING",
    );
    const LINKS: Statement = reads(
        &[CHAIN],
        "SELECT home_id, place, node_id, version, leaf, chain FROM chain WHERE home_id > $1 OR (home_id = $1 AND \
         place > $2) ORDER BY home_id, place LIMIT $3",
    );
    const HEADS: Statement = reads(&[HOME], "SELECT node_id, chain_place, chain FROM home ORDER BY node_id");
    const DRAFTS: Paged = paged!(
        &[NODE],
        columns!(),
        concat!(
            "SELECT n.* FROM ",
            listed!("$1"),
            " l CROSS JOIN node n WHERE n.draft = l.value ORDER BY n.id LIMIT 500"
        )
    );
    const LAPSED: Paged = paged!(
        &[LOCK, NODE],
        columns!(),
        "SELECT n.* FROM node n WHERE n.sealed = 0 AND n.litter = 0 AND n.hash IS NOT NULL AND n.gone_at IS NULL AND \
         n.written_at <= $2 AND EXISTS (SELECT 1 FROM node h WHERE h.id = n.home_id AND h.gone_at IS NULL) AND NOT \
         (n.size = 0 AND n.version = 1 AND n.draft IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM lock l WHERE l.token = \
         n.draft AND l.expires_at > $1) ORDER BY n.written_at LIMIT $3"
    );
}
