//! Statements on `freebusy_address`.

use super::db::{Row, arguments};
use super::executor::{Executor, execute, row, rows};
use super::feed::secret_address_of;
use super::statement::tables::FREEBUSY_ADDRESS;
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::{Id, Timestamp};
use crate::model::secret_address::FreeBusyAddress;

/// Columns of an address, as [`address_of`] reads them.
macro_rules! columns {
    () => {
        "label, created_at, expires_at, fetched_at, client"
    };
}

fn address_of(row: &Row, first: usize) -> FreeBusyAddress {
    FreeBusyAddress { label: row.text(first), kept: secret_address_of(row, first + 1) }
}

/// The address whose secret has this hash, with its number.
pub async fn by_secret(c: &mut impl Executor, secret_hash: &str) -> Result<Option<(Id, FreeBusyAddress)>, Failure> {
    let found = row(c, BY_SECRET, arguments![secret_hash]).await?;
    Ok(found.map(|row| (Id(row.integer(0)), address_of(&row, 1))))
}

/// All of them, by label.
pub async fn all(c: &mut impl Executor) -> Result<Vec<FreeBusyAddress>, Failure> {
    Ok(rows(c, ALL, arguments![]).await?.iter().map(|row| address_of(row, 0)).collect())
}

/// Writes one; `false` when there is one with this label.
pub async fn insert(
    c: &mut Txn,
    id: Id,
    label: &str,
    secret_hash: &str,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
) -> Result<bool, Failure> {
    Ok(execute(c, INSERT, arguments![id, label, secret_hash, created_at, expires_at]).await? == 1)
}

/// The one with this label.
pub async fn by_label(c: &mut impl Executor, label: &str) -> Result<Option<Id>, Failure> {
    Ok(row(c, BY_LABEL, arguments![label]).await?.map(|row| Id(row.integer(0))))
}

/// Removes one.
pub async fn delete(c: &mut Txn, id: Id) -> Result<(), Failure> {
    c.note(DELETE, arguments![id]).await
}

/// Notes when one was used, and by what.
pub async fn touch(c: &mut Txn, id: Id, at: Timestamp, client: &str) -> Result<(), Failure> {
    c.note(TOUCH, arguments![id, at, client]).await
}

statements! {
    const BY_SECRET: Statement = reads(
        &[FREEBUSY_ADDRESS],
        concat!("SELECT id, ", columns!(), " FROM freebusy_address WHERE secret_hash = $1"),
    );
    const ALL: Statement =
        reads(&[FREEBUSY_ADDRESS], concat!("SELECT ", columns!(), " FROM freebusy_address ORDER BY label"));
    const INSERT: Statement = writes(
        &[FREEBUSY_ADDRESS],
        &[],
        "INSERT INTO freebusy_address (id, label, secret_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (label) DO NOTHING",
    );
    const BY_LABEL: Statement = reads(&[FREEBUSY_ADDRESS], "SELECT id FROM freebusy_address WHERE label = $1");
    const DELETE: Statement = writes(&[FREEBUSY_ADDRESS], &[], "DELETE FROM freebusy_address WHERE id = $1");
    const TOUCH: Statement =
        writes(&[FREEBUSY_ADDRESS], &[], "UPDATE freebusy_address SET fetched_at = $2, client = $3 WHERE id = $1");
}
