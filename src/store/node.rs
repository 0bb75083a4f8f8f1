//! Statements on `node` and `home`.

use super::columns::{COLUMNS, Width, brief, columns, next_node, node_of, tag};
use super::db::text::listed;
use super::db::{Argument, Row, arguments};
use super::executor::{Executor, PREFETCHED, Query, prefetch, row, rows};
use super::held::{held_at, seen_by_role, until_for};
use super::lock::{held, lock_columns};
use super::members::{Members, PageStatements, Widths, by_name, listed_ids, pages, widths};
use super::page::{Paged, page, paged};
use super::statement::tables::{ACE, EFFECTIVE_MEMBERSHIP, HOME, LOCK, NODE};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use super::usage::count_bytes;
use crate::model::error::Failure;
use crate::model::filename::match_name;
use crate::model::id::{Id, Seq, Timestamp};
use crate::model::kind::Kind;
use crate::model::node::{Link, Node};
use crate::model::privilege::Role;

/// How many segments one statement follows.
const STRIDE: usize = 12;

/// The key of the name that leads on from the node at a place of the walk.
macro_rules! segment {
    () => {
        "CASE w.place WHEN 0 THEN $3 WHEN 1 THEN $4 WHEN 2 THEN $5 WHEN 3 THEN $6 WHEN 4 THEN $7 WHEN 5 THEN $8 \
         WHEN 6 THEN $9 WHEN 7 THEN $10 WHEN 8 THEN $11 WHEN 9 THEN $12 WHEN 10 THEN $13 WHEN 11 THEN $14 END"
    };
}

/// The nodes of a page of [`columns!`].
pub(super) async fn nodes(c: &mut impl Executor, sql: Paged, arguments: &[Argument<'_>]) -> Result<Vec<Node>, Failure> {
    page(c, sql, arguments, next_node).await
}

/// Who follows names, when, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Walk<'a> {
    /// Whose roles count.
    pub actor: Id,
    /// At which moment.
    pub now: Timestamp,
    /// From which node.
    pub start: Id,
    /// The keys of the names.
    pub names: &'a [String],
}

impl Walk<'_> {
    /// Arguments of [`FOLLOW`] for as many names as one statement follows.
    fn arguments(&self) -> [Argument<'_>; STRIDE + 2] {
        let mut arguments = [Argument::Null; STRIDE + 2];
        let names = self.names.iter().map(Argument::from);
        let known = [self.actor.into(), self.start.into()];
        for (place, argument) in arguments.iter_mut().zip(known.into_iter().chain(names)) {
            *place = argument;
        }
        arguments
    }
}

/// Follows names from `start`, one [`Link`] a node, `start` first; it ends where a name is not mapped.
pub async fn walk(c: &mut impl Executor, walk: Walk<'_>) -> Result<Vec<Link>, Failure> {
    const PLACE: usize = COLUMNS;
    let mut links: Vec<Link> = Vec::new();
    let mut from = walk.start;
    let mut rest = walk.names;
    loop {
        let (stride, tail) = rest.split_at(rest.len().min(STRIDE));
        let mut found = rows(c, FOLLOW, &Walk { start: from, names: stride, ..walk }.arguments()).await?;
        found.sort_by_key(|row| row.integer(PLACE));
        // Each statement begins with the node that the one before ended with.
        let known = if links.is_empty() { -1 } else { 0 };
        let mut reached = known;
        for row in found.iter().skip_while(|row| row.integer(PLACE) <= known) {
            if row.integer(PLACE) > reached {
                reached = row.integer(PLACE);
                let mut node = node_of(row);
                if links.last().is_some_and(|above| !above.node.kind.holds(node.kind)) {
                    // It is damaged: nothing is known of it that could be acted on.
                    node.kind = Kind::default();
                }
                links.push(Link { node, ..Link::default() });
            }
            if let Some(link) = links.last_mut() {
                hang(link, row, walk.now);
            }
        }
        match links.last() {
            Some(link) if reached == stride.len() as i64 && !tail.is_empty() => from = link.node.id,
            _ => return Ok(links),
        }
        rest = tail;
    }
}

/// Hangs on a link what a row of [`FOLLOW`] says of its role and its locks, if that is not over.
fn hang(link: &mut Link, row: &Row, now: Timestamp) {
    const ROLE: usize = COLUMNS + 1;
    if row.optional_integer(ROLE + 1).is_none_or(|until| until > now) {
        link.role = link.role.max(row.optional_integer(ROLE).and_then(Role::from_rank));
        link.sees_private |= row.optional_integer(ROLE + 2) == Some(1);
    }
    let lock = held(row, ROLE + 3, now).filter(|new| link.locks.iter().all(|lock| lock.token != new.token));
    link.locks.extend(lock);
}

/// Members of a collection in the order of the keys of their names, after `after`.
pub async fn members(
    c: &mut impl Executor,
    parent: &Node,
    after: &str,
    limit: i64,
    width: Width,
) -> Result<Members, Failure> {
    MEMBERS.after_name(c, parent, after, limit, width).await
}

/// The same with all their columns, to be altered.
pub async fn whole_members(
    c: &mut impl Executor,
    parent: &Node,
    after: &str,
    limit: i64,
) -> Result<Vec<Node>, Failure> {
    Ok(members(c, parent, after, limit, Width::Whole).await?.owned())
}

/// Those members of a collection that are among some nodes, in the order of the keys of their names, after `after`.
pub async fn members_among(
    c: &mut impl Executor,
    parent: Id,
    ids: &[Id],
    after: &str,
    limit: i64,
) -> Result<Vec<Node>, Failure> {
    let found = rows(c, MEMBERS_AMONG, arguments![parent, after, limit, &listed_ids(ids)]).await?;
    Ok(found.iter().map(node_of).collect())
}

/// Where the chain of a home ends.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ChainEnd {
    /// The last link.
    pub link: String,
    /// How many links there are.
    pub place: i64,
}

/// A home claimed for writing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The home.
    pub home: Id,
    /// The number of this change.
    pub seq: Seq,
    /// Bytes that it held before this change.
    pub used_bytes: i64,
    /// What this change has added to them.
    pub added_bytes: i64,
    /// Has it added, or freed, what only the database has reckoned?
    pub reckoned: bool,
    /// The most it may hold.
    pub quota_bytes: Option<i64>,
    /// Where its chain of versions ends.
    pub chain: ChainEnd,
    /// Did its bytes or its chain change, so that [`settle`] must write them?
    pub unsettled: bool,
}

/// Claims the homes of these folded names for writing, one after the other: no other writer changes anything in them
/// until this transaction ends. The number stamps all that changes in one now. A home that is not there is left out.
/// `next`: what will be followed next is fetched in the same trip.
pub async fn claim(c: &mut Txn, match_names: &[String], next: Option<Walk<'_>>) -> Result<Vec<Claim>, Failure> {
    let mut claims = Vec::with_capacity(match_names.len());
    let walk = next.as_ref().map(Walk::arguments);
    let mut left = match_names.len();
    for some in match_names.chunks(PREFETCHED) {
        let names: Vec<[Argument<'_>; 1]> = some.iter().map(|name| [Argument::from(name)]).collect();
        let mut statements: Vec<Query<'_>> = names.iter().map(|name| (CLAIM, name.as_slice())).collect();
        left = left.saturating_sub(some.len());
        statements.extend(walk.as_ref().filter(|_| left == 0).map(|walk| (FOLLOW, walk.as_slice())));
        prefetch(c, &statements).await?;
        for name in &names {
            claims.extend(rows(c, CLAIM, name).await?.first().map(claim_of));
        }
    }
    Ok(claims)
}

fn claim_of(row: &Row) -> Claim {
    Claim {
        home: Id(row.integer(0)),
        seq: row.integer(1),
        used_bytes: row.integer(2),
        added_bytes: 0,
        reckoned: false,
        quota_bytes: row.optional_integer(3),
        chain: ChainEnd { link: row.text(4), place: row.integer(5) },
        unsettled: false,
    }
}

/// Writes what a change did to the bytes and the chain of a claimed home.
pub async fn settle(c: &mut Txn, claim: &Claim) -> Result<(), Failure> {
    c.note(SETTLE, arguments![claim.home, claim.added_bytes, &claim.chain.link, claim.chain.place]).await?;
    Ok(())
}

/// Folded name of the home that a node is of.
pub async fn home_name(c: &mut impl Executor, node: Id) -> Result<Option<String>, Failure> {
    Ok(row(c, HOME_NAME, arguments![node]).await?.map(|row| row.text(0)))
}

/// The actor's greatest role on a node or anything above it; `None` where its home is gone.
pub async fn role_above(c: &mut impl Executor, actor: Id, now: Timestamp, node: Id) -> Result<Option<Role>, Failure> {
    let found = row(c, ROLE_ABOVE, arguments![actor, now, node]).await?;
    Ok(found.filter(|row| row.integer(1) == 0).and_then(|row| row.optional_integer(0)).and_then(Role::from_rank))
}

/// Does an actor see what is private on a node, by what was granted there or above it?
pub async fn sees_private(c: &mut impl Executor, actor: Id, now: Timestamp, node: Id) -> Result<bool, Failure> {
    Ok(row(c, ROLE_ABOVE, arguments![actor, now, node]).await?.is_some_and(|row| row.optional_integer(2) == Some(1)))
}

/// Writes the row of a new node, put there by `by`.
pub async fn insert(c: &mut Txn, node: &Node, by: Id) -> Result<(), Failure> {
    let key = node.key();
    let arguments = arguments![
        node.id,
        node.parent_id,
        node.home_id,
        &node.name,
        &key,
        node.kind.row().code,
        node.owner_id,
        node.placed_seq,
        node.placed_at,
        node.seq,
        node.members_seq,
        node.created_at,
        node.modified_at,
        node.version,
        node.sealed,
        node.author_id,
        node.hash.as_ref(),
        node.size_bytes,
        node.content_type.as_ref(),
        node.draft.as_ref(),
        node.written_at,
        node.device.as_ref(),
        node.litter,
        node.documents,
        by,
        node.schedule_hash.as_ref(),
        node.received
    ];
    c.note(INSERT, arguments).await?;
    Ok(())
}

/// Writes new content to a node: its version, author, hash, size, type and times. `since`: the state begins now;
/// otherwise what is there is refined.
pub async fn update_content(c: &mut Txn, node: &Node, since: bool, now: Timestamp) -> Result<(), Failure> {
    let arguments = arguments![
        node.id,
        node.seq,
        since,
        now,
        node.modified_at,
        node.version,
        node.author_id,
        node.hash.as_ref(),
        node.size_bytes,
        node.content_type.as_ref(),
        node.comment.as_ref(),
        node.sealed,
        node.draft.as_ref(),
        node.written_at,
        node.device.as_ref(),
        node.created_at,
        node.schedule_hash.as_ref(),
        node.received
    ];
    c.note(UPDATE_CONTENT, arguments).await?;
    Ok(())
}

/// Marks a node's content as a version, its session over.
pub async fn seal(c: &mut Txn, node: Id) -> Result<(), Failure> {
    c.note(SEAL, arguments![node]).await?;
    Ok(())
}

/// Says under which lock a draft is written, if under one.
pub async fn set_session(c: &mut Txn, node: Id, token: Option<&str>) -> Result<(), Failure> {
    c.note(SET_SESSION, arguments![node, token]).await?;
    Ok(())
}

/// Writes what is not content: times, media type and comment.
pub async fn update_properties(c: &mut Txn, node: &Node) -> Result<(), Failure> {
    let arguments = arguments![
        node.id,
        node.seq,
        node.created_at,
        node.modified_at,
        node.content_type.as_ref(),
        node.comment.as_ref()
    ];
    c.note(UPDATE_PROPERTIES, arguments).await?;
    Ok(())
}

/// Writes where a node stands: parent, name, home, the change that put it there and who made it.
pub async fn update_place(c: &mut Txn, node: &Node, by: Id) -> Result<(), Failure> {
    let key = node.key();
    let arguments = arguments![
        node.id,
        node.parent_id,
        node.home_id,
        node.owner_id,
        &node.name,
        &key,
        node.kind.row().code,
        node.placed_seq,
        node.placed_at,
        by,
        node.litter
    ];
    c.note(UPDATE_PLACE, arguments).await?;
    Ok(())
}

/// How a node went.
#[derive(Clone, Debug)]
pub struct Removal {
    /// When.
    pub at: Timestamp,
    /// Does the trash leave it out?
    pub hidden: bool,
    /// Who deleted it.
    pub deleted_by: Option<Id>,
    /// By whose action its home lost it: deleted, replaced or moved out.
    pub lost_by: Option<Id>,
    /// The key, among documents, of the name that it bore.
    pub own_key: String,
}

/// Takes a node off its name; what lies below hangs on it. In the trash it bears `node.name`, unless it is hidden
/// there: one that is compared folded, whatever it is the name of.
pub async fn unmap(c: &mut Txn, node: &Node, seq: Seq, gone: Removal) -> Result<(), Failure> {
    let folded = match_name(&node.name);
    let own = (!gone.hidden).then_some(&gone.own_key);
    let arguments =
        arguments![node.id, seq, gone.at, gone.deleted_by, &node.name, &folded, gone.hidden, gone.lost_by, own];
    c.note(UNMAP, arguments).await?;
    Ok(())
}

/// What a change adds to a collection and all above it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Added {
    /// Of their content.
    pub bytes: i64,
    /// How many.
    pub documents: i64,
}

impl Added {
    /// A node that comes, with all below it.
    #[must_use]
    pub fn of(node: &Node) -> Self {
        Self { bytes: node.size_bytes, documents: node.weight() }
    }
}

impl std::ops::Neg for Added {
    type Output = Self;

    fn neg(self) -> Self {
        Self { bytes: self.bytes.saturating_neg(), documents: self.documents.saturating_neg() }
    }
}

/// Enters a change below in a collection and all above it: their `members_seq`, and the bytes and documents they hold.
/// The collection's own modification time is that of its last change of members.
pub async fn stamp(c: &mut Txn, collection: Id, seq: Seq, added: Added, now: Timestamp) -> Result<(), Failure> {
    c.note(STAMP, arguments![collection, seq, added.bytes, added.documents, now]).await?;
    Ok(())
}

/// Live nodes below a node whose last change is not after `until`, by identifier, after `after`. What was itself put
/// into place later is left out with all below it: it is a change of its own.
pub async fn below(c: &mut impl Executor, top: Id, until: Seq, after: Id, limit: i64) -> Result<Vec<Node>, Failure> {
    nodes(c, BELOW, arguments![top, until, after, limit]).await
}

/// A node and all above it, from itself up: is each gone?
pub async fn lineage(c: &mut impl Executor, node: Id) -> Result<Vec<(Id, bool)>, Failure> {
    let found = rows(c, LINEAGE, arguments![node]).await?;
    Ok(found.iter().map(|row| (Id(row.integer(0)), row.integer(1) != 0)).collect())
}

/// Names of the nodes from just below `top` down to `node`; `None` when `node` does not stand live below `top`.
pub async fn names_between(c: &mut impl Executor, top: Id, node: Id) -> Result<Option<Vec<String>>, Failure> {
    let found = rows(c, NAMES_BETWEEN, arguments![top, node]).await?;
    let mut names = found.iter();
    if names.next().is_none_or(|row| Id(row.integer(0)) != top) {
        return Ok(None);
    }
    Ok(Some(names.map(|row| row.text(1)).collect()))
}

statements! {
    /// Each node of the walk with each role that the actor was granted there and each lock, also those that are over:
    /// so the answer is the same at any moment, and can be kept.
    const FOLLOW: Statement = reads(
        &[ACE, EFFECTIVE_MEMBERSHIP, LOCK, NODE],
        concat!(
            "WITH RECURSIVE walk(place, id) AS (SELECT 0, CAST($2 AS BIGINT) UNION ALL SELECT w.place + 1, c.id FROM \
             walk w CROSS JOIN node c WHERE c.parent_id = w.id AND c.gone_at IS NULL AND c.match_name = ",
            segment!(),
            ") SELECT ",
            columns!(),
            ", w.place, a.role, ",
            until_for!("$1"),
            ", ",
            seen_by_role!(),
            ", ",
            lock_columns!(),
            " FROM walk w JOIN node n ON n.id = w.id LEFT JOIN ace a ON a.node_id = n.id AND EXISTS (SELECT 1 FROM \
             effective_membership m WHERE m.member_id = $1 AND m.group_id = a.principal_id) LEFT JOIN lock l ON \
             l.node_id = n.id"
        ),
    );
    const MEMBERS: PageStatements = pages!(
        &[NODE],
        by_name,
        "n.parent_id = $1 AND n.gone_at IS NULL",
        " AND n.match_name > $2 ORDER BY n.match_name LIMIT $3",
        2
    );
    const MEMBERS_AMONG: Statement = reads(
        &[NODE],
        concat!(
            "SELECT ",
            columns!(),
            " FROM ",
            listed!("$4"),
            " l CROSS JOIN node n WHERE n.id = l.value AND n.parent_id = $1 AND n.gone_at IS NULL AND n.match_name > \
             $2 ORDER BY n.match_name LIMIT $3"
        ),
    );
    const CLAIM: Statement = writes(
        &[HOME],
        &[NODE],
        "UPDATE home SET seq = CAST(seq + 1 AS BIGINT) WHERE node_id = (SELECT n.id FROM node n WHERE n.parent_id = \
         1 AND n.match_name = $1 AND n.gone_at IS NULL) RETURNING node_id, seq, used_bytes, quota_bytes, chain, \
         chain_place",
    );
    const SETTLE: Statement = writes(
        &[HOME],
        &[],
        concat!(count_bytes!("+ $2"), ", chain = $3, chain_place = $4 WHERE node_id = $1"),
    );
    const HOME_NAME: Statement = reads(
        &[NODE],
        "SELECT h.match_name FROM node n JOIN node h ON h.id = n.home_id WHERE n.id = $1 AND h.gone_at IS NULL",
    );
    const ROLE_ABOVE: Statement = reads(
        &[ACE, EFFECTIVE_MEMBERSHIP, NODE],
        concat!(
            "WITH RECURSIVE up(id) AS (SELECT CAST($3 AS BIGINT) UNION SELECT n.parent_id FROM up u JOIN node n ON \
             n.id = u.id WHERE n.parent_id IS NOT NULL) SELECT MAX(a.role), MAX(CASE WHEN n.kind = 'home' AND \
             n.gone_at IS NOT NULL THEN 1 ELSE 0 END), MAX(",
            seen_by_role!(),
            ") FROM up u JOIN node n ON n.id = u.id LEFT JOIN ace a ON a.node_id = n.id AND ",
            held_at!()
        ),
    );
    const INSERT: Statement = writes(
        &[NODE],
        &[],
        "INSERT INTO node (id, parent_id, home_id, name, match_name, kind, owner_id, placed_seq, placed_at, seq, \
         members_seq, since_seq, since_at, created_at, modified_at, version, sealed, author_id, hash, size, \
         content_type, draft, written_at, device, litter, documents, placed_by, schedule_hash, received) VALUES ($1, \
         $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $8, $9, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, \
         $23, $24, $25, $26, $27)",
    );
    const UPDATE_CONTENT: Statement = writes(
        &[NODE],
        &[],
        "UPDATE node SET seq = $2, since_seq = CASE WHEN $3 = 1 THEN $2 ELSE since_seq END, since_at = CASE WHEN $3 \
         = 1 THEN $4 ELSE since_at END, modified_at = $5, version = $6, author_id = $7, hash = $8, size = $9, \
         content_type = $10, comment = $11, sealed = $12, draft = $13, written_at = $14, device = $15, created_at = \
         $16, kept = CASE WHEN $3 = 1 THEN 0 ELSE kept END, schedule_hash = $17, received = $18 WHERE id = $1",
    );
    const SEAL: Statement = writes(&[NODE], &[], "UPDATE node SET sealed = 1, draft = NULL WHERE id = $1");
    const SET_SESSION: Statement = writes(&[NODE], &[], "UPDATE node SET draft = $2 WHERE id = $1 AND sealed = 0");
    const UPDATE_PROPERTIES: Statement = writes(
        &[NODE],
        &[],
        "UPDATE node SET seq = $2, created_at = $3, modified_at = $4, content_type = $5, comment = $6 WHERE id = $1",
    );
    const UPDATE_PLACE: Statement = writes(
        &[NODE],
        &[],
        "UPDATE node SET parent_id = $2, home_id = $3, owner_id = $4, name = $5, match_name = $6, kind = $7, \
         placed_seq = $8, placed_at = $9, seq = $8, since_seq = $8, since_at = $9, gone_at = NULL, gone_by = NULL, \
         lost_by = NULL, own_key = NULL, hidden = 0, placed_by = $10, litter = $11 WHERE id = $1",
    );
    const UNMAP: Statement = writes(
        &[NODE],
        &[],
        "UPDATE node SET gone_at = $3, seq = $2, gone_by = $4, name = $5, match_name = $6, hidden = $7, lost_by = \
         $8, own_key = $9 WHERE id = $1",
    );
    const STAMP: Statement = writes(
        &[NODE],
        &[NODE],
        "WITH RECURSIVE up(id) AS (SELECT CAST($1 AS BIGINT) UNION SELECT n.parent_id FROM node n JOIN up u ON n.id \
         = u.id WHERE n.parent_id IS NOT NULL AND n.kind <> 'home' AND n.gone_at IS NULL) UPDATE node SET \
         members_seq = $2, size = size + $3, documents = documents + $4, modified_at = CASE WHEN id = $1 THEN $5 \
         ELSE modified_at END WHERE id IN (SELECT id FROM up)",
    );
    const BELOW: Paged = paged!(
        &[NODE],
        columns!(),
        "WITH RECURSIVE below(id, depth) AS (SELECT CAST($1 AS BIGINT), 0 UNION ALL SELECT k.id, b.depth + 1 FROM \
         below b JOIN node k ON k.parent_id = b.id AND k.gone_at IS NULL AND k.placed_seq <= $2) SELECT n.* FROM \
         below b JOIN node n ON n.id = b.id WHERE b.depth > 0 AND n.seq <= $2 AND n.id > $3 ORDER BY n.id LIMIT $4"
    );
    const LINEAGE: Statement = reads(
        &[NODE],
        "WITH RECURSIVE up(id, parent_id, gone_at, height) AS (SELECT n.id, n.parent_id, n.gone_at, 0 FROM node n \
         WHERE n.id = $1 UNION ALL SELECT n.id, n.parent_id, n.gone_at, u.height + 1 FROM up u JOIN node n ON n.id = \
         u.parent_id WHERE u.height < 2000) SELECT id, CASE WHEN gone_at IS NULL THEN 0 ELSE 1 END FROM up ORDER BY \
         height",
    );
    const NAMES_BETWEEN: Statement = reads(
        &[NODE],
        "WITH RECURSIVE up(id, parent_id, name, depth) AS (SELECT n.id, n.parent_id, n.name, 0 FROM node n WHERE \
         n.id = $2 AND n.gone_at IS NULL UNION ALL SELECT n.id, n.parent_id, n.name, u.depth + 1 FROM up u JOIN node \
         n ON n.id = u.parent_id WHERE u.id <> $1 AND n.gone_at IS NULL AND u.depth < 1000) SELECT id, name FROM up \
         ORDER BY depth DESC",
    );
}
