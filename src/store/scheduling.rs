//! Statements for scheduling: whose an address is, and the objects of one meeting in the homes of all who are in it.

use std::collections::HashMap;

use super::columns::{COLUMNS, columns, node_of};
use super::db::text::listed;
use super::db::{Row, arguments};
use super::executor::{Executor, row, rows};
use super::invitee::reach_of;
use super::list::list;
use super::members::listed_ids;
use super::principal::{PRINCIPAL_COLUMNS, principal_columns, whole_principal_of};
use super::statement::tables::{
    ADDRESS, ANSWER, CALENDAR, CALENDAR_OBJECT, EFFECTIVE_MEMBERSHIP, HOME, INVITED_GROUP, INVITEE, MEETING, NODE,
    PRINCIPAL, ROOM,
};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::calendar::TimeRange;
use crate::model::error::Failure;
use crate::model::id::{Id, Seq, Timestamp};
use crate::model::invitations::Reach;
use crate::model::node::Node;
use crate::model::principal::{Principal, PrincipalKind};

/// A principal who may be in meetings, and the home where its calendars are; groups have none.
#[derive(Clone, Debug)]
pub struct CalendarPrincipal {
    /// Who.
    pub principal: Principal,
    /// The node of the home.
    pub home: Option<Id>,
    /// How they hear of meetings.
    pub reach: Reach,
}

impl CalendarPrincipal {
    /// Is it a room, or something else that is booked?
    #[must_use]
    pub fn is_room(&self) -> bool {
        self.principal.kind == PrincipalKind::Room
    }
}

fn user_of(row: &Row) -> CalendarPrincipal {
    let home = row.optional_integer(PRINCIPAL_COLUMNS).map(Id);
    CalendarPrincipal { principal: whole_principal_of(row), home, reach: reach_of(row, PRINCIPAL_COLUMNS + 1) }
}

/// The principals with these addresses (URIs as they are kept), or with names of these keys; each with the text by
/// which it was found.
pub async fn users(c: &mut impl Executor, texts: &[String]) -> Result<Vec<(String, CalendarPrincipal)>, Failure> {
    let found = rows(c, USERS, arguments![&list(texts)]).await?;
    Ok(found.iter().map(|row| (row.text(PRINCIPAL_COLUMNS + 3), user_of(row))).collect())
}

/// The people in some groups, through any number of groups: each with the group. Where there are more, the first of
/// each group by their names, so that a small group is whole beside a large one.
pub async fn members_of(
    c: &mut impl Executor,
    groups: &[Id],
    limit: i64,
) -> Result<Vec<(Id, CalendarPrincipal)>, Failure> {
    let found = rows(c, MEMBERS_OF, arguments![&listed_ids(groups), limit]).await?;
    Ok(found.iter().map(|row| (Id(row.integer(PRINCIPAL_COLUMNS + 3)), user_of(row))).collect())
}

/// How many people are in some groups, through any number of groups.
pub async fn group_sizes(c: &mut impl Executor, groups: &[Id]) -> Result<HashMap<Id, i64>, Failure> {
    let found = rows(c, GROUP_SIZES, arguments![&listed_ids(groups)]).await?;
    Ok(found.iter().map(|row| (Id(row.integer(0)), row.integer(1))).collect())
}

/// The scheduling objects of one UID that stand in the calendars of some homes, two of each at most; in the order of
/// their identifiers.
pub async fn objects(c: &mut impl Executor, uid: &str, homes: &[Id]) -> Result<Vec<Node>, Failure> {
    Ok(rows(c, OBJECTS, arguments![uid, &listed_ids(homes)]).await?.iter().map(node_of).collect())
}

/// The scheduling objects that stand in a calendar, be that gone or not, after one of them; at most so many, in the
/// order of their identifiers.
pub async fn meetings(c: &mut impl Executor, calendar: Id, after: Id, limit: i64) -> Result<Vec<Node>, Failure> {
    Ok(rows(c, MEETINGS, arguments![calendar, after, limit]).await?.iter().map(node_of).collect())
}

/// The meetings of a calendar of which a home holds objects, looked at as far as these numbers of changes.
#[derive(Clone, Copy, Debug)]
pub struct CopiedMeetings {
    /// The calendar.
    pub calendar: Id,
    /// The home.
    pub home: Id,
    /// The last change in the home of the calendar that has been seen.
    pub seen: Seq,
    /// The last one in the other home; it may be the same.
    pub seen_there: Seq,
}

/// An object of a meeting.
#[derive(Clone, Debug, Default)]
pub struct MeetingObject {
    /// The node.
    pub node: Id,
    /// The hash of its text.
    pub hash: String,
    /// How long that is.
    pub size_bytes: i64,
}

/// A meeting of a calendar, and an object of it that a home holds; that is itself where it is its own home.
#[derive(Clone, Debug, Default)]
pub struct HeldTwice {
    /// What stands in the calendar.
    pub object: MeetingObject,
    /// What stands in the home.
    pub other: MeetingObject,
}

/// The meetings of a calendar of which a home holds objects, where one of the two has not been seen; after one of them,
/// at most so many.
pub async fn held_twice(
    c: &mut impl Executor,
    of: CopiedMeetings,
    after: &HeldTwice,
    limit: i64,
) -> Result<Vec<HeldTwice>, Failure> {
    let CopiedMeetings { calendar, home, seen, seen_there } = of;
    let (object, other) = (after.object.node, after.other.node);
    let found = rows(c, HELD_TWICE, arguments![calendar, home, seen, seen_there, object, other, limit]).await?;
    let read = |row: &Row, at| MeetingObject {
        node: Id(row.integer(at)),
        hash: row.text(at + 1),
        size_bytes: row.integer(at + 2),
    };
    Ok(found.iter().map(|row| HeldTwice { object: read(row, 0), other: read(row, 3) }).collect())
}

/// The scheduling objects of a home that take place after a moment, after one of them; at most so many, in the order of
/// their identifiers.
pub async fn meetings_in_home(
    c: &mut impl Executor,
    home: Id,
    from: Timestamp,
    after: Id,
    limit: i64,
) -> Result<Vec<Node>, Failure> {
    Ok(rows(c, MEETINGS_IN_HOME, arguments![home, from, after, limit]).await?.iter().map(node_of).collect())
}

/// How many there are.
pub async fn meetings_to_come(c: &mut impl Executor, home: Id, from: Timestamp) -> Result<i64, Failure> {
    Ok(row(c, MEETINGS_TO_COME, arguments![home, from]).await?.map_or(0, |row| row.integer(0)))
}

/// What stands in the calendars of a home ($1) and takes place after a moment ($2).
macro_rules! to_come {
    () => {
        " FROM node t JOIN node k ON k.parent_id = t.id JOIN calendar_object o ON o.calendar_id = k.id JOIN node n ON \
         n.id = o.node_id WHERE t.parent_id = $1 AND t.kind = 'calendars' AND k.kind = 'calendar' AND k.gone_at IS \
         NULL AND n.gone_at IS NULL AND o.last_at >= $2"
    };
}

/// The scheduling objects among these.
macro_rules! meetings_to_come {
    () => {
        concat!(to_come!(), " AND o.scheduling = 1")
    };
}

/// A calendar, and whose home it stands in.
#[derive(Clone, Debug)]
pub struct DefaultCalendar {
    /// The calendar.
    pub calendar: Node,
    /// Name of its home.
    pub home: String,
}

/// The calendars in which some homes receive what holds a component: of those that hold such the one that was chosen,
/// else the oldest. It is the rule of `calendar::default_of`.
pub async fn default_calendars(
    c: &mut impl Executor,
    homes: &[Id],
    component: i64,
) -> Result<Vec<DefaultCalendar>, Failure> {
    let found = rows(c, DEFAULT_CALENDARS, arguments![&listed_ids(homes), component]).await?;
    let calendar = |row: &Row| DefaultCalendar { calendar: node_of(row), home: row.text(COLUMNS) };
    Ok(found.iter().map(calendar).collect())
}

/// What stands in the calendars of a home and may take place in a range, but for what bears a UID; at most so many.
pub async fn bookings(
    c: &mut impl Executor,
    home: Id,
    range: TimeRange,
    uid: &str,
    limit: i64,
) -> Result<Vec<Node>, Failure> {
    let found = rows(c, BOOKINGS, arguments![home, range.start, range.end, uid, limit]).await?;
    Ok(found.iter().map(node_of).collect())
}

/// What stands in the calendars of a home, takes place after a moment and was written last by somebody, or by nobody
/// here, but for what bears a UID; at most so many.
pub async fn written_by(
    c: &mut impl Executor,
    home: Id,
    author: Option<Id>,
    from: Timestamp,
    uid: &str,
    limit: i64,
) -> Result<Vec<Node>, Failure> {
    let found = rows(c, WRITTEN_BY, arguments![home, from, author, uid, limit]).await?;
    Ok(found.iter().map(node_of).collect())
}

/// The number of the last change in a home.
pub async fn last_change(c: &mut impl Executor, home: Id) -> Result<Seq, Failure> {
    Ok(row(c, LAST_CHANGE, arguments![home]).await?.map_or(0, |row| row.integer(0)))
}

/// Did something come to stand in a home, change or go by changes between two others? What people have of their own on
/// an object, or say of it, is no change of what the home holds at any time.
pub async fn changed_between(c: &mut impl Executor, home: Id, after: Seq, before: Seq) -> Result<bool, Failure> {
    Ok(row(c, CHANGED_BETWEEN, arguments![home, after, before]).await?.is_some())
}

/// Which of these calendars stand, and hold no object of a UID.
pub async fn free(c: &mut impl Executor, calendars: &[Id], uid: &str) -> Result<Vec<Id>, Failure> {
    let found = rows(c, FREE, arguments![&listed_ids(calendars), uid]).await?;
    Ok(found.iter().map(|row| Id(row.integer(0))).collect())
}

/// A state of a component: its SEQUENCE and its DTSTAMP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoredRevision {
    /// SEQUENCE.
    pub sequence: i64,
    /// DTSTAMP.
    pub stamp: Timestamp,
}

/// What is known of whether an attendee of a meeting was asked about an occurrence, and has answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnswerRow {
    /// The home of the organizer.
    pub home: Id,
    /// The attendee's address, folded.
    pub attendee: String,
    /// The instant of the occurrence; `None`: the series as a whole.
    pub occurrence: Option<Timestamp>,
    /// The state with which they were last asked anew.
    pub reset: Option<StoredRevision>,
    /// The state of the last answer that was taken, and the answer.
    pub reply: Option<(StoredRevision, String)>,
}

/// How the series as a whole stands in a row.
const SERIES: Timestamp = Timestamp::MIN;

/// What is known of the answers to the meeting of a UID that is organized in a home.
pub async fn answers(c: &mut impl Executor, home: Id, uid: &str) -> Result<Vec<AnswerRow>, Failure> {
    let revision = |row: &Row, at: usize| {
        let sequence = row.optional_integer(at)?;
        Some(StoredRevision { sequence, stamp: row.integer(at + 1) })
    };
    let found = rows(c, ANSWERS, arguments![home, uid]).await?;
    Ok(found
        .iter()
        .map(|row| AnswerRow {
            home,
            attendee: row.text(0),
            occurrence: Some(row.integer(1)).filter(|at| *at != SERIES),
            reset: revision(row, 2),
            reply: revision(row, 4).map(|revision| (revision, row.text(6))),
        })
        .collect())
}

/// Writes what is known from now on.
pub async fn put_answer(c: &mut Txn, uid: &str, row: &AnswerRow) -> Result<(), Failure> {
    let reply = row.reply.as_ref();
    let arguments = arguments![
        row.home,
        uid,
        &row.attendee,
        row.occurrence.unwrap_or(SERIES),
        row.reset.map(|reset| reset.sequence),
        row.reset.map(|reset| reset.stamp),
        reply.map(|(reply, _)| reply.sequence),
        reply.map(|(reply, _)| reply.stamp),
        reply.map(|(_, answer)| answer)
    ];
    c.note(PUT_ANSWER, arguments).await
}

/// The highest SEQUENCE of a UID that was ever sent to others from a home.
pub async fn highest_sent(c: &mut impl Executor, home: Id, uid: &str) -> Result<Option<i64>, Failure> {
    Ok(row(c, HIGHEST_SENT, arguments![home, uid]).await?.map(|row| row.integer(0)))
}

/// Writes which was sent.
pub async fn note_sent(c: &mut Txn, home: Id, uid: &str, sequence: i64) -> Result<(), Failure> {
    c.note(NOTE_SENT, arguments![home, uid, sequence]).await
}

/// A meeting, by the home of its organizer and its UID.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MeetingKey {
    /// The home.
    pub home: Id,
    /// The UID.
    pub uid: String,
}

impl MeetingKey {
    /// As the row of a job about it says it.
    #[must_use]
    pub fn payload(&self) -> String {
        format!("{} {}", self.home, self.uid)
    }

    /// Reads that.
    #[must_use]
    pub fn read(payload: &str) -> Option<Self> {
        let (home, uid) = payload.split_once(' ')?;
        Some(Self { home: Id(home.parse().ok()?), uid: uid.to_owned() })
    }
}

/// Writes which groups a meeting names from now on.
pub async fn set_invited_groups(c: &mut Txn, meeting: &MeetingKey, groups: &[Id]) -> Result<(), Failure> {
    let MeetingKey { home, uid } = meeting;
    c.note(FORGET_GROUPS, arguments![*home, uid]).await?;
    for group in groups {
        c.note(INVITE_GROUP, arguments![*home, uid, *group]).await?;
    }
    Ok(())
}

/// The meetings that name a group, after one of them; at most so many.
pub async fn meetings_of_group(
    c: &mut impl Executor,
    group: Id,
    after: &MeetingKey,
    limit: i64,
) -> Result<Vec<MeetingKey>, Failure> {
    let found = rows(c, MEETINGS_OF_GROUP, arguments![group, after.home, &after.uid, limit]).await?;
    Ok(found.iter().map(|row| MeetingKey { home: Id(row.integer(0)), uid: row.text(1) }).collect())
}

/// The groups that some meeting names, among a group and all that it is in.
pub async fn invited_above(c: &mut impl Executor, group: Id) -> Result<Vec<Id>, Failure> {
    Ok(rows(c, INVITED_ABOVE, arguments![group]).await?.iter().map(|row| Id(row.integer(0))).collect())
}

statements! {
    const MEETINGS_IN_HOME: Statement = reads(
        &[CALENDAR_OBJECT, NODE],
        concat!("SELECT ", columns!(), meetings_to_come!(), " AND n.id > $3 ORDER BY n.id LIMIT $4"),
    );
    const MEETINGS_TO_COME: Statement =
        reads(&[CALENDAR_OBJECT, NODE], concat!("SELECT COUNT(*)", meetings_to_come!()));
    const FORGET_GROUPS: Statement =
        writes(&[INVITED_GROUP], &[], "DELETE FROM invited_group WHERE home_id = $1 AND uid = $2");
    const INVITE_GROUP: Statement = writes(
        &[INVITED_GROUP],
        &[],
        "INSERT INTO invited_group (home_id, uid, group_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    );
    const MEETINGS_OF_GROUP: Statement = reads(
        &[INVITED_GROUP],
        "SELECT home_id, uid FROM invited_group WHERE group_id = $1 AND (home_id > $2 OR home_id = $2 AND uid > $3) \
         ORDER BY home_id, uid LIMIT $4",
    );
    const INVITED_ABOVE: Statement = reads(
        &[EFFECTIVE_MEMBERSHIP, INVITED_GROUP],
        "SELECT m.group_id FROM effective_membership m WHERE m.member_id = $1 AND EXISTS (SELECT 1 FROM invited_group \
         g WHERE g.group_id = m.group_id) ORDER BY m.group_id",
    );
    const BOOKINGS: Statement = reads(
        &[CALENDAR_OBJECT, NODE],
        concat!(
            "SELECT ",
            columns!(),
            to_come!(),
            " AND o.first_at <= $3 AND o.uid <> $4 LIMIT $5"
        ),
    );
    const WRITTEN_BY: Statement = reads(
        &[CALENDAR_OBJECT, NODE],
        concat!(
            "SELECT ",
            columns!(),
            to_come!(),
            " AND n.author_id IS NOT DISTINCT FROM $3 AND o.uid <> $4 LIMIT $5"
        ),
    );
    const CHANGED_BETWEEN: Statement = reads(
        &[NODE],
        "SELECT id FROM node WHERE home_id = $1 AND seq > $2 AND seq < $3 AND NOT (kind = 'object' AND gone_at IS NULL \
         AND litter = 0 AND sealed = 1 AND since_seq <= $2) LIMIT 1",
    );
    const LAST_CHANGE: Statement = reads(&[HOME], "SELECT seq FROM home WHERE node_id = $1");
    const ANSWERS: Statement = reads(
        &[ANSWER],
        "SELECT attendee, occurrence, reset_sequence, reset_stamp, reply_sequence, reply_stamp, reply FROM answer \
         WHERE home_id = $1 AND uid = $2",
    );
    const PUT_ANSWER: Statement = writes(
        &[ANSWER],
        &[],
        "INSERT INTO answer (home_id, uid, attendee, occurrence, reset_sequence, reset_stamp, reply_sequence, \
         reply_stamp, reply) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (home_id, uid, attendee, \
         occurrence) DO UPDATE SET reset_sequence = excluded.reset_sequence, reset_stamp = excluded.reset_stamp, \
         reply_sequence = excluded.reply_sequence, reply_stamp = excluded.reply_stamp, reply = excluded.reply",
    );
    const HIGHEST_SENT: Statement =
        reads(&[MEETING], "SELECT sequence FROM meeting WHERE home_id = $1 AND uid = $2");
    const NOTE_SENT: Statement = writes(
        &[MEETING],
        &[],
        "INSERT INTO meeting (home_id, uid, sequence) VALUES ($1, $2, $3) ON CONFLICT (home_id, uid) DO UPDATE SET \
         sequence = CASE WHEN excluded.sequence > meeting.sequence THEN excluded.sequence ELSE meeting.sequence END",
    );
    const FREE: Statement = reads(
        &[CALENDAR_OBJECT, NODE],
        concat!(
            "SELECT n.id FROM ",
            listed!("$1"),
            " l JOIN node n ON n.id = CAST(l.value AS BIGINT) WHERE n.gone_at IS NULL AND NOT EXISTS (SELECT 1 FROM \
             calendar_object o WHERE o.calendar_id = n.id AND o.uid = $2)"
        ),
    );
    const USERS: Statement = reads(
        &[ADDRESS, HOME, INVITEE, PRINCIPAL, ROOM],
        concat!(
            "SELECT ",
            principal_columns!(),
            ", h.node_id, i.channel, i.used_at, f.text FROM (SELECT l.value AS text, a.principal_id AS id FROM ",
            listed!("$1"),
            " l JOIN address a ON a.uri = l.value UNION ALL SELECT l.value, q.id FROM ",
            listed!("$1"),
            " l JOIN principal q ON q.match_name = l.value) f JOIN principal p ON p.id = f.id LEFT JOIN home h ON \
             h.principal_id = p.id LEFT JOIN invitee i ON i.principal_id = p.id"
        ),
    );
    const MEMBERS_OF: Statement = reads(
        &[ADDRESS, EFFECTIVE_MEMBERSHIP, HOME, INVITEE, PRINCIPAL, ROOM],
        concat!(
            "SELECT ",
            principal_columns!(),
            ", h.node_id, i.channel, i.used_at, m.group_id FROM (SELECT e.group_id, e.member_id, ROW_NUMBER() OVER \
             (PARTITION BY e.group_id ORDER BY q.match_name) AS place FROM ",
            listed!("$1"),
            " l JOIN effective_membership e ON e.group_id = CAST(l.value AS BIGINT) JOIN principal q ON q.id = \
             e.member_id AND q.kind = 'person') m JOIN principal p ON p.id = m.member_id LEFT JOIN home h ON \
             h.principal_id = p.id LEFT JOIN invitee i ON i.principal_id = p.id ORDER BY m.place, p.match_name LIMIT \
             $2"
        ),
    );
    const GROUP_SIZES: Statement = reads(
        &[EFFECTIVE_MEMBERSHIP, PRINCIPAL],
        concat!(
            "SELECT m.group_id, COUNT(*) FROM ",
            listed!("$1"),
            " l JOIN effective_membership m ON m.group_id = CAST(l.value AS BIGINT) JOIN principal p ON p.id = \
             m.member_id AND p.kind = 'person' GROUP BY m.group_id"
        ),
    );
    const OBJECTS: Statement = reads(
        &[CALENDAR_OBJECT, NODE],
        concat!(
            "SELECT ",
            columns!(),
            " FROM (SELECT m.id, ROW_NUMBER() OVER (PARTITION BY m.home_id ORDER BY m.id) AS place FROM \
             calendar_object o JOIN node m ON m.id = o.node_id JOIN node k ON k.id = o.calendar_id JOIN node h ON \
             h.id = m.home_id WHERE o.uid = $1 AND o.scheduling = 1 AND m.gone_at IS NULL AND k.gone_at IS NULL AND \
             h.gone_at IS NULL AND m.home_id IN (SELECT CAST(l.value AS BIGINT) FROM ",
            listed!("$2"),
            " l)) f JOIN node n ON n.id = f.id WHERE f.place <= 2 ORDER BY n.id"
        ),
    );
    const MEETINGS: Statement = reads(
        &[CALENDAR_OBJECT, NODE],
        concat!(
            "SELECT ",
            columns!(),
            " FROM calendar_object o JOIN node n ON n.id = o.node_id WHERE o.calendar_id = $1 AND o.scheduling = 1 \
             AND n.gone_at IS NULL AND n.id > $2 ORDER BY n.id LIMIT $3"
        ),
    );
    const HELD_TWICE: Statement = reads(
        &[CALENDAR_OBJECT, NODE],
        "SELECT n.id, n.hash, n.size, m.id, m.hash, m.size FROM calendar_object o CROSS JOIN node n CROSS JOIN \
         calendar_object p CROSS JOIN node m CROSS JOIN node k WHERE o.calendar_id = $1 AND o.scheduling = 1 AND \
         n.id = o.node_id AND n.gone_at IS NULL AND p.uid = o.uid AND p.scheduling = 1 AND m.id = p.node_id AND \
         m.home_id = $2 AND m.gone_at IS NULL AND k.id = p.calendar_id AND k.gone_at IS NULL AND (n.seq > $3 OR \
         m.seq > $4 OR k.placed_seq > $4) AND (n.id > $5 OR (n.id = $5 AND m.id > $6)) ORDER BY n.id, m.id LIMIT \
         $7",
    );
    const DEFAULT_CALENDARS: Statement = reads(
        &[CALENDAR, HOME, NODE],
        concat!(
            "SELECT ",
            columns!(),
            ", h.name FROM ",
            listed!("$1"),
            " l JOIN node h ON h.id = CAST(l.value AS BIGINT) AND h.gone_at IS NULL JOIN node n ON n.id = (SELECT \
             k.id FROM home g JOIN node t ON t.parent_id = g.node_id JOIN node k ON k.parent_id = t.id JOIN calendar \
             c ON c.node_id = k.id WHERE g.node_id = h.id AND t.kind = 'calendars' AND k.gone_at IS NULL AND k.kind = \
             'calendar' AND (c.components & $2) <> 0 ORDER BY CASE WHEN k.id = g.default_calendar_id THEN 0 \
             ELSE 1 END, k.id LIMIT 1)"
        ),
    );
}
