//! What an entry is of, and the state in which the members of a collection are.

use crate::model::id::Seq;
use crate::model::node::Node;
use crate::store::db::{Argument, key_of};
use crate::store::statement::{Identity, Statement};

/// What kind of thing an entry is of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum EntryKind {
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
pub struct Key(EntryKind, Vec<u8>);

impl Key {
    pub(super) fn of_query(sql: Statement, arguments: &[Argument<'_>]) -> Self {
        Self(EntryKind::Query(sql.identity()), key_of(arguments))
    }

    /// A page whose entry says of which state it is.
    pub fn of_page(sql: Statement, arguments: &[Argument<'_>]) -> Self {
        Self(EntryKind::Page(sql.identity()), key_of(arguments))
    }

    /// A page of the members of a collection in a state.
    pub fn of_page_in(sql: Statement, arguments: &[Argument<'_>], state: CollectionState) -> Self {
        let Self(of, mut key) = Self::of_page(sql, arguments);
        state.0.iter().for_each(|number| key.extend_from_slice(&number.to_ne_bytes()));
        Self(of, key)
    }

    /// The bytes of a body.
    pub fn of_body(hash: &str) -> Self {
        Self(EntryKind::Body, hash.into())
    }

    /// What follows from a content, and from nothing else, in a way.
    #[must_use]
    pub fn derived(way: &'static str, content: Vec<u8>) -> Self {
        Self(EntryKind::Derived(way), content)
    }

    /// How much it takes besides its own size.
    pub(super) fn bytes(&self) -> usize {
        self.1.len()
    }
}

/// In which state a collection is, as far as its members are concerned: which it is, where it was put and when, and the
/// last change below it.
///
/// Whatever changes the members of a collection raises its `members_seq`, and no number is given twice in a home: what
/// was once read of the members in one state is so whenever the collection is in that state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CollectionState([i64; 4]);

impl CollectionState {
    /// Of a collection, all columns of which were read.
    #[must_use]
    pub fn of(collection: &Node) -> Self {
        Self([collection.id.0, collection.home_id.0, collection.placed_seq, collection.members_seq])
    }

    /// The number after which all that changed between an earlier state and this one bears its number: that of the
    /// earlier one. `None`: the other is no earlier state, or of another home, whose numbers mean nothing here.
    pub fn since(&self, earlier: &Self) -> Option<Seq> {
        let ([id, home, placed, seq], [its_id, its_home, its_placed, its_seq]) = (self.0, earlier.0);
        let grew = (id, home, placed) == (its_id, its_home, its_placed) && seq > its_seq;
        grew.then_some(its_seq)
    }
}
