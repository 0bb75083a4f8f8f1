//! Statements on `invitee`: how people hear of meetings.

use std::collections::HashMap;

use super::db::{Row, arguments};
use super::executor::{Executor, row, rows};
use super::statement::tables::INVITEE;
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::{Id, Timestamp};
use crate::model::invitations::{InvitationChannel, Reach};

/// Reads channel and last use, from a column on.
pub(super) fn reach_of(row: &Row, first: usize) -> Reach {
    let channel = row.optional_integer(first).map(InvitationChannel::from_code).unwrap_or_default();
    Reach { channel, calendar_used_at: row.optional_integer(first + 1) }
}

/// How a principal is reached.
pub async fn of(c: &mut impl Executor, principal: Id) -> Result<Reach, Failure> {
    Ok(row(c, OF, arguments![principal]).await?.map(|row| reach_of(&row, 0)).unwrap_or_default())
}

/// How all are reached who have chosen something, or whose programs have looked.
pub async fn all(c: &mut impl Executor) -> Result<HashMap<Id, Reach>, Failure> {
    let found = rows(c, ALL, arguments![]).await?;
    Ok(found.iter().map(|row| (Id(row.integer(2)), reach_of(row, 0))).collect())
}

/// Sets what a person has chosen.
pub async fn set_channel(c: &mut Txn, principal: Id, channel: InvitationChannel) -> Result<(), Failure> {
    c.note(SET_CHANNEL, arguments![principal, channel.code()]).await
}

/// Notes when a program of a person used their calendars.
pub async fn note_use(c: &mut Txn, principal: Id, at: Timestamp) -> Result<(), Failure> {
    c.note(NOTE_USE, arguments![principal, at]).await
}

statements! {
    const OF: Statement = reads(&[INVITEE], "SELECT channel, used_at FROM invitee WHERE principal_id = $1");
    const ALL: Statement = reads(&[INVITEE], "SELECT channel, used_at, principal_id FROM invitee");
    const SET_CHANNEL: Statement = writes(
        &[INVITEE],
        &[],
        "INSERT INTO invitee (principal_id, channel) VALUES ($1, $2) ON CONFLICT (principal_id) DO UPDATE SET channel \
         = excluded.channel",
    );
    const NOTE_USE: Statement = writes(
        &[INVITEE],
        &[],
        "INSERT INTO invitee (principal_id, channel, used_at) VALUES ($1, 0, $2) ON CONFLICT (principal_id) DO UPDATE \
         SET used_at = excluded.used_at",
    );
}
