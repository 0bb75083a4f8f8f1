//! Statements on `meeting_folder`, and those that find what a meeting is in its home.

use std::collections::{HashMap, HashSet};

use super::columns::{COLUMNS, columns, node_of};
use super::db::text::listed;
use super::db::{Row, arguments};
use super::executor::{Executor, row, rows};
use super::held::held_until;
use super::members::listed_ids;
use super::scheduling::MeetingKey;
use super::statement::tables::{ACE, CALENDAR_OBJECT, EFFECTIVE_MEMBERSHIP, HOME, MEETING_FOLDER, NODE};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::{Id, Seq, Timestamp};
use crate::model::node::Node;
use crate::model::privilege::Role;

/// The most objects of one UID in a home that are looked at.
const MAX_OBJECTS: i64 = 20;

/// The folder of the meeting of a UID in a home; it may be gone.
pub async fn folder(c: &mut impl Executor, home: Id, uid: &str) -> Result<Option<Id>, Failure> {
    Ok(row(c, FOLDER, arguments![home, uid]).await?.map(|row| Id(row.integer(0))))
}

/// The UID of the meeting whose folder it is.
pub async fn meeting(c: &mut impl Executor, folder: Id) -> Result<Option<String>, Failure> {
    Ok(row(c, MEETING_OF, arguments![folder]).await?.map(|row| row.text(0)))
}

/// The meeting has this folder from now on.
pub async fn put(c: &mut Txn, home: Id, uid: &str, folder: Id) -> Result<(), Failure> {
    c.note(PUT, arguments![home, uid, folder]).await
}

/// The folder of a meeting in which something has changed since others were notified of what is in it.
#[derive(Clone, Debug)]
pub struct ChangedFolder {
    /// The meeting.
    pub of: MeetingKey,
    /// The folder.
    pub folder: Id,
    /// The change up to which they were notified.
    pub reported: Seq,
    /// The last change of anything below it.
    pub changed: Seq,
}

/// A document that people put into the folder of a meeting, or into a folder in that.
#[derive(Clone, Debug)]
pub struct FolderArrival {
    /// The document.
    pub document: Node,
    /// By which change it came, be it in a folder that was put there.
    pub came_seq: Seq,
    /// When.
    pub came_at: Timestamp,
}

/// The folders that changed where meetings have some, after one of them; at most so many, in the order of their keys.
pub async fn changed(c: &mut impl Executor, after: &MeetingKey, limit: i64) -> Result<Vec<ChangedFolder>, Failure> {
    let folder = |row: &Row| ChangedFolder {
        of: MeetingKey { home: Id(row.integer(0)), uid: row.text(1) },
        folder: Id(row.integer(2)),
        reported: row.integer(3),
        changed: row.integer(4),
    };
    Ok(rows(c, CHANGED, arguments![after.home, &after.uid, limit]).await?.iter().map(folder).collect())
}

/// Documents in a folder of which nobody has been notified yet, in the order in which they came. What the server itself
/// put there is none, nor is what programs leave about. Beyond so many nodes no more are looked at.
pub async fn arrivals(c: &mut impl Executor, of: &ChangedFolder, limit: i64) -> Result<Vec<FolderArrival>, Failure> {
    let (mut found, mut rest) = (Vec::new(), limit);
    let mut level = HashMap::from([(of.folder, (of.reported, Timestamp::MIN))]);
    while !level.is_empty() && rest > 0 {
        let mut next = HashMap::new();
        // All that is in a folder that came itself has come with it.
        for is_new in [false, true] {
            let ids: Vec<Id> =
                level.iter().filter(|(_, came)| (came.0 > of.reported) == is_new).map(|(id, _)| *id).collect();
            let since = if is_new { Seq::MIN } else { of.reported };
            let members = match ids.as_slice() {
                [] => Vec::new(),
                ids => rows(c, MEMBERS, arguments![&listed_ids(ids), since, rest]).await?,
            };
            rest -= members.len() as i64;
            for row in &members {
                let member = node_of(row);
                let above = level.get(&member.parent_id).copied().unwrap_or_default();
                let came = above.max((member.placed_seq, member.placed_at));
                if member.is_collection() {
                    next.insert(member.id, came);
                } else if row.optional_integer(COLUMNS).is_some_and(|by| by != 0) {
                    found.push(FolderArrival { document: member, came_seq: came.0, came_at: came.1 });
                }
            }
        }
        level = next;
    }
    found.sort_by_key(|arrival| (arrival.came_seq, arrival.document.id));
    Ok(found)
}

/// Of what came into the folder of a meeting up to a change others have been notified.
pub async fn set_reported(c: &mut Txn, of: &MeetingKey, seq: Seq) -> Result<(), Failure> {
    c.note(SET_REPORTED, arguments![of.home, &of.uid, seq]).await
}

/// Has each meeting a folder that the owner of a home organizes?
pub async fn has_folders(c: &mut impl Executor, home: Id) -> Result<bool, Failure> {
    Ok(row(c, HAS_FOLDERS, arguments![home]).await?.is_some_and(|row| row.integer(0) != 0))
}

/// Each has one from now on, or none is made any more.
pub async fn set_folders(c: &mut Txn, home: Id, folders: bool) -> Result<(), Failure> {
    c.note(SET_FOLDERS, arguments![home, i64::from(folders)]).await
}

/// The calendar objects of a UID that stand in the calendars of a home, each with the end of its last occurrence, or
/// later.
pub async fn objects(c: &mut impl Executor, home: Id, uid: &str) -> Result<Vec<(Node, Timestamp)>, Failure> {
    let found = rows(c, OBJECTS, arguments![home, uid, MAX_OBJECTS]).await?;
    Ok(found.iter().map(|row| (node_of(row), row.integer(COLUMNS))).collect())
}

/// Who of some principals may read a folder at a moment.
pub async fn readers(c: &mut impl Executor, folder: Id, of: &[Id], now: Timestamp) -> Result<HashSet<Id>, Failure> {
    let found = rows(c, READERS, arguments![folder, now, &listed_ids(of), Role::Reader.rank()]).await?;
    Ok(found.iter().map(|row| Id(row.integer(0))).collect())
}

statements! {
    const READERS: Statement = reads(
        &[ACE, EFFECTIVE_MEMBERSHIP, NODE],
        concat!(
            "WITH RECURSIVE up(id) AS (SELECT CAST($1 AS BIGINT) UNION SELECT n.parent_id FROM up u JOIN node n ON \
             n.id = u.id WHERE n.parent_id IS NOT NULL AND n.gone_at IS NULL) SELECT DISTINCT m.member_id FROM ",
            listed!("$3"),
            " l CROSS JOIN effective_membership m CROSS JOIN up u CROSS JOIN ace a WHERE m.member_id = CAST(l.value AS \
             BIGINT) AND a.node_id = u.id AND a.principal_id = m.group_id AND a.role >= $4 AND ",
            held_until!("m.member_id"),
            " > $2"
        ),
    );
    const FOLDER: Statement =
        reads(&[MEETING_FOLDER], "SELECT node_id FROM meeting_folder WHERE home_id = $1 AND uid = $2");
    const MEETING_OF: Statement = reads(&[MEETING_FOLDER], "SELECT uid FROM meeting_folder WHERE node_id = $1");
    const PUT: Statement = writes(
        &[MEETING_FOLDER],
        &[],
        "INSERT INTO meeting_folder (home_id, uid, node_id) VALUES ($1, $2, $3) ON CONFLICT (home_id, uid) DO UPDATE \
         SET node_id = excluded.node_id",
    );
    const HAS_FOLDERS: Statement = reads(&[HOME], "SELECT meeting_folders FROM home WHERE node_id = $1");
    const SET_FOLDERS: Statement = writes(&[HOME], &[], "UPDATE home SET meeting_folders = $2 WHERE node_id = $1");
    const CHANGED: Statement = reads(
        &[HOME, MEETING_FOLDER, NODE],
        "SELECT f.home_id, f.uid, f.node_id, f.reported_seq, n.members_seq FROM meeting_folder f JOIN home h ON \
         h.node_id = f.home_id JOIN node n ON n.id = f.node_id WHERE h.meeting_folders = 1 AND n.gone_at IS NULL AND \
         n.members_seq > f.reported_seq AND (f.home_id > $1 OR (f.home_id = $1 AND f.uid > $2)) ORDER BY f.home_id, \
         f.uid LIMIT $3",
    );
    const MEMBERS: Statement = reads(
        &[NODE],
        concat!(
            "SELECT ",
            columns!(),
            ", n.placed_by FROM ",
            listed!("$1"),
            " l CROSS JOIN node n WHERE n.parent_id = CAST(l.value AS BIGINT) AND n.gone_at IS NULL AND n.litter = 0 \
             AND (n.placed_seq > $2 OR (n.kind = 'folder' AND n.members_seq > $2)) AND n.kind IN ('file', 'folder') \
             ORDER BY n.placed_seq, n.id LIMIT $3"
        ),
    );
    const SET_REPORTED: Statement = writes(
        &[MEETING_FOLDER],
        &[],
        "UPDATE meeting_folder SET reported_seq = $3 WHERE home_id = $1 AND uid = $2 AND reported_seq < $3",
    );
    const OBJECTS: Statement = reads(
        &[CALENDAR_OBJECT, NODE],
        concat!(
            "SELECT ",
            columns!(),
            ", o.last_at FROM calendar_object o JOIN node n ON n.id = o.node_id JOIN node k ON k.id = o.calendar_id \
             JOIN node h ON h.id = n.home_id WHERE o.uid = $2 AND n.home_id = $1 AND n.gone_at IS NULL AND k.gone_at \
             IS NULL AND h.gone_at IS NULL ORDER BY n.id LIMIT $3"
        ),
    );
}
