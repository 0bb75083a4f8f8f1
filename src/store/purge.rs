//! Statements that remove nodes for good, with all below them and all their past.
//!
//! Documents on which little hangs go at once. A collection, or a document with many versions, is taken out of sight
//! and entered in the table `purge`; it goes in slices with all below it, leaves first, each a change of its own: the
//! collections below are found a bounded number at a time, and what stands in the deepest of them goes before they do;
//! of a document its newest states go first. So the cost is that of the nodes and their states, however deep they
//! stand, and whoever finds the table filled can go on.

use super::db::arguments;
use super::db::text::{listed, total};
use super::executor::{Executor, execute, row, rows};
use super::members::listed_ids;
use super::statement::tables::{
    ACE, CALENDAR, CALENDAR_OBJECT, FEED, HOME, INBOX_ITEM, INVITATION, LOCK, NODE, PAST, PERSONAL_PART, PROPERTY,
    PURGE,
};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use super::usage::{self, count_bytes};
use crate::model::error::Failure;
use crate::model::id::{Id, Timestamp};
use crate::model::node::Node;

/// How many nodes a step removes, or looks at, at most.
const STEP: i64 = 250;
/// How much may hang on the nodes that a step removes: states of the past, blocks of [`BLOCK`] bytes of dead
/// properties, and what people have of their own there.
const WEIGHT: i64 = 1_000;
const BLOCK: i64 = 4_096;

/// Removes documents of the trash, and takes what is larger out of sight: that is to be carried on with; and how many
/// documents went.
pub async fn begin(c: &mut Txn, nodes: &[Node], now: Timestamp) -> Result<(Vec<Id>, u64), Failure> {
    let (collections, documents): (Vec<&Node>, Vec<&Node>) = nodes.iter().partition(|node| node.is_collection());
    let ids = |nodes: &[&Node]| nodes.iter().map(|node| node.id).collect::<Vec<_>>();
    let (collections, documents) = (ids(&collections), ids(&documents));
    let at_once = is_light(c, &listed_ids(&documents)).await?;
    if at_once && !documents.is_empty() {
        remove(c, &listed_ids(&documents)).await?;
    }
    if !collections.is_empty() {
        strip(c, &listed_ids(&collections)).await?;
    }
    let number = if at_once { documents.len() as u64 } else { 0 };
    let tops: Vec<Id> = collections.into_iter().chain(documents.into_iter().filter(|_| !at_once)).collect();
    if !tops.is_empty() {
        let listing = listed_ids(&tops);
        c.note(BEGIN_HIDE, arguments![&listing, now]).await?;
        c.note(BEGIN_ENTER, arguments![&listing, now]).await?;
    }
    Ok((tops, number))
}

/// Takes a new collection out of sight: unless it is released, it is purged from a moment on.
pub async fn hide(c: &mut Txn, top: Id, now: Timestamp, due_at: Timestamp) -> Result<(), Failure> {
    c.note(HIDE_TOP, arguments![top, now]).await?;
    c.note(HIDE_ENTER, arguments![top, due_at]).await
}

/// What is not to be purged before a moment, unless that has begun.
pub async fn put_off(c: &mut Txn, top: Id, due_at: Timestamp) -> Result<(), Failure> {
    c.note(PUT_OFF, arguments![top, due_at]).await
}

/// What was hidden is not purged; `false`: its time has come.
pub async fn release(c: &mut Txn, top: Id, now: Timestamp) -> Result<bool, Failure> {
    Ok(execute(c, RELEASE, arguments![top, now]).await? == 1)
}

/// Carries on with a purge by one step; how many nodes went. `None`: nothing is left.
pub async fn carry_on(c: &mut Txn, top: Id) -> Result<Option<u64>, Failure> {
    let found = rows(c, CARRY_ON_DEEPEST, arguments![top, STEP]).await?;
    if found.is_empty() {
        return Ok(None);
    }
    let found: Vec<Id> = found.iter().map(|row| Id(row.integer(0))).collect();
    let collections = listed_ids(&found);
    // What was deleted out of them before lies in the trash on its own, and is said to have come from what stays.
    if execute(c, CARRY_ON_KEEP, arguments![&collections, top, STEP]).await? > 0 {
        return Ok(Some(0));
    }
    if execute(c, CARRY_ON_FIND, arguments![&collections, top, STEP]).await? > 0 {
        return Ok(Some(0));
    }
    let documents = rows(c, CARRY_ON_DOCUMENTS, arguments![&collections, STEP]).await?;
    let documents: Vec<Id> = documents.iter().map(|row| Id(row.integer(0))).collect();
    lighten(c, if documents.is_empty() { &found } else { &documents }).await.map(Some)
}

/// Removes as many of some nodes that nothing stands in as a step may; how many. Of one on which too much hangs some of
/// that goes.
async fn lighten(c: &mut Txn, nodes: &[Id]) -> Result<u64, Failure> {
    let mut some = nodes;
    loop {
        let listing = listed_ids(some);
        if is_light(c, &listing).await? {
            remove(c, &listing).await?;
            return Ok(some.len() as u64);
        }
        match some {
            [one] if shed(c, *one).await? => return Ok(0),
            [_] => {
                remove(c, &listing).await?;
                return Ok(1);
            }
            _ => some = some.split_at(some.len() / 2).0,
        }
    }
}

/// Does no more hang on some nodes than a step may remove?
async fn is_light(c: &mut Txn, nodes: &str) -> Result<bool, Failure> {
    Ok(row(c, IS_LIGHT, arguments![nodes, WEIGHT, BLOCK]).await?.is_none_or(|row| row.integer(0) <= WEIGHT))
}

/// Removes the newest states of a node, as many as a step may; `false`: there are no more than that.
async fn shed(c: &mut Txn, node: Id) -> Result<bool, Failure> {
    let Some(oldest) = row(c, SHED_OLDEST, arguments![node, WEIGHT]).await? else { return Ok(false) };
    for sql in SHED {
        c.note(sql, arguments![node, oldest.integer(0), oldest.integer(1)]).await?;
    }
    Ok(true)
}

/// Purges that are due: of each what was purged.
pub async fn due(c: &mut impl Executor, now: Timestamp, limit: i64) -> Result<Vec<Id>, Failure> {
    Ok(rows(c, DUE, arguments![now, limit]).await?.iter().map(|row| Id(row.integer(0))).collect())
}

/// Does a node stand in what is being purged, or is it that?
pub async fn is_purged(c: &mut impl Executor, node: Id) -> Result<bool, Failure> {
    Ok(row(c, IS_PURGED, arguments![node]).await?.is_some())
}

/// Removes nodes that nothing stands in.
async fn remove(c: &mut Txn, nodes: &str) -> Result<(), Failure> {
    strip(c, nodes).await?;
    usage::nodes_go(c, nodes).await?;
    c.note(REMOVE_PURGE, arguments![nodes]).await?;
    c.note(REMOVE_NODE, arguments![nodes]).await
}

/// Removes all that hangs on nodes, but for what stands in them.
async fn strip(c: &mut Txn, nodes: &str) -> Result<(), Failure> {
    usage::past_goes(c, nodes).await?;
    for sql in STRIP {
        c.note(sql, arguments![nodes]).await?;
    }
    Ok(())
}

/// Removes what hangs on nodes from one table.
macro_rules! of_nodes {
    ($written:expr, $table:literal, $column:literal) => {
        writes(
            &[$written],
            &[],
            concat!("DELETE FROM ", $table, " WHERE ", $column, " IN (SELECT l.value FROM ", listed!("$1"), " l)"),
        )
    };
}

statements! {
    const STRIP: [Statement; 10] = [
        of_nodes!(PAST, "past", "node_id"),
        of_nodes!(PROPERTY, "property", "node_id"),
        of_nodes!(LOCK, "lock", "node_id"),
        of_nodes!(ACE, "ace", "node_id"),
        of_nodes!(CALENDAR_OBJECT, "calendar_object", "node_id"),
        of_nodes!(CALENDAR, "calendar", "node_id"),
        of_nodes!(INBOX_ITEM, "inbox_item", "node_id"),
        of_nodes!(FEED, "feed", "calendar_id"),
        of_nodes!(PERSONAL_PART, "personal_part", "node_id"),
        of_nodes!(INVITATION, "invitation", "node_id"),
    ];
    const SHED: [Statement; 2] = [
        writes(
            &[HOME],
            &[NODE, PAST],
            concat!(
                count_bytes!(concat!(
                    "- (SELECT ",
                    total!("p.held_bytes"),
                    " FROM past p WHERE p.node_id = $1 AND (p.home_id, p.to_seq) > ($2, $3))"
                )),
                " WHERE node_id = (SELECT n.home_id FROM node n WHERE n.id = $1)"
            ),
        ),
        writes(&[PAST], &[], "DELETE FROM past WHERE node_id = $1 AND (home_id, to_seq) > ($2, $3)"),
    ];
    const BEGIN_HIDE: Statement = writes(
        &[NODE],
        &[],
        concat!(
            "UPDATE node SET gone_at = COALESCE(gone_at, $2), hidden = 1 WHERE id IN (SELECT l.value FROM ",
            listed!("$1"),
            " l)"
        ),
    );
    const BEGIN_ENTER: Statement = writes(
        &[PURGE],
        &[],
        concat!(
            "INSERT INTO purge (node_id, top_id, depth, due_at) SELECT CAST(l.value AS BIGINT), CAST(l.value AS \
             BIGINT), 0, CAST($2 AS BIGINT) FROM ",
            listed!("$1"),
            " l WHERE TRUE ON CONFLICT (node_id) DO NOTHING"
        ),
    );
    const HIDE_ENTER: Statement =
        writes(&[PURGE], &[], "INSERT INTO purge (node_id, top_id, depth, due_at) VALUES ($1, $1, 0, $2)");
    const HIDE_TOP: Statement = writes(&[NODE], &[], "UPDATE node SET gone_at = $2, hidden = 1 WHERE id = $1");
    const PUT_OFF: Statement = writes(&[PURGE], &[], "UPDATE purge SET due_at = $2 WHERE top_id = $1");
    const RELEASE: Statement = writes(&[PURGE], &[], "DELETE FROM purge WHERE node_id = $1 AND due_at > $2");
    const CARRY_ON_DEEPEST: Statement = reads(
        &[PURGE],
        "SELECT node_id FROM purge WHERE top_id = $1 AND depth = (SELECT MAX(depth) FROM purge WHERE top_id = $1) \
         ORDER BY node_id LIMIT $2",
    );
    const CARRY_ON_KEEP: Statement = writes(
        &[NODE],
        &[NODE],
        concat!(
            "UPDATE node SET parent_id = (SELECT t.parent_id FROM node t WHERE t.id = $2) WHERE id IN (SELECT n.id \
             FROM ",
            listed!("$1"),
            " l CROSS JOIN node n WHERE n.parent_id = l.value AND n.gone_at IS NOT NULL LIMIT $3)"
        ),
    );
    const CARRY_ON_FIND: Statement = writes(
        &[PURGE],
        &[NODE, PURGE],
        concat!(
            "INSERT INTO purge (node_id, top_id, depth, due_at) SELECT n.id, CAST($2 AS BIGINT), p.depth + 1, \
             p.due_at FROM ",
            listed!("$1"),
            " l CROSS JOIN purge p CROSS JOIN node n WHERE p.node_id = l.value AND n.parent_id = p.node_id AND \
             n.hash IS NULL LIMIT $3"
        ),
    );
    const CARRY_ON_DOCUMENTS: Statement = reads(
        &[NODE],
        concat!("SELECT n.id FROM ", listed!("$1"), " l CROSS JOIN node n WHERE n.parent_id = l.value LIMIT $2"),
    );
    const IS_LIGHT: Statement = reads(
        &[PAST, PERSONAL_PART, PROPERTY],
        concat!(
            "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM ",
            listed!("$1"),
            " l CROSS JOIN past p WHERE p.node_id = l.value LIMIT $2 + 1) s) + (SELECT ",
            total!("OCTET_LENGTH(r.xml)"),
            " / $3 FROM ",
            listed!("$1"),
            " l CROSS JOIN property r WHERE r.node_id = l.value) + (SELECT COUNT(*) FROM ",
            listed!("$1"),
            " l CROSS JOIN personal_part o WHERE o.node_id = l.value)"
        ),
    );
    const SHED_OLDEST: Statement = reads(
        &[PAST],
        "SELECT home_id, to_seq FROM past WHERE node_id = $1 ORDER BY home_id DESC, to_seq DESC LIMIT 1 OFFSET $2",
    );
    const DUE: Statement =
        reads(&[PURGE], "SELECT DISTINCT top_id FROM purge WHERE due_at <= $1 ORDER BY top_id LIMIT $2");
    const IS_PURGED: Statement = reads(
        &[NODE, PURGE],
        "WITH RECURSIVE up(id) AS (SELECT CAST($1 AS BIGINT) UNION SELECT n.parent_id FROM up u JOIN node n ON n.id \
         = u.id WHERE n.parent_id IS NOT NULL AND n.gone_at IS NULL) SELECT 1 FROM up u JOIN purge p ON p.node_id = \
         u.id LIMIT 1",
    );
    const REMOVE_PURGE: Statement = writes(
        &[PURGE],
        &[],
        concat!("DELETE FROM purge WHERE node_id IN (SELECT l.value FROM ", listed!("$1"), " l)"),
    );
    const REMOVE_NODE: Statement =
        writes(&[NODE], &[], concat!("DELETE FROM node WHERE id IN (SELECT l.value FROM ", listed!("$1"), " l)"));
}
