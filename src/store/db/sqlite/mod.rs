//! The adapter of SQLite: connections, how they are configured, how results are taken.

#[cfg(test)]
pub mod account;
mod cause;
mod page;
mod pipeline;
mod revision;
pub mod text;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, Stream, StreamExt as _};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Either, Executor as _, Row as _, SqlStr, Sqlite, TypeInfo as _, ValueRef as _};

use self::cause::failed;
use self::pipeline::{JoinedStatements, text_of_control};
use self::revision::{Index, Revision};
use super::row::text_of;
use super::schema::MIGRATIONS;
use super::{Adapter, Answer, Cell, Columns, Control, Row, Session};
use crate::model::error::Failure;
use crate::store::counters::Counters;
use crate::store::data_directory::DataDirectory;

/// Name of the database, of its log and of the index of that.
const FILES: [&str; 3] = ["beffroi.sqlite", "beffroi.sqlite-wal", "beffroi.sqlite-shm"];

/// How many rows a reader may be ahead of whoever asked: a page of a listing, so that it need not wait in between.
const ROWS_AHEAD: usize = 512;
/// How many pages a connection holds, in KiB, which the sign says. What is read often is kept in the cache as what it
/// says, so readers need few.
const WRITER_CACHE: &str = "-32768";
const READER_CACHE: &str = "-1024";
/// How many pages the log takes before they are carried over: nearly as many as one part of its index lists, for a
/// reader looks a page up in each part.
const CHECKPOINT_PAGES: &str = "4000";
/// How long a writer waits for another process; a client is to learn within 15 seconds that the database is away.
const BUSY: Duration = Duration::from_secs(10);
/// How many of its steps the database takes between two times that it reports them.
const STEPS: i32 = 1_000;

/// A database in a file.
pub struct Database {
    file: PathBuf,
    index: Index,
}

fn options(file: &std::path::Path) -> SqliteConnectOptions {
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

impl Adapter for Database {
    type Session = SqliteConnection;
    type Revision = Revision;
    const FILES: &'static [&'static str] = &FILES;

    async fn open(
        place: &DataDirectory,
        flush: bool,
        counters: &Arc<Counters>,
    ) -> Result<(Self, SqliteConnection), Failure> {
        let [database, _, index] = FILES.map(|name| place.join(name));
        let synchronous = if flush { SqliteSynchronous::Full } else { SqliteSynchronous::Off };
        let options =
            options(&database).create_if_missing(true).synchronous(synchronous).pragma("cache_size", WRITER_CACHE);
        let mut connection = options.connect().await.map_err(|e| failed("opening the database", e))?;
        // The migrator's own lock would be taken even where nothing is to be done; two processes that start together
        // wait for each other by the busy time-out.
        let steps = MIGRATIONS.iter().map(|step| {
            let (name, text) = (step.name.replace('_', " ").into(), SqlStr::from_static(step.text));
            Migration::new(step.number, name, MigrationType::Simple, text, false)
        });
        Migrator::with_migrations(steps.collect())
            .run(&mut connection)
            .await
            .map_err(|e| failed("bringing the database schema up to date", e.into()))?;
        let counters = Arc::clone(counters);
        let mut handle = connection.lock_handle().await.map_err(|e| failed("opening the database", e))?;
        handle.set_progress_handler(STEPS, move || {
            counters.stepped(u64::from(STEPS.unsigned_abs()));
            true
        });
        drop(handle);
        Ok((Self { file: database, index: Index::open(&index) }, connection))
    }

    async fn reader(&self) -> Result<SqliteConnection, Failure> {
        let options = options(&self.file).read_only(true).pragma("cache_size", READER_CACHE);
        options.connect().await.map_err(|e| failed("opening the database for reading", e))
    }

    fn revision(&self) -> Option<Revision> {
        self.index.revision()
    }

    fn follows(this: &Revision, that: &Revision) -> bool {
        this.follows(that)
    }
}

impl Session for SqliteConnection {
    type Pipeline = JoinedStatements;

    async fn run(
        &mut self,
        pipeline: JoinedStatements,
        context: &'static str,
        each: impl FnMut(Answer) + Send,
    ) -> Result<(), Failure> {
        if pipeline.is_empty() {
            return Ok(());
        }
        results(self, pipeline.query(), each).await.map_err(|e| failed(context, e))
    }

    async fn control(&mut self, control: Control) -> Result<(), Failure> {
        let sql = text_of_control(control);
        sqlx::query(sql).execute(self).await.map_err(|e| failed(sql, e))?;
        Ok(())
    }

    async fn close(self) {
        // It was of use until now, so nobody need know if that fails.
        if let Err(error) = sqlx::Connection::close(self).await {
            tracing::debug!(%error, "a connection did not close");
        }
    }

    fn read_page<T>(
        answer: &Row,
        context: &'static str,
        read: fn(&mut dyn Columns) -> T,
    ) -> Result<(Vec<T>, usize), Failure> {
        page::read(answer, context, read)
    }

    fn is_no_page(failure: &Failure) -> bool {
        cause::is_no_page(failure)
    }
}

/// How often a result is looked for before other tasks have their turn.
const LOOKS: usize = 16;
/// How many turns they have before one waits to be woken.
const TURNS: usize = 32;

/// Runs a query; each row that it answers, and at the end of each of its statements the number of rows touched.
async fn results(
    connection: &mut SqliteConnection,
    query: Query<'static, Sqlite, SqliteArguments>,
    mut each: impl FnMut(Answer),
) -> Result<(), sqlx::Error> {
    let mut stream = connection.fetch_many(query);
    while let Some(result) = next(&mut stream).await {
        each(match result? {
            Either::Left(done) => Answer::End(done.rows_affected()),
            Either::Right(row) => Answer::Row(row_of(&row)?),
        });
    }
    Ok(())
}

/// The next of what the driver's thread sends one by one. Being woken for each costs both threads more than most
/// statements do, so it is looked for a few times before one waits for it. In between the processor is given to
/// whatever thread wants it, and now and then to other tasks: not each time, for a runtime that finds one of its tasks
/// again after looking for work wakes another thread to look for more.
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

fn row_of(row: &SqliteRow) -> Result<Row, sqlx::Error> {
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
    Ok(Row::new(cells))
}
