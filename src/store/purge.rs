//! Statements that remove nodes for good, with all below them and all their past.
//!
//! Documents on which little hangs go at once. A collection, or a document with many versions, is taken out of sight and entered
//! in the table `purge`; it goes in slices with all below it, leaves first, each a change of its own: the collections below are
//! found a bounded number at a time, and what stands in the deepest of them goes before they do; of a document its newest
//! states go first. So the cost is that of the nodes and their states, however deep they stand, and whoever finds the table
//! filled can go on.

use super::db::arguments;
use super::db::text::listed;
use super::executor::{Executor, execute, row, rows};
use super::held;
use super::members::listed_ids;
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::{Id, Timestamp};
use crate::model::node::Node;

/// How many nodes a step removes, or looks at, at most.
const STEP: i64 = 250;
/// How much may hang on the nodes that a step removes: states of the past, and blocks of [`BLOCK`] bytes of dead properties.
const WEIGHT: i64 = 1_000;
const BLOCK: i64 = 4_096;

/// Removes documents of the trash, and takes what is larger out of sight: that is to be carried on with; and how many
/// documents went.
pub async fn begin(c: &mut Txn, nodes: &[Node], now: Timestamp) -> Result<(Vec<Id>, u64), Failure> {
    let (collections, documents): (Vec<&Node>, Vec<&Node>) = nodes.iter().partition(|node| node.kind.is_collection());
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
        const HIDE: &str = concat!(
            "UPDATE node SET gone_at = COALESCE(gone_at, $2), hidden = 1 WHERE id IN (SELECT l.value FROM ",
            listed!("$1"),
            " l)"
        );
        c.note(HIDE, arguments![&listing, now]).await?;
        const ENTER: &str = concat!(
            "INSERT INTO purge (node_id, top_id, depth, due_at) SELECT CAST(l.value AS BIGINT), CAST(l.value AS BIGINT), 0, \
             CAST($2 AS BIGINT) FROM ",
            listed!("$1"),
            " l WHERE TRUE ON CONFLICT (node_id) DO NOTHING"
        );
        c.note(ENTER, arguments![&listing, now]).await?;
    }
    Ok((tops, number))
}

/// Takes a new collection out of sight: unless it is released, it is purged from a moment on.
pub async fn hide(c: &mut Txn, top: Id, now: Timestamp, due_at: Timestamp) -> Result<(), Failure> {
    c.note("UPDATE node SET gone_at = $2, hidden = 1 WHERE id = $1", arguments![top, now]).await?;
    let sql = "INSERT INTO purge (node_id, top_id, depth, due_at) VALUES ($1, $1, 0, $2)";
    c.note(sql, arguments![top, due_at]).await
}

/// What is not to be purged before a moment, unless that has begun.
pub async fn put_off(c: &mut Txn, top: Id, due_at: Timestamp) -> Result<(), Failure> {
    c.note("UPDATE purge SET due_at = $2 WHERE top_id = $1", arguments![top, due_at]).await
}

/// What was hidden is not purged; `false`: its time has come.
pub async fn release(c: &mut Txn, top: Id, now: Timestamp) -> Result<bool, Failure> {
    let sql = "DELETE FROM purge WHERE node_id = $1 AND due_at > $2";
    Ok(execute(c, sql, arguments![top, now]).await? == 1)
}

/// Carries on with a purge by one step; how many nodes went. `None`: nothing is left.
pub async fn carry_on(c: &mut Txn, top: Id) -> Result<Option<u64>, Failure> {
    let deepest = "SELECT node_id FROM purge WHERE top_id = $1 AND depth = (SELECT MAX(depth) FROM purge WHERE top_id = $1) \
                   ORDER BY node_id LIMIT $2";
    let found = rows(c, deepest, arguments![top, STEP]).await?;
    if found.is_empty() {
        return Ok(None);
    }
    let found: Vec<Id> = found.iter().map(|row| Id(row.integer(0))).collect();
    let collections = listed_ids(&found);
    // What was deleted out of them before lies in the trash on its own, and is said to have come from what stays.
    const KEEP: &str = concat!(
        "UPDATE node SET parent_id = (SELECT t.parent_id FROM node t WHERE t.id = $2) WHERE id IN (SELECT n.id FROM ",
        listed!("$1"),
        " l CROSS JOIN node n WHERE n.parent_id = l.value AND n.gone_at IS NOT NULL LIMIT $3)"
    );
    if execute(c, KEEP, arguments![&collections, top, STEP]).await? > 0 {
        return Ok(Some(0));
    }
    const FIND: &str = concat!(
        "INSERT INTO purge (node_id, top_id, depth, due_at) SELECT n.id, CAST($2 AS BIGINT), p.depth + 1, p.due_at FROM ",
        listed!("$1"),
        " l CROSS JOIN purge p CROSS JOIN node n WHERE p.node_id = l.value AND n.parent_id = p.node_id AND n.hash IS NULL LIMIT $3"
    );
    if execute(c, FIND, arguments![&collections, top, STEP]).await? > 0 {
        return Ok(Some(0));
    }
    const DOCUMENTS: &str =
        concat!("SELECT n.id FROM ", listed!("$1"), " l CROSS JOIN node n WHERE n.parent_id = l.value LIMIT $2");
    let documents = rows(c, DOCUMENTS, arguments![&collections, STEP]).await?;
    let documents: Vec<Id> = documents.iter().map(|row| Id(row.integer(0))).collect();
    lighten(c, if documents.is_empty() { &found } else { &documents }).await.map(Some)
}

/// Removes as many of some nodes that nothing stands in as a step may; how many. Of one on which too much hangs some of that goes.
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
    const SQL: &str = concat!(
        "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM ",
        listed!("$1"),
        " l CROSS JOIN past p WHERE p.node_id = l.value LIMIT $2 + 1) s) + (SELECT CAST(COALESCE(SUM(OCTET_LENGTH(r.xml)), 0) AS BIGINT) \
         / $3 FROM ",
        listed!("$1"),
        " l CROSS JOIN property r WHERE r.node_id = l.value)"
    );
    Ok(row(c, SQL, arguments![nodes, WEIGHT, BLOCK]).await?.is_none_or(|row| row.integer(0) <= WEIGHT))
}

/// Removes the newest states of a node, as many as a step may; `false`: there are no more than that.
async fn shed(c: &mut Txn, node: Id) -> Result<bool, Failure> {
    let oldest =
        "SELECT home_id, to_seq FROM past WHERE node_id = $1 ORDER BY home_id DESC, to_seq DESC LIMIT 1 OFFSET $2";
    let Some(oldest) = row(c, oldest, arguments![node, WEIGHT]).await? else { return Ok(false) };
    for sql in [
        "UPDATE home SET used_bytes = used_bytes - (SELECT CAST(COALESCE(SUM(p.held_bytes), 0) AS BIGINT) FROM past p \
         WHERE p.node_id = $1 AND (p.home_id, p.to_seq) > ($2, $3)) WHERE node_id = (SELECT n.home_id FROM node n WHERE n.id = $1)",
        "DELETE FROM past WHERE node_id = $1 AND (home_id, to_seq) > ($2, $3)",
    ] {
        c.note(sql, arguments![node, oldest.integer(0), oldest.integer(1)]).await?;
    }
    Ok(true)
}

/// Purges that are due: of each what was purged.
pub async fn due(c: &mut impl Executor, now: Timestamp, limit: i64) -> Result<Vec<Id>, Failure> {
    let sql = "SELECT DISTINCT top_id FROM purge WHERE due_at <= $1 ORDER BY top_id LIMIT $2";
    Ok(rows(c, sql, arguments![now, limit]).await?.iter().map(|row| Id(row.integer(0))).collect())
}

/// Does a node stand in what is being purged, or is it that?
pub async fn is_purged(c: &mut impl Executor, node: Id) -> Result<bool, Failure> {
    let sql = "WITH RECURSIVE up(id) AS (SELECT CAST($1 AS BIGINT) UNION SELECT n.parent_id FROM up u JOIN node n ON n.id = u.id \
               WHERE n.parent_id IS NOT NULL AND n.gone_at IS NULL) SELECT 1 FROM up u JOIN purge p ON p.node_id = u.id LIMIT 1";
    Ok(row(c, sql, arguments![node]).await?.is_some())
}

/// Removes nodes that nothing stands in.
async fn remove(c: &mut Txn, nodes: &str) -> Result<(), Failure> {
    strip(c, nodes).await?;
    held::nodes_go(c, nodes).await?;
    const PURGE: &str = concat!("DELETE FROM purge WHERE node_id IN (SELECT l.value FROM ", listed!("$1"), " l)");
    const NODE: &str = concat!("DELETE FROM node WHERE id IN (SELECT l.value FROM ", listed!("$1"), " l)");
    c.note(PURGE, arguments![nodes]).await?;
    c.note(NODE, arguments![nodes]).await
}

/// Removes all that hangs on nodes, but for what stands in them.
async fn strip(c: &mut Txn, nodes: &str) -> Result<(), Failure> {
    macro_rules! of_nodes {
        ($table:literal, $column:literal) => {
            concat!("DELETE FROM ", $table, " WHERE ", $column, " IN (SELECT l.value FROM ", listed!("$1"), " l)")
        };
    }
    held::past_goes(c, nodes).await?;
    for sql in [
        of_nodes!("past", "node_id"),
        of_nodes!("property", "node_id"),
        of_nodes!("lock", "node_id"),
        of_nodes!("ace", "node_id"),
        of_nodes!("calendar_object", "node_id"),
        of_nodes!("calendar", "node_id"),
        of_nodes!("feed", "calendar_id"),
    ] {
        c.note(sql, arguments![nodes]).await?;
    }
    Ok(())
}
