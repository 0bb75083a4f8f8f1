//! The few lines that know which database it is: connections, arguments, rows.
//!
//! Statements are constants in the portable subset (`$1` placeholders, BIGINT, TEXT, BYTEA); every other file of
//! `store` names only the types of this one.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use sqlx::error::BoxDynError;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteRow, SqliteSynchronous,
};
use sqlx::{Arguments as _, AssertSqlSafe, ConnectOptions as _, Row as _, Sqlite};

use crate::model::error::Failure;

/// One connection of the database we run on.
pub type Connection = SqliteConnection;
/// The pool of readers.
pub type Pool = SqlitePool;

/// How many readers work side by side.
const READERS: u32 = 4;
/// How many rows a reader may be ahead of whoever asked: a page of a listing, so that it need not wait in between.
const ROWS_AHEAD: usize = 512;
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

/// A row of an answer; columns are numbered from 0. A column of another type than asked is a bug and reads as nothing.
pub struct Row(Values);

enum Values {
    Native(SqliteRow),
    Paged(Vec<Value>),
}

impl Row {
    /// A BIGINT that is not NULL.
    pub fn integer(&self, column: usize) -> i64 {
        self.optional_integer(column).unwrap_or_default()
    }

    /// A BIGINT or NULL.
    pub fn optional_integer(&self, column: usize) -> Option<i64> {
        match &self.0 {
            Values::Native(row) => row.try_get_unchecked(column).ok().flatten(),
            Values::Paged(values) => values.get(column).and_then(Value::as_i64),
        }
    }

    /// A TEXT that is not NULL.
    pub fn text(&self, column: usize) -> String {
        self.optional_text(column).unwrap_or_default()
    }

    /// A TEXT or NULL.
    pub fn optional_text(&self, column: usize) -> Option<String> {
        match &self.0 {
            Values::Native(row) => row.try_get_unchecked(column).ok().flatten(),
            Values::Paged(values) => values.get(column).and_then(Value::as_str).map(str::to_owned),
        }
    }

    /// A BYTEA that is not NULL.
    pub fn bytes(&self, column: usize) -> Bytes {
        match &self.0 {
            Values::Native(row) => row.try_get_unchecked::<Vec<u8>, _>(column).map(Bytes::from).unwrap_or_default(),
            Values::Paged(_) => Bytes::new(),
        }
    }
}

/// What statements run on.
pub trait Reading: Send {
    /// The connection; and, of a write, what was noted for it and runs before anything else does.
    fn connection(&mut self) -> (&mut Connection, Option<&mut Batch>);
}

/// The most statements that wait, and the most bytes of their arguments.
const BATCH_STATEMENTS: usize = 16;
const BATCH_BYTES: usize = 256 * 1024;

/// Statements whose answers nobody waits for, kept until something is read or the write ends: each trip to the database
/// costs more than most statements do. One that fails takes the write with it, whenever it runs.
#[derive(Default)]
pub struct Batch {
    sql: String,
    arguments: SqliteArguments,
    values: usize,
    statements: usize,
    bytes: usize,
    /// Is the first of them the one that opens the write? Then nothing of it has reached the database.
    pub unopened: bool,
}

impl Batch {
    /// Adds a statement that answers no rows.
    pub fn add(&mut self, sql: &'static str, arguments: &[Argument<'_>]) -> Result<(), Failure> {
        if !self.sql.is_empty() {
            self.sql.push(';');
        }
        // The placeholders of one text are numbered through.
        let mut parts = sql.split('$');
        self.sql.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, rest) = part.split_at(digits);
            let number = number.parse::<usize>().map_err(|e| Failure::new(sql, e))?;
            let _ = write!(self.sql, "${}{rest}", self.values + number);
        }
        for argument in arguments {
            self.bytes += bind(&mut self.arguments, *argument).map_err(|e| Failure::new(sql, e))?;
        }
        self.values += arguments.len();
        self.statements += 1;
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.statements == 0
    }

    /// Does so much wait that it should run now?
    pub fn is_full(&self) -> bool {
        self.statements >= BATCH_STATEMENTS || self.bytes >= BATCH_BYTES
    }

    /// Runs what waits.
    pub async fn run(&mut self, c: &mut Connection) -> Result<(), Failure> {
        if self.is_empty() {
            return Ok(());
        }
        let query = std::mem::take(self).query();
        query.execute(c).await.map_err(|e| Failure::new("writing", e))?;
        Ok(())
    }

    /// Every text of a batch is made of constant ones; every value is an argument.
    fn query(self) -> Query<'static, Sqlite, SqliteArguments> {
        sqlx::query_with(AssertSqlSafe(self.sql), self.arguments)
    }
}

/// Binds one more value; its size.
fn bind(to: &mut SqliteArguments, argument: Argument<'_>) -> Result<usize, BoxDynError> {
    match argument {
        Argument::Integer(value) => to.add(value).map(|()| 8),
        Argument::Text(value) => to.add(value.to_owned()).map(|()| value.len()),
        Argument::Bytes(value) => to.add(value.to_owned()).map(|()| value.len()),
        Argument::Null => to.add(None::<i64>).map(|()| 8),
    }
}

fn query(
    sql: &'static str,
    arguments: &[Argument<'_>],
    noted: Option<&mut Batch>,
) -> Result<Query<'static, Sqlite, SqliteArguments>, Failure> {
    if let Some(noted) = noted.filter(|noted| !noted.is_empty()) {
        noted.add(sql, arguments)?;
        return Ok(std::mem::take(noted).query());
    }
    let mut bound = SqliteArguments::default();
    for argument in arguments {
        bind(&mut bound, *argument).map_err(|e| Failure::new(sql, e))?;
    }
    Ok(sqlx::query_with(sql, bound))
}

/// Runs a statement now; the number of rows it touched.
pub async fn execute(c: &mut impl Reading, sql: &'static str, arguments: &[Argument<'_>]) -> Result<u64, Failure> {
    let (connection, noted) = c.connection();
    if let Some(noted) = noted {
        noted.run(connection).await?;
    }
    let done = query(sql, arguments, None)?.execute(connection).await.map_err(|e| Failure::new(sql, e))?;
    Ok(done.rows_affected())
}

/// All rows of an answer. Statements bound their own number of rows.
pub async fn rows(c: &mut impl Reading, sql: &'static str, arguments: &[Argument<'_>]) -> Result<Vec<Row>, Failure> {
    let (connection, noted) = c.connection();
    let rows = query(sql, arguments, noted)?.fetch_all(connection).await.map_err(|e| Failure::new(sql, e))?;
    Ok(rows.into_iter().map(|row| Row(Values::Native(row))).collect())
}

/// Makes a statement answer a page of rows as one value: the columns, which are integers and texts, and where they come from. Rows that
/// come one by one cost a change of threads each.
macro_rules! paged {
    ($columns:expr, $from:expr) => {
        concat!("SELECT json_group_array(json_array(", $columns, ")) FROM (", $from, ") n")
    };
}
pub(super) use paged;

/// All rows of the answer of a statement made by `paged!`.
pub async fn page(c: &mut impl Reading, sql: &'static str, arguments: &[Argument<'_>]) -> Result<Vec<Row>, Failure> {
    let Some(answer) = row(c, sql, arguments).await? else { return Ok(Vec::new()) };
    let rows: Vec<Vec<Value>> = serde_json::from_str(&answer.text(0)).map_err(|e| Failure::new(sql, e))?;
    Ok(rows.into_iter().map(|values| Row(Values::Paged(values))).collect())
}

/// The first row of an answer.
pub async fn row(c: &mut impl Reading, sql: &'static str, arguments: &[Argument<'_>]) -> Result<Option<Row>, Failure> {
    let (connection, noted) = c.connection();
    let row = query(sql, arguments, noted)?.fetch_optional(connection).await.map_err(|e| Failure::new(sql, e))?;
    Ok(row.map(|row| Row(Values::Native(row))))
}

/// Runs a statement that is not prepared: transaction control.
pub async fn control(c: &mut Connection, sql: &'static str) -> Result<(), Failure> {
    sqlx::raw_sql(sql).execute(c).await.map_err(|e| Failure::new(sql, e))?;
    Ok(())
}

/// Opens a write transaction at once, so that it cannot fail for being second later.
pub const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
/// Asks the database to look at its own file; `ok` when it is sound.
pub const INTEGRITY: &str = "PRAGMA integrity_check(1)";
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
        .row_buffer_size(ROWS_AHEAD)
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
