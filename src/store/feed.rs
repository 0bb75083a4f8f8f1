//! Statements on `feed`.

use super::db::{Row, arguments};
use super::executor::{Executor, execute, row, rows};
use super::principal::principal_of;
use super::statement::tables::{FEED, NODE, PRINCIPAL};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::calendar::{Feed, FeedDetail};
use crate::model::error::Failure;
use crate::model::id::{Id, Timestamp};
use crate::model::principal::Principal;
use crate::model::secret_address::SecretAddress;

/// Columns of a feed: `k` is its calendar, `h` the home that stands in.
macro_rules! columns {
    () => {
        "h.name, k.name, f.detail, f.created_at, f.expires_at, f.fetched_at, f.client"
    };
}

fn feed_of(row: &Row, first: usize) -> Option<Feed> {
    Some(Feed {
        home: row.text(first),
        calendar: row.text(first + 1),
        detail: FeedDetail::from_code(&row.text(first + 2))?,
        kept: secret_address_of(row, first + 3),
    })
}

/// What is kept of an address that is a secret: four columns.
pub(super) fn secret_address_of(row: &Row, first: usize) -> SecretAddress {
    SecretAddress {
        created_at: row.integer(first),
        expires_at: row.optional_integer(first + 1),
        fetched_at: row.optional_integer(first + 2),
        client: row.optional_text(first + 3),
    }
}

/// The feed whose secret has this hash, with its number and in whose name it is read; its calendar and home are there.
pub async fn by_secret(c: &mut impl Executor, secret_hash: &str) -> Result<Option<(Principal, Id, Feed)>, Failure> {
    let Some(row) = row(c, BY_SECRET, arguments![secret_hash]).await? else { return Ok(None) };
    Ok(feed_of(&row, 8).map(|feed| (principal_of(&row), Id(row.integer(7)), feed)))
}

/// A person's feeds, by home and calendar.
pub async fn of_person(c: &mut impl Executor, person: Id) -> Result<Vec<Feed>, Failure> {
    Ok(rows(c, OF_PERSON, arguments![person]).await?.iter().filter_map(|row| feed_of(row, 0)).collect())
}

/// Writes a feed; `false` when the person has one of this calendar.
pub async fn insert(
    c: &mut Txn,
    person: Id,
    calendar: Id,
    detail: FeedDetail,
    secret_hash: &str,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
) -> Result<bool, Failure> {
    let arguments = arguments![Id::generate(), person, calendar, detail.code(), secret_hash, created_at, expires_at];
    Ok(execute(c, INSERT, arguments).await? == 1)
}

/// Removes a feed; `false` when there is none.
pub async fn delete(c: &mut Txn, person: Id, calendar: Id) -> Result<bool, Failure> {
    Ok(execute(c, DELETE, arguments![person, calendar]).await? == 1)
}

/// Notes when a feed was fetched, and by what.
pub async fn touch(c: &mut Txn, feed: Id, at: Timestamp, client: &str) -> Result<(), Failure> {
    c.note(TOUCH, arguments![feed, at, client]).await
}

statements! {
    const BY_SECRET: Statement = reads(
        &[FEED, NODE, PRINCIPAL],
        concat!(
            "SELECT p.id, p.kind, p.name, p.display_name, p.disabled_at, p.closed_at, NULL, f.id, ",
            columns!(),
            " FROM feed f JOIN principal p ON p.id = f.principal_id JOIN node k ON k.id = f.calendar_id JOIN node h \
             ON h.id = k.home_id WHERE f.secret_hash = $1 AND k.gone_at IS NULL AND h.gone_at IS NULL"
        ),
    );
    const OF_PERSON: Statement = reads(
        &[FEED, NODE],
        concat!(
            "SELECT ",
            columns!(),
            " FROM feed f JOIN node k ON k.id = f.calendar_id JOIN node h ON h.id = k.home_id WHERE f.principal_id = \
             $1 AND k.gone_at IS NULL AND h.gone_at IS NULL ORDER BY h.match_name, k.match_name"
        ),
    );
    const INSERT: Statement = writes(
        &[FEED],
        &[],
        "INSERT INTO feed (id, principal_id, calendar_id, detail, secret_hash, created_at, expires_at) VALUES ($1, \
         $2, $3, $4, $5, $6, $7) ON CONFLICT (principal_id, calendar_id) DO NOTHING",
    );
    const DELETE: Statement = writes(&[FEED], &[], "DELETE FROM feed WHERE principal_id = $1 AND calendar_id = $2");
    const TOUCH: Statement = writes(&[FEED], &[], "UPDATE feed SET fetched_at = $2, client = $3 WHERE id = $1");
}
