//! Statements on `returned`: nodes to which a home's past went back that had left it with a node (see migration 0014),
//! and what is left to be done with them.

use super::db::arguments;
use super::executor::{Executor, row, rows};
use super::node::ChainEnd;
use super::statement::tables::{HOME, NODE, RETURNED};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::{Id, Timestamp};

/// So many of them, each with its home; those of a home stand together.
pub async fn waiting(c: &mut impl Executor, limit: i64) -> Result<Vec<(Id, Id)>, Failure> {
    Ok(rows(c, WAITING, arguments![limit]).await?.iter().map(|row| (Id(row.integer(0)), Id(row.integer(1)))).collect())
}

/// Claims a home, be it gone: the end of its chain, and its place.
pub async fn claim(c: &mut Txn, home: Id) -> Result<ChainEnd, Failure> {
    let found = row(c, CLAIM, arguments![home]).await?;
    Ok(found.map_or_else(Default::default, |row| ChainEnd { link: row.text(0), place: row.integer(1) }))
}

/// Writes what has become of the chain.
pub async fn settle(c: &mut Txn, home: Id, end: &ChainEnd) -> Result<(), Failure> {
    c.note(SETTLE, arguments![home, &end.link, end.place]).await
}

/// Nothing is left to be done. It lies in the trash from now on: nobody knew of it before.
pub async fn finish(c: &mut Txn, node: Id, now: Timestamp) -> Result<(), Failure> {
    c.note(FINISH, arguments![node, now]).await?;
    c.note(FORGET, arguments![node]).await
}

statements! {
    const WAITING: Statement =
        reads(&[RETURNED], "SELECT node_id, home_id FROM returned ORDER BY home_id, node_id LIMIT $1");
    const CLAIM: Statement = writes(
        &[HOME],
        &[],
        "UPDATE home SET seq = CAST(seq + 1 AS BIGINT) WHERE node_id = $1 RETURNING chain, chain_place",
    );
    const SETTLE: Statement = writes(&[HOME], &[], "UPDATE home SET chain = $2, chain_place = $3 WHERE node_id = $1");
    const FINISH: Statement =
        writes(&[NODE], &[], "UPDATE node SET gone_at = $2 WHERE id = $1 AND gone_at IS NOT NULL");
    const FORGET: Statement = writes(&[RETURNED], &[], "DELETE FROM returned WHERE node_id = $1");
}
