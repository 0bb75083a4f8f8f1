//! The few lines that know which database it is: connections, arguments, rows.
//!
//! Statements are constants in the portable subset (`$1` placeholders, BIGINT, TEXT, BYTEA); every other file of
//! `store` names only the types of this one.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteRow, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Row as _, Sqlite};

use crate::model::error::Failure;

/// One connection of the database we run on.
pub type Connection = SqliteConnection;
/// The pool of readers.
pub type Pool = SqlitePool;

/// How many readers work side by side.
const READERS: u32 = 4;
/// How long a writer waits for another process.
const BUSY: Duration = Duration::from_secs(20);

/// An argument of a statement.
#[derive(Clone, Copy)]
pub enum Argument<'a> {
    /// BIGINT.
    Integer(i64),
    /// TEXT.
    Text(&'a str),
    /// BYTEA.
    Bytes(&'a [u8]),
    /// NULL.
    Null,
}

impl From<i64> for Argument<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for Argument<'_> {
    fn from(value: bool) -> Self {
        Self::Integer(i64::from(value))
    }
}

impl From<crate::model::id::Id> for Argument<'_> {
    fn from(value: crate::model::id::Id) -> Self {
        Self::Integer(value.0)
    }
}

impl<'a> From<&'a str> for Argument<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Argument<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Argument<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(value)
    }
}

impl<'a, T: Into<Argument<'a>>> From<Option<T>> for Argument<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The arguments of a statement, each turned into an [`Argument`].
macro_rules! arguments {
    ($($value:expr),* $(,)?) => { &[$($crate::store::sql::Argument::from($value)),*] };
}
pub(crate) use arguments;

/// A row of an answer; columns are numbered from 0.
pub struct Row(SqliteRow);

impl Row {
    /// A BIGINT that is not NULL; a column of another type is a bug and reads as 0.
    pub fn integer(&self, column: usize) -> i64 {
        self.optional_integer(column).unwrap_or_default()
    }

    /// A BIGINT or NULL.
    pub fn optional_integer(&self, column: usize) -> Option<i64> {
        self.0.try_get_unchecked(column).ok().flatten()
    }

    /// A TEXT that is not NULL.
    pub fn text(&self, column: usize) -> String {
        self.optional_text(column).unwrap_or_default()
    }

    /// A TEXT or NULL.
    pub fn optional_text(&self, column: usize) -> Option<String> {
        self.0.try_get_unchecked(column).ok().flatten()
    }

    /// A BYTEA that is not NULL.
    pub fn bytes(&self, column: usize) -> Bytes {
        self.0.try_get_unchecked::<Vec<u8>, _>(column).map(Bytes::from).unwrap_or_default()
    }
}

fn query<'q>(sql: &'static str, arguments: &[Argument<'q>]) -> Query<'q, Sqlite, SqliteArguments> {
    arguments.iter().fold(sqlx::query(sql), |query, argument| match *argument {
        Argument::Integer(value) => query.bind(value),
        Argument::Text(value) => query.bind(value.to_owned()),
        Argument::Bytes(value) => query.bind(value.to_owned()),
        Argument::Null => query.bind(None::<i64>),
    })
}

/// Runs a statement; the number of rows it touched.
pub async fn execute(c: &mut Connection, sql: &'static str, arguments: &[Argument<'_>]) -> Result<u64, Failure> {
    let done = query(sql, arguments).execute(c).await.map_err(|e| Failure::new(sql, e))?;
    Ok(done.rows_affected())
}

/// All rows of an answer. Statements bound their own number of rows.
pub async fn rows(c: &mut Connection, sql: &'static str, arguments: &[Argument<'_>]) -> Result<Vec<Row>, Failure> {
    let rows = query(sql, arguments).fetch_all(c).await.map_err(|e| Failure::new(sql, e))?;
    Ok(rows.into_iter().map(Row).collect())
}

/// The first row of an answer.
pub async fn row(c: &mut Connection, sql: &'static str, arguments: &[Argument<'_>]) -> Result<Option<Row>, Failure> {
    let row = query(sql, arguments).fetch_optional(c).await.map_err(|e| Failure::new(sql, e))?;
    Ok(row.map(Row))
}

/// Runs a statement that is not prepared: transaction control.
pub async fn control(c: &mut Connection, sql: &'static str) -> Result<(), Failure> {
    sqlx::raw_sql(sql).execute(c).await.map_err(|e| Failure::new(sql, e))?;
    Ok(())
}

/// Opens a write transaction at once, so that it cannot fail for being second later.
pub const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
/// Asks the database to look at its own file; `ok` when it is sound.
pub const INTEGRITY: &str = "PRAGMA quick_check(1)";
/// Opens a snapshot.
pub const BEGIN_READ: &str = "BEGIN";

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .statement_cache_capacity(200)
        .pragma("cache_size", "-32768")
        .pragma("temp_store", "MEMORY")
}

/// The one writing connection, with the schema brought up to date. Creates the database where there is none.
pub async fn open_writer(file: &Path) -> Result<Connection, Failure> {
    let mut connection =
        options(file).create_if_missing(true).connect().await.map_err(|e| Failure::new("opening the database", e))?;
    // The migrator's own lock would be taken even where nothing is to be done; two processes that start together
    // wait for each other by the busy time-out.
    sqlx::migrate!("./schema")
        .run(&mut connection)
        .await
        .map_err(|e| Failure::new("bringing the database schema up to date", e))?;
    Ok(connection)
}

/// The readers of the same file.
pub async fn open_readers(file: &Path) -> Result<Pool, Failure> {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .min_connections(1)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options(file).read_only(true))
        .await
        .map_err(|e| Failure::new("opening the database for reading", e))
}
