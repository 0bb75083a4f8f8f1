//! Statements on what is gone: the trash of a home, what was deleted lately, and its removal for good.

use super::columns::{columns, next_node, node_of};
use super::db::text::total;
use super::db::{Columns, arguments};
use super::executor::{Executor, execute, row, rows};
use super::held::{held_at, held_by};
use super::node::nodes;
use super::page::{Paged, page, paged};
use super::statement::tables::{ACE, EFFECTIVE_MEMBERSHIP, HOLD, HOME, NODE, PAST, PRINCIPAL, PURGE};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::filename::{among_documents, match_name};
use crate::model::id::{Id, Timestamp};
use crate::model::node::Node;
use crate::model::principal::DeviceScope;
use crate::model::privilege::Role;
use crate::model::version::identified;

/// A node that is gone and all above it, the first of them `$node`.
macro_rules! up_from {
    ($node:literal) => {
        concat!(
            "WITH RECURSIVE up(id) AS (SELECT ",
            $node,
            " UNION SELECT p.parent_id FROM up u JOIN node p ON p.id = u.id WHERE p.parent_id IS NOT NULL)"
        )
    };
}

/// Live homes `n` whose documents, if `$3`, or calendars, if `$4`, an actor `$1` may read at a moment `$2`, for `$5` is
/// the least role that reads. Who may read single collections of them is shown the home once something was deleted
/// there.
macro_rules! readable_homes {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM node n WHERE n.parent_id = 1 AND n.gone_at IS NULL AND n.id IN (SELECT g.home_id FROM ace a JOIN \
             node g ON g.id = a.node_id WHERE a.role >= $5 AND (g.kind = 'home' OR ($3 = 1 AND g.kind IN \
             ('documents', 'folder')) OR ($4 = 1 AND g.kind IN ('calendars', 'calendar'))) AND ",
            held_by!(),
            " AND (g.kind IN ('home', 'documents', 'calendars') OR EXISTS (SELECT 1 FROM node t WHERE t.home_id = \
             g.home_id AND t.gone_at IS NOT NULL AND t.hidden = 0 AND EXISTS (",
            up_from!("t.id"),
            " SELECT 1 FROM up WHERE up.id = g.id))))"
        )
    };
}

/// Homes whose trash may hold something that an actor may read within a scope, in the order of folded names, after
/// `after`.
pub async fn homes(
    c: &mut impl Executor,
    actor: Id,
    scope: DeviceScope,
    now: Timestamp,
    after: &str,
    limit: i64,
) -> Result<Vec<Node>, Failure> {
    let (files, calendars) = (scope.opens_files(), scope.opens_calendars());
    let arguments = arguments![actor, now, files, calendars, Role::Reader.rank(), after, limit];
    Ok(rows(c, HOMES, arguments).await?.iter().map(node_of).collect())
}

/// The one of them that bears a folded name.
pub async fn home(
    c: &mut impl Executor,
    actor: Id,
    scope: DeviceScope,
    now: Timestamp,
    match_name: &str,
) -> Result<Option<Node>, Failure> {
    let (files, calendars) = (scope.opens_files(), scope.opens_calendars());
    let arguments = arguments![actor, now, files, calendars, Role::Reader.rank(), match_name];
    Ok(row(c, HOME_NAMED, arguments).await?.as_ref().map(node_of))
}

/// Something in the trash, and the greatest role that an actor holds on it or where it stood.
pub type TrashEntry = (Node, Option<Role>);

/// What lies in the trash of a home, in the order of folded names, after `after`; and the name after which the next
/// page begins. Whether the actor may see it is left to who asks, so a page costs the same whatever of it shows.
pub async fn members(
    c: &mut impl Executor,
    actor: Id,
    now: Timestamp,
    home: Id,
    after: &str,
    limit: i64,
) -> Result<(Vec<TrashEntry>, Option<String>), Failure> {
    let entry = |from: &mut dyn Columns| (next_node(from), from.next_integer().and_then(Role::from_rank));
    let mut found = page(c, MEMBERS, arguments![actor, now, home, after, limit], entry).await?;
    let full = found.len() as i64 >= limit;
    let next = found.last().filter(|_| full).map(|(last, _)| match_name(&last.name));
    // Of what is damaged nobody knows what it was.
    found.retain(|(node, _)| node.kind.stands_in_some());
    Ok((found, next))
}

/// What lies in the trash of a home under a folded name.
pub async fn entry(c: &mut impl Executor, home: Id, match_name: &str) -> Result<Option<Node>, Failure> {
    Ok(row(c, ENTRY, arguments![home, match_name]).await?.map(|row| node_of(&row)))
}

/// Something in the trash as who reads only a part of its home finds it: under its own name.
pub struct OwnEntry {
    /// The node, under the name that it bore where it stood.
    pub node: Node,
    /// The greatest role that the actor holds on it or where it stood.
    pub role: Option<Role>,
    /// Does something else that the actor may read there bear that name, too?
    pub shared: bool,
    /// The key of that name.
    key: String,
}

impl OwnEntry {
    /// The node under a name unlike those of all else that the actor may read there, and by which it is found.
    pub fn named(self) -> Node {
        let own = among_documents(&self.node.name);
        let name = if self.shared { identified(&own, self.node.id) } else { own };
        Node { name, ..self.node }
    }
}

/// What lies in the trash of a home, in the order of the keys of its own names, after a text; and the text after which
/// the next page begins. Whether the actor may see it is left to who asks.
pub async fn own_members(
    c: &mut impl Executor,
    actor: Id,
    now: Timestamp,
    home: Id,
    after: &str,
    limit: i64,
) -> Result<(Vec<OwnEntry>, Option<String>), Failure> {
    let (id, key) = after.split_once(' ').and_then(|(id, key)| Some((id.parse().ok()?, key))).unwrap_or((0_i64, ""));
    let least = Role::Reader.rank();
    let mut found = page(c, OWN_MEMBERS, arguments![actor, now, home, least, key, id, limit], own_entry).await?;
    let full = found.len() as i64 >= limit;
    let next = found.last().filter(|_| full).map(|last| format!("{} {}", last.node.id, last.key));
    found.retain(|entry| entry.node.kind.stands_in_some());
    Ok((found, next))
}

/// The first of what an actor may read in the trash of a home that bore a name of this key.
pub async fn own_named(
    c: &mut impl Executor,
    actor: Id,
    now: Timestamp,
    home: Id,
    key: &str,
) -> Result<Option<OwnEntry>, Failure> {
    let least = Role::Reader.rank();
    Ok(page(c, OWN_NAMED, arguments![actor, now, home, least, key], own_entry).await?.pop())
}

/// The entry of the trash of a home with an identifier.
pub async fn own_with(
    c: &mut impl Executor,
    actor: Id,
    now: Timestamp,
    home: Id,
    id: Id,
) -> Result<Option<OwnEntry>, Failure> {
    let least = Role::Reader.rank();
    Ok(page(c, OWN_WITH, arguments![actor, now, home, least, id], own_entry).await?.pop())
}

fn own_entry(from: &mut dyn Columns) -> OwnEntry {
    let mut node = next_node(from);
    let role = from.next_integer().and_then(Role::from_rank);
    node.name = from.next_text().unwrap_or_default();
    let key = from.next_text().unwrap_or_default();
    OwnEntry { node, role, shared: from.next_integer() == Some(1), key }
}

/// Where a gone node stood.
pub struct FormerLocation {
    /// When it went.
    pub gone_at: Timestamp,
    /// The names from below the documents, or the calendars, of its home down to its own.
    pub names: Vec<String>,
    /// Did it stand among the calendars?
    pub calendars: bool,
}

/// Where a gone node stood.
pub async fn old_place(c: &mut impl Executor, node: Id) -> Result<Option<FormerLocation>, Failure> {
    let found = rows(c, OLD_PLACE, arguments![node]).await?;
    let Some(first) = found.first() else { return Ok(None) };
    let Some(gone_at) = first.optional_integer(2) else { return Ok(None) };
    let names = found.iter().map(|row| row.text(1)).collect();
    Ok(Some(FormerLocation { gone_at, names, calendars: first.integer(3) != 0 }))
}

/// How many documents a home lost by a person's actions since a moment, and did not get back: of those that went last.
/// It looks at twenty thousand nodes at most.
pub async fn lost_since(c: &mut impl Executor, home: Id, by: Id, since: Timestamp) -> Result<i64, Failure> {
    Ok(row(c, LOST_SINCE, arguments![home, by, since]).await?.map_or(0, |row| row.integer(0)))
}

/// What went before a moment from a home and is not being purged: what programs took away themselves, or all the rest.
pub async fn gone_before(
    c: &mut impl Executor,
    home: Id,
    litter: bool,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Node>, Failure> {
    nodes(c, GONE_BEFORE, arguments![home, before, litter, limit]).await
}

/// Has a node of the trash, with all below it, always stood in collections of its home that an actor leads? It follows
/// them by all the places that they ever had. Of more than ten thousand nodes it is not known.
pub async fn always_led(c: &mut impl Executor, actor: Id, now: Timestamp, top: &Node) -> Result<bool, Failure> {
    let found = row(c, ALWAYS_LED, arguments![actor, now, top.id, top.home_id, Role::Lead.rank()]).await?;
    Ok(found.is_some_and(|row| row.integer(0) <= 10_000 && row.integer(1) == 0))
}

/// Refuses sync tokens from before now: names went for good that they might still ask for.
pub async fn forget_before(c: &mut Txn, home: Id) -> Result<(), Failure> {
    c.note(FORGET_BEFORE, arguments![home]).await?;
    Ok(())
}

/// A hold on a person's deletions in a home.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeletionHold {
    /// The person's name.
    pub principal: String,
    /// The shown name.
    pub display_name: String,
    /// Since when.
    pub since_at: Timestamp,
    /// Until when deletions were let go on; `None`: they are held.
    pub released_until: Option<Timestamp>,
}

/// How long a hold lasts when nobody ends it, seconds: in a project, and in a person's own home.
macro_rules! lasts {
    () => {
        "CASE WHEN o.kind = 'person' THEN 600 ELSE 86400 END"
    };
}

/// The brake of a home, as it meets one person.
pub struct Brake {
    /// The share of its documents that may go in a minute, percent.
    pub percent: i64,
    /// Since when the person's deletions are held, and until when they were let go on.
    pub hold: Option<(Timestamp, Option<Timestamp>)>,
    /// How long a hold lasts when nobody ends it, seconds.
    pub lasts_s: i64,
    /// How many documents and calendar objects stand in the home.
    pub documents: i64,
    /// Is it a person's own home?
    pub personal: bool,
}

/// The brake of a home, as it meets one person.
pub async fn brake(c: &mut impl Executor, home: Id, person: Id) -> Result<Option<Brake>, Failure> {
    Ok(row(c, BRAKE, arguments![home, person]).await?.map(|row| Brake {
        percent: row.integer(0),
        hold: row.optional_integer(1).map(|since| (since, row.optional_integer(2))),
        lasts_s: row.integer(3),
        documents: row.integer(4),
        personal: row.integer(5) != 0,
    }))
}

/// Holds a person's deletions.
pub async fn hold(c: &mut Txn, home: Id, person: Id, now: Timestamp) -> Result<(), Failure> {
    c.note(SET_HOLD, arguments![home, person, now]).await?;
    Ok(())
}

/// Lets held deletions go on until a moment: of one person, or of all. How many were held.
pub async fn release(c: &mut Txn, home: Id, person: Option<Id>, until: Timestamp) -> Result<u64, Failure> {
    execute(c, RELEASE, arguments![home, person, until]).await
}

/// Whose deletions are held in a home.
pub async fn holds(c: &mut impl Executor, home: Id, now: Timestamp) -> Result<Vec<DeletionHold>, Failure> {
    let found = rows(c, HOLDS, arguments![home, now]).await?;
    Ok(found
        .iter()
        .map(|row| DeletionHold {
            principal: row.text(0),
            display_name: row.text(1),
            since_at: row.integer(2),
            released_until: row.optional_integer(3),
        })
        .collect())
}

/// May an actor `$1` read an entry of the trash, for `$4` is the least role that reads?
macro_rules! readable {
    ($node:literal) => {
        concat!(
            "EXISTS (",
            up_from!($node),
            " SELECT 1 FROM up u JOIN ace a ON a.node_id = u.id AND a.role >= $4 AND ",
            held_at!(),
            ")"
        )
    };
}

/// Entries `n` of the trash of a home `$3` with the columns that [`own_entry`] reads.
macro_rules! own {
    ($which:expr) => {
        paged!(
            &[ACE, EFFECTIVE_MEMBERSHIP, NODE, PAST],
            concat!(columns!(), ", n.held, n.own_name, n.own_key, n.shared"),
            concat!(
                "SELECT n.*, (",
                up_from!("n.id"),
                " SELECT MAX(a.role) FROM up u JOIN ace a ON a.node_id = u.id AND ",
                held_at!(),
                ") AS held, COALESCE((SELECT p.name FROM past p WHERE p.node_id = n.id ORDER BY p.to_at DESC, \
                 p.to_seq DESC LIMIT 1), n.name) AS own_name, EXISTS (SELECT 1 FROM node o WHERE o.home_id = $3 AND \
                 o.gone_at IS NOT NULL AND o.hidden = 0 AND o.own_key = n.own_key AND o.id <> n.id AND ",
                readable!("o.id"),
                ") AS shared FROM node n WHERE n.home_id = $3 AND n.gone_at IS NOT NULL AND n.hidden = 0 AND ",
                $which
            )
        )
    };
}

statements! {
    const OWN_MEMBERS: Paged =
        own!("n.own_key >= $5 AND (n.own_key > $5 OR n.id > $6) ORDER BY n.own_key, n.id LIMIT $7");
    const OWN_NAMED: Paged = own!(concat!("n.own_key = $5 AND ", readable!("n.id"), " ORDER BY n.id LIMIT 1"));
    const OWN_WITH: Paged = own!("n.id = $5");
    const HOMES: Statement = reads(
        &[ACE, EFFECTIVE_MEMBERSHIP, NODE],
        concat!(readable_homes!(), " AND n.match_name > $6 ORDER BY n.match_name LIMIT $7"),
    );
    const HOME_NAMED: Statement =
        reads(&[ACE, EFFECTIVE_MEMBERSHIP, NODE], concat!(readable_homes!(), " AND n.match_name = $6"));
    const MEMBERS: Paged = paged!(
        &[ACE, EFFECTIVE_MEMBERSHIP, NODE],
        concat!(columns!(), ", n.held"),
        concat!(
            "SELECT n.*, (",
            up_from!("n.id"),
            " SELECT MAX(a.role) FROM up u JOIN ace a ON a.node_id = u.id AND ",
            held_at!(),
            ") AS held FROM node n WHERE n.home_id = $3 AND n.gone_at IS NOT NULL AND n.hidden = 0 AND n.match_name \
             > $4 ORDER BY n.match_name LIMIT $5"
        )
    );
    const ENTRY: Statement = reads(
        &[NODE],
        concat!(
            "SELECT ",
            columns!(),
            " FROM node n WHERE n.home_id = $1 AND n.gone_at IS NOT NULL AND n.hidden = 0 AND n.match_name = $2"
        ),
    );
    const OLD_PLACE: Statement = reads(
        &[NODE, PAST],
        "WITH RECURSIVE up(id, parent_id, name, depth) AS (SELECT n.parent_id, n.parent_id, n.name, 0 FROM node n \
         WHERE n.id = $1 UNION ALL SELECT n.id, n.parent_id, n.name, u.depth + 1 FROM up u JOIN node n ON n.id = \
         u.parent_id WHERE n.kind NOT IN ('documents', 'calendars', 'home') AND u.depth < 200) SELECT u.depth, CASE \
         WHEN u.depth = 0 THEN (SELECT p.name FROM past p WHERE p.node_id = $1 ORDER BY p.to_at DESC, p.to_seq DESC \
         LIMIT 1) ELSE COALESCE((SELECT p.name FROM past p JOIN node g ON g.id = p.node_id WHERE p.node_id = u.id \
         AND g.gone_at IS NOT NULL ORDER BY p.to_at DESC, p.to_seq DESC LIMIT 1), u.name) END, (SELECT n.gone_at \
         FROM node n WHERE n.id = $1), (SELECT CASE WHEN n.kind IN ('calendar', 'object') THEN 1 ELSE 0 END FROM \
         node n WHERE n.id = $1) FROM up u ORDER BY u.depth DESC",
    );
    const LOST_SINCE: Statement = reads(
        &[NODE],
        concat!(
            "SELECT ",
            total!("CASE WHEN n.kind IN ('file', 'object') THEN 1 ELSE n.documents END"),
            " FROM (SELECT g.kind, g.documents, g.lost_by, g.hidden FROM node g WHERE g.home_id = $1 AND g.gone_at > \
             $3 ORDER BY g.gone_at DESC LIMIT 20000) n WHERE n.lost_by = $2 AND n.hidden = 0"
        ),
    );
    const GONE_BEFORE: Paged = paged!(
        &[NODE, PURGE],
        columns!(),
        "SELECT n.* FROM node n WHERE n.home_id = $1 AND n.gone_at < $2 AND (CASE WHEN n.litter = 1 \
         OR n.kind = 'inbox-item' THEN n.hidden ELSE 0 END) = $3 AND NOT EXISTS (SELECT 1 FROM purge p WHERE \
         p.node_id = n.id) ORDER BY n.gone_at LIMIT $4"
    );
    const ALWAYS_LED: Statement = reads(
        &[ACE, EFFECTIVE_MEMBERSHIP, NODE, PAST],
        concat!(
            "WITH RECURSIVE led(id) AS (SELECT a.node_id FROM ace a JOIN node g ON g.id = a.node_id WHERE g.home_id \
             = $4 AND a.role >= $5 AND ",
            held_by!(),
            "), below(id) AS (SELECT CAST($3 AS BIGINT) UNION SELECT n.id FROM below b JOIN node n ON n.parent_id = \
             b.id AND n.gone_at IS NULL LIMIT 10001), ever(id) AS (SELECT b.id FROM below b UNION SELECT \
             COALESCE(n.parent_id, p.parent_id) FROM ever e CROSS JOIN (SELECT 0 AS ended UNION ALL SELECT 1) w LEFT \
             JOIN node n ON n.id = CASE w.ended WHEN 0 THEN e.id END LEFT JOIN past p ON p.node_id = CASE w.ended \
             WHEN 1 THEN e.id END AND p.home_id = $4 WHERE e.id NOT IN (SELECT l.id FROM led l) AND \
             COALESCE(n.parent_id, p.parent_id) IS NOT NULL) SELECT (SELECT COUNT(*) FROM below), (SELECT COUNT(*) \
             FROM ever e LEFT JOIN node n ON n.id = e.id WHERE e.id NOT IN (SELECT l.id FROM led l) AND (n.id IS \
             NULL OR n.kind = 'home'))"
        ),
    );
    const FORGET_BEFORE: Statement = writes(&[HOME], &[], "UPDATE home SET oldest_seq = seq WHERE node_id = $1");
    const BRAKE: Statement = reads(
        &[HOLD, HOME, NODE, PRINCIPAL],
        concat!(
            "SELECT h.brake_percent, d.since_at, d.released_until, ",
            lasts!(),
            ", (SELECT ",
            total!("n.documents"),
            " FROM node n WHERE n.parent_id = h.node_id AND n.gone_at IS NULL), CASE WHEN o.kind = 'person' THEN 1 \
             ELSE 0 END FROM home h JOIN principal o ON o.id = h.principal_id LEFT JOIN hold d ON d.home_id = \
             h.node_id AND d.principal_id = $2 WHERE h.node_id = $1"
        ),
    );
    const SET_HOLD: Statement = writes(
        &[HOLD],
        &[],
        "INSERT INTO hold (home_id, principal_id, since_at, released_until) VALUES ($1, $2, $3, NULL) ON CONFLICT \
         (home_id, principal_id) DO UPDATE SET since_at = excluded.since_at, released_until = NULL",
    );
    const RELEASE: Statement = writes(
        &[HOLD],
        &[],
        "UPDATE hold SET released_until = $3 WHERE home_id = $1 AND released_until IS NULL AND (principal_id = $2 OR \
         $2 IS NULL)",
    );
    const HOLDS: Statement = reads(
        &[HOLD, HOME, PRINCIPAL],
        concat!(
            "SELECT p.name, p.display_name, d.since_at, d.released_until FROM hold d JOIN principal p ON p.id = \
             d.principal_id JOIN home h ON h.node_id = d.home_id JOIN principal o ON o.id = h.principal_id WHERE \
             d.home_id = $1 AND d.released_until IS NULL AND d.since_at > $2 - ",
            lasts!(),
            " ORDER BY p.match_name"
        ),
    );
}
