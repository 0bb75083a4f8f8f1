//! The seam to the database: what the store needs of any, and nothing that only one of them knows.
//!
//! An adapter opens connections ([`Adapter`]), runs statements on them ([`Session`]), several in one round trip
//! ([`Pipeline`]), and says whether anything has changed ([`Adapter::revision`]). The files of an adapter are the only
//! ones that know its database; they also make the pieces of a statement that are not standard SQL ([`text`]).
//! Statements are constants with `$1` placeholders on BIGINT, TEXT and BYTEA.

#[cfg(test)]
pub mod double;
pub mod row;
mod schema;
mod sqlite;

use std::fmt;
use std::future::Future;

pub(crate) use self::row::arguments;
pub use self::row::{Argument, Cell, Columns, Row, key_of};
#[cfg(test)]
pub use self::sqlite::account::Account;
pub use self::sqlite::text;
use super::counters::Counters;
use super::data_directory::DataDirectory;
use crate::model::error::Failure;

/// The database we run on.
#[cfg(not(test))]
pub type Database = sqlite::Database;
/// The database we run on, whose statements a test can record, and make fail.
#[cfg(test)]
pub type Database = double::Double<sqlite::Database>;

/// One connection of it.
pub type Connection = <Database as Adapter>::Session;
/// What goes to it in one round trip.
pub type Batch = <Connection as Session>::Pipeline;
/// What it was at a moment: equal revisions are the same content.
pub type Revision = <Database as Adapter>::Revision;

/// A database: where it is, and how it is opened.
pub trait Adapter: Sized + Send + Sync {
    /// One connection.
    type Session: Session;
    /// What the database was at a moment.
    type Revision: Copy + Eq + fmt::Debug + Send + Sync;
    /// Names of its files in a data directory; the first is made before it is opened.
    const FILES: &'static [&'static str];

    /// Opens it, makes it where there is none and brings its schema up to date; and the one connection that writes,
    /// whose steps are counted. Unless `flush`, what is acknowledged may be lost when the power fails.
    fn open(
        place: &DataDirectory,
        flush: bool,
        counters: &std::sync::Arc<Counters>,
    ) -> impl Future<Output = Result<(Self, Self::Session), Failure>>;

    /// A connection that reads.
    fn reader(&self) -> impl Future<Output = Result<Self::Session, Failure>> + Send;

    /// What the database is now; `None`: it is not known. It is read without waiting.
    fn revision(&self) -> Option<Self::Revision>;

    /// Is a revision the one that a single commit made of another?
    fn follows(this: &Self::Revision, that: &Self::Revision) -> bool;
}

/// A step of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Control {
    /// Opens a view.
    BeginRead,
    /// Opens a write transaction, at once: so it cannot fail for being second later.
    BeginWrite,
    /// Makes it durable.
    Commit,
    /// Undoes it, or closes a view.
    Rollback,
    /// Begins a part of it that can be undone by itself.
    BeginPart,
    /// That part stands.
    EndPart,
    /// Undoes that part.
    UndoPart,
    /// Carries the log of the database over to where it belongs, so that it takes no more room.
    CarryOver,
}

impl Control {
    /// Does it open something?
    #[must_use]
    pub fn begins(self) -> bool {
        matches!(self, Self::BeginRead | Self::BeginWrite | Self::BeginPart)
    }
}

/// What a pipeline answers, statement by statement.
#[derive(Debug)]
pub enum Answer {
    /// A row.
    Row(Row),
    /// The statement has ended; so many rows it has touched.
    End(u64),
}

/// A connection.
pub trait Session: Sized + Send {
    /// What goes to it in one round trip.
    type Pipeline: Pipeline;

    /// Runs a pipeline in one round trip; `context` says in a failure what it was about.
    fn run(
        &mut self,
        pipeline: Self::Pipeline,
        context: &'static str,
        each: impl FnMut(Answer) + Send,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Takes a step of a transaction by itself.
    fn control(&mut self, control: Control) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Closes it.
    fn close(self) -> impl Future<Output = ()> + Send;

    /// The rows of a page (see [`text`]), each read by `read`, which takes every column in turn; and how many bytes
    /// they came in.
    fn read_page<T>(
        answer: &Row,
        context: &'static str,
        read: fn(&mut dyn Columns) -> T,
    ) -> Result<(Vec<T>, usize), Failure>;

    /// Did a statement fail for a value that can stand in no page? It is damaged; the connection, and its view, are
    /// sound.
    fn is_no_page(failure: &Failure) -> bool;
}

/// Statements that go to the database in one round trip, in their order. One that fails takes those after it along.
pub trait Pipeline: Default + Send {
    /// Adds a step of a transaction.
    fn control(&mut self, control: Control);

    /// Adds a statement. A row that goes where the one before it went may become one more row of its statement.
    fn add(&mut self, sql: &'static str, arguments: &[Argument<'_>]) -> Result<(), Failure>;

    /// Does it begin with what opens a transaction, or a part of one? Then nothing of that has reached the database.
    fn is_opening(&self) -> bool;

    /// How many statements it has.
    fn statements(&self) -> usize;

    /// Does so much wait that it should run now?
    fn is_full(&self) -> bool;
}
