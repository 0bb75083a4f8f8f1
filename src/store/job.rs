//! Statements on `job`. A run holds its job by a lease: whoever finds that ended takes the job, and what the run that
//! lost it says of it counts no more.

use super::db::{Row, arguments};
use super::executor::{Executor, execute, row, rows};
use super::statement::tables::JOB;
use super::statement::{Statement, reads, statements, writes};
use super::transaction::Txn;
use crate::model::error::Failure;
use crate::model::id::{Id, Timestamp};
use crate::model::job::{Job, NewJob};

macro_rules! columns {
    () => {
        "job_key, kind, payload, entered_at, due_at, tries, lease, failed_at, error"
    };
}

fn job_of(row: &Row) -> Job {
    Job {
        key: row.text(0),
        kind: row.text(1),
        payload: row.text(2),
        entered_at: row.integer(3),
        due_at: row.integer(4),
        tries: row.integer(5),
        running: row.optional_integer(6).is_some(),
        failed_at: row.optional_integer(7),
        error: row.optional_text(8),
    }
}

/// Enters a job, unless one of its key is there.
pub async fn enter(c: &mut Txn, job: NewJob<'_>, now: Timestamp) -> Result<(), Failure> {
    c.note(ENTER, arguments![job.key, job.kind, job.payload, now, job.due_at]).await
}

/// Enters a job whose key nobody else makes. Those of many go as one statement.
pub async fn add(c: &mut Txn, job: NewJob<'_>, now: Timestamp) -> Result<(), Failure> {
    c.note(ADD, arguments![job.key, job.kind, job.payload, now, job.due_at]).await
}

/// Enters what is done again and again, under its kind as the key; and makes it due if it was given up, is marked with
/// another kind, or is to wait beyond `latest`.
pub async fn keep(c: &mut Txn, kind: &str, now: Timestamp, latest: Timestamp) -> Result<(), Failure> {
    c.note(KEEP, arguments![kind, now, latest]).await
}

/// When the next job of a kind is due.
pub async fn next_due(c: &mut impl Executor, kind: &str) -> Result<Option<Timestamp>, Failure> {
    Ok(row(c, NEXT_DUE, arguments![kind]).await?.map(|row| row.integer(0)))
}

/// Takes the job of a kind that has been due longest, for a run that holds it until a moment.
pub async fn lease(
    c: &mut Txn,
    kind: &str,
    now: Timestamp,
    lease: Id,
    until: Timestamp,
) -> Result<Option<Job>, Failure> {
    Ok(row(c, LEASE, arguments![kind, now, lease, until]).await?.map(|row| job_of(&row)))
}

/// A run goes on and holds its job longer; `false`: it holds it no more.
pub async fn renew(c: &mut Txn, key: &str, lease: Id, until: Timestamp) -> Result<bool, Failure> {
    Ok(execute(c, RENEW, arguments![key, lease, until]).await? == 1)
}

/// A job is done.
pub async fn finish(c: &mut Txn, key: &str, lease: Id) -> Result<(), Failure> {
    c.note(FINISH, arguments![key, lease]).await
}

/// A job is done for now, and is due again.
pub async fn repeat(c: &mut Txn, key: &str, lease: Id, due_at: Timestamp) -> Result<(), Failure> {
    c.note(REPEAT, arguments![key, lease, due_at]).await
}

/// A run failed, and the job is due again.
pub async fn put_off(c: &mut Txn, key: &str, lease: Id, due_at: Timestamp, error: &str) -> Result<(), Failure> {
    c.note(PUT_OFF, arguments![key, lease, due_at, error]).await
}

/// A run failed once too often: the job is kept, and done when someone says so.
pub async fn give_up(c: &mut Txn, key: &str, lease: Id, now: Timestamp, error: &str) -> Result<(), Failure> {
    c.note(GIVE_UP, arguments![key, lease, now, error]).await
}

/// Makes a job due now, as if it had not been tried; or all that failed: what was given up, and what
/// waits for its next try. How many. What runs, or is to be done later, is left alone.
pub async fn retry(c: &mut Txn, key: Option<&str>, now: Timestamp) -> Result<u64, Failure> {
    match key {
        Some(key) => execute(c, RETRY, arguments![key, now]).await,
        None => execute(c, RETRY_ALL, arguments![now]).await,
    }
}

/// Jobs by key, after `after`.
pub async fn list(c: &mut impl Executor, after: &str, limit: i64) -> Result<Vec<Job>, Failure> {
    Ok(rows(c, LIST, arguments![after, limit]).await?.iter().map(job_of).collect())
}

statements! {
    const ENTER: Statement = writes(
        &[JOB],
        &[],
        "INSERT INTO job (job_key, kind, payload, entered_at, due_at, tries) VALUES ($1, $2, $3, $4, $5, 0) ON \
         CONFLICT (job_key) DO NOTHING",
    );
    const ADD: Statement = writes(
        &[JOB],
        &[],
        "INSERT INTO job (job_key, kind, payload, entered_at, due_at, tries) VALUES ($1, $2, $3, $4, $5, 0)",
    );
    const KEEP: Statement = writes(
        &[JOB],
        &[],
        "INSERT INTO job (job_key, kind, payload, entered_at, due_at, tries) VALUES ($1, $1, '', $2, $2, 0) ON \
         CONFLICT (job_key) DO UPDATE SET kind = excluded.kind, failed_at = NULL, lease = NULL, \
         due_at = excluded.due_at WHERE job.kind <> excluded.kind OR job.failed_at IS NOT NULL OR job.due_at > $3",
    );
    const NEXT_DUE: Statement = reads(
        &[JOB],
        "SELECT due_at FROM job WHERE kind = $1 AND failed_at IS NULL ORDER BY due_at LIMIT 1",
    );
    const LEASE: Statement = writes(
        &[JOB],
        &[JOB],
        concat!(
            "UPDATE job SET lease = $3, due_at = $4, tries = tries + 1 WHERE job_key = (SELECT j.job_key FROM job j \
             WHERE j.kind = $1 AND j.failed_at IS NULL AND j.due_at <= $2 ORDER BY j.due_at, j.job_key LIMIT 1) \
             RETURNING ",
            columns!()
        ),
    );
    const RENEW: Statement = writes(&[JOB], &[], "UPDATE job SET due_at = $3 WHERE job_key = $1 AND lease = $2");
    const FINISH: Statement = writes(&[JOB], &[], "DELETE FROM job WHERE job_key = $1 AND lease = $2");
    const REPEAT: Statement = writes(
        &[JOB],
        &[],
        "UPDATE job SET lease = NULL, due_at = $3, tries = 0, error = NULL WHERE job_key = $1 AND lease = $2",
    );
    const PUT_OFF: Statement = writes(
        &[JOB],
        &[],
        "UPDATE job SET lease = NULL, due_at = $3, error = $4 WHERE job_key = $1 AND lease = $2",
    );
    const GIVE_UP: Statement = writes(
        &[JOB],
        &[],
        "UPDATE job SET lease = NULL, failed_at = $3, error = $4 WHERE job_key = $1 AND lease = $2",
    );
    const RETRY: Statement = writes(
        &[JOB],
        &[],
        "UPDATE job SET failed_at = NULL, tries = 0, due_at = $2 WHERE job_key = $1 AND lease IS NULL",
    );
    const RETRY_ALL: Statement = writes(
        &[JOB],
        &[],
        "UPDATE job SET failed_at = NULL, tries = 0, due_at = $1 WHERE lease IS NULL AND (failed_at IS NOT NULL OR \
         tries > 0)",
    );
    const LIST: Statement = reads(
        &[JOB],
        concat!("SELECT ", columns!(), " FROM job WHERE job_key > $1 ORDER BY job_key LIMIT $2"),
    );
}
