//! Statements on `mail`.

use super::db::{Row, arguments};
use super::executor::{Executor, execute, row, rows};
use super::statement::tables::{MAIL, NODE};
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::{Id, Timestamp};
use crate::model::mail::{DIGEST, MailState, QueuedMail};

macro_rules! columns {
    () => {
        "id, node_id, address, method, instances, sequence, content, round, part, token, state, attempt, queued_at, \
         finished_at, status, reason, letter, message_hash, mail_hash, sender_id"
    };
}

fn mail_of(row: &Row) -> Option<QueuedMail> {
    Some(QueuedMail {
        id: Id(row.integer(0)),
        event: Id(row.integer(1)),
        address: row.text(2),
        method: row.text(3),
        instances: row.text(4),
        sequence: row.integer(5),
        content: row.text(6),
        round: row.integer(7),
        part: row.integer(8),
        token: row.text(9),
        state: MailState::from_code(row.integer(10))?,
        attempt: row.integer(11),
        queued_at: row.integer(12),
        finished_at: row.optional_integer(13),
        status: row.optional_text(14),
        reason: row.optional_text(15),
        letter: row.text(16),
        message_hash: row.optional_text(17),
        mail_hash: row.optional_text(18),
        sender: row.optional_integer(19).map(Id),
    })
}

/// Queues a mail.
pub async fn queue(c: &mut Txn, mail: &QueuedMail) -> Result<(), Failure> {
    let arguments = arguments![
        mail.id,
        mail.event,
        &mail.address,
        &mail.method,
        &mail.instances,
        mail.sequence,
        &mail.content,
        mail.round,
        mail.part,
        &mail.token,
        mail.state.code(),
        mail.attempt,
        mail.queued_at,
        &mail.letter,
        mail.message_hash.as_ref(),
        mail.mail_hash.as_ref(),
        mail.sender
    ];
    c.note(QUEUE, arguments).await
}

/// All mail about an object, in the order in which it was queued.
pub async fn of_event(c: &mut impl Executor, event: Id) -> Result<Vec<QueuedMail>, Failure> {
    Ok(rows(c, OF_EVENT, arguments![event]).await?.iter().filter_map(mail_of).collect())
}

/// A mail.
pub async fn by_id(c: &mut impl Executor, id: Id) -> Result<Option<QueuedMail>, Failure> {
    Ok(row(c, BY_ID, arguments![id]).await?.as_ref().and_then(mail_of))
}

/// The mail of a token.
pub async fn by_token(c: &mut impl Executor, token: &str) -> Result<Option<QueuedMail>, Failure> {
    Ok(row(c, BY_TOKEN, arguments![token]).await?.as_ref().and_then(mail_of))
}

/// Forgets a mail of which nothing has left.
pub async fn withdraw(c: &mut Txn, id: Id) -> Result<(), Failure> {
    c.note(WITHDRAW, arguments![id, MailState::Queued.code()]).await
}

/// Nothing more is tried with a mail that may have left.
pub async fn abandon(c: &mut Txn, id: Id, now: Timestamp) -> Result<(), Failure> {
    c.note(ABANDON, arguments![id, now]).await
}

/// Does a mail to the same address about the same object wait that was queued before? Of those of one message the first
/// goes first, and the others in any order. What was queued before `since`, or is in no state that anybody works on, is
/// not waited for.
pub async fn waits_for_another(c: &mut impl Executor, mail: &QueuedMail, since: Timestamp) -> Result<bool, Failure> {
    let [queued, sending, in_doubt] = [MailState::Queued, MailState::Sending, MailState::InDoubt].map(MailState::code);
    let arguments =
        arguments![mail.event, &mail.address, mail.id, &mail.content, queued, sending, in_doubt, since, mail.queued_at];
    Ok(row(c, EARLIER, arguments).await?.is_some())
}

/// How many mails left since a moment, and how many wait that were queued before a mail.
#[derive(Clone, Copy, Debug, Default)]
pub struct MailsAhead {
    /// For its address.
    pub to_address: i64,
    /// From its sender, as far as they were counted.
    pub from_sender: i64,
}

/// What is ahead of a mail; of its sender not more than `limit` is counted. Mail of the method `of_documents` is ahead
/// of its like only: what says that documents are there keeps no invitation back.
pub async fn ahead_since(
    c: &mut impl Executor,
    mail: &QueuedMail,
    since: Timestamp,
    of_documents: &str,
    limit: i64,
) -> Result<MailsAhead, Failure> {
    let passed_by = if mail.method == of_documents { DIGEST } else { of_documents };
    let arguments =
        arguments![&mail.address, since, MailState::Accepted.code(), mail.id, DIGEST, mail.sender, limit, passed_by];
    let found = row(c, AHEAD_SINCE, arguments).await?;
    Ok(found
        .map_or_else(MailsAhead::default, |row| MailsAhead { to_address: row.integer(0), from_sender: row.integer(1) }))
}

/// Mails to an address of which nothing has left, in the order in which they were queued.
pub async fn waiting(c: &mut impl Executor, address: &str, limit: i64) -> Result<Vec<QueuedMail>, Failure> {
    let arguments = arguments![address, MailState::Queued.code(), DIGEST, limit];
    Ok(rows(c, WAITING, arguments).await?.iter().filter_map(mail_of).collect())
}

/// Was a mail that lists others queued for an address since a moment?
pub async fn digest_since(c: &mut impl Executor, address: &str, since: Timestamp) -> Result<bool, Failure> {
    Ok(row(c, DIGEST_SINCE, arguments![address, since, DIGEST]).await?.is_some())
}

/// The bytes of a mail were made.
pub async fn made(c: &mut Txn, id: Id, mail_hash: &str) -> Result<(), Failure> {
    c.note(MADE, arguments![id, mail_hash]).await
}

/// A mail waits for its turn from a moment on: what it waits for is no fault of its recipient.
pub async fn hold(c: &mut Txn, mail: &QueuedMail, at: Timestamp) -> Result<(), Failure> {
    c.note(HOLD, arguments![mail.id, at]).await
}

/// A mail has another state and attempt, unless it has come to its end, or another attempt is under way; `false`: so it
/// is.
pub async fn set_state(c: &mut Txn, mail: &QueuedMail, state: MailState, attempt: i64) -> Result<bool, Failure> {
    Ok(execute(c, SET_STATE, arguments![mail.id, mail.attempt, state.code(), attempt]).await? == 1)
}

/// A mail comes to its end, or comes back after it: what came of it has to be reported.
pub async fn finish(
    c: &mut Txn,
    id: Id,
    state: MailState,
    now: Timestamp,
    status: &str,
    reason: &str,
) -> Result<(), Failure> {
    c.note(FINISH, arguments![id, state.code(), now, status, reason]).await
}

/// What came of mail about an object and was not reported. A row that nobody can read is in no other's way.
pub async fn unreported(c: &mut impl Executor, event: Id, limit: i64) -> Result<Vec<QueuedMail>, Failure> {
    let [accepted, refused] = [MailState::Accepted, MailState::Refused].map(MailState::code);
    Ok(rows(c, UNREPORTED, arguments![event, limit, accepted, refused]).await?.iter().filter_map(mail_of).collect())
}

/// What came of a mail was reported, unless something else has come of it since.
pub async fn report(c: &mut Txn, mail: &QueuedMail) -> Result<(), Failure> {
    c.note(REPORT, arguments![mail.id, mail.status.as_ref()]).await
}

/// Forgets mail that came to its end before a moment, but for the last to each address about an object that is there:
/// by that it is known what its recipient knows of the meeting, which mail of the method `of_documents` does not say.
pub async fn forget(c: &mut Txn, before: Timestamp, of_documents: &str, limit: i64) -> Result<u64, Failure> {
    execute(c, FORGET, arguments![before, limit, of_documents]).await
}

statements! {
    const QUEUE: Statement = writes(
        &[MAIL],
        &[NODE],
        "INSERT INTO mail (id, node_id, address, method, instances, sequence, content, round, part, token, state, \
         attempt, queued_at, letter, message_hash, mail_hash, sender_id, reported) VALUES ($1, $2, $3, $4, $5, $6, $7, \
         $8, $9, $10, $11, $12, $13, $14, $15, $16, COALESCE($17, (SELECT n.owner_id FROM node n WHERE n.id = $2)), 1)",
    );
    const OF_EVENT: Statement =
        reads(&[MAIL], concat!("SELECT ", columns!(), " FROM mail WHERE node_id = $1 ORDER BY id"));
    const BY_ID: Statement = reads(&[MAIL], concat!("SELECT ", columns!(), " FROM mail WHERE id = $1"));
    const BY_TOKEN: Statement = reads(&[MAIL], concat!("SELECT ", columns!(), " FROM mail WHERE token = $1"));
    const WITHDRAW: Statement = writes(&[MAIL], &[], "DELETE FROM mail WHERE id = $1 AND state = $2");
    const ABANDON: Statement = writes(
        &[MAIL],
        &[],
        "UPDATE mail SET finished_at = $2, message_hash = NULL, mail_hash = NULL WHERE id = $1 AND finished_at IS NULL",
    );
    const EARLIER: Statement = reads(
        &[MAIL],
        "SELECT id FROM mail WHERE node_id = $1 AND address = $2 AND id < $3 AND (content <> $4 OR part = 0) AND \
         finished_at IS NULL AND state IN ($5, $6, $7) AND queued_at BETWEEN $8 AND $9 LIMIT 1",
    );
    const AHEAD_SINCE: Statement = reads(
        &[MAIL],
        "SELECT (SELECT COUNT(*) FROM mail WHERE address = $1 AND method NOT IN ($5, $8) AND ((finished_at > $2 AND \
         state = $3) OR (finished_at IS NULL AND id < $4))), (SELECT COUNT(*) FROM (SELECT 1 FROM mail WHERE sender_id \
         = $6 AND finished_at > $2 AND state = $3 LIMIT $7) l) + (SELECT COUNT(*) FROM (SELECT 1 FROM mail WHERE \
         sender_id = $6 AND finished_at IS NULL AND id < $4 LIMIT $7) w)",
    );
    const WAITING: Statement = reads(
        &[MAIL],
        concat!(
            "SELECT ",
            columns!(),
            " FROM mail WHERE address = $1 AND finished_at IS NULL AND state = $2 AND method <> $3 ORDER BY id LIMIT $4"
        ),
    );
    const DIGEST_SINCE: Statement =
        reads(&[MAIL], "SELECT id FROM mail WHERE address = $1 AND queued_at > $2 AND method = $3 LIMIT 1");
    const HOLD: Statement =
        writes(&[MAIL], &[], "UPDATE mail SET queued_at = $2 WHERE id = $1 AND finished_at IS NULL");
    const MADE: Statement = writes(&[MAIL], &[], "UPDATE mail SET mail_hash = $2 WHERE id = $1 AND mail_hash IS NULL");
    const SET_STATE: Statement = writes(
        &[MAIL],
        &[],
        "UPDATE mail SET state = $3, attempt = $4 WHERE id = $1 AND attempt = $2 AND finished_at IS NULL",
    );
    const FINISH: Statement = writes(
        &[MAIL],
        &[],
        "UPDATE mail SET state = $2, finished_at = COALESCE(finished_at, $3), status = $4, reason = $5, reported = 0, \
         message_hash = NULL, mail_hash = NULL WHERE id = $1",
    );
    const UNREPORTED: Statement = reads(
        &[MAIL],
        concat!(
            "SELECT ",
            columns!(),
            " FROM mail WHERE node_id = $1 AND reported = 0 AND state IN ($3, $4) ORDER BY id LIMIT $2"
        ),
    );
    const REPORT: Statement =
        writes(&[MAIL], &[], "UPDATE mail SET reported = 1 WHERE id = $1 AND status IS NOT DISTINCT FROM $2");
    const FORGET: Statement = writes(
        &[MAIL],
        &[NODE],
        "DELETE FROM mail WHERE id IN (SELECT m.id FROM mail m WHERE m.finished_at < $1 AND m.reported = 1 AND \
         (m.method = $3 OR NOT EXISTS (SELECT n.id FROM node n WHERE n.id = m.node_id) OR EXISTS (SELECT o.id FROM \
         mail o WHERE o.node_id = m.node_id AND o.address = m.address AND o.method <> $3 AND o.id > m.id)) LIMIT $2)",
    );
}
