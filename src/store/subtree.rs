//! Statements on all that stands below a node, level by level: each looks at a bounded number of nodes, however many
//! stand in one collection.

use super::db::arguments;
use super::db::text::listed;
use super::executor::{Executor, row, rows};
use super::members::listed_ids;
use super::statement::tables::{NODE, PAST};
use super::statement::{Statement, reads, statements};
use super::version::set_aside;
use crate::model::error::Failure;
use crate::model::id::{Id, Timestamp};

/// Live collections that stand in some.
async fn collections_in(c: &mut impl Executor, level: &[Id], limit: i64) -> Result<Vec<Id>, Failure> {
    let found = rows(c, COLLECTIONS_IN, arguments![&listed_ids(level), limit]).await?;
    Ok(found.iter().map(|row| Id(row.integer(0))).collect())
}

/// Does something live stand more than so many levels below a node? `None`: more than `most` collections would have to
/// be looked at to know.
pub async fn is_deeper(c: &mut impl Executor, top: Id, levels: i64, most: i64) -> Result<Option<bool>, Failure> {
    let (mut level, mut rest) = (vec![top], most);
    for _ in 0..levels {
        level = collections_in(c, &level, rest.saturating_add(1)).await?;
        rest -= level.len() as i64;
        if level.is_empty() {
            return Ok(Some(false));
        }
        if rest < 0 {
            return Ok(None);
        }
    }
    Ok(Some(row(c, IS_DEEPER, arguments![&listed_ids(&level)]).await?.is_some()))
}

/// How many nodes are looked at for documents.
const LOOKED_AT: i64 = 2_000;

/// Does a document stand live below a node, other than what programs leave about and copies of versions that were set
/// aside? Of more than two thousand nodes it is taken for granted.
pub async fn holds_documents(c: &mut impl Executor, top: Id) -> Result<bool, Failure> {
    let (mut level, mut rest) = (vec![top], LOOKED_AT);
    while !level.is_empty() {
        let found = rows(c, HOLDS_DOCUMENTS, arguments![&listed_ids(&level), rest + 1]).await?;
        rest -= found.len() as i64;
        if rest < 0 || found.iter().any(|row| row.integer(1) == 2) {
            return Ok(true);
        }
        level = found.iter().filter(|row| row.integer(1) == 0).map(|row| Id(row.integer(0))).collect();
    }
    Ok(false)
}

/// How many of the documents that a home lost by a person's actions after `since` had not stood since `before` when
/// they were lost: nothing is known of them from before. A file may be newer than its document. Of what lies beyond the
/// first ten thousand nodes none counts as young.
pub async fn lost_young(
    c: &mut impl Executor,
    home: Id,
    by: Id,
    since: Timestamp,
    before: Timestamp,
) -> Result<i64, Failure> {
    let mut rest = 10_000;
    let alone = row(c, LOST_YOUNG_ALONE, arguments![before, rest, home, by, since]).await?;
    let mut young = alone.as_ref().map_or(0, |row| row.integer(1));
    rest -= alone.map_or(0, |row| row.integer(0));
    let tops = rows(c, LOST_YOUNG_TOPS, arguments![home, by, since, rest]).await?;
    let mut level: Vec<Id> = tops.iter().map(|row| Id(row.integer(0))).collect();
    while !level.is_empty() && rest > 0 {
        let found = row(c, LOST_YOUNG_BELOW, arguments![before, rest, &listed_ids(&level)]).await?;
        young += found.as_ref().map_or(0, |row| row.integer(1));
        rest -= found.map_or(0, |row| row.integer(0));
        level = collections_in(c, &level, rest).await?;
        rest -= level.len() as i64;
    }
    Ok(young)
}

/// Of the documents among the nodes `n` of a query how many there are, and how many are young.
macro_rules! young {
    ($from:expr) => {
        concat!(
            "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN d.created_at > $1 AND d.since_at > $1 AND NOT EXISTS \
             (SELECT 1 FROM past p WHERE p.node_id = d.id AND p.from_at <= $1) THEN 1 ELSE 0 END), 0) AS BIGINT) \
             FROM (SELECT n.id, n.created_at, n.since_at FROM ",
            $from,
            " AND n.hash IS NOT NULL LIMIT $2) d"
        )
    };
}

statements! {
    const COLLECTIONS_IN: Statement = reads(
        &[NODE],
        concat!(
            "SELECT n.id FROM ",
            listed!("$1"),
            " l CROSS JOIN node n WHERE n.parent_id = l.value AND n.hash IS NULL AND n.gone_at IS NULL LIMIT $2"
        ),
    );
    const IS_DEEPER: Statement = reads(
        &[NODE],
        concat!(
            "SELECT 1 FROM ",
            listed!("$1"),
            " l CROSS JOIN node n WHERE n.parent_id = l.value AND n.gone_at IS NULL LIMIT 1"
        ),
    );
    const HOLDS_DOCUMENTS: Statement = reads(
        &[NODE, PAST],
        concat!(
            "SELECT n.id, CASE WHEN n.kind NOT IN ('file', 'object') THEN 0 WHEN n.litter = 1 OR (n.version = 1 AND \
             EXISTS (",
            set_aside!(),
            ")) THEN 1 ELSE 2 END FROM ",
            listed!("$1"),
            " l CROSS JOIN node n WHERE n.parent_id = l.value AND n.gone_at IS NULL LIMIT $2"
        ),
    );
    const LOST_YOUNG_TOPS: Statement = reads(
        &[NODE],
        "SELECT n.id FROM node n WHERE n.home_id = $1 AND n.gone_at > $3 AND n.lost_by = $2 AND n.hidden = 0 AND \
         n.hash IS NULL LIMIT $4",
    );
    const LOST_YOUNG_ALONE: Statement = reads(
        &[NODE, PAST],
        young!("node n WHERE n.home_id = $3 AND n.gone_at > $5 AND n.lost_by = $4 AND n.hidden = 0"),
    );
    const LOST_YOUNG_BELOW: Statement = reads(
        &[NODE, PAST],
        young!(concat!(listed!("$3"), " l CROSS JOIN node n WHERE n.parent_id = l.value AND n.gone_at IS NULL")),
    );
}
