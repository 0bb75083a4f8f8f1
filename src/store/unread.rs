//! Statements on `unread`: calendar objects that are to be read again (see migrations 0015, 0020 and 0023).

use super::db::arguments;
use super::db::text::listed;
use super::executor::{Executor, rows};
use super::members::listed_ids;
use super::statement::tables::{CALENDAR_OBJECT, NODE, PAST, UNREAD};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::calendar::Indexed;
use crate::model::error::Failure;
use crate::model::id::Id;

/// An object that is to be read: its content, and the size of that. A node that is gone for good has neither.
pub struct Unread {
    /// The node.
    pub node: Id,
    /// Hash of its content.
    pub hash: String,
    /// Bytes of its content.
    pub size_bytes: i64,
}

/// So many of them after `after`.
pub async fn waiting(c: &mut impl Executor, after: Id, limit: i64) -> Result<Vec<Unread>, Failure> {
    let unread = rows(c, WAITING, arguments![after, limit]).await?;
    Ok(unread
        .iter()
        .map(|row| Unread {
            node: Id(row.integer(0)),
            hash: row.text(1),
            size_bytes: row.optional_integer(2).unwrap_or_default(),
        })
        .collect())
}

/// Which of these objects have had other content than they have.
pub async fn with_past(c: &mut impl Executor, objects: &[Id]) -> Result<Vec<Id>, Failure> {
    Ok(rows(c, WITH_PAST, arguments![&listed_ids(objects)]).await?.iter().map(|row| Id(row.integer(0))).collect())
}

/// Writes when an object takes place, whether it is private, or was, and whether it is scheduled, if it is still the
/// one that was read; whoever changed it meanwhile has written that.
pub async fn finish(c: &mut Txn, object: &Unread, indexed: Option<&Indexed>, was_private: bool) -> Result<(), Failure> {
    if let Some(Indexed { first_at, last_at, private, scheduling, .. }) = indexed {
        let arguments = arguments![object.node, *first_at, *last_at, &object.hash, *private, *scheduling, was_private];
        c.note(FINISH, arguments).await?;
        if *scheduling {
            c.note(TAG, arguments![object.node, &object.hash]).await?;
        }
    }
    c.note(FORGET, arguments![object.node]).await
}

statements! {
    const WAITING: Statement = reads(
        &[NODE, UNREAD],
        "SELECT u.node_id, n.hash, n.size FROM unread u LEFT JOIN node n ON n.id = u.node_id WHERE u.node_id > $1 \
         ORDER BY u.node_id LIMIT $2",
    );
    const WITH_PAST: Statement = reads(
        &[NODE, PAST],
        concat!(
            "SELECT n.id FROM node n WHERE n.id IN (SELECT CAST(k.value AS BIGINT) FROM ",
            listed!("$1"),
            " k) AND EXISTS (SELECT 1 FROM past p WHERE p.node_id = n.id AND p.hash <> n.hash)"
        ),
    );
    const FINISH: Statement = writes(
        &[CALENDAR_OBJECT],
        &[NODE],
        "UPDATE calendar_object SET first_at = $2, last_at = $3, private = CASE WHEN $5 = 1 THEN 1 \
         WHEN $7 = 1 OR private = 2 THEN 2 ELSE 0 END, scheduling = $6 WHERE node_id = $1 AND \
         EXISTS (SELECT 1 FROM node n WHERE n.id = $1 AND n.hash = $4)",
    );
    const TAG: Statement = writes(
        &[NODE],
        &[],
        "UPDATE node SET schedule_hash = hash WHERE id = $1 AND hash = $2 AND schedule_hash IS NULL",
    );
    const FORGET: Statement = writes(&[UNREAD], &[], "DELETE FROM unread WHERE node_id = $1");
}
