//! Entries that cannot go out of date, because they say of which state they are.
//!
//! Whatever changes the members of a collection raises its `members_seq`, and no number is given twice in a home: what
//! was once read of the members in one state is so whenever the collection is in that state.

use std::sync::Arc;

use super::{Cache, Key};
use crate::model::id::Seq;
use crate::model::node::Node;

/// In which state a collection is, as far as its members are concerned: which it is, where it was put and when, and the
/// last change below it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CollectionState([i64; 4]);

impl CollectionState {
    /// Of a collection, all columns of which were read.
    #[must_use]
    pub fn of(collection: &Node) -> Self {
        Self([collection.id.0, collection.home_id.0, collection.placed_seq, collection.members_seq])
    }

    pub(super) fn numbers(&self) -> &[i64; 4] {
        &self.0
    }

    /// The number after which all that changed between an earlier state and this one bears its number: that of the
    /// earlier one. `None`: the other is no earlier state, or of another home, whose numbers mean nothing here.
    pub fn since(&self, earlier: &Self) -> Option<Seq> {
        let ([id, home, placed, seq], [its_id, its_home, its_placed, its_seq]) = (self.0, earlier.0);
        let grew = (id, home, placed) == (its_id, its_home, its_placed) && seq > its_seq;
        grew.then_some(its_seq)
    }
}

/// What is known of the members of a collection.
pub enum Lookup<T> {
    /// The answer.
    Hit(T),
    /// What it was before the changes after a number.
    Stale(T, Seq),
    /// Nothing of use.
    Miss,
}

/// An answer, and the state in which it is so.
struct InState<T> {
    state: CollectionState,
    answer: T,
}

impl Cache {
    /// What is known of a collection that is in a state now.
    pub fn get_in<T: Clone + Send + Sync + 'static>(&self, key: &Key, state: CollectionState) -> Lookup<T> {
        let Some(kept) = self.get::<InState<T>>(key) else { return Lookup::Miss };
        match state.since(&kept.state) {
            _ if state == kept.state => Lookup::Hit(kept.answer.clone()),
            Some(since) => Lookup::Stale(kept.answer.clone(), since),
            None => Lookup::Miss,
        }
    }

    /// Keeps an answer that takes so many bytes.
    pub fn put_in<T: Clone + Send + Sync + 'static>(&self, key: Key, state: CollectionState, answer: &T, bytes: usize) {
        self.put(key, Arc::new(InState { state, answer: answer.clone() }), bytes);
    }
}
