//! Statements on `property`: dead properties, kept as the element the client sent.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::cache::{CollectionState, Key, Lookup};
use super::db::text::listed;
use super::db::{Columns, Row, arguments};
use super::executor::{Executor, keep, lookup, row, rows};
use super::list::{list, listed_parts};
use super::members::{changed, listed_ids};
use super::page::{Paged, page, page_in, paged};
use super::statement::tables::{NODE, PROPERTY};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::{Id, Seq};
use crate::model::name::QName;
use crate::model::node::Node;
use crate::model::property::{of_file, other_of};

/// A dead property: its name, and its whole element as self-contained XML.
pub type DeadProperty = (QName, String);

/// Whose a property is that is the same for all.
pub const EVERYONE: Id = Id(0);

fn dead_of(row: &Row, first: usize) -> DeadProperty {
    (QName::owned(row.text(first), row.text(first + 1)), row.text(first + 2))
}

/// Which dead properties are read; by default all. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Selection(Option<Arc<str>>);

impl Selection {
    /// Those of these names.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a QName>) -> Self {
        Self(Some(listed_parts(names.into_iter().map(|name| [&*name.namespace, " ", &*name.local])).into()))
    }

    fn names(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// Is a property `p` among the names that an argument lists, or are all wanted? No local name holds a space.
macro_rules! selected {
    ($names:literal) => {
        concat!(
            "(CAST(",
            $names,
            " AS TEXT) IS NULL OR p.namespace || ' ' || p.name IN (SELECT w.value FROM ",
            listed!($names),
            " w))"
        )
    };
}

/// Dead properties of one node.
pub async fn of(c: &mut impl Executor, node: Id, which: &Selection) -> Result<Vec<DeadProperty>, Failure> {
    Ok(rows(c, OF, arguments![node, which.names()]).await?.iter().map(|row| dead_of(row, 0)).collect())
}

/// Members of a collection that have dead properties, of those after `after` up to `last`; and how many bytes these
/// are.
pub async fn bearers(c: &mut impl Executor, parent: Id, after: &str, last: &str) -> Result<HashMap<Id, i64>, Failure> {
    let found = rows(c, BEARERS, arguments![parent, after, last]).await?;
    Ok(found.iter().map(|row| (Id(row.integer(0)), row.integer(1))).collect())
}

/// Dead properties of members, each with whose it is.
pub type MemberProperties = Arc<Vec<(Id, DeadProperty)>>;

/// The most bytes of dead properties that come as one page: a larger one is split, down to a single member.
pub const PAGE_BYTES: i64 = 4 * 1024 * 1024;
/// Stands for a page that would be larger.
const TOO_LARGE: Id = Id(0);

/// What `$found` has of properties, a table with columns `xml` and `$columns`; or where that is more than `$limit`
/// bytes, that alone. The bytes are added up without reading the texts.
macro_rules! within_bytes {
    ($columns:literal, $found:expr, $limit:literal) => {
        concat!(
            "WITH found AS NOT MATERIALIZED (",
            $found,
            "), whole(bytes) AS (SELECT COALESCE(SUM(OCTET_LENGTH(f.xml)), 0) FROM found f) SELECT f.* FROM found f \
             WHERE (SELECT w.bytes FROM whole w) <= ",
            $limit,
            " UNION ALL SELECT 0, ",
            $columns,
            " FROM whole w WHERE w.bytes > ",
            $limit
        )
    };
}

/// Dead properties of the members of a collection from the first to the last of some, in the order of their names;
/// `None`: they are more than a page may hold, and there is more than one member. They are kept, and later changes
/// are applied to them, as the members are: who gets or loses one has changed.
pub async fn of_members(
    c: &mut impl Executor,
    parent: &Node,
    members: &[Arc<Node>],
    which: &Selection,
) -> Result<Option<MemberProperties>, Failure> {
    let (Some(first), Some(last)) = (members.first(), members.last()) else {
        return Ok(Some(MemberProperties::default()));
    };
    let (first, last) = (first.key(), last.key());
    let limit = if first == last { i64::MAX } else { PAGE_BYTES };
    let arguments = arguments![parent.id, &first, &last, which.names(), limit];
    let key = Key::of_page(OF_MEMBERS.page, arguments);
    let now = match lookup(c, &key, parent) {
        Lookup::Hit(found) => return Ok(Some(found)),
        Lookup::Stale(found, since) => apply_delta(c, (parent, &first..=&last), (&found, since), which).await?,
        Lookup::Miss => None,
    };
    let found = match now {
        Some(found) => found,
        None => Arc::new(page(c, OF_MEMBERS, arguments, next_dead).await?),
    };
    if found.first().is_some_and(|(id, _)| *id == TOO_LARGE) {
        return Ok(None);
    }
    let texts = found.iter().map(|(_, (name, xml))| name.namespace.len() + name.local.len() + xml.len()).sum::<usize>();
    keep(c, key, parent, &found, found.len() * EACH + texts);
    Ok(Some(found))
}

/// Those of an earlier state as they are now; `None`: they must be read.
async fn apply_delta(
    c: &mut impl Executor,
    (parent, names): (&Node, RangeInclusive<&String>),
    (found, since): (&MemberProperties, Seq),
    which: &Selection,
) -> Result<Option<MemberProperties>, Failure> {
    let Some(changed) = changed(c, parent, since).await? else { return Ok(None) };
    let ids = listed_ids(&changed);
    let arguments = arguments![parent.id, &ids, which.names(), PAGE_BYTES];
    let now = page_in(c, CollectionState::of(parent), EACH, DELTA, arguments, next_named).await?;
    if now.first().is_some_and(|((id, _), _)| *id == TOO_LARGE) {
        return Ok(None);
    }
    let stay = found.iter().filter(|(id, _)| changed.binary_search(id).is_err());
    let new = now.iter().filter(|(_, name)| names.contains(&name)).map(|(dead, _)| dead);
    Ok(Some(Arc::new(stay.chain(new).cloned().collect())))
}

const EACH: usize = size_of::<(Id, DeadProperty)>();

fn next_dead(from: &mut dyn Columns) -> (Id, DeadProperty) {
    let id = Id(from.next_integer().unwrap_or_default());
    let mut text = || from.next_text().unwrap_or_default();
    (id, (QName::owned(text(), text()), text()))
}

/// The same with the key of the member's name.
fn next_named(from: &mut dyn Columns) -> ((Id, DeadProperty), String) {
    (next_dead(from), from.next_text().unwrap_or_default())
}

/// How many bytes of dead properties a node carries: those of everyone, or of one person.
pub async fn size(c: &mut impl Executor, node: Id, whose: Id) -> Result<i64, Failure> {
    Ok(row(c, SIZE, arguments![node, whose]).await?.map_or(0, |row| row.integer(0)))
}

/// Dead properties of one node as a person sees it: what is theirs goes before what is everyone's, also where that
/// has the same value under another name.
pub async fn seen_by(
    c: &mut impl Executor,
    node: Id,
    person: Id,
    which: &Selection,
) -> Result<Vec<DeadProperty>, Failure> {
    let found = rows(c, SEEN_BY, arguments![node, person, which.names()]).await?;
    let (own, everyone): (Vec<_>, Vec<_>) = found.iter().partition(|row| Id(row.integer(3)) == person);
    let mut seen: Vec<DeadProperty> = own.into_iter().map(|row| dead_of(row, 0)).collect();
    let others: Vec<QName> = seen.iter().filter_map(|(name, _)| other_of(name)).collect();
    seen.extend(everyone.into_iter().map(|row| dead_of(row, 0)).filter(|(name, _)| !others.contains(name)));
    Ok(seen)
}

/// Sets a dead property, for everyone or for one person.
pub async fn set(c: &mut Txn, node: Id, whose: Id, name: &QName, xml: &str) -> Result<(), Failure> {
    c.note(SET, arguments![node, &*name.namespace, &*name.local, xml, whose]).await?;
    Ok(())
}

/// Removes a dead property; one that is not there is no error (RFC 4918 section 14.23).
pub async fn remove(c: &mut Txn, node: Id, whose: Id, name: &QName) -> Result<(), Failure> {
    c.note(REMOVE, arguments![node, &*name.namespace, &*name.local, whose]).await?;
    Ok(())
}

/// Forgets what was said of the file that stood for a document: see [`crate::model::property`].
pub async fn forget_file(c: &mut Txn, node: Id) -> Result<(), Failure> {
    let names = list(&of_file());
    c.note(FORGET_FILE, arguments![node, &names]).await
}

/// Gives a node the dead properties of another; what it has under other names stays.
pub async fn overlay(c: &mut Txn, from: Id, to: Id) -> Result<(), Failure> {
    if from != to {
        c.note(OVERLAY, arguments![from, to]).await?;
    }
    Ok(())
}

statements! {
    const OF: Statement = reads(
        &[PROPERTY],
        concat!(
            "SELECT p.namespace, p.name, p.xml FROM property p WHERE p.node_id = $1 AND p.principal_id = 0 AND ",
            selected!("$2")
        ),
    );
    const BEARERS: Statement = reads(
        &[NODE, PROPERTY],
        "SELECT p.node_id, CAST(SUM(OCTET_LENGTH(p.xml)) AS BIGINT) FROM node n JOIN property p ON p.node_id = n.id \
         WHERE n.parent_id = $1 AND n.gone_at IS NULL AND n.match_name > $2 AND n.match_name <= $3 GROUP BY \
         p.node_id",
    );
    const OF_MEMBERS: Paged = paged!(
        &[NODE, PROPERTY],
        "n.node_id, n.namespace, n.name, n.xml",
        within_bytes!(
            "'', '', ''",
            concat!(
                "SELECT p.node_id, p.namespace, p.name, p.xml FROM node m JOIN property p ON p.node_id = m.id AND \
                 p.principal_id = 0 WHERE m.parent_id = $1 AND m.gone_at IS NULL AND m.match_name >= $2 AND \
                 m.match_name <= $3 AND ",
                selected!("$4")
            ),
            "$5"
        )
    );
    const DELTA: Paged = paged!(
        &[NODE, PROPERTY],
        "n.node_id, n.namespace, n.name, n.xml, n.match_name",
        within_bytes!(
            "'', '', '', ''",
            concat!(
                "SELECT p.node_id, p.namespace, p.name, p.xml, m.match_name FROM ",
                listed!("$2"),
                " l CROSS JOIN node m ON m.id = CAST(l.value AS BIGINT) AND m.parent_id = $1 AND m.gone_at IS NULL \
                 JOIN property p ON p.node_id = m.id AND p.principal_id = 0 WHERE ",
                selected!("$3")
            ),
            "$4"
        )
    );
    const SIZE: Statement = reads(
        &[PROPERTY],
        "SELECT CAST(COALESCE(SUM(OCTET_LENGTH(namespace) + OCTET_LENGTH(name) + OCTET_LENGTH(xml)), 0) AS BIGINT) \
         FROM property WHERE node_id = $1 AND principal_id = $2",
    );
    const SEEN_BY: Statement = reads(
        &[PROPERTY],
        concat!(
            "SELECT p.namespace, p.name, p.xml, p.principal_id FROM property p WHERE p.node_id = $1 AND ",
            selected!("$3"),
            " AND (p.principal_id = $2 OR (p.principal_id = 0 AND NOT EXISTS (SELECT 1 FROM property q WHERE \
             q.node_id = $1 AND q.principal_id = $2 AND q.namespace = p.namespace AND q.name = p.name)))"
        ),
    );
    const SET: Statement = writes(
        &[PROPERTY],
        &[],
        "INSERT INTO property (node_id, principal_id, namespace, name, xml) VALUES ($1, $5, $2, $3, $4) ON CONFLICT \
         (node_id, principal_id, namespace, name) DO UPDATE SET xml = excluded.xml",
    );
    const REMOVE: Statement = writes(
        &[PROPERTY],
        &[],
        "DELETE FROM property WHERE node_id = $1 AND principal_id = $4 AND namespace = $2 AND name = $3",
    );
    const FORGET_FILE: Statement = writes(
        &[PROPERTY],
        &[],
        concat!(
            "DELETE FROM property WHERE node_id = $1 AND principal_id = 0 AND (namespace || ' ' IN (SELECT value \
             FROM ",
            listed!("$2"),
            ") OR namespace || ' ' || name IN (SELECT value FROM ",
            listed!("$2"),
            "))"
        ),
    );
    const OVERLAY: Statement = writes(
        &[PROPERTY],
        &[PROPERTY],
        "INSERT INTO property (node_id, principal_id, namespace, name, xml) SELECT CAST($2 AS BIGINT), principal_id, \
         namespace, name, xml FROM property WHERE node_id = $1 AND TRUE ON CONFLICT (node_id, principal_id, \
         namespace, name) DO UPDATE SET xml = excluded.xml",
    );
}
