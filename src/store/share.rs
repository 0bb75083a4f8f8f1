//! Statements on `invitation` and `notification`: calendars shared from clients.

use super::db::{Row, arguments};
use super::executor::{Executor, execute, row, rows};
use super::statement::tables::{INVITATION, NOTIFICATION};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::{Id, Seq, Timestamp};
use crate::model::privilege::Role;
use crate::model::sharing::{Invitation, InvitationStatus};

/// Columns of an invitation `i`.
macro_rules! columns {
    () => {
        "i.id, i.node_id, i.sharer_id, i.sharee_id, i.address, i.common_name, i.summary, i.role, i.status"
    };
}

fn invitation_of(row: &Row) -> Option<Invitation> {
    Some(Invitation {
        id: Id(row.integer(0)),
        calendar: Id(row.integer(1)),
        sharer: Id(row.integer(2)),
        sharee: row.optional_integer(3).map(Id),
        address: row.text(4),
        common_name: row.optional_text(5),
        summary: row.optional_text(6),
        role: Role::from_rank(row.integer(7))?,
        status: InvitationStatus::from_code(row.integer(8))?,
    })
}

/// Who is invited to a calendar, by address.
pub async fn of_calendar(c: &mut impl Executor, calendar: Id) -> Result<Vec<Invitation>, Failure> {
    Ok(rows(c, OF_CALENDAR, arguments![calendar]).await?.iter().filter_map(invitation_of).collect())
}

/// The invitation of this identifier.
pub async fn by_id(c: &mut impl Executor, id: Id) -> Result<Option<Invitation>, Failure> {
    Ok(row(c, BY_ID, arguments![id]).await?.as_ref().and_then(invitation_of))
}

/// The invitation of a person to a calendar.
pub async fn to(c: &mut impl Executor, calendar: Id, sharee: Id) -> Result<Option<Invitation>, Failure> {
    Ok(row(c, TO, arguments![calendar, sharee]).await?.as_ref().and_then(invitation_of))
}

/// Writes an invitation, in place of one of the same identifier.
pub async fn put(c: &mut Txn, invitation: &Invitation) -> Result<(), Failure> {
    let arguments = arguments![
        invitation.id,
        invitation.calendar,
        invitation.sharer,
        invitation.sharee,
        &invitation.address,
        invitation.common_name.as_ref(),
        invitation.summary.as_ref(),
        invitation.role.rank(),
        invitation.status as i64
    ];
    c.note(PUT, arguments).await
}

/// Removes an invitation.
pub async fn delete(c: &mut Txn, invitation: Id) -> Result<(), Failure> {
    c.note(DELETE, arguments![invitation]).await
}

/// The most notifications that are kept of each person, and the most that went of which that is known.
const MAX_NOTIFICATIONS: i64 = 200;

/// A person has another address: invitations are of the person, and say the new one. It was nobody's until now, so what
/// was sent to it where the person is invited already is no invitation.
pub async fn set_address(c: &mut Txn, person: Id, address: &str) -> Result<(), Failure> {
    c.note(FORGET_ADDRESS, arguments![person, address]).await?;
    c.note(SET_ADDRESS, arguments![person, address]).await
}

/// What a person is notified of, as a resource.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notification {
    /// Identifier; one that is written gets its own.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Hash of its content; empty where one of this name went.
    pub hash: String,
    /// Size of its content.
    pub size_bytes: i64,
    /// When it came.
    pub created_at: Timestamp,
}

fn notification_of(row: &Row) -> Notification {
    Notification {
        id: Id(row.integer(0)),
        name: row.text(1),
        hash: row.text(2),
        size_bytes: row.integer(3),
        created_at: row.integer(4),
    }
}

/// The newest notifications of a person, at most so many.
pub async fn notifications(c: &mut impl Executor, person: Id, limit: i64) -> Result<Vec<Notification>, Failure> {
    Ok(rows(c, NOTIFICATIONS, arguments![person, limit]).await?.iter().map(notification_of).collect())
}

/// How many notifications a person has, and the number of the last that came or went.
pub async fn state(c: &mut impl Executor, person: Id) -> Result<(i64, Seq), Failure> {
    Ok(row(c, STATE, arguments![person]).await?.map_or((0, 0), |row| (row.integer(0), row.integer(1))))
}

/// The notification of a person of this name.
pub async fn notification(c: &mut impl Executor, person: Id, name: &str) -> Result<Option<Notification>, Failure> {
    Ok(row(c, NOTIFICATION_NAMED, arguments![person, name]).await?.as_ref().map(notification_of))
}

/// What came to a person after a number, and, unless all is new to whoever asks, what went: in the order of their
/// numbers, at most so many.
pub async fn notifications_since(
    c: &mut impl Executor,
    person: Id,
    since: Option<Seq>,
    limit: i64,
) -> Result<Vec<Notification>, Failure> {
    let arguments = arguments![person, since.unwrap_or(0), since.is_some(), limit];
    Ok(rows(c, NOTIFICATIONS_SINCE, arguments).await?.iter().map(notification_of).collect())
}

/// The number since which it is known which notifications of a person went.
pub async fn oldest_seq(c: &mut impl Executor, person: Id) -> Result<Seq, Failure> {
    let found = row(c, OLDEST_GONE, arguments![person]).await?;
    Ok(found.filter(|row| row.integer(0) >= MAX_NOTIFICATIONS).map_or(0, |row| row.integer(1)))
}

/// Writes a notification, in place of the one of its name. Where there are too many, the oldest goes.
pub async fn notify(c: &mut Txn, person: Id, new: &Notification) -> Result<(), Failure> {
    let id = next_id(c, person).await?;
    c.note(FORGET, arguments![person, &new.name]).await?;
    c.note(NOTIFY, arguments![id, person, &new.name, &new.hash, new.size_bytes, new.created_at]).await?;
    if let Some(oldest) = row(c, OLDEST, arguments![person]).await?
        && oldest.integer(0) > MAX_NOTIFICATIONS
    {
        dismiss(c, person, &oldest.text(1)).await?;
    }
    Ok(())
}

/// Removes a notification; `false` when there is none of this name. That it went stays known for a while, for those who
/// synchronize.
pub async fn dismiss(c: &mut Txn, person: Id, name: &str) -> Result<bool, Failure> {
    let id = next_id(c, person).await?;
    let gone = execute(c, DISMISS, arguments![person, name, id]).await? == 1;
    c.note(THIN, arguments![person, MAX_NOTIFICATIONS]).await?;
    Ok(gone)
}

/// An identifier after all that a person's notifications have had, whichever process and clock they are of: it is the
/// number by which they are synchronized, too.
async fn next_id(c: &mut Txn, person: Id) -> Result<Id, Failure> {
    let (_, last) = state(c, person).await?;
    Ok(Id::generate().max(Id(last.saturating_add(1))))
}

statements! {
    const OF_CALENDAR: Statement = reads(
        &[INVITATION],
        concat!("SELECT ", columns!(), " FROM invitation i WHERE i.node_id = $1 ORDER BY i.address"),
    );
    const BY_ID: Statement =
        reads(&[INVITATION], concat!("SELECT ", columns!(), " FROM invitation i WHERE i.id = $1"));
    const TO: Statement = reads(
        &[INVITATION],
        concat!("SELECT ", columns!(), " FROM invitation i WHERE i.node_id = $1 AND i.sharee_id = $2"),
    );
    const PUT: Statement = writes(
        &[INVITATION],
        &[],
        "INSERT INTO invitation (id, node_id, sharer_id, sharee_id, address, common_name, summary, role, status) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO UPDATE SET sharer_id = excluded.sharer_id, \
         sharee_id = excluded.sharee_id, common_name = excluded.common_name, summary = excluded.summary, role = \
         excluded.role, status = excluded.status",
    );
    const DELETE: Statement = writes(&[INVITATION], &[], "DELETE FROM invitation WHERE id = $1");
    const FORGET_ADDRESS: Statement = writes(
        &[INVITATION],
        &[INVITATION],
        "DELETE FROM invitation WHERE address = $2 AND sharee_id IS NULL AND node_id IN (SELECT i.node_id FROM \
         invitation i WHERE i.sharee_id = $1)",
    );
    const SET_ADDRESS: Statement =
        writes(&[INVITATION], &[], "UPDATE invitation SET address = $2 WHERE sharee_id = $1");
    const NOTIFICATIONS: Statement = reads(
        &[NOTIFICATION],
        "SELECT id, name, hash, size, created_at FROM notification WHERE principal_id = $1 AND hash <> '' ORDER BY id \
         DESC LIMIT $2",
    );
    const STATE: Statement = reads(
        &[NOTIFICATION],
        "SELECT COUNT(CASE WHEN hash <> '' THEN 1 END), COALESCE(MAX(id), 0) FROM notification WHERE principal_id = $1",
    );
    const NOTIFICATION_NAMED: Statement = reads(
        &[NOTIFICATION],
        "SELECT id, name, hash, size, created_at FROM notification WHERE principal_id = $1 AND name = $2 AND hash <> \
         ''",
    );
    const NOTIFICATIONS_SINCE: Statement = reads(
        &[NOTIFICATION],
        "SELECT id, name, hash, size, created_at FROM notification WHERE principal_id = $1 AND id > $2 AND ($3 = 1 OR \
         hash <> '') ORDER BY id LIMIT $4",
    );
    const OLDEST_GONE: Statement = reads(
        &[NOTIFICATION],
        "SELECT COUNT(*), COALESCE(MIN(id), 0) FROM notification WHERE principal_id = $1 AND hash = ''",
    );
    const OLDEST: Statement = reads(
        &[NOTIFICATION],
        "SELECT (SELECT COUNT(*) FROM notification t WHERE t.principal_id = $1 AND t.hash <> ''), n.name FROM \
         notification n WHERE n.principal_id = $1 AND n.hash <> '' ORDER BY n.id LIMIT 1",
    );
    const FORGET: Statement =
        writes(&[NOTIFICATION], &[], "DELETE FROM notification WHERE principal_id = $1 AND name = $2");
    const NOTIFY: Statement = writes(
        &[NOTIFICATION],
        &[],
        "INSERT INTO notification (id, principal_id, name, hash, size, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
    );
    const DISMISS: Statement = writes(
        &[NOTIFICATION],
        &[],
        "UPDATE notification SET id = $3, hash = '', size = 0 WHERE principal_id = $1 AND name = $2 AND hash <> ''",
    );
    const THIN: Statement = writes(
        &[NOTIFICATION],
        &[NOTIFICATION],
        "DELETE FROM notification WHERE principal_id = $1 AND hash = '' AND id NOT IN (SELECT n.id FROM notification \
         n WHERE n.principal_id = $1 AND n.hash = '' ORDER BY n.id DESC LIMIT $2)",
    );
}
