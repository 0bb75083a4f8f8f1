//! Statements on `lock`.

use super::db::text::listed;
use super::db::{Row, arguments};
use super::executor::{Executor, row, rows};
use super::held::held_until;
use super::statement::tables::{ACE, EFFECTIVE_MEMBERSHIP, LOCK, NODE};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::{Id, Timestamp};
use crate::model::lock::Lock;
use crate::model::node::Node;
use crate::model::privilege::Role;

/// Columns of a lock `l`, as [`held`] reads them.
macro_rules! lock_columns {
    () => {
        "l.token, l.node_id, l.principal_id, l.deep, l.shared, l.owner_xml, l.timeout_s, l.expires_at"
    };
}
pub(super) use lock_columns;

/// The lock that a row holds from column `first` on, if it holds one that has not lapsed: statements read lapsed
/// ones, too, so that their answers can be kept.
pub(super) fn held(row: &Row, first: usize, now: Timestamp) -> Option<Lock> {
    let expires_at = row.optional_integer(first + 7).filter(|at| *at > now)?;
    Some(Lock {
        token: row.text(first),
        node_id: Id(row.integer(first + 1)),
        principal_id: Id(row.integer(first + 2)),
        deep: row.integer(first + 3) != 0,
        shared: row.integer(first + 4) != 0,
        owner_xml: row.text(first + 5),
        timeout_s: row.integer(first + 6),
        expires_at,
    })
}

/// Writes a lock; one of this token that is there stands on another node from now on.
pub async fn insert(c: &mut Txn, lock: &Lock, home: Id) -> Result<(), Failure> {
    let arguments = arguments![
        &lock.token,
        lock.node_id,
        home,
        lock.principal_id,
        lock.deep,
        lock.shared,
        &lock.owner_xml,
        lock.timeout_s,
        lock.expires_at
    ];
    c.note(INSERT, arguments).await?;
    Ok(())
}

/// The lock of this token, if it has lapsed.
pub async fn lapsed(c: &mut impl Executor, token: &str, now: Timestamp) -> Result<Option<Lock>, Failure> {
    Ok(row(c, LAPSED, arguments![token, now]).await?.and_then(|row| held(&row, 0, Timestamp::MIN)))
}

/// Gives a lock more time.
pub async fn refresh(c: &mut Txn, token: &str, timeout_s: i64, expires_at: Timestamp) -> Result<(), Failure> {
    c.note(REFRESH, arguments![token, timeout_s, expires_at]).await?;
    Ok(())
}

/// Removes locks by their tokens.
pub async fn delete(c: &mut Txn, tokens: &str) -> Result<(), Failure> {
    c.note(DELETE, arguments![tokens]).await
}

/// Removes the locks of a home that lapsed before a moment, so that they never pile up.
pub async fn delete_lapsed(c: &mut Txn, home: Id, now: Timestamp) -> Result<(), Failure> {
    c.note(DELETE_LAPSED, arguments![home, now]).await?;
    Ok(())
}

/// The instant until which the principal of the row `$holder` may write at the node of `$node`: 0, never.
macro_rules! writes_until {
    ($holder:literal, $node:literal) => {
        concat!(
            "(WITH RECURSIVE up(id) AS (SELECT CAST(",
            $node,
            " AS BIGINT) UNION SELECT n.parent_id FROM up u JOIN node n ON n.id = u.id WHERE n.parent_id IS NOT \
             NULL) SELECT COALESCE(MAX(",
            held_until!($holder),
            "), 0) FROM up u JOIN ace a ON a.node_id = u.id AND a.role >= $2 AND EXISTS (SELECT 1 FROM \
             effective_membership m WHERE m.group_id = a.principal_id AND m.member_id = ",
            $holder,
            "))"
        )
    };
}

/// How many locks a home holds, and until when a person may hold one more on a node: no lock outlasts the role that it
/// takes.
pub async fn room(c: &mut impl Executor, home: Id, node: Id, person: Id) -> Result<(i64, Timestamp), Failure> {
    let found = row(c, ROOM, arguments![home, Role::Member.rank(), node, person]).await?;
    Ok(found.map_or((0, 0), |row| (row.integer(0), row.integer(1))))
}

/// Roles in a home were changed: a lock lasts no longer than its holder may write there. A role is given on
/// collections, so what stands in the same one is asked about once.
pub async fn end_with_roles(c: &mut Txn, home: Id) -> Result<(), Failure> {
    c.note(END_WITH_ROLES, arguments![home, Role::Member.rank()]).await
}

/// A principal is in other groups than before: the same for its locks, and for those of all who are in it.
pub async fn end_with_membership(c: &mut Txn, principal: Id) -> Result<(), Failure> {
    c.note(END_WITH_MEMBERSHIP, arguments![principal, Role::Member.rank()]).await
}

/// Locks that a condition names last no longer than their holders may write there.
macro_rules! end_where {
    ($condition:literal) => {
        concat!(
            "WITH held(token, holder, place) AS MATERIALIZED (SELECT l.token, l.principal_id, CASE WHEN n.hash IS \
             NULL THEN n.id ELSE n.parent_id END FROM lock l CROSS JOIN node n WHERE ",
            $condition,
            " AND n.id = l.node_id), writes(holder, place, until_at) AS MATERIALIZED (SELECT h.holder, h.place, ",
            writes_until!("h.holder", "h.place"),
            " FROM (SELECT DISTINCT holder, place FROM held) h) UPDATE lock SET expires_at = w.until_at FROM held h, \
             writes w WHERE lock.token = h.token AND w.holder = h.holder AND w.place = h.place AND lock.expires_at > \
             w.until_at"
        )
    };
}

/// Ends all locks of a person.
pub async fn end_of(c: &mut Txn, person: Id) -> Result<(), Failure> {
    c.note(END_OF, arguments![person]).await
}

/// Locks whose root stands at or below `top`. The cost grows with the locks of the home, not with its documents: of
/// those that stand in one collection it is asked once where that stands.
pub async fn below(c: &mut impl Executor, home: Id, top: Id, now: Timestamp) -> Result<Vec<Lock>, Failure> {
    Ok(rows(c, BELOW, arguments![home, top]).await?.iter().filter_map(|row| held(row, 0, now)).collect())
}

/// Locks that cover a node or the collection it stands in: their own, and deep ones above.
pub async fn around(c: &mut impl Executor, node: Id, now: Timestamp) -> Result<Vec<Lock>, Failure> {
    Ok(rows(c, AROUND, arguments![node]).await?.iter().filter_map(|row| held(row, 0, now)).collect())
}

/// Locks on the members of a collection.
pub async fn of_members(c: &mut impl Executor, parent: &Node, now: Timestamp) -> Result<Vec<Lock>, Failure> {
    Ok(rows(c, OF_MEMBERS, arguments![parent.id, parent.home_id])
        .await?
        .iter()
        .filter_map(|row| held(row, 0, now))
        .collect())
}

statements! {
    const INSERT: Statement = writes(
        &[LOCK],
        &[],
        "INSERT INTO lock (token, node_id, home_id, principal_id, deep, shared, owner_xml, timeout_s, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (token) DO UPDATE SET node_id = excluded.node_id, \
         home_id = excluded.home_id, deep = excluded.deep",
    );
    const LAPSED: Statement =
        reads(&[LOCK], concat!("SELECT ", lock_columns!(), " FROM lock l WHERE l.token = $1 AND l.expires_at <= $2"));
    const REFRESH: Statement = writes(
        &[LOCK],
        &[],
        "UPDATE lock SET timeout_s = $2, expires_at = $3 WHERE token = $1",
    );
    const DELETE: Statement =
        writes(&[LOCK], &[], concat!("DELETE FROM lock WHERE token IN (SELECT l.value FROM ", listed!("$1"), " l)"));
    const DELETE_LAPSED: Statement = writes(&[LOCK], &[], "DELETE FROM lock WHERE home_id = $1 AND expires_at <= $2");
    const ROOM: Statement = reads(
        &[ACE, EFFECTIVE_MEMBERSHIP, LOCK, NODE],
        concat!("SELECT (SELECT COUNT(*) FROM lock WHERE home_id = $1), ", writes_until!("$4", "$3")),
    );
    const END_WITH_ROLES: Statement =
        writes(&[LOCK], &[ACE, EFFECTIVE_MEMBERSHIP, LOCK, NODE], end_where!("l.home_id = $1"));
    const END_WITH_MEMBERSHIP: Statement = writes(
        &[LOCK],
        &[ACE, EFFECTIVE_MEMBERSHIP, LOCK, NODE],
        end_where!("l.principal_id IN (SELECT e.member_id FROM effective_membership e WHERE e.group_id = $1)"),
    );
    const END_OF: Statement = writes(&[LOCK], &[], "DELETE FROM lock WHERE principal_id = $1");
    const BELOW: Statement = reads(
        &[LOCK, NODE],
        concat!(
            "WITH RECURSIVE place(id) AS MATERIALIZED (SELECT DISTINCT n.parent_id FROM lock l CROSS JOIN node n \
             WHERE l.home_id = $1 AND n.id = l.node_id), up(place, id) AS (SELECT p.id, p.id FROM place p UNION ALL \
             SELECT u.place, n.parent_id FROM up u CROSS JOIN node n WHERE n.id = u.id AND n.parent_id IS NOT NULL \
             AND u.id <> $2) SELECT ",
            lock_columns!(),
            " FROM lock l CROSS JOIN node n WHERE l.home_id = $1 AND n.id = l.node_id AND (n.id = $2 OR n.parent_id \
             IN (SELECT u.place FROM up u WHERE u.id = $2)) ORDER BY l.node_id"
        ),
    );
    const AROUND: Statement = reads(
        &[LOCK, NODE],
        concat!(
            "WITH RECURSIVE up(id, height) AS (SELECT CAST($1 AS BIGINT), 0 UNION ALL SELECT n.parent_id, u.height + \
             1 FROM up u JOIN node n ON n.id = u.id WHERE n.parent_id IS NOT NULL) SELECT ",
            lock_columns!(),
            " FROM up u JOIN lock l ON l.node_id = u.id WHERE u.height <= 1 OR l.deep = 1"
        ),
    );
    const OF_MEMBERS: Statement = reads(
        &[LOCK, NODE],
        concat!(
            "SELECT ",
            lock_columns!(),
            " FROM lock l CROSS JOIN node n WHERE l.home_id = $2 AND n.id = l.node_id AND n.parent_id = $1 AND \
             n.gone_at IS NULL"
        ),
    );
}
