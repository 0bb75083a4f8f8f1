//! What lies behind the errors of the database.

use sqlx::migrate::MigrateError;

use crate::model::error::{Cause, Failure};

/// A statement that failed, and what lies behind it.
pub(super) fn failed(context: &'static str, error: sqlx::Error) -> Failure {
    let cause = cause_of(&error);
    let failure = Failure::new(context, error);
    match cause {
        Some(cause) => failure.by(cause),
        None => failure,
    }
}

/// Did a question for a page meet a value that can stand in none? It is damaged; the connection, and its view, are
/// sound.
pub(super) fn is_no_page(failure: &Failure) -> bool {
    let error = failure.source.downcast_ref().and_then(sqlx::Error::as_database_error);
    error.is_some_and(|error| error.message() == "JSON cannot hold BLOB values")
}

/// What lies behind an error, as far as the database knows.
fn cause_of(error: &sqlx::Error) -> Option<Cause> {
    match error {
        sqlx::Error::Database(error) => cause_of_code(error.code()?.parse().ok()?),
        sqlx::Error::WorkerCrashed => Some(Cause::Busy),
        sqlx::Error::Migrate(error) => match &**error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => cause_of(error),
            _ => None,
        },
        _ => None,
    }
}

/// What lies behind a result code, whose low byte is the primary one (<https://www.sqlite.org/rescode.html>). A disk
/// quota that is reached is reported as a write that failed, and so may be one on a disk that is full when what was
/// written has to be there.
fn cause_of_code(code: i32) -> Option<Cause> {
    const WRITING: [i32; 5] = [
        778,  // SQLITE_IOERR_WRITE
        1034, // SQLITE_IOERR_FSYNC
        1290, // SQLITE_IOERR_DIR_FSYNC
        1546, // SQLITE_IOERR_TRUNCATE
        4874, // SQLITE_IOERR_SHMSIZE
    ];
    match code & 0xff {
        13 => Some(Cause::Full),
        10 if WRITING.contains(&code) => Some(Cause::Full),
        // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_NOMEM, SQLITE_READONLY, SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_PROTOCOL
        5 | 6 | 7 | 8 | 10 | 14 | 15 => Some(Cause::Busy),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::cause_of_code;
    use crate::model::error::Cause;

    #[test]
    fn what_lies_behind_a_result_code() {
        for (code, cause) in [
            (13, Some(Cause::Full)),
            (10 | 3 << 8, Some(Cause::Full)),
            (10 | 4 << 8, Some(Cause::Full)),
            (10 | 1 << 8, Some(Cause::Busy)),
            (5, Some(Cause::Busy)),
            (5 | 2 << 8, Some(Cause::Busy)),
            (14, Some(Cause::Busy)),
            (1, None),
            (19 | 8 << 8, None),
            (11, None),
        ] {
            assert_eq!(cause_of_code(code), cause, "{code}");
        }
    }
}
