//! The few lines that know which database it is: connections, arguments, rows.
//!
//! Statements are constants in the portable subset (`$1` placeholders, BIGINT, TEXT, BYTEA); every other file of
//! `store` names only the types of this one.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use sqlx::error::BoxDynError;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous,
};
use sqlx::{
    Arguments as _, AssertSqlSafe, ConnectOptions as _, Connection as _, Either, Executor as _, Row as _, Sqlite,
    TypeInfo as _, ValueRef as _,
};

use super::asked::Asked;
use super::cause::failed;
use super::memo::{Memo, Version, key_of, place};
use super::recall::Recall;
use crate::model::error::Failure;

/// One connection of the database we run on.
pub type Connection = SqliteConnection;

/// How many rows a reader may be ahead of whoever asked: a page of a listing, so that it need not wait in between.
const ROWS_AHEAD: usize = 512;
/// How many pages a connection holds, told as KiB by the sign. What is read often is remembered as what it says, so readers
/// need few.
const WRITER_CACHE: &str = "-32768";
const READER_CACHE: &str = "-1024";
/// How many pages the log takes before they are carried over: nearly as many as one part of its index tells of, for a
/// reader looks a page up in each part.
const CHECKPOINT_PAGES: &str = "4000";
/// How long a writer waits for another process; a client is to learn within 15 seconds that the database is away.
const BUSY: Duration = Duration::from_secs(10);

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

/// A row of an answer; columns are numbered from 0. One that is damaged reads as what is left of it, and as nothing where its type
/// leaves nothing: it harms itself, and not the rows beside it.
#[derive(Clone, Debug)]
pub struct Row(Arc<[Cell]>);

/// A value of a row.
#[derive(Clone, Debug)]
enum Cell {
    Integer(i64),
    Text(String),
    Bytes(Bytes),
    Null,
}

impl Cell {
    fn integer(&self) -> Option<i64> {
        if let Self::Integer(value) = self { Some(*value) } else { None }
    }

    fn text(&self) -> Option<String> {
        match self {
            Self::Text(value) => Some(value.clone()),
            Self::Bytes(value) => Some(text_of(value.to_vec())),
            Self::Integer(value) => Some(value.to_string()),
            Self::Null => None,
        }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Text(text) => text.len(),
                Self::Bytes(bytes) => bytes.len(),
                Self::Integer(_) | Self::Null => 0,
            }
    }
}

impl Row {
    fn of(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let mut cells = Vec::with_capacity(row.len());
        for column in 0..row.len() {
            let value = row.try_get_raw(column)?;
            cells.push(match value.type_info().name() {
                _ if value.is_null() => Cell::Null,
                "INTEGER" => Cell::Integer(row.try_get_unchecked(column)?),
                "TEXT" => Cell::Text(text_of(row.try_get_unchecked(column)?)),
                "BLOB" => Cell::Bytes(row.try_get_unchecked::<Vec<u8>, _>(column)?.into()),
                _ => Cell::Null,
            });
        }
        Ok(Self(cells.into()))
    }

    /// A BIGINT that is not NULL.
    pub fn integer(&self, column: usize) -> i64 {
        self.optional_integer(column).unwrap_or_default()
    }

    /// A BIGINT or NULL.
    pub fn optional_integer(&self, column: usize) -> Option<i64> {
        self.0.get(column).and_then(Cell::integer)
    }

    /// A TEXT that is not NULL.
    pub fn text(&self, column: usize) -> String {
        self.optional_text(column).unwrap_or_default()
    }

    /// A TEXT or NULL.
    pub fn optional_text(&self, column: usize) -> Option<String> {
        self.0.get(column).and_then(Cell::text)
    }

    /// A TEXT where it stands.
    pub fn as_text(&self, column: usize) -> Option<&str> {
        if let Some(Cell::Text(value)) = self.0.get(column) { Some(value) } else { None }
    }

    /// A BYTEA that is not NULL.
    pub fn bytes(&self, column: usize) -> Bytes {
        match self.0.get(column) {
            Some(Cell::Bytes(value)) => value.clone(),
            Some(Cell::Text(value)) => Bytes::copy_from_slice(value.as_bytes()),
            _ => Bytes::new(),
        }
    }

    /// Its columns from the first on.
    pub fn columns(&self) -> impl Columns {
        self.0.iter()
    }

    /// How much memory it takes, about.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.0.iter().map(Cell::bytes).sum::<usize>()
    }
}

/// A text; what is no UTF-8 in it is replaced.
fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|damaged| String::from_utf8_lossy(damaged.as_bytes()).into_owned())
}

/// What statements run on.
pub trait Reading: Send {
    /// Where what is asked is counted.
    fn asked(&self) -> &Asked;

    /// The connection, for a statement; and what was noted for it and runs before anything else does.
    fn connection(
        &mut self,
        sql: &'static str,
    ) -> impl Future<Output = Result<(&mut Connection, Option<&mut Batch>), Failure>> + Send;

    /// What may answer in its place, as of a version.
    fn memo(&self) -> Option<(&Memo, Option<Version>)> {
        None
    }

    /// A statement failed: a reading connection that may be broken must not be the next one's.
    fn failed(&mut self, _: &Failure) {}

    /// What is remembered because it cannot go out of date.
    fn recall(&self) -> Option<&Recall> {
        None
    }

    /// Is all that is read read in one view, of what was committed?
    fn is_view(&self) -> bool {
        false
    }

    /// Has all that was read so far been as one view shows it?
    fn was_one_view(&self) -> bool {
        true
    }

    /// What was asked ahead; `None`: nothing is.
    fn foreseen(&mut self) -> Option<&mut Foreseen> {
        None
    }
}

/// The most statements that wait, and the most bytes of their arguments.
const BATCH_STATEMENTS: usize = 64;
const BATCH_BYTES: usize = 256 * 1024;

/// Statements whose answers nobody waits for, kept until something is read or the write ends: each trip to the database
/// costs more than most statements do. One that fails takes the write with it, whenever it runs.
#[derive(Default)]
pub struct Batch {
    sql: String,
    arguments: SqliteArguments,
    noted: usize,
    /// As how many statements it runs.
    statements: usize,
    bytes: usize,
    last: &'static str,
    /// Is the first of them the one that opens the write? Then nothing of it has reached the database.
    pub unopened: bool,
}

impl Batch {
    /// Adds a statement. A row that goes where the one before it went is one more row of its statement.
    pub fn add(&mut self, sql: &'static str, arguments: &[Argument<'_>]) -> Result<(), Failure> {
        let row = row_of(sql).filter(|_| place(sql) == place(self.last));
        if !self.sql.is_empty() {
            self.sql.push(if row.is_some() { ',' } else { ';' });
        }
        self.last = sql;
        // Each placeholder has a value of its own: the driver looks for those that are numbered among all of the text.
        let mut parts = row.unwrap_or(sql).split('$');
        self.sql.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, rest) = part.split_at(digits);
            let number = number.parse::<usize>().map_err(|e| Failure::new(sql, e))?;
            let argument = number.checked_sub(1).and_then(|place| arguments.get(place));
            let argument = *argument.ok_or_else(|| Failure::new(sql, "a placeholder without its value"))?;
            self.bytes += bind(&mut self.arguments, argument).map_err(|e| Failure::new(sql, e))?;
            self.sql.push('?');
            self.sql.push_str(rest);
        }
        self.statements += usize::from(row.is_none());
        self.noted += 1;
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.statements == 0
    }

    /// Does so much wait that it should run now?
    pub fn is_full(&self) -> bool {
        self.noted >= BATCH_STATEMENTS || self.bytes >= BATCH_BYTES
    }

    /// Runs what waits.
    pub async fn run(&mut self, c: &mut Connection) -> Result<(), Failure> {
        if self.is_empty() {
            return Ok(());
        }
        let query = std::mem::take(self).query();
        results(c, query, |_| {}).await.map_err(|e| failed("writing", e))
    }

    /// Every text of a batch is made of constant ones; every value is an argument.
    fn query(self) -> Query<'static, Sqlite, SqliteArguments> {
        sqlx::query_with(AssertSqlSafe(self.sql), self.arguments)
    }
}

/// The row of placeholders that a plain INSERT ends with.
fn row_of(sql: &'static str) -> Option<&'static str> {
    let (_, row) = sql.split_once(" VALUES ")?;
    (row.find(')')? + 1 == row.len()).then_some(row)
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

/// A statement after those that are noted.
fn query(
    sql: &'static str,
    arguments: &[Argument<'_>],
    noted: Option<&mut Batch>,
) -> Result<Query<'static, Sqlite, SqliteArguments>, Failure> {
    let mut batch = noted.map(std::mem::take).unwrap_or_default();
    batch.add(sql, arguments)?;
    Ok(batch.query())
}

/// Runs a statement now; the number of rows it touched.
pub async fn execute(c: &mut impl Reading, sql: &'static str, arguments: &[Argument<'_>]) -> Result<u64, Failure> {
    let (connection, noted) = c.connection(sql).await?;
    let mut touched = 0;
    // What was noted runs before: the last is the one that was asked.
    let count = |result: Either<u64, Row>| touched = result.left().unwrap_or(touched);
    let done = results(connection, query(sql, arguments, noted)?, count).await.map_err(|e| failed(sql, e));
    done.inspect_err(|failure| c.failed(failure))?;
    c.asked().add(1, 0);
    Ok(touched)
}

/// All rows of an answer. Statements bound their own number of rows.
pub async fn rows(c: &mut impl Reading, sql: &'static str, arguments: &[Argument<'_>]) -> Result<Vec<Row>, Failure> {
    if let Some(rows) = c.foreseen().and_then(|foreseen| foreseen.take(sql, arguments)) {
        return Ok(rows);
    }
    let question = c.memo().map(|(memo, version)| memo.look(sql, arguments, version));
    let blank = match question {
        Some(Ok(rows)) => return Ok(rows),
        Some(Err(blank)) => Some(blank),
        None => None,
    };
    let (connection, noted) = c.connection(sql).await?;
    let mut rows = Vec::new();
    let keep = |result: Either<u64, Row>| rows.extend(result.right());
    let found = results(connection, query(sql, arguments, noted)?, keep).await.map_err(|e| failed(sql, e));
    found.inspect_err(|failure| c.failed(failure))?;
    c.asked().add(1, rows.len());
    if let (Some(blank), Some((memo, _))) = (blank, c.memo()) {
        memo.remember(blank, &rows);
    }
    Ok(rows)
}

/// A statement and its arguments.
pub type Question<'a> = (&'static str, &'a [Argument<'a>]);

/// Asks questions that are known to come, in one trip, where that is worth while: each is answered from here when it is
/// asked, until something is written. The first may write.
pub async fn foresee(c: &mut impl Reading, questions: &[Question<'_>]) -> Result<(), Failure> {
    let Some((sql, _)) = questions.first().filter(|_| c.foreseen().is_some()) else { return Ok(()) };
    let (connection, noted) = c.connection(sql).await?;
    let mut batch = noted.map(std::mem::take).unwrap_or_default();
    let before = batch.statements;
    for (sql, arguments) in questions {
        batch.add(sql, arguments)?;
    }
    let mut answers: Vec<Vec<Row>> = vec![Vec::new(); questions.len()];
    let mut ended = 0_usize;
    let sort = |result| match result {
        Either::Left(_) => ended += 1,
        Either::Right(row) => {
            let rows = ended.checked_sub(before).and_then(|place| answers.get_mut(place));
            if let Some(rows) = rows {
                rows.push(row);
            }
        }
    };
    let done = results(connection, batch.query(), sort).await.map_err(|e| failed(sql, e));
    done.inspect_err(|failure| c.failed(failure))?;
    c.asked().add(questions.len(), answers.iter().map(Vec::len).sum());
    if let Some(foreseen) = c.foreseen() {
        foreseen
            .0
            .extend(questions.iter().zip(answers).map(|((sql, arguments), rows)| (*sql, key_of(arguments), rows)));
    }
    Ok(())
}

/// How often a result is looked for before other tasks have their turn.
const LOOKS: usize = 16;
/// How many turns they have before one waits to be woken.
const TURNS: usize = 32;

/// Runs a query; each row that it answers, and at the end of each of its statements the number of rows touched.
async fn results(
    connection: &mut Connection,
    query: Query<'static, Sqlite, SqliteArguments>,
    mut each: impl FnMut(Either<u64, Row>),
) -> Result<(), sqlx::Error> {
    let mut stream = connection.fetch_many(query);
    while let Some(result) = next(&mut stream).await {
        each(result?.map_either(|done| Ok(done.rows_affected()), |row| Row::of(&row)).factor_err()?);
    }
    Ok(())
}

/// The next of what the driver's thread tells one by one. Being woken for each costs both threads more than most statements
/// do, so it is looked for a few times before one waits for it. In between the processor is given to whatever thread wants
/// it, and now and then to other tasks: not each time, for a runtime that finds one of its tasks again after looking for work
/// wakes another thread to look for more.
async fn next<T>(stream: &mut (impl Stream<Item = T> + Unpin)) -> Option<T> {
    for _ in 0..TURNS {
        for _ in 0..LOOKS {
            if let Some(found) = stream.next().now_or_never() {
                return found;
            }
            std::thread::yield_now();
        }
        tokio::task::yield_now().await;
    }
    stream.next().await
}

/// Answers to questions that will be asked.
#[derive(Default)]
pub struct Foreseen(Vec<(&'static str, Vec<u8>, Vec<Row>)>);

impl Foreseen {
    fn take(&mut self, sql: &'static str, arguments: &[Argument<'_>]) -> Option<Vec<Row>> {
        if self.0.is_empty() {
            return None;
        }
        let key = key_of(arguments);
        let place = self.0.iter().position(|(known, of, _)| *known == sql && *of == key)?;
        Some(self.0.swap_remove(place).2)
    }

    /// Forgets all: something is written.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// A table of the texts that one argument lists, made by [`super::list::list`]; its column is `value`.
macro_rules! listed {
    ($argument:expr) => {
        concat!("json_each(", $argument, ")")
    };
}
pub(super) use listed;

/// The columns of a row, one after the other.
pub trait Columns {
    /// A BIGINT or NULL.
    fn next_integer(&mut self) -> Option<i64>;

    /// A TEXT or NULL.
    fn next_text(&mut self) -> Option<String>;
}

impl Columns for std::slice::Iter<'_, Cell> {
    fn next_integer(&mut self) -> Option<i64> {
        self.next().and_then(Cell::integer)
    }

    fn next_text(&mut self) -> Option<String> {
        self.next().and_then(Cell::text)
    }
}

/// The first row of an answer.
pub async fn row(c: &mut impl Reading, sql: &'static str, arguments: &[Argument<'_>]) -> Result<Option<Row>, Failure> {
    Ok(rows(c, sql, arguments).await?.into_iter().next())
}

/// Runs transaction control.
pub async fn control(c: &mut Connection, sql: &'static str) -> Result<(), Failure> {
    sqlx::query(sql).execute(c).await.map_err(|e| failed(sql, e))?;
    Ok(())
}

/// Opens a write transaction at once, so that it cannot fail for being second later.
pub const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
/// Asks the database to look at its own file; `ok` when it is sound.
pub const INTEGRITY: &str = "PRAGMA integrity_check(1)";
/// Carries the log over into the file of the database.
pub const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";
/// Opens a snapshot.
pub const BEGIN_READ: &str = "BEGIN";

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .statement_cache_capacity(200)
        .row_buffer_size(ROWS_AHEAD)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("temp_store", "MEMORY")
}

/// How many of its steps the database takes between two times that it tells of them.
const STEPS: i32 = 1_000;

/// The one writing connection, with the schema brought up to date. Creates the database where there is none. Its steps are
/// counted.
pub async fn open_writer(file: &Path, flush: bool, asked: &Arc<Asked>) -> Result<Connection, Failure> {
    let synchronous = if flush { SqliteSynchronous::Full } else { SqliteSynchronous::Off };
    let options = options(file).create_if_missing(true).synchronous(synchronous).pragma("cache_size", WRITER_CACHE);
    let mut connection = options.connect().await.map_err(|e| failed("opening the database", e))?;
    // The migrator's own lock would be taken even where nothing is to be done; two processes that start together
    // wait for each other by the busy time-out.
    sqlx::migrate!("./schema")
        .run(&mut connection)
        .await
        .map_err(|e| failed("bringing the database schema up to date", e.into()))?;
    let asked = Arc::clone(asked);
    let mut handle = connection.lock_handle().await.map_err(|e| failed("opening the database", e))?;
    handle.set_progress_handler(STEPS, move || {
        asked.stepped(u64::from(STEPS.unsigned_abs()));
        true
    });
    drop(handle);
    Ok(connection)
}

/// A reader of the same file.
pub async fn open_reader(file: &Path) -> Result<Connection, Failure> {
    let options = options(file).read_only(true).pragma("cache_size", READER_CACHE);
    options.connect().await.map_err(|e| failed("opening the database for reading", e))
}

/// Closes a connection; it was of use until now, so nobody need know if that fails.
pub async fn close(connection: Connection) {
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "a connection did not close");
    }
}

#[cfg(test)]
mod tests {
    use super::{Argument, Batch};

    #[test]
    fn rows_of_one_table_go_as_one_statement() {
        const ROW: &str = "INSERT INTO a (b, c, d) VALUES ($1, $2, $1)";
        const ELSE: &str = "INSERT INTO a (b) VALUES ($1) ON CONFLICT (b) DO UPDATE SET b = abs($1)";
        let mut batch = Batch::default();
        for (sql, arguments) in [(ROW, 2), (ROW, 2), (ELSE, 1), (ELSE, 1), (ROW, 2), ("DELETE FROM a", 0)] {
            batch.add(sql, &[Argument::Integer(7); 2][..arguments]).unwrap();
        }
        let upsert = "INSERT INTO a (b) VALUES (?) ON CONFLICT (b) DO UPDATE SET b = abs(?)";
        let row = "INSERT INTO a (b, c, d) VALUES (?, ?, ?)";
        assert_eq!(batch.sql, format!("{row},(?, ?, ?);{upsert};{upsert};{row};DELETE FROM a"));
        assert_eq!((batch.statements, batch.noted), (5, 6));
        assert!(batch.add(ROW, &[Argument::Null]).is_err());
    }
}
