//! What a home holds in all, as its quota counts it: content that stands, lies in the trash or is a former version,
//! dead properties, and a little for each node and each former version. Content that others put there, for a meeting of
//! theirs, does not count: nobody fills another's home.
//!
//! `home.used_bytes` is that sum. What a change adds or frees is counted with its claim; what only the rows know, the
//! database adds up where they change (a statement here before they go, or before and after they change).

use super::db::text::{listed, total};
use super::db::{Row, arguments};
use super::executor::{Executor, row};
use super::statement::tables::{ACE, EFFECTIVE_MEMBERSHIP, HOME, NODE, PAST, PROPERTY};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::{Id, Timestamp};
use crate::model::node::NODE_BYTES;
use crate::model::privilege::Role;

/// What dead properties `r` hold.
macro_rules! held_by_properties {
    () => {
        total!("OCTET_LENGTH(r.namespace) + OCTET_LENGTH(r.name) + OCTET_LENGTH(r.xml)")
    };
}

/// What the content of nodes `n` holds: of what others put there nothing.
macro_rules! held_by_content {
    () => {
        "CASE WHEN n.hash IS NULL OR n.received = 1 THEN 0 ELSE n.size END"
    };
}
pub(super) use held_by_content;

/// Counts bytes of homes: `$change` is a sign and what is added or taken off. Whatever damaged rows say, what comes out
/// is an integer.
macro_rules! count_bytes {
    ($change:expr) => {
        concat!("UPDATE home SET used_bytes = CAST(used_bytes ", $change, " AS BIGINT)")
    };
}
pub(super) use count_bytes;

/// The dead properties of a node, those that are the same for all, are about to change: what they hold is taken off, to
/// be added again by [`properties_changed`].
pub async fn properties_change(c: &mut Txn, home: Id, node: Id) -> Result<(), Failure> {
    c.note(PROPERTIES_CHANGE, arguments![home, node]).await
}

/// They have changed, or came with a new node.
pub async fn properties_changed(c: &mut Txn, home: Id, node: Id) -> Result<(), Failure> {
    c.note(PROPERTIES_CHANGED, arguments![home, node]).await
}

/// The former versions and dead properties of some nodes are about to go, from whichever homes they are of.
pub async fn past_goes(c: &mut Txn, nodes: &str) -> Result<(), Failure> {
    c.note(PAST_GOES, arguments![nodes]).await
}

/// Some nodes are about to go, with their present content.
pub async fn nodes_go(c: &mut Txn, nodes: &str) -> Result<(), Failure> {
    c.note(NODES_GO, arguments![nodes, NODE_BYTES]).await
}

/// What a home holds, and may hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// What it holds.
    pub used_bytes: i64,
    /// What it may hold; `None`: as much as the disk does.
    pub quota_bytes: Option<i64>,
}

/// How many bytes a home holds, and may hold.
pub async fn quota(c: &mut impl Executor, home: Id) -> Result<Usage, Failure> {
    let usage = |row: Row| Usage { used_bytes: row.integer(0), quota_bytes: row.optional_integer(1) };
    Ok(row(c, QUOTA, arguments![home]).await?.map_or_else(Usage::default, usage))
}

/// What is said of a quota to someone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuotaView {
    /// Bytes that the home holds; `None`: that is not theirs to know, for they do not read all of it.
    pub used_bytes: Option<i64>,
    /// The most it may hold.
    pub quota_bytes: i64,
}

/// What is said of a home's quota to an actor; `None`: there is no quota.
pub async fn quota_for(
    c: &mut impl Executor,
    home: Id,
    actor: Id,
    now: Timestamp,
) -> Result<Option<QuotaView>, Failure> {
    let found = row(c, QUOTA_FOR, arguments![home, actor, Role::Reader.rank()]).await?;
    Ok(found.and_then(|row| {
        let reads = row.optional_integer(2).is_some_and(|until| until > now);
        Some(QuotaView { used_bytes: reads.then(|| row.integer(0)), quota_bytes: row.optional_integer(1)? })
    }))
}

statements! {
    const PROPERTIES_CHANGE: Statement = writes(
        &[HOME],
        &[PROPERTY],
        concat!(
            count_bytes!(concat!(
                "- (SELECT ",
                held_by_properties!(),
                " FROM property r WHERE r.node_id = $2 AND r.principal_id = 0)"
            )),
            " WHERE node_id = $1"
        ),
    );
    const PROPERTIES_CHANGED: Statement = writes(
        &[HOME],
        &[PROPERTY],
        concat!(
            count_bytes!(concat!(
                "+ (SELECT ",
                held_by_properties!(),
                " FROM property r WHERE r.node_id = $2 AND r.principal_id = 0)"
            )),
            " WHERE node_id = $1"
        ),
    );
    const PAST_GOES: Statement = writes(
        &[HOME],
        &[NODE, PAST, PROPERTY],
        concat!(
            count_bytes!(concat!(
                "- (SELECT ",
                total!("p.held_bytes"),
                " FROM ",
                listed!("$1"),
                " l CROSS JOIN past p WHERE p.node_id = l.value AND p.home_id = home.node_id) - (SELECT ",
                held_by_properties!(),
                " FROM ",
                listed!("$1"),
                " l CROSS JOIN node n CROSS JOIN property r WHERE n.id = l.value AND n.home_id = home.node_id AND \
                 r.node_id = n.id AND r.principal_id = 0)"
            )),
            " WHERE node_id IN (SELECT p.home_id FROM ",
            listed!("$1"),
            " l CROSS JOIN past p WHERE p.node_id = l.value UNION SELECT n.home_id FROM ",
            listed!("$1"),
            " l CROSS JOIN node n WHERE n.id = l.value)"
        ),
    );
    const NODES_GO: Statement = writes(
        &[HOME],
        &[NODE],
        concat!(
            count_bytes!(concat!(
                "- (SELECT ",
                total!(concat!("$2 + ", held_by_content!())),
                " FROM ",
                listed!("$1"),
                " l CROSS JOIN node n WHERE n.id = l.value AND n.home_id = home.node_id)"
            )),
            " WHERE node_id IN (SELECT n.home_id FROM ",
            listed!("$1"),
            " l CROSS JOIN node n WHERE n.id = l.value)"
        ),
    );
    const QUOTA_FOR: Statement = reads(
        &[ACE, EFFECTIVE_MEMBERSHIP, HOME],
        "SELECT h.used_bytes, h.quota_bytes, (SELECT MAX(COALESCE(a.until_at, 9223372036854775807)) FROM ace a WHERE \
         a.node_id = h.node_id AND a.role >= $3 AND EXISTS (SELECT 1 FROM effective_membership m WHERE m.member_id = \
         $2 AND m.group_id = a.principal_id)) FROM home h WHERE h.node_id = $1",
    );
    const QUOTA: Statement = reads(&[HOME], "SELECT used_bytes, quota_bytes FROM home WHERE node_id = $1");
}
