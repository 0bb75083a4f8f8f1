//! Statements on `past`: what stood where, from when to when. Sync, versions, trash and former days read it.

use super::columns::{Width, brief, columns, node_of, tag};
use super::db::text::listed;
use super::db::{Row, arguments};
use super::executor::{Executor, Query, prefetch, row, rows};
use super::members::{
    Members, PagePosition, PageQuery, PageStatements, Widths, by_change, by_name, listed_ids, pages, widths,
};
use super::page::{is_no_page, paged};
use super::statement::tables::{HOME, NODE, PAST};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::filename::match_name;
use crate::model::id::{Id, Seq, Timestamp};
use crate::model::node::Node;

/// Ends the present state of a node: writes the row that says what stood there until now. A state that began in this
/// very change was never seen by anyone and leaves no row.
pub async fn end(c: &mut Txn, node: Id, seq: Seq, now: Timestamp) -> Result<(), Failure> {
    c.note(END, arguments![node, seq, now, 0]).await
}

/// The same where another content follows: what was present counts so much as a former version from now on. One that
/// came to stand here in this very change has ended its state already.
pub async fn supersede(c: &mut Txn, document: &Node, held_bytes: i64, seq: Seq, now: Timestamp) -> Result<(), Failure> {
    c.note(END, arguments![document.id, seq, now, held_bytes]).await?;
    if document.placed_seq == seq {
        c.note(SUPERSEDE, arguments![document.id, document.home_id, document.version, held_bytes]).await?;
    }
    Ok(())
}

/// Columns of a former state, in the order of those of a node: it stood as a live one did.
macro_rules! former {
    () => {
        "SELECT p.node_id AS id, p.parent_id, p.home_id, p.name, k.kind, k.owner_id, p.from_seq AS placed_seq, \
         p.from_at AS placed_at, p.to_seq AS seq, p.to_seq AS members_seq, k.created_at, p.modified_at, p.version, \
         p.author_id, p.hash, p.size, p.content_type, p.sealed, NULL AS draft, p.written_at, p.device, p.comment, \
         k.litter, 0 AS documents, NULL AS schedule_hash, 0 AS received, 0 AS personal_parts, \
         p.match_name FROM past p JOIN node k ON k.id = p.node_id WHERE p.parent_id = $1 \
         AND p.from_at <= $2 AND p.to_at > $2 AND (k.litter = 0 OR k.kind = 'folder')"
    };
}

/// Live nodes that stood where they stand, as they are, at a moment already.
macro_rules! standing {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            ", n.match_name FROM node n WHERE n.parent_id = $1 AND n.gone_at IS NULL AND n.since_at <= $2 \
             AND (n.litter = 0 OR n.kind = 'folder')"
        )
    };
}

/// Both, a page of them in the order of the keys of their names.
macro_rules! stood {
    () => {
        concat!(
            former!(),
            " AND p.match_name > $3 UNION ALL ",
            standing!(),
            " AND n.match_name > $3 ORDER BY match_name LIMIT $4"
        )
    };
}

/// Members of a collection as they stood at a moment, in the order of the keys of their names, after `after`.
pub async fn members_at(
    c: &mut impl Executor,
    collection: Id,
    at: Timestamp,
    after: &str,
    limit: i64,
    width: Width,
) -> Result<Members, Failure> {
    MEMBERS_AT.read(c, None, width, limit, arguments![collection, at, after, limit]).await
}

/// Has nothing in a home begun or ended since a moment? Then what stood at that moment is what stands.
pub async fn unchanged_since(c: &mut impl Executor, home: Id, at: Timestamp) -> Result<bool, Failure> {
    Ok(row(c, UNCHANGED_SINCE, arguments![home, at]).await?.is_none())
}

/// Members of a collection as the mirror of versions shows them: those that have versions, and collections.
pub async fn mirrored(
    c: &mut impl Executor,
    collection: &Node,
    after: &str,
    limit: i64,
    width: Width,
) -> Result<Members, Failure> {
    MIRRORED.after_name(c, collection, after, limit, width).await
}

/// The member of a collection that stood under a name of this key at a moment.
pub async fn member_at(
    c: &mut impl Executor,
    collection: Id,
    at: Timestamp,
    match_name: &str,
) -> Result<Option<Node>, Failure> {
    Ok(row(c, MEMBER_AT, arguments![collection, at, match_name]).await?.map(|row| node_of(&row)))
}

/// Those members of a collection at a moment that are among some nodes, in the order of the keys of their names, after
/// `after`.
pub async fn members_among(
    c: &mut impl Executor,
    collection: Id,
    at: Timestamp,
    ids: &[Id],
    after: &str,
    limit: i64,
) -> Result<Vec<Node>, Failure> {
    let found = rows(c, MEMBERS_AMONG, arguments![collection, at, after, limit, &listed_ids(ids)]).await?;
    Ok(found.iter().map(node_of).collect())
}

/// The last moment before `before` at which something in a home began or ended.
pub async fn last_change(c: &mut impl Executor, home: Id, before: Timestamp) -> Result<Option<Timestamp>, Failure> {
    Ok(row(c, LAST_CHANGE, arguments![home, before]).await?.and_then(|row| row.optional_integer(0)))
}

/// Where a reading of changes goes on: of those at `seq` only the names after (`parent`, `name`) and the nodes after
/// `node` are still to be sent.
#[derive(Clone, Debug)]
pub struct ChangeCursor {
    /// Changes after this one, and the rest of it.
    pub seq: Seq,
    /// Collection of the last gone name sent.
    pub parent: Id,
    /// Last gone name sent.
    pub name: String,
    /// Last live node sent.
    pub node: Id,
}

/// Prefetches in one trip what [`oldest_seq`], [`changed`] and [`gone`] will read of a collection and its home.
pub async fn prefetch_changes(
    c: &mut impl Executor,
    collection: Id,
    home: Id,
    at: &ChangeCursor,
    limit: i64,
    width: Width,
) -> Result<(), Failure> {
    let questions: [Query<'_>; 3] = [
        (OLDEST_SEQ, arguments![home]),
        (CHANGED.page.sql(width).page, arguments![collection, at.seq, at.node, limit]),
        (GONE, arguments![collection, at.seq, at.parent, &at.name, limit, home]),
    ];
    match prefetch(c, &questions).await {
        Err(failure) if is_no_page(&failure) => Ok(()),
        prefetched => prefetched,
    }
}

/// Live members of a collection that changed after the cursor, in the order of change and identifier.
pub async fn changed(
    c: &mut impl Executor,
    collection: &Node,
    at: &ChangeCursor,
    limit: i64,
    width: Width,
) -> Result<Members, Failure> {
    let asked = PageQuery { of: collection, width, after: PagePosition::Change(at.seq, at.node), limit };
    CHANGED.members(c, asked, arguments![collection.id, at.seq, at.node, limit]).await
}

/// The same for all of a home. The nodes may stand anywhere, also below something that is gone.
pub async fn changed_in_home(
    c: &mut impl Executor,
    home: Id,
    at: &ChangeCursor,
    limit: i64,
) -> Result<Members, Failure> {
    CHANGED_IN_HOME.read(c, None, Width::Whole, limit, arguments![home, at.seq, at.node, limit]).await
}

/// A name that a collection lost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GoneName {
    /// The change that took it.
    pub seq: Seq,
    /// The collection.
    pub parent: Id,
    /// The name.
    pub name: String,
    /// Was it a collection's?
    pub collection: bool,
    /// What bears it now: then it is not the name that is gone, but what stood below it.
    pub bearer: Option<Id>,
}

/// The oldest change of a home whose successors are all still known.
pub async fn oldest_seq(c: &mut impl Executor, home: Id) -> Result<Seq, Failure> {
    Ok(row(c, OLDEST_SEQ, arguments![home]).await?.map_or(0, |row| row.integer(0)))
}

/// The change of a home up to which tokens that spell their numbers were handed out.
pub async fn plain_seq(c: &mut impl Executor, home: Id) -> Result<Seq, Failure> {
    Ok(row(c, PLAIN_SEQ, arguments![home]).await?.map_or(0, |row| row.integer(0)))
}

/// Names that a collection lost after the cursor and that no live member bears, in the order of change.
pub async fn gone(
    c: &mut impl Executor,
    collection: Id,
    home: Id,
    at: &ChangeCursor,
    limit: i64,
) -> Result<Vec<GoneName>, Failure> {
    let found = rows(c, GONE, arguments![collection, at.seq, at.parent, &at.name, limit, home]).await?;
    Ok(found.iter().map(gone_of).collect())
}

/// A home, from a change on: what was there before its base counts as known.
#[derive(Clone, Copy, Debug)]
pub struct HomeSince {
    /// Which home.
    pub home: Id,
    /// The number of the change.
    pub base: Seq,
}

/// The same for all collections of a home, of what was lost after `base`; and names that collections lost and that
/// something bears now. A name is sent at its last loss, of whatever bore it: so it is never sent at a number that has
/// been passed, though it be given and lost between two pages.
pub async fn gone_in_home(
    c: &mut impl Executor,
    since: HomeSince,
    at: &ChangeCursor,
    limit: i64,
) -> Result<Vec<GoneName>, Failure> {
    let found = rows(c, GONE_IN_HOME, arguments![since.home, at.seq, at.parent, &at.name, limit, since.base]).await?;
    Ok(found.iter().map(|row| GoneName { bearer: row.optional_integer(4).map(Id), ..gone_of(row) }).collect())
}

fn gone_of(row: &Row) -> GoneName {
    GoneName {
        seq: row.integer(0),
        parent: Id(row.integer(1)),
        name: row.text(2),
        collection: row.integer(3) != 0,
        bearer: None,
    }
}

/// Collections that stood at one address of a home after a base. Each is taken to have stood there until the last of
/// them went: a name may be sent as gone that it got later, and that nothing bears there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FormerCollections {
    ids: String,
    until: Seq,
}

impl FormerCollections {
    /// `None`: there are more than `limit`.
    fn of(found: &[Row], limit: i64) -> Option<Self> {
        let ids: Vec<Id> = found.iter().map(|row| Id(row.integer(0))).collect();
        let until = found.iter().map(|row| row.integer(1)).max().unwrap_or_default();
        (found.len() as i64 <= limit).then(|| Self { ids: listed_ids(&ids), until })
    }
}

/// A name in former collections that says something: nothing bears it where they stood, or it was a collection's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FormerName {
    /// The name, with a slash where something bears it now: so the way through a tree is that through the texts of its
    /// paths.
    pub step: String,
    /// Was it a collection's?
    pub collection: bool,
    /// What bears it now where the collections stood.
    pub live: Option<Id>,
    /// The only collection that bore it, if there was but one.
    pub only: Option<FormerCollections>,
}

/// What former collections `$3`, which stood in a home `$1` after a base `$2` until `$4`, had before they went
/// themselves: what hangs on them still, and states that have ended since. The plus keeps the database from going
/// through all of the home.
macro_rules! had {
    () => {
        concat!(
            " FROM (SELECT m.id, m.name, m.match_name, CAST($4 AS BIGINT) AS until FROM ",
            listed!("$3"),
            " l CROSS JOIN node m WHERE m.parent_id = l.value AND +m.home_id = $1 AND m.gone_at IS NULL AND \
             m.placed_seq < $4 UNION ALL SELECT q.node_id, q.name, q.match_name, CASE WHEN q.to_seq < $4 THEN \
             q.to_seq ELSE $4 END FROM ",
            listed!("$3"),
            " l CROSS JOIN past q WHERE q.parent_id = l.value AND +q.home_id = $1 AND q.to_seq > $2 AND q.from_seq < \
             $4) h JOIN node k ON k.id = h.id "
        )
    };
}

/// Names in former collections in whose place there is `live` now, in the order of their steps, after `after`.
pub async fn former_names(
    c: &mut impl Executor,
    since: HomeSince,
    formers: &FormerCollections,
    live: Id,
    after: &str,
    limit: i64,
) -> Result<Vec<FormerName>, Failure> {
    let found =
        rows(c, FORMER_NAMES, arguments![since.home, since.base, &formers.ids, formers.until, live, after, limit])
            .await?;
    let name = |row: &Row| FormerName {
        step: row.text(0),
        collection: row.integer(1) != 0,
        live: row.optional_integer(2).map(Id),
        only: (row.integer(3) == 1)
            .then(|| FormerCollections { ids: listed_ids(&[Id(row.integer(4))]), until: row.integer(5) }),
    };
    Ok(found.iter().map(name).collect())
}

/// The collections that bore a name in former ones; `None`: there are more than `limit`.
pub async fn formers_below(
    c: &mut impl Executor,
    since: HomeSince,
    formers: &FormerCollections,
    name: &str,
    limit: i64,
) -> Result<Option<FormerCollections>, Failure> {
    let key = match_name(name);
    let arguments = arguments![since.home, since.base, &formers.ids, formers.until, &key, name, limit + 1];
    Ok(FormerCollections::of(&rows(c, FORMERS_BELOW, arguments).await?, limit))
}

/// The collections that lost a name of a collection after a base; `None`: there are more than `limit`.
pub async fn formers(
    c: &mut impl Executor,
    since: HomeSince,
    parent: Id,
    name: &str,
    limit: i64,
) -> Result<Option<FormerCollections>, Failure> {
    let key = match_name(name);
    let arguments = arguments![since.home, since.base, parent, &key, name, limit + 1];
    Ok(FormerCollections::of(&rows(c, FORMERS, arguments).await?, limit))
}

/// The live member of a collection that bears a name of this key.
pub async fn member(c: &mut impl Executor, collection: Id, match_name: &str) -> Result<Option<Node>, Failure> {
    Ok(row(c, MEMBER, arguments![collection, match_name]).await?.map(|row| node_of(&row)))
}

statements! {
    const OLDEST_SEQ: Statement = reads(&[HOME], "SELECT oldest_seq FROM home WHERE node_id = $1");
    const PLAIN_SEQ: Statement = reads(&[HOME], "SELECT plain_seq FROM home WHERE node_id = $1");
    const GONE: Statement = reads(
        &[NODE, PAST],
        "SELECT MAX(p.to_seq), p.parent_id, p.name, MAX(CASE WHEN k.kind IN ('file', 'object', 'inbox-item') THEN 0 \
         ELSE 1 END) FROM past p JOIN node k ON k.id = p.node_id WHERE p.parent_id = $1 AND p.home_id = $6 AND \
         p.to_seq >= $2 AND (p.to_seq > $2 OR p.parent_id > $3 OR (p.parent_id = $3 AND p.name > $4)) AND NOT EXISTS \
         (SELECT 1 FROM node n WHERE n.parent_id = p.parent_id AND n.match_name = p.match_name AND n.name = p.name \
         AND n.gone_at IS NULL) GROUP BY p.parent_id, p.name ORDER BY 1, 2, 3 LIMIT $5",
    );
    const CHANGED: PageStatements = pages!(
        &[NODE],
        by_change,
        "n.parent_id = $1 AND n.gone_at IS NULL",
        " AND n.seq >= $2 AND (n.seq > $2 OR n.id > $3) ORDER BY n.seq, n.id LIMIT $4",
        2
    );
    const END: Statement = writes(
        &[PAST],
        &[NODE],
        "INSERT INTO past (node_id, home_id, to_seq, from_seq, parent_id, name, match_name, from_at, to_at, version, \
         sealed, author_id, comment, hash, size, content_type, modified_at, written_at, device, kept, held_bytes) \
         SELECT id, home_id, $2, since_seq, parent_id, name, match_name, since_at, $3, version, sealed, author_id, \
         comment, hash, size, content_type, modified_at, written_at, device, kept, CASE WHEN hash IS NULL THEN 0 \
         ELSE $4 END FROM node WHERE id = $1 AND since_seq < $2",
    );
    const SUPERSEDE: Statement = writes(
        &[PAST],
        &[PAST],
        "UPDATE past SET held_bytes = $4 WHERE node_id = $1 AND home_id = $2 AND version = $3 AND hash IS NOT \
         NULL AND to_seq = (SELECT MAX(q.to_seq) FROM past q WHERE q.node_id = $1 AND q.home_id = $2 AND q.version = \
         $3 AND q.hash IS NOT NULL)",
    );
    const MEMBERS_AT: Widths = Widths {
        tag: paged!(&[NODE, PAST], tag!(), stood!()),
        brief: paged!(&[NODE, PAST], brief!(), stood!()),
        whole: paged!(&[NODE, PAST], columns!(), stood!()),
    };
    const UNCHANGED_SINCE: Statement = reads(
        &[NODE, PAST],
        "SELECT 1 FROM past WHERE home_id = $1 AND to_at > $2 UNION ALL SELECT 1 FROM node WHERE home_id = $1 AND \
         since_at > $2 LIMIT 1",
    );
    const MIRRORED: PageStatements = pages!(
        &[NODE],
        by_name,
        "n.parent_id = $1 AND n.gone_at IS NULL AND (n.litter = 0 OR n.kind = 'folder')",
        " AND n.match_name > $2 ORDER BY n.match_name LIMIT $3",
        2
    );
    const MEMBER_AT: Statement = reads(
        &[NODE, PAST],
        concat!(former!(), " AND p.match_name = $3 UNION ALL ", standing!(), " AND n.match_name = $3 LIMIT 1"),
    );
    const MEMBERS_AMONG: Statement = reads(
        &[NODE, PAST],
        concat!(
            former!(),
            " AND p.match_name > $3 AND p.node_id IN (SELECT l.value FROM ",
            listed!("$5"),
            " l) UNION ALL ",
            standing!(),
            " AND n.match_name > $3 AND n.id IN (SELECT l.value FROM ",
            listed!("$5"),
            " l) ORDER BY match_name LIMIT $4"
        ),
    );
    const LAST_CHANGE: Statement = reads(
        &[NODE, PAST],
        "SELECT MAX(v.at) FROM (SELECT (SELECT MAX(p.to_at) FROM past p WHERE p.home_id = $1 AND p.to_at < $2) AS at \
         UNION ALL SELECT (SELECT MAX(n.since_at) FROM node n WHERE n.home_id = $1 AND n.since_at < $2)) v",
    );
    const CHANGED_IN_HOME: Widths = widths!(
        &[NODE],
        "node n WHERE n.home_id = $1 AND n.gone_at IS NULL AND n.seq >= $2 AND (n.seq > $2 OR n.id > $3) ORDER BY \
         n.seq, n.id LIMIT $4"
    );
    const GONE_IN_HOME: Statement = reads(
        &[NODE, PAST],
        "SELECT g.seq, g.parent_id, g.name, g.collection, g.bearer FROM (SELECT MAX(p.to_seq) AS seq, p.parent_id, \
         p.name, p.match_name, MAX(CASE WHEN k.kind IN ('file', 'object', 'inbox-item') THEN 0 ELSE 1 END) AS \
         collection, MAX(n.id) AS bearer FROM past p JOIN node k ON k.id = p.node_id LEFT JOIN node n ON n.parent_id = \
         p.parent_id AND n.match_name = p.match_name AND n.name = p.name AND n.gone_at IS NULL WHERE p.home_id = $1 \
         AND p.to_seq >= $2 AND p.to_seq > $6 AND (p.to_seq > $2 OR p.parent_id > $3 OR (p.parent_id = $3 AND p.name \
         > $4)) GROUP BY p.parent_id, p.name, p.match_name) g WHERE g.bearer IS NULL OR EXISTS (SELECT 1 FROM past o \
         JOIN node f ON f.id = o.node_id WHERE o.parent_id = g.parent_id AND o.match_name = g.match_name AND \
         o.to_seq > $6 AND o.name = g.name AND +o.home_id = $1 AND f.kind NOT IN ('file', 'object', 'inbox-item')) \
         ORDER BY 1, 2, 3 LIMIT $5",
    );
    const FORMER_NAMES: Statement = reads(
        &[NODE, PAST],
        concat!(
            "SELECT h.name || CASE WHEN n.id IS NULL THEN '' ELSE '/' END, MAX(CASE WHEN k.kind IN ('file', \
             'object', 'inbox-item') THEN 0 ELSE 1 END), n.id, COUNT(DISTINCT CASE WHEN k.kind IN ('file', 'object', \
             'inbox-item') THEN NULL ELSE k.id END), MAX(CASE WHEN k.kind IN ('file', 'object', 'inbox-item') THEN \
             NULL ELSE k.id END), MAX(CASE WHEN k.kind IN ('file', 'object', 'inbox-item') THEN NULL ELSE h.until END)",
            had!(),
            "LEFT JOIN node n ON n.parent_id = $5 AND n.match_name = h.match_name AND n.name = h.name AND n.gone_at \
             IS NULL WHERE (n.id IS NULL OR k.kind NOT IN ('file', 'object', 'inbox-item')) AND h.name || CASE WHEN \
             n.id IS NULL THEN '' ELSE '/' END > $6 GROUP BY h.name, n.id ORDER BY 1 LIMIT $7"
        ),
    );
    const FORMERS_BELOW: Statement = reads(
        &[NODE, PAST],
        concat!(
            "SELECT k.id, MAX(h.until)",
            had!(),
            "WHERE h.match_name = $5 AND h.name = $6 AND k.kind NOT IN ('file', 'object', 'inbox-item') GROUP BY k.id \
             LIMIT $7"
        ),
    );
    const FORMERS: Statement = reads(
        &[NODE, PAST],
        "SELECT p.node_id, MAX(p.to_seq) FROM past p JOIN node k ON k.id = p.node_id WHERE p.parent_id = $3 AND \
         p.match_name = $4 AND p.name = $5 AND +p.home_id = $1 AND p.to_seq > $2 AND k.kind NOT IN ('file', \
         'object', 'inbox-item') GROUP BY p.node_id LIMIT $6",
    );
    const MEMBER: Statement = reads(
        &[NODE],
        concat!(
            "SELECT ",
            columns!(),
            " FROM node n WHERE n.parent_id = $1 AND n.match_name = $2 AND n.gone_at IS NULL"
        ),
    );
}
