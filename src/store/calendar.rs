//! Statements on `calendar` and `calendar_object`.

use super::columns::{COLUMNS, Width, brief, columns, node_of, tag};
use std::collections::HashMap;

use super::db::text::listed;
use super::db::{Argument, Row, arguments};
use super::executor::{Executor, PREFETCHED, Query, prefetch, row, rows};
use super::held::held_by;
use super::list::list;
use super::members::{Members, PagePosition, PageQuery, PageStatements, Widths, by_name, listed_ids, pages, widths};
use super::page::paged;
use super::statement::tables::{ACE, CALENDAR, CALENDAR_OBJECT, EFFECTIVE_MEMBERSHIP, HOME, NODE, PROPERTY};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::calendar::{ComponentSet, Indexed, Privacy, TimeRange};
use crate::model::error::Failure;
use crate::model::id::{Id, Timestamp};
use crate::model::node::Node;
use crate::model::privilege::Role;

/// How a row says that an object is private now; a greater number, that it was.
const PRIVATE: i64 = 1;

/// Writes what a new calendar may hold.
pub async fn insert(c: &mut Txn, calendar: Id, components: ComponentSet) -> Result<(), Failure> {
    c.note(INSERT, arguments![calendar, components.0]).await
}

/// What a calendar may hold.
pub async fn components(c: &mut impl Executor, calendar: Id) -> Result<ComponentSet, Failure> {
    let found = row(c, COMPONENTS, arguments![calendar]).await?;
    Ok(found.map_or(ComponentSet::ALL, |row| ComponentSet(row.integer(0))))
}

/// What stands in the way of an object, or not.
pub struct ObjectConflict {
    /// What the calendar may hold.
    pub components: ComponentSet,
    /// Name of another object of the calendar with the same UID.
    pub holder: Option<String>,
    /// The UID that the object has had so far.
    pub uid: Option<String>,
}

/// Reads all that must be known before an object of a UID may stand in a calendar.
pub async fn standing(c: &mut impl Executor, calendar: Id, uid: &str, object: Id) -> Result<ObjectConflict, Failure> {
    let found = row(c, STANDING, arguments![calendar, uid, object]).await?;
    Ok(conflict_of(found.as_ref()))
}

/// The same of many objects of one UID, each in its calendar.
pub async fn standing_all(
    c: &mut Txn,
    uid: &str,
    objects: &[&Node],
) -> Result<HashMap<(Id, String), ObjectConflict>, Failure> {
    let mut found = HashMap::with_capacity(objects.len());
    for some in objects.chunks(PREFETCHED) {
        let values: Vec<[Argument<'_>; 3]> =
            some.iter().map(|node| [node.parent_id.into(), uid.into(), node.id.into()]).collect();
        let statements: Vec<Query<'_>> = values.iter().map(|values| (STANDING, values.as_slice())).collect();
        prefetch(c, &statements).await?;
        for node in some {
            found.insert((node.id, uid.to_owned()), standing(c, node.parent_id, uid, node.id).await?);
        }
    }
    Ok(found)
}

fn conflict_of(found: Option<&Row>) -> ObjectConflict {
    found.map_or(ObjectConflict { components: ComponentSet::ALL, holder: None, uid: None }, |row| ObjectConflict {
        components: ComponentSet(row.optional_integer(0).unwrap_or(ComponentSet::ALL.0)),
        holder: row.optional_text(1),
        uid: row.optional_text(2),
    })
}

/// Writes what is known of an object that stands in a calendar.
pub async fn enlist(c: &mut Txn, object: Id, calendar: Id, indexed: &Indexed) -> Result<(), Failure> {
    let Indexed { uid, component, first_at, last_at, private, scheduling } = indexed;
    let arguments = arguments![object, calendar, uid, component, *first_at, *last_at, *private, *scheduling];
    c.note(ENLIST, arguments).await
}

/// What is known of an object as it is, be it in its calendar or in the trash.
pub async fn indexed(c: &mut impl Executor, object: Id) -> Result<Option<Indexed>, Failure> {
    Ok(row(c, INDEXED, arguments![object]).await?.map(|row| indexed_of(&row, 0)))
}

/// The same of all members of a collection from the key of one name to that of another, by the hash of their content.
pub async fn indexed_members(
    c: &mut impl Executor,
    parent: Id,
    after: &str,
    last: &str,
) -> Result<Vec<(String, Indexed)>, Failure> {
    let found = rows(c, INDEXED_MEMBERS, arguments![parent, after, last]).await?;
    Ok(found.iter().map(|row| (row.text(0), indexed_of(row, 1))).collect())
}

fn indexed_of(row: &Row, first: usize) -> Indexed {
    let (uid, component) = (row.text(first), row.text(first + 1));
    let (first_at, last_at) = (row.integer(first + 2), row.integer(first + 3));
    let (private, scheduling) = (row.integer(first + 4) == PRIVATE, row.integer(first + 5) == 1);
    Indexed { uid, component, first_at, last_at, private, scheduling }
}

/// Which of these nodes are objects that are private, or were.
pub async fn private_among(c: &mut impl Executor, nodes: &[Id]) -> Result<HashMap<Id, Privacy>, Failure> {
    let found = rows(c, PRIVATE_AMONG, arguments![&listed_ids(nodes)]).await?;
    let privacy = |row: &Row| if row.integer(1) == PRIVATE { Privacy::Private } else { Privacy::Formerly };
    Ok(found.iter().map(|row| (Id(row.integer(0)), privacy(row))).collect())
}

/// Does a calendar hold private objects?
pub async fn holds_private(c: &mut impl Executor, calendar: Id) -> Result<bool, Failure> {
    Ok(row(c, HOLDS_PRIVATE, arguments![calendar]).await?.is_some())
}

/// An object leaves its calendar: its UID is free again.
pub async fn delist(c: &mut Txn, object: Id) -> Result<(), Failure> {
    c.note(DELIST, arguments![object]).await
}

/// Prefetches in one trip what [`gone`] and [`standing`] will read of a new object.
pub async fn prefetch_object(c: &mut Txn, calendar: Id, uid: &str, object: Id) -> Result<(), Failure> {
    prefetch(c, &[(GONE, arguments![calendar, uid]), (STANDING, arguments![calendar, uid, object])]).await
}

/// The object of a UID that was deleted from a calendar last and lies in the trash.
pub async fn gone(c: &mut impl Executor, calendar: Id, uid: &str) -> Result<Option<Node>, Failure> {
    Ok(row(c, GONE, arguments![calendar, uid]).await?.map(|row| node_of(&row)))
}

/// The calendar of a home that invitations come into: the one that was chosen while it stands, else the oldest that
/// holds events.
pub async fn default_of(c: &mut impl Executor, home: Id) -> Result<Option<Node>, Failure> {
    Ok(row(c, DEFAULT_OF, arguments![home]).await?.as_ref().map(node_of))
}

/// So many calendars of one home are looked at for when their owner is busy.
pub const MAX_BUSY_CALENDARS: i64 = 200;

/// The calendars of a principal that say when their owner is busy: those that may ([`countable`]), and are not said to
/// take no time.
pub async fn counted(c: &mut impl Executor, owner: Id, limit: i64) -> Result<Vec<Node>, Failure> {
    Ok(rows(c, COUNTED, arguments![owner, limit]).await?.iter().map(node_of).collect())
}

/// The calendars of a principal that hold events or busy times.
pub async fn countable(c: &mut impl Executor, owner: Id, limit: i64) -> Result<Vec<Node>, Failure> {
    Ok(rows(c, COUNTABLE, arguments![owner, limit]).await?.iter().map(node_of).collect())
}

/// Invitations to a home come into a calendar from now on.
pub async fn set_default(c: &mut Txn, home: Id, calendar: Id) -> Result<(), Failure> {
    c.note(SET_DEFAULT, arguments![home, calendar]).await
}

/// From which calendars one reads when a principal ($1) is busy, but for those that are said to take no time.
macro_rules! countable {
    () => {
        " FROM home h JOIN node t ON t.parent_id = h.node_id AND t.kind = 'calendars' JOIN node n ON n.parent_id \
         = t.id AND n.kind = 'calendar' AND n.gone_at IS NULL JOIN calendar k ON k.node_id = n.id WHERE \
         h.principal_id = $1 AND (k.components % 2 = 1 OR k.components >= 8)"
    };
}

/// Which objects of a calendar are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Candidates<'a> {
    /// The calendar.
    pub calendar: &'a Node,
    /// Those that may take place in it.
    pub range: TimeRange,
    /// VEVENT, VTODO or VJOURNAL; `None`: all.
    pub component: Option<&'a str>,
}

/// Objects of a calendar in the order of their names, after `after`.
pub async fn objects(
    c: &mut impl Executor,
    of: Candidates<'_>,
    after: &str,
    limit: i64,
    width: Width,
) -> Result<Members, Failure> {
    let Candidates { calendar, range, component } = of;
    let asked = PageQuery { of: calendar, width, after: PagePosition::Name(after.to_owned()), limit };
    OBJECTS.members(c, asked, arguments![calendar.id, range.start, range.end, component, after, limit]).await
}

/// The objects of a calendar that bear names of these keys, in no order.
pub async fn named(c: &mut impl Executor, calendar: &Node, names: &[String], width: Width) -> Result<Members, Failure> {
    let asked = PageQuery { of: calendar, width, after: PagePosition::Name(String::new()), limit: i64::MAX };
    NAMED.members(c, asked, arguments![calendar.id, &list(names)]).await
}

/// Calendars of other homes that an actor may read, all or those of one owner: each with the name of its home and the
/// role held. Where one's own bears the name of the link, that one stands there.
pub async fn linked(
    c: &mut impl Executor,
    actor: Id,
    now: Timestamp,
    own_home: Id,
    owner: Option<Id>,
    limit: i64,
) -> Result<Vec<(Node, String, Role)>, Failure> {
    let found = rows(c, LINKED, arguments![actor, now, own_home, limit, Role::Reader.rank(), owner]).await?;
    Ok(found
        .iter()
        .filter_map(|row| Some((node_of(row), row.text(COLUMNS), Role::from_rank(row.integer(COLUMNS + 1))?)))
        .collect())
}

statements! {
    const GONE: Statement = reads(
        &[CALENDAR_OBJECT, NODE],
        concat!(
            "SELECT ",
            columns!(),
            " FROM calendar_object o CROSS JOIN node n WHERE n.id = o.node_id AND n.parent_id = $1 AND o.calendar_id \
             IS NULL AND o.uid = $2 AND n.gone_at IS NOT NULL AND n.hidden = 0 ORDER BY n.gone_at DESC LIMIT 1"
        ),
    );
    const STANDING: Statement = reads(
        &[CALENDAR, CALENDAR_OBJECT, NODE],
        "SELECT (SELECT k.components FROM calendar k WHERE k.node_id = $1), (SELECT n.name FROM calendar_object o \
         JOIN node n ON n.id = o.node_id WHERE o.calendar_id = $1 AND o.uid = $2 AND o.node_id <> $3), (SELECT o.uid \
         FROM calendar_object o WHERE o.node_id = $3)",
    );
    const DEFAULT_OF: Statement = reads(
        &[CALENDAR, HOME, NODE],
        concat!(
            "SELECT ",
            columns!(),
            " FROM home h JOIN node t ON t.parent_id = h.node_id AND t.kind = 'calendars' JOIN node n ON n.parent_id \
             = t.id AND n.kind = 'calendar' AND n.gone_at IS NULL JOIN calendar k ON k.node_id = n.id WHERE h.node_id \
             = $1 AND k.components % 2 = 1 ORDER BY CASE WHEN n.id = h.default_calendar_id THEN 0 ELSE 1 END, n.id \
             LIMIT 1"
        ),
    );
    const COUNTED: Statement = reads(
        &[CALENDAR, HOME, NODE, PROPERTY],
        concat!(
            "SELECT ",
            columns!(),
            countable!(),
            " AND NOT EXISTS (SELECT 1 FROM property r WHERE r.node_id = n.id AND r.principal_id = 0 AND r.namespace \
             = 'urn:ietf:params:xml:ns:caldav' AND r.name = 'schedule-calendar-transp' AND r.xml LIKE \
             '%transparent%') ORDER BY n.id LIMIT $2"
        ),
    );
    const COUNTABLE: Statement = reads(
        &[CALENDAR, HOME, NODE],
        concat!("SELECT ", columns!(), countable!(), " ORDER BY n.id LIMIT $2"),
    );
    const SET_DEFAULT: Statement =
        writes(&[HOME], &[], "UPDATE home SET default_calendar_id = $2 WHERE node_id = $1");
    const INSERT: Statement = writes(&[CALENDAR], &[], "INSERT INTO calendar (node_id, components) VALUES ($1, $2)");
    const COMPONENTS: Statement = reads(&[CALENDAR], "SELECT components FROM calendar WHERE node_id = $1");
    const ENLIST: Statement = writes(
        &[CALENDAR_OBJECT],
        &[],
        "INSERT INTO calendar_object (node_id, calendar_id, uid, component, first_at, last_at, private, scheduling) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (node_id) DO UPDATE SET calendar_id = \
         excluded.calendar_id, uid = excluded.uid, component = excluded.component, first_at = excluded.first_at, \
         last_at = excluded.last_at, scheduling = excluded.scheduling, private = CASE WHEN excluded.private = 1 THEN 1 \
         WHEN calendar_object.private > 0 THEN 2 ELSE 0 END",
    );
    const INDEXED: Statement =
        reads(&[CALENDAR_OBJECT],
            "SELECT uid, component, first_at, last_at, private, scheduling FROM calendar_object WHERE node_id = $1");
    const PRIVATE_AMONG: Statement = reads(
        &[CALENDAR_OBJECT],
        concat!(
            "SELECT o.node_id, o.private FROM calendar_object o WHERE o.node_id IN (SELECT CAST(k.value AS BIGINT) \
             FROM ",
            listed!("$1"),
            " k) AND o.private > 0"
        ),
    );
    const HOLDS_PRIVATE: Statement = reads(
        &[CALENDAR_OBJECT],
        "SELECT 1 FROM calendar_object o WHERE o.calendar_id = $1 AND o.private > 0 LIMIT 1",
    );
    const INDEXED_MEMBERS: Statement = reads(
        &[CALENDAR_OBJECT, NODE],
        "SELECT n.hash, o.uid, o.component, o.first_at, o.last_at, o.private, o.scheduling FROM node n CROSS JOIN \
         calendar_object o WHERE n.parent_id = $1 AND n.gone_at IS NULL AND n.match_name > $2 AND n.match_name <= $3 \
         AND o.node_id = n.id",
    );
    const DELIST: Statement =
        writes(&[CALENDAR_OBJECT], &[], "UPDATE calendar_object SET calendar_id = NULL WHERE node_id = $1");
    const OBJECTS: PageStatements = pages!(
        &[CALENDAR_OBJECT, NODE],
        by_name,
        "n.id IN (SELECT o.node_id FROM calendar_object o WHERE o.calendar_id = $1 AND o.last_at >= $2 AND \
         o.first_at <= $3 AND (CAST($4 AS TEXT) IS NULL OR o.component IN ($4, ''))) AND n.gone_at IS NULL",
        " AND n.match_name > $5 ORDER BY n.match_name LIMIT $6",
        5
    );
    const NAMED: PageStatements = pages!(
        &[NODE],
        by_name,
        concat!(
            "n.parent_id = $1 AND n.gone_at IS NULL AND n.match_name IN (SELECT k.value FROM ",
            listed!("$2"),
            " k)"
        ),
        "",
        3
    );
    const LINKED: Statement = reads(
        &[ACE, EFFECTIVE_MEMBERSHIP, NODE],
        concat!(
            "WITH held(node_id, role) AS (SELECT a.node_id, MAX(a.role) FROM ace a WHERE ",
            held_by!(),
            " GROUP BY a.node_id), seen(id, role) AS (SELECT k.id, h.role FROM held h JOIN \
             node k ON k.id = h.node_id AND k.kind = 'calendar' UNION ALL SELECT k.id, h.role FROM held h JOIN node \
             k ON k.parent_id = h.node_id AND k.kind = 'calendar' UNION ALL SELECT k.id, h.role FROM held h JOIN node \
             t ON t.parent_id = h.node_id AND t.kind = 'calendars' JOIN node k ON k.parent_id = t.id AND k.kind = \
             'calendar') SELECT ",
            columns!(),
            ", g.name, MAX(s.role) FROM seen s JOIN node n ON n.id = s.id JOIN node g ON g.id = n.home_id WHERE \
             n.gone_at IS NULL AND g.gone_at IS NULL AND n.home_id <> $3 AND (n.owner_id = $6 OR $6 IS NULL) AND NOT \
             EXISTS (SELECT 1 FROM node t CROSS JOIN node o WHERE t.parent_id = $3 AND t.match_name = 'calendars' AND \
             o.parent_id = t.id AND o.gone_at IS NULL AND o.match_name = n.match_name || '@' || g.match_name) GROUP \
             BY n.id, g.id HAVING MAX(s.role) >= $5 ORDER BY g.match_name, n.match_name LIMIT $4"
        ),
    );
}
