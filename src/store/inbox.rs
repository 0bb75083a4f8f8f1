//! Statements on `inbox_item`: what is known of the items of scheduling inboxes.

use std::collections::HashMap;

use super::columns::{COLUMNS, columns, node_of};
use super::db::arguments;
use super::db::text::listed;
use super::executor::{Executor, rows};
use super::list::list;
use super::members::listed_ids;
use super::statement::tables::{INBOX_ITEM, NODE, PAST};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::{Id, Timestamp};
use crate::model::node::Node;

/// Writes what is known of an item that was put into an inbox. `from_organizer`: the next one of its UID takes its
/// place.
pub async fn enlist(
    c: &mut Txn,
    item: &Node,
    uid: &str,
    from_organizer: bool,
    due_at: Timestamp,
) -> Result<(), Failure> {
    c.note(ENLIST, arguments![item.id, item.parent_id, uid, from_organizer, due_at]).await
}

/// The items of an inbox that one from an organizer about a UID takes the place of.
pub async fn overtaken(c: &mut impl Executor, inbox: Id, uid: &str) -> Result<Vec<Node>, Failure> {
    Ok(rows(c, OVERTAKEN, arguments![inbox, uid]).await?.iter().map(node_of).collect())
}

/// The inboxes of homes, by the folded names of these.
pub async fn of_homes(c: &mut impl Executor, match_names: &[String]) -> Result<HashMap<String, Node>, Failure> {
    let found = rows(c, OF_HOMES, arguments![&list(match_names)]).await?;
    Ok(found.iter().map(|row| (row.text(COLUMNS), node_of(row))).collect())
}

/// [`overtaken`] in many inboxes, by the inbox.
pub async fn overtaken_in(c: &mut impl Executor, inboxes: &[Id], uid: &str) -> Result<HashMap<Id, Vec<Node>>, Failure> {
    let mut found: HashMap<Id, Vec<Node>> = inboxes.iter().map(|inbox| (*inbox, Vec::new())).collect();
    for node in rows(c, OVERTAKEN_IN, arguments![&listed_ids(inboxes), uid]).await?.iter().map(node_of) {
        found.entry(node.parent_id).or_default().push(node);
    }
    Ok(found)
}

/// The items of an inbox whose UIDs begin with a text, but for so many of the latest.
pub async fn surplus(c: &mut impl Executor, inbox: Id, prefix: &str, kept: i64) -> Result<Vec<Node>, Failure> {
    let end = format!("{prefix}{}", char::MAX);
    Ok(rows(c, SURPLUS, arguments![inbox, prefix, &end, kept]).await?.iter().map(node_of).collect())
}

/// Items of a home whose time has come.
pub async fn due(c: &mut impl Executor, home: Id, at: Timestamp, limit: i64) -> Result<Vec<Node>, Failure> {
    Ok(rows(c, DUE, arguments![home, at, limit]).await?.iter().map(node_of).collect())
}

/// An item has left its inbox: nothing is known of it any more, and its past is no version.
pub async fn forget(c: &mut Txn, item: Id) -> Result<(), Failure> {
    c.note(FORGET, arguments![item]).await?;
    c.note(UNSEAL, arguments![item]).await
}

statements! {
    const ENLIST: Statement = writes(
        &[INBOX_ITEM],
        &[],
        "INSERT INTO inbox_item (node_id, inbox_id, uid, from_organizer, due_at) VALUES ($1, $2, $3, $4, $5)",
    );
    const OVERTAKEN: Statement = reads(
        &[INBOX_ITEM, NODE],
        concat!(
            "SELECT ",
            columns!(),
            " FROM inbox_item i CROSS JOIN node n WHERE i.inbox_id = $1 AND i.uid = $2 AND i.from_organizer = 1 AND \
             n.id = i.node_id"
        ),
    );
    const OF_HOMES: Statement = reads(
        &[NODE],
        concat!(
            "SELECT ",
            columns!(),
            ", h.match_name FROM ",
            listed!("$1"),
            " k JOIN node h ON h.parent_id = 1 AND h.match_name = k.value AND h.gone_at IS NULL JOIN node t ON \
             t.parent_id = h.id AND t.kind = 'calendars' JOIN node n ON n.parent_id = t.id AND n.kind = 'inbox' AND \
             n.gone_at IS NULL"
        ),
    );
    const OVERTAKEN_IN: Statement = reads(
        &[INBOX_ITEM, NODE],
        concat!(
            "SELECT ",
            columns!(),
            " FROM ",
            listed!("$1"),
            " k JOIN inbox_item i ON i.inbox_id = CAST(k.value AS BIGINT) AND i.uid = $2 AND i.from_organizer = 1 \
             JOIN node n ON n.id = i.node_id"
        ),
    );
    const SURPLUS: Statement = reads(
        &[INBOX_ITEM, NODE],
        concat!(
            "SELECT ",
            columns!(),
            " FROM inbox_item i CROSS JOIN node n WHERE i.inbox_id = $1 AND i.uid >= $2 AND i.uid < $3 AND n.id = \
             i.node_id ORDER BY i.node_id DESC LIMIT 1000 OFFSET $4"
        ),
    );
    const DUE: Statement = reads(
        &[INBOX_ITEM, NODE],
        concat!(
            "SELECT ",
            columns!(),
            " FROM inbox_item i CROSS JOIN node n WHERE i.due_at <= $2 AND n.id = i.node_id AND n.home_id = $1 AND \
             n.gone_at IS NULL ORDER BY i.due_at, i.node_id LIMIT $3"
        ),
    );
    const FORGET: Statement = writes(&[INBOX_ITEM], &[], "DELETE FROM inbox_item WHERE node_id = $1");
    const UNSEAL: Statement = writes(&[PAST], &[], "UPDATE past SET sealed = 0 WHERE node_id = $1");
}
