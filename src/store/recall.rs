//! Answers that cannot go out of date, because the question or the answer names the state that it is of.
//!
//! Whatever changes the members of a collection raises its `members_seq`, and no number is given twice in a home: what
//! was once read of the members in one state is so whenever the collection is in that state, and a body is what its hash
//! says. So nothing here is ever forgotten for being old, only for room: what was not asked for while as much again came
//! in goes.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::db::{Argument, key_of};
use super::statement::{Identity, Statement};
use crate::model::id::Seq;
use crate::model::node::Node;

/// How many bytes come in before those go that were not asked for meanwhile: at most twice as much is held.
const GENERATION_BYTES: usize = 16 * 1024 * 1024;
/// The largest answer.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// What each answer takes besides its content.
const ENTRY_BYTES: usize = 160;

/// In which state a collection is, as far as its members are concerned: which it is, where it was put and when, and the
/// last change below it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct State([i64; 4]);

impl State {
    /// Of a collection, all columns of which were read.
    #[must_use]
    pub fn of(collection: &Node) -> Self {
        Self([collection.id.0, collection.home_id.0, collection.placed_seq, collection.members_seq])
    }

    /// The number after which all that changed between an earlier state and this one bears its number: that of the earlier
    /// one. `None`: the other is no earlier state, or of another home, whose numbers mean nothing here.
    pub fn since(&self, earlier: &Self) -> Option<Seq> {
        let ([id, home, placed, seq], [its_id, its_home, its_placed, its_seq]) = (self.0, earlier.0);
        let grew = (id, home, placed) == (its_id, its_home, its_placed) && seq > its_seq;
        grew.then_some(its_seq)
    }
}

/// What was asked, and of what.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Key(Asked, Vec<u8>);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Asked {
    Statement(Identity),
    Bytes,
}

impl Key {
    /// A question whose answer says of which state it is.
    pub fn of(sql: Statement, arguments: &[Argument<'_>]) -> Self {
        Self(Asked::Statement(sql.identity()), key_of(arguments))
    }

    /// A question of the members of a collection in a state.
    pub fn in_state(sql: Statement, arguments: &[Argument<'_>], State(state): State) -> Self {
        let Self(asked, mut key) = Self::of(sql, arguments);
        state.iter().for_each(|number| key.extend_from_slice(&number.to_ne_bytes()));
        Self(asked, key)
    }

    /// The bytes of a body.
    pub fn bytes_of(hash: &str) -> Self {
        Self(Asked::Bytes, hash.into())
    }
}

type Answer = Arc<dyn Any + Send + Sync>;

#[derive(Default)]
struct Known {
    young: HashMap<Key, (Answer, usize)>,
    old: HashMap<Key, (Answer, usize)>,
    /// Of the young.
    bytes: usize,
}

impl Known {
    fn insert(&mut self, key: Key, answer: Answer, bytes: usize) {
        if self.bytes + bytes > GENERATION_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        let before = self.young.insert(key, (answer, bytes));
        self.bytes = self.bytes + bytes - before.map_or(0, |(_, bytes)| bytes);
    }
}

/// What is remembered.
#[derive(Default)]
pub struct Recall(Mutex<Known>);

impl Recall {
    /// The answer, if it is known.
    pub fn look<T: Send + Sync + 'static>(&self, key: &Key) -> Option<Arc<T>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match known.young.get(key) {
            Some((answer, _)) => Arc::clone(answer),
            None => {
                let (key, (answer, bytes)) = known.old.remove_entry(key)?;
                known.insert(key, Arc::clone(&answer), bytes);
                answer
            }
        };
        found.downcast().ok()
    }

    /// Remembers an answer that takes so many bytes.
    pub fn keep<T: Send + Sync + 'static>(&self, key: Key, answer: Arc<T>, bytes: usize) {
        let bytes = bytes + key.1.len() + ENTRY_BYTES;
        if bytes <= MAX_ANSWER_BYTES {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, answer, bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arc, GENERATION_BYTES, Key, MAX_ANSWER_BYTES, Recall};

    #[test]
    fn what_is_asked_for_stays_and_room_is_bounded() {
        let recall = Recall::default();
        let key = |number: usize| Key::bytes_of(&number.to_string());
        let bytes = MAX_ANSWER_BYTES / 2;
        for number in 0..8 * GENERATION_BYTES / bytes {
            recall.keep(key(number), Arc::new(number), bytes);
            assert_eq!(recall.look(&key(0)), Some(Arc::new(0_usize)), "{number}");
        }
        assert_eq!(recall.look::<usize>(&key(1)), None);
        let known = recall.0.lock().unwrap();
        assert!((known.young.len() + known.old.len()) * bytes <= 2 * GENERATION_BYTES);
        drop(known);
        recall.keep(key(1), Arc::new(1_usize), MAX_ANSWER_BYTES);
        assert_eq!(recall.look::<usize>(&key(1)), None, "it is too large");
    }
}
