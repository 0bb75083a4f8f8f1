//! Statements on `meeting_folder`, and those that find what a meeting is in its home.

use super::columns::{COLUMNS, columns, node_of};
use super::db::{Row, arguments};
use super::executor::{Executor, row, rows};
use super::scheduling::MeetingKey;
use super::statement::tables::{CALENDAR_OBJECT, HOME, MEETING_FOLDER, NODE};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::{Id, Seq, Timestamp};
use crate::model::node::Node;

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

/// A document that people put into the folder of a meeting.
pub struct FolderArrival {
    /// The meeting.
    pub of: MeetingKey,
    /// The document.
    pub document: Node,
}

/// Documents of which nobody has been notified yet, where meetings have folders; at most so many, in the order in which
/// they came. What the server itself put there is none, nor is what programs leave about.
pub async fn arrived(c: &mut impl Executor, limit: i64) -> Result<Vec<FolderArrival>, Failure> {
    let arrival = |row: &Row| FolderArrival {
        of: MeetingKey { home: Id(row.integer(COLUMNS)), uid: row.text(COLUMNS + 1) },
        document: Node { placed_at: row.integer(COLUMNS + 2), ..node_of(row) },
    };
    Ok(rows(c, ARRIVED, arguments![limit]).await?.iter().map(arrival).collect())
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

statements! {
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
    const ARRIVED: Statement = reads(
        &[HOME, MEETING_FOLDER, NODE],
        concat!(
            "SELECT ",
            columns!(),
            ", f.home_id, f.uid, n.placed_at FROM meeting_folder f JOIN home h ON h.node_id = f.home_id JOIN node n ON \
             n.parent_id = f.node_id WHERE h.meeting_folders = 1 AND n.seq > f.reported_seq AND n.placed_seq > \
             f.reported_seq AND n.kind = 'file' AND n.gone_at IS NULL AND n.litter = 0 AND COALESCE(n.placed_by, 0) <> \
             0 ORDER BY n.placed_seq, n.id LIMIT $1"
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
