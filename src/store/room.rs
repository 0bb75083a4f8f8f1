//! Statements on `room` and `bookable_by`.

use super::db::arguments;
use super::db::text::listed;
use super::executor::{Executor, row, rows};
use super::members::listed_ids;
use super::principal::lasting_name;
use super::statement::tables::{BOOKABLE_BY, EFFECTIVE_MEMBERSHIP, PRINCIPAL, ROOM};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::Id;
use crate::model::room::{Booking, Room, RoomKind};

/// Writes what is kept of a room that is added: its manager and who may book it by their identifiers.
pub async fn insert(c: &mut Txn, id: Id, room: &Room, manager: Option<Id>, bookable_by: &[Id]) -> Result<(), Failure> {
    let arguments = arguments![id, room.kind.code(), room.capacity, room.booking.code(), manager, &room.hours];
    c.note(INSERT, arguments).await?;
    for principal in bookable_by {
        c.note(INSERT_BOOKABLE_BY, arguments![id, *principal]).await?;
    }
    Ok(())
}

/// Does a room take bookings of one of some principals, or of a group that they are in, by name?
pub async fn takes(c: &mut impl Executor, room: Id, principals: &[Id]) -> Result<bool, Failure> {
    Ok(row(c, TAKES, arguments![room, &listed_ids(principals)]).await?.is_some())
}

/// What is kept of a room.
pub async fn of(c: &mut impl Executor, id: Id) -> Result<Option<Room>, Failure> {
    let Some(row) = row(c, OF, arguments![id]).await? else { return Ok(None) };
    let bookable_by = rows(c, MAY_BOOK, arguments![id]).await?;
    Ok(Some(Room {
        kind: RoomKind::from_code(&row.text(0)).unwrap_or_default(),
        capacity: row.optional_integer(1),
        booking: Booking::from_code(&row.text(2)).unwrap_or(Booking::None),
        manager: row.optional_text(3),
        hours: row.text(4),
        bookable_by: bookable_by.iter().map(|row| row.text(0)).collect(),
    }))
}

statements! {
    const TAKES: Statement = reads(
        &[BOOKABLE_BY, EFFECTIVE_MEMBERSHIP],
        concat!(
            "SELECT 1 FROM ",
            listed!("$2"),
            " l JOIN effective_membership m ON m.member_id = CAST(l.value AS BIGINT) JOIN bookable_by b ON \
             b.principal_id = m.group_id WHERE b.room_id = $1 LIMIT 1"
        ),
    );
    const INSERT: Statement = writes(
        &[ROOM],
        &[],
        "INSERT INTO room (principal_id, kind, capacity, booking, manager_id, hours) VALUES ($1, $2, $3, $4, $5, $6)",
    );
    const INSERT_BOOKABLE_BY: Statement = writes(
        &[BOOKABLE_BY],
        &[],
        "INSERT INTO bookable_by (room_id, principal_id) VALUES ($1, $2) ON CONFLICT (room_id, principal_id) DO \
         NOTHING",
    );
    const OF: Statement = reads(
        &[PRINCIPAL, ROOM],
        "SELECT r.kind, r.capacity, r.booking, (SELECT p.name FROM principal p WHERE p.id = r.manager_id), r.hours \
         FROM room r WHERE r.principal_id = $1",
    );
    const MAY_BOOK: Statement = reads(
        &[BOOKABLE_BY, PRINCIPAL],
        concat!(
            "SELECT ",
            lasting_name!("p"),
            " FROM bookable_by b JOIN principal p ON p.id = b.principal_id WHERE b.room_id = $1 ORDER BY p.match_name"
        ),
    );
}
