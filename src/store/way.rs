//! Statements on the ways to what is granted: from each node on which an actor has a role up to the home. They cost
//! what the actor's own grants do, whatever else there is.

use std::collections::BTreeMap;

use super::columns::{COLUMNS, columns, node_of};
use super::db::arguments;
use super::db::text::listed;
use super::executor::{Executor, row, rows};
use super::held::held_until;
use super::members::listed_ids;
use super::statement::tables::{ACE, EFFECTIVE_MEMBERSHIP, NODE, PAST};
use super::statement::{Statement, reads, statements};
use crate::model::error::Failure;
use crate::model::id::{Id, Timestamp};
use crate::model::node::Node;
use crate::model::privilege::Role;

/// Nodes of a home that an actor may read, each with the greatest role granted exactly there, and all above them.
pub type Ways = BTreeMap<Id, Option<Role>>;

/// The ways in a home as it is, or as it was at a moment.
pub async fn ways(
    c: &mut impl Executor,
    actor: Id,
    now: Timestamp,
    home: Id,
    moment: Option<Timestamp>,
) -> Result<Ways, Failure> {
    let least = Role::Reader.rank();
    let found = match moment {
        Some(at) => rows(c, WAYS_AT, arguments![actor, home, least, at]).await?,
        None => rows(c, WAYS, arguments![actor, home, least]).await?,
    };
    let mut ways = Ways::new();
    for row in found.iter().filter(|row| row.integer(2) > now) {
        let held = ways.entry(Id(row.integer(0))).or_default();
        *held = (*held).max(Role::from_rank(row.integer(1)));
    }
    Ok(ways)
}

/// When the first of what is granted by ways was made.
pub async fn begun(c: &mut impl Executor, ways: &Ways) -> Result<Option<Timestamp>, Failure> {
    let ends: Vec<Id> = ways.iter().filter(|(_, role)| role.is_some()).map(|(id, _)| *id).collect();
    Ok(row(c, BEGUN, arguments![&listed_ids(&ends)]).await?.and_then(|row| row.optional_integer(0)))
}

/// Homes with documents that an actor may read some of, in the order of their folded names, after `after`: the folder
/// of their documents under the home's name, and the role held on all of them.
pub async fn homes(
    c: &mut impl Executor,
    actor: Id,
    now: Timestamp,
    after: &str,
    limit: i64,
) -> Result<Vec<(Node, Option<Role>)>, Failure> {
    let found = rows(c, HOMES, arguments![actor, now, after, limit, Role::Reader.rank()]).await?;
    let home = |name: String, documents: Node| Node { name, ..documents };
    Ok(found
        .iter()
        .map(|row| (home(row.text(COLUMNS), node_of(row)), Role::from_rank(row.integer(COLUMNS + 1))))
        .collect())
}

/// The grants `a` of an actor `$1` that read, for `$least` is the least role that does.
macro_rules! grants {
    ($least:literal) => {
        concat!(
            "effective_membership m CROSS JOIN ace a WHERE m.member_id = $1 AND a.principal_id = m.group_id AND a.role \
             >= ",
            $least
        )
    };
}

/// The collection that a node of the way `w` stands in.
macro_rules! standing_in {
    () => {
        "(SELECT n.parent_id FROM node n WHERE n.id = w.id AND n.gone_at IS NULL)"
    };
}

/// The same at a moment `$4`.
macro_rules! stood_in {
    () => {
        "COALESCE((SELECT n.parent_id FROM node n WHERE n.id = w.id AND n.gone_at IS NULL AND n.since_at <= $4), \
         (SELECT p.parent_id FROM past p WHERE p.node_id = w.id AND p.from_at <= $4 AND p.to_at > $4))"
    };
}

/// All ways in a home `$2`, with the ends of what they lead to: so the answer is the same at any moment, and can be
/// kept.
macro_rules! ways {
    ($above:expr) => {
        concat!(
            "WITH RECURSIVE way(id, role, until_at) AS (SELECT a.node_id, a.role, ",
            held_until!("$1"),
            " FROM ",
            grants!("$3"),
            " AND +a.home_id = $2 UNION SELECT ",
            $above,
            ", 0, w.until_at FROM way w WHERE w.id IS NOT NULL AND w.id <> $2) SELECT w.id, w.role, w.until_at FROM \
             way w WHERE w.id IS NOT NULL"
        )
    };
}

statements! {
    const WAYS: Statement = reads(&[ACE, EFFECTIVE_MEMBERSHIP, NODE], ways!(standing_in!()));
    const WAYS_AT: Statement = reads(&[ACE, EFFECTIVE_MEMBERSHIP, NODE, PAST], ways!(stood_in!()));
    const BEGUN: Statement = reads(
        &[NODE],
        concat!(
            "SELECT MIN(n.created_at) FROM ",
            listed!("$1"),
            " l CROSS JOIN node n WHERE n.id = CAST(l.value AS BIGINT)"
        ),
    );
    const HOMES: Statement = reads(
        &[ACE, EFFECTIVE_MEMBERSHIP, NODE],
        concat!(
            "WITH RECURSIVE way(id, home_id, role) AS (SELECT a.node_id, a.home_id, CASE WHEN g.kind IN ('home', \
             'documents') THEN a.role ELSE 0 END FROM (SELECT a.node_id, a.home_id, a.role FROM ",
            grants!("$5"),
            " AND ",
            held_until!("$1"),
            " > $2) a JOIN node g ON g.id = a.node_id AND g.kind IN ('home', \
             'documents', 'folder') UNION SELECT ",
            standing_in!(),
            ", w.home_id, w.role FROM way w WHERE w.id IS NOT NULL AND w.id <> w.home_id), held(home_id, role) AS \
             (SELECT w.home_id, MAX(w.role) FROM way w WHERE w.id = w.home_id GROUP BY w.home_id) SELECT ",
            columns!(),
            ", h.name, k.role FROM held k CROSS JOIN node h CROSS JOIN node n WHERE h.id = k.home_id AND h.gone_at IS \
             NULL AND h.match_name > $3 AND n.parent_id = h.id AND n.match_name = 'files' AND n.gone_at IS NULL ORDER \
             BY h.match_name LIMIT $4"
        ),
    );
}
