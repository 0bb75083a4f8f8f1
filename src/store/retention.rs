//! Statements on what a home keeps, and those that let the rest go.

use super::columns::columns;
use super::db::arguments;
use super::db::text::{listed, total};
use super::executor::{Executor, execute, row, rows};
use super::members::listed_ids;
use super::node::nodes;
use super::page::{Paged, paged};
use super::statement::tables::{HOME, LOCK, NODE, PAST};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use super::usage::{count_bytes, held_by_content};
use crate::model::error::Failure;
use crate::model::id::{Id, Seq, Timestamp};
use crate::model::node::Node;
use crate::model::version::{EVERY, Retention, Thinning};

/// A century.
const MAX_DAYS: i64 = 36_500;

/// What a home keeps.
pub async fn of(c: &mut impl Executor, home: Id) -> Result<Option<Retention>, Failure> {
    Ok(row(c, OF, arguments![home]).await?.map(|row| {
        let every = row.text(1);
        Retention {
            versions_days: row.optional_integer(0).map(days),
            every: EVERY.iter().find(|(_, text)| *text == every).map_or(Thinning::Day, |(every, _)| *every),
            trash_days: row.optional_integer(2).map_or(MAX_DAYS, days),
            sync_days: row.optional_integer(3).map_or(MAX_DAYS, days),
            brake_percent: row.integer(4),
        }
    }))
}

/// A number of days; one that is none keeps what there is for as long as can be said; so does what is no number at all.
fn days(stored: i64) -> i64 {
    if (0..=MAX_DAYS).contains(&stored) { stored } else { MAX_DAYS }
}

/// Sets what a home keeps.
pub async fn set(c: &mut Txn, home: Id, retention: &Retention) -> Result<(), Failure> {
    let every = EVERY.iter().find(|(every, _)| *every == retention.every).map_or("day", |(_, text)| *text);
    let arguments = arguments![
        home,
        retention.versions_days,
        every,
        retention.trash_days,
        retention.sync_days,
        retention.brake_percent
    ];
    c.note(SET, arguments).await?;
    Ok(())
}

/// Homes by identifier, after `after`, each with its name.
pub async fn homes(c: &mut impl Executor, after: Id, limit: i64) -> Result<Vec<(Id, String)>, Failure> {
    let found = rows(c, HOMES, arguments![after, limit]).await?;
    Ok(found.iter().map(|row| (Id(row.integer(0)), row.text(1))).collect())
}

/// Documents of a home with a version that ended before a moment, by identifier, after `after`.
pub async fn documents_with_old_versions(
    c: &mut impl Executor,
    home: Id,
    before: Timestamp,
    after: Id,
    limit: i64,
) -> Result<Vec<Id>, Failure> {
    let found = rows(c, DOCUMENTS_WITH_OLD_VERSIONS, arguments![home, before, after, limit]).await?;
    Ok(found.iter().map(|row| Id(row.integer(0))).collect())
}

/// Lets one version of a document of a home go; `false` where it stays. The next state reaches back over the gap, so
/// that a former day still shows the document: so a version stays when another name would lose it, and of course when
/// it is the present one or was marked meanwhile.
pub async fn drop_version(c: &mut Txn, home: Id, node: Id, version: i64) -> Result<bool, Failure> {
    if row(c, DROP_VERSION_STAYS, arguments![node, version, home]).await?.is_some() {
        return Ok(false);
    }
    c.note(DROP_VERSION_FREE, arguments![home, node, version]).await?;
    for state in rows(c, DROP_VERSION_STATES, arguments![node, version]).await? {
        let (from, to, from_at) = (state.integer(0), state.integer(1), state.integer(2));
        for sql in REACH_BACK {
            c.note(sql, arguments![node, home, to, from, from_at]).await?;
        }
        c.note(DROP_VERSION, arguments![node, home, to]).await?;
    }
    Ok(true)
}

/// The newest change of a home that ended something before a moment: tokens from before it are no longer kept good.
pub async fn horizon(c: &mut impl Executor, home: Id, before: Timestamp) -> Result<Seq, Failure> {
    Ok(row(c, HORIZON, arguments![home, before]).await?.map_or(0, |row| row.integer(0)))
}

/// Moves the horizon of sync tokens forward; `false`: it was there.
pub async fn move_horizon(c: &mut Txn, home: Id, oldest: Seq) -> Result<bool, Failure> {
    Ok(execute(c, MOVE_HORIZON, arguments![home, oldest]).await? == 1)
}

/// What programs left about before a moment and nobody holds locked; and documents that were made empty under a lock
/// that lapsed, by a client that vanished. One that has versions, and was only emptied so, stays.
pub async fn abandoned(
    c: &mut impl Executor,
    home: Id,
    now: Timestamp,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Node>, Failure> {
    nodes(c, ABANDONED, arguments![home, now, before, limit]).await
}

/// Nodes of a home that went without a trace before a moment and whose content is still there.
pub async fn litter(c: &mut impl Executor, home: Id, before: Timestamp, limit: i64) -> Result<Vec<Id>, Failure> {
    Ok(rows(c, LITTER, arguments![home, before, limit]).await?.iter().map(|row| Id(row.integer(0))).collect())
}

/// Lets go of their content; the names stay for those who synchronize.
pub async fn empty_litter(c: &mut Txn, home: Id, before: Timestamp, nodes: &[Id]) -> Result<(), Failure> {
    let listing = listed_ids(nodes);
    for sql in EMPTY {
        c.note(sql, arguments![home, before, &listing]).await?;
    }
    Ok(())
}

/// Of the nodes `n` that are listed those that are still that.
macro_rules! going {
    ($columns:expr) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM ",
            listed!("$3"),
            " l CROSS JOIN node n WHERE n.id = l.value AND n.home_id = $1 AND n.gone_at < $2 AND n.hidden = 1 \
             AND (n.litter = 1 AND n.kind = 'file' OR n.kind = 'inbox-item') AND n.hash IS NOT NULL"
        )
    };
}

statements! {
    const EMPTY: [Statement; 3] = [
        writes(
            &[HOME],
            &[NODE, PAST],
            concat!(
                "WITH going(id, size) AS (",
                going!(concat!("n.id, ", held_by_content!())),
                "), freed(home_id, bytes) AS (SELECT $1, g.size FROM going g UNION ALL SELECT p.home_id, \
                 p.held_bytes FROM going g CROSS JOIN past p WHERE p.node_id = g.id AND p.hash IS NOT NULL) ",
                count_bytes!(concat!(
                    "- (SELECT ",
                    total!("f.bytes"),
                    " FROM freed f WHERE f.home_id = home.node_id)"
                )),
                " WHERE node_id IN (SELECT f.home_id FROM freed f)"
            ),
        ),
        writes(
            &[PAST],
            &[NODE],
            concat!(
                "UPDATE past SET hash = NULL, held_bytes = 0 WHERE hash IS NOT NULL AND node_id IN (",
                going!("n.id"),
                ")"
            ),
        ),
        writes(&[NODE], &[NODE], concat!("UPDATE node SET hash = NULL, size = 0 WHERE id IN (", going!("n.id"), ")")),
    ];
    const REACH_BACK: [Statement; 2] = [
        writes(
            &[PAST],
            &[PAST],
            "UPDATE past SET from_seq = $4, from_at = $5 WHERE node_id = $1 AND home_id = $2 AND from_seq = $3 AND \
             to_seq = (SELECT MIN(f.to_seq) FROM past f WHERE f.node_id = $1 AND f.home_id = $2 AND f.to_seq > $3) \
             AND EXISTS (SELECT 1 FROM past q WHERE q.node_id = $1 AND q.home_id = $2 AND q.to_seq = $3 AND \
             q.parent_id = past.parent_id AND q.name = past.name)",
        ),
        writes(
            &[NODE],
            &[PAST],
            "UPDATE node SET since_seq = $4, since_at = $5 WHERE id = $1 AND home_id = $2 AND since_seq = $3 AND \
             gone_at IS NULL AND EXISTS (SELECT 1 FROM past q WHERE q.node_id = $1 AND q.home_id = $2 AND q.to_seq = \
             $3 AND q.parent_id = node.parent_id AND q.name = node.name)",
        ),
    ];
    const OF: Statement = reads(
        &[HOME],
        "SELECT versions_days, versions_every, trash_days, sync_days, brake_percent FROM home WHERE node_id = $1",
    );
    const SET: Statement = writes(
        &[HOME],
        &[],
        "UPDATE home SET versions_days = $2, versions_every = $3, trash_days = $4, sync_days = $5, brake_percent = \
         $6 WHERE node_id = $1",
    );
    const HOMES: Statement = reads(
        &[HOME, NODE],
        "SELECT h.node_id, n.name FROM home h JOIN node n ON n.id = h.node_id WHERE h.node_id > $1 AND n.gone_at IS \
         NULL ORDER BY h.node_id LIMIT $2",
    );
    const DOCUMENTS_WITH_OLD_VERSIONS: Statement = reads(
        &[NODE, PAST],
        "SELECT DISTINCT n.id FROM node n JOIN past p ON p.node_id = n.id WHERE n.home_id = $1 AND n.id > $3 AND \
         p.to_at < $2 AND p.sealed = 1 AND p.hash IS NOT NULL ORDER BY n.id LIMIT $4",
    );
    const DROP_VERSION_STAYS: Statement = reads(
        &[NODE, PAST],
        "SELECT 1 FROM past p WHERE p.node_id = $1 AND p.version = $2 AND (p.kept = 1 OR NOT EXISTS (SELECT 1 FROM \
         past q WHERE q.node_id = $1 AND q.home_id = $3 AND q.from_seq = p.to_seq AND q.to_seq = (SELECT \
         MIN(f.to_seq) FROM past f WHERE f.node_id = $1 AND f.home_id = $3 AND f.to_seq > p.to_seq) AND q.parent_id \
         = p.parent_id AND q.name = p.name UNION ALL SELECT 1 FROM node n WHERE n.id = $1 AND n.gone_at IS NULL AND \
         n.since_seq = p.to_seq AND n.parent_id = p.parent_id AND n.name = p.name)) UNION ALL SELECT 1 FROM node n \
         WHERE n.id = $1 AND n.version = $2 LIMIT 1",
    );
    const DROP_VERSION_FREE: Statement = writes(
        &[HOME],
        &[PAST],
        concat!(
            count_bytes!(concat!(
                "- (SELECT ",
                total!("p.held_bytes"),
                " FROM past p WHERE p.node_id = $2 AND p.version = $3 AND p.home_id = $1)"
            )),
            " WHERE node_id = $1"
        ),
    );
    const DROP_VERSION_STATES: Statement = reads(
        &[PAST],
        "SELECT from_seq, to_seq, from_at FROM past WHERE node_id = $1 AND version = $2 ORDER BY to_seq DESC",
    );
    const DROP_VERSION: Statement =
        writes(&[PAST], &[], "DELETE FROM past WHERE node_id = $1 AND home_id = $2 AND to_seq = $3");
    const HORIZON: Statement =
        reads(&[PAST], "SELECT CAST(COALESCE(MAX(to_seq), 0) AS BIGINT) FROM past WHERE home_id = $1 AND to_at < $2");
    const MOVE_HORIZON: Statement =
        writes(&[HOME], &[], "UPDATE home SET oldest_seq = $2 WHERE node_id = $1 AND oldest_seq < $2");
    const ABANDONED: Paged = paged!(
        &[LOCK, NODE],
        columns!(),
        "SELECT n.* FROM (SELECT w.* FROM node w WHERE w.litter = 1 AND w.written_at < $3 UNION ALL SELECT w.* FROM \
         node w WHERE w.sealed = 0 AND w.litter = 0 AND w.size = 0 AND w.version = 1 AND w.draft IS NOT NULL AND \
         w.written_at < $3) n WHERE n.home_id = $1 AND n.gone_at IS NULL AND n.modified_at < $3 AND n.placed_at < $3 \
         AND NOT EXISTS (SELECT 1 FROM lock l WHERE l.node_id = n.id AND l.expires_at > $2) ORDER BY n.id LIMIT $4"
    );
    const LITTER: Statement = reads(
        &[NODE],
        "SELECT id FROM node WHERE home_id = $1 AND gone_at < $2 AND hidden = 1 AND (litter = 1 AND kind = 'file' OR \
         kind = 'inbox-item') AND hash IS NOT NULL LIMIT $3",
    );
}
