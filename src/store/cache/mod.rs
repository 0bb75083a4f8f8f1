//! The one door to what is kept in memory: answers of statements, pages of members, bodies, and what follows from a
//! content. All of it shares one bound and one policy of eviction (`generations`).
//!
//! An entry is exactly coherent or absent, in one of two ways. The answer of any statement holds for a revision of the
//! database (`queries`). Other entries name, in their key or beside the answer, the state that they are of, and so
//! cannot go out of date: a body is what its hash says, and the members of a collection are what they are in its state
//! (`states`).

mod generations;
mod queries;
mod states;

use std::sync::{Arc, Mutex};

use self::generations::Generations;
use self::queries::Freshness;
use super::db::{Adapter as _, Argument, Database, Revision, key_of};
use super::statement::{Identity, Statement};

pub use self::queries::Miss;
pub use self::states::{CollectionState, Lookup};

/// The largest entry; a larger one would push out too many others.
const MAX_ENTRY_BYTES: usize = 1024 * 1024;
/// What each entry takes besides its content.
const ENTRY_BYTES: usize = 160;

/// What an entry is of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Of {
    /// The answer of a statement.
    Query(Identity),
    /// A page of members that a statement answers.
    Page(Identity),
    /// A body.
    Body,
    /// What follows from a content, by the name of how it follows.
    Derived(&'static str),
}

/// What an entry is of: the statement and its arguments, a hash.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Key(Of, Vec<u8>);

impl Key {
    fn of_query(sql: Statement, arguments: &[Argument<'_>]) -> Self {
        Self(Of::Query(sql.identity()), key_of(arguments))
    }

    /// A page whose entry says of which state it is.
    pub fn of_page(sql: Statement, arguments: &[Argument<'_>]) -> Self {
        Self(Of::Page(sql.identity()), key_of(arguments))
    }

    /// A page of the members of a collection in a state.
    pub fn of_page_in(sql: Statement, arguments: &[Argument<'_>], state: CollectionState) -> Self {
        let Self(of, mut key) = Self::of_page(sql, arguments);
        state.numbers().iter().for_each(|number| key.extend_from_slice(&number.to_ne_bytes()));
        Self(of, key)
    }

    /// The bytes of a body.
    pub fn of_body(hash: &str) -> Self {
        Self(Of::Body, hash.into())
    }

    /// What follows from a content, and from nothing else, in a way.
    #[must_use]
    pub fn derived(way: &'static str, content: Vec<u8>) -> Self {
        Self(Of::Derived(way), content)
    }
}

/// What is kept of one database.
pub struct Cache {
    database: Arc<Database>,
    freshness: Mutex<Freshness>,
    kept: Mutex<Generations>,
}

impl Cache {
    /// Of a database, so many bytes at most.
    pub fn of(database: Arc<Database>, bytes: usize) -> Self {
        Self { database, freshness: Mutex::default(), kept: Mutex::new(Generations::within(bytes)) }
    }

    /// What the database is now; `None`: it cannot be told, and nothing is answered from what was.
    pub fn revision(&self) -> Option<Revision> {
        self.database.revision()
    }

    /// Has nothing changed since a revision?
    pub fn is_current(&self, revision: Revision) -> bool {
        self.revision() == Some(revision)
    }
}
