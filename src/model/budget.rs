//! What one request may cost: memory for what is built for it, and steps of work. One place for both, so that whatever
//! is made of what clients stored has an end *while* it is made.
//!
//! A [`Budget`] is made for each request and goes with it; its memory is drawn from the [`Allowance`] that all requests
//! of the process share, and comes back to it when the last who holds the budget lets go.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::condition::Condition;
use super::error::Error;
use super::id::Id;

/// A step is about a microsecond of a processor: an instance that is found, a property that is looked at, some lines
/// that are read. So a request takes some three seconds at most, and in slices; ten thousand plain events take a tenth
/// of that.
pub const MAX_STEPS: u64 = 3_000_000;
/// What is built for one request, bytes: the largest calendars that people have are sent in some 30 MiB.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// What is built for all requests together, bytes. With what the process caches, and with the room that a growing
/// answer takes for a moment, it stays well below 512 MiB.
pub const MAX_SHARED_BYTES: u64 = 160 * 1024 * 1024;
/// How much the process caches by default, MiB.
pub const CACHE_MIB: usize = 48;
/// How much of that one person's requests may hold: what one does not take stays for the others.
pub const MAX_PERSON_BYTES: u64 = MAX_SHARED_BYTES / 2;
/// How many requests one person may have under way. Each holds something that is not counted apart: blocks on their way
/// to the client or from it, a page of members, an open file.
const MOST_REQUESTS: usize = 256;
/// So much a request may build without drawing from what all share: small answers go on while large ones wait.
const OWN_BYTES: u64 = 64 * 1024;

/// A budget gives no more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Exhausted {
    /// The request asks for more work or memory than one request may.
    #[error("the request asks for too much")]
    Request,
    /// All requests together hold what may be held: later there will be more.
    #[error("too much is under way")]
    Process,
    /// Nobody waits for the answer any more.
    #[error("nobody waits for the answer")]
    GivenUp,
}

impl From<Exhausted> for Error {
    fn from(exhausted: Exhausted) -> Self {
        match exhausted {
            Exhausted::Request => Condition::WorkWithinLimits.into(),
            Exhausted::Process | Exhausted::GivenUp => Condition::Busy.into(),
        }
    }
}

/// May more be sent? Who has no more work or memory gets what there is so far; the rest is a refusal.
pub fn more(so_far: Result<(), Exhausted>) -> Result<bool, Error> {
    match so_far {
        Ok(()) => Ok(true),
        Err(Exhausted::Request) => Ok(false),
        Err(other) => Err(other.into()),
    }
}

/// Memory that all requests of a process share. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Allowance(Arc<Mutex<BudgetUse>>);

/// What is held of it, in all and by each person who asks for something.
#[derive(Debug, Default)]
struct BudgetUse {
    all: u64,
    persons: HashMap<Id, Share>,
}

/// What one person's requests hold, and how many there are.
#[derive(Debug, Default)]
struct Share {
    bytes: u64,
    requests: usize,
}

impl Allowance {
    fn held(&self) -> MutexGuard<'_, BudgetUse> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, person: Option<Id>, bytes: u64) -> Result<(), Exhausted> {
        if bytes == 0 {
            return Ok(());
        }
        let mut held = self.held();
        let all = held.all + bytes;
        if all > MAX_SHARED_BYTES {
            return Err(Exhausted::Process);
        }
        if let Some(share) = person.and_then(|person| held.persons.get_mut(&person)) {
            if share.bytes + bytes > MAX_PERSON_BYTES {
                return Err(Exhausted::Process);
            }
            share.bytes += bytes;
        }
        held.all = all;
        Ok(())
    }

    fn give_back(&self, person: Option<Id>, bytes: u64) {
        if bytes == 0 {
            return;
        }
        let mut held = self.held();
        held.all = held.all.saturating_sub(bytes);
        if let Some(share) = person.and_then(|person| held.persons.get_mut(&person)) {
            share.bytes = share.bytes.saturating_sub(bytes);
        }
    }

    fn begin(&self, person: Id) -> Result<(), Exhausted> {
        let mut held = self.held();
        let share = held.persons.entry(person).or_default();
        if share.requests == MOST_REQUESTS {
            return Err(Exhausted::Process);
        }
        share.requests += 1;
        Ok(())
    }

    fn end(&self, person: Id) {
        let mut held = self.held();
        let Some(share) = held.persons.get_mut(&person) else { return };
        share.requests -= 1;
        if share.requests == 0 {
            held.persons.remove(&person);
        }
    }
}

#[derive(Debug, Default)]
struct Spent {
    steps: AtomicU64,
    bytes: AtomicU64,
    given_up: AtomicBool,
    allowance: Allowance,
    person: OnceLock<Id>,
}

impl Spent {
    fn person(&self) -> Option<Id> {
        self.person.get().copied()
    }
}

/// What one request may cost. Cheap to clone; all clones are one budget, on whatever thread.
#[derive(Clone, Debug, Default)]
pub struct Budget(Arc<Spent>);

impl Budget {
    /// For a request of a process with this allowance. By default, as commands have it, for one alone.
    #[must_use]
    pub fn of(allowance: &Allowance) -> Self {
        let mut spent = Spent::default();
        spent.allowance = allowance.clone();
        Self(Arc::new(spent))
    }

    /// It is this person's, or this feed's, and counts among theirs until it ends: to be said once, before anything is
    /// drawn.
    pub fn belongs_to(&self, person: Id) -> Result<(), Exhausted> {
        self.0.allowance.begin(person)?;
        let _ = self.0.person.set(person);
        Ok(())
    }

    /// To be called before so much work is done.
    pub fn steps(&self, number: u64) -> Result<(), Exhausted> {
        if self.is_given_up() {
            return Err(Exhausted::GivenUp);
        }
        let before = self.0.steps.fetch_add(number.min(MAX_STEPS), Ordering::Relaxed);
        if before.saturating_add(number) > MAX_STEPS { Err(Exhausted::Request) } else { Ok(()) }
    }

    /// Another of the same size, whose memory counts as that of the same person: for work that may have to be done
    /// again.
    pub fn anew(&self) -> Result<Self, Exhausted> {
        let budget = Self::of(&self.0.allowance);
        self.0.person().map_or(Ok(()), |person| budget.belongs_to(person))?;
        Ok(budget)
    }

    /// Does one of some pieces of work with as much of the steps that are left as is its share: what it asks for beyond
    /// that is refused to it alone.
    pub fn share<T>(&self, pieces: usize, work: impl FnOnce(&Self) -> T) -> T {
        let spent = self.0.steps.load(Ordering::Relaxed).min(MAX_STEPS);
        let own = (MAX_STEPS - spent) / pieces.max(1) as u64;
        let share = Self::default();
        share.0.steps.store(MAX_STEPS - own, Ordering::Relaxed);
        let done = work(&share);
        let taken = share.0.steps.load(Ordering::Relaxed).min(MAX_STEPS) - (MAX_STEPS - own);
        self.0.steps.fetch_add(taken, Ordering::Relaxed);
        done
    }

    /// How many steps were taken.
    #[must_use]
    pub fn steps_taken(&self) -> u64 {
        self.0.steps.load(Ordering::Relaxed)
    }

    /// To be called before so many bytes are built. What is refused is not counted.
    pub fn bytes(&self, number: usize) -> Result<(), Exhausted> {
        if self.is_given_up() {
            return Err(Exhausted::GivenUp);
        }
        if number > MAX_BYTES {
            return Err(Exhausted::Request);
        }
        let mut before = self.0.bytes.load(Ordering::Relaxed);
        loop {
            let after = before + number as u64;
            if after > MAX_BYTES as u64 {
                return Err(Exhausted::Request);
            }
            let drawn = shared(after) - shared(before);
            self.0.allowance.take(self.0.person(), drawn)?;
            match self.0.bytes.compare_exchange(before, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => before = now,
            }
            self.0.allowance.give_back(self.0.person(), drawn);
        }
    }

    /// So many bytes that were counted are held no more: a piece of the answer has been sent.
    pub fn give_back(&self, number: usize) {
        let less = |held: u64| held.saturating_sub(number as u64);
        let before = self.0.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| Some(less(held)));
        let before = before.unwrap_or_default();
        self.0.allowance.give_back(self.0.person(), shared(before) - shared(less(before)));
    }

    /// Nobody waits for the answer any more: whoever asks next is refused.
    pub fn give_up(&self) {
        self.0.given_up.store(true, Ordering::Relaxed);
    }

    /// Does nobody wait for the answer?
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.0.given_up.load(Ordering::Relaxed)
    }
}

/// What a request that holds so many bytes has drawn from what all share: in parts, so that few of the many small
/// pieces of an answer cost more than a comparison.
fn shared(held: u64) -> u64 {
    held.saturating_sub(OWN_BYTES).next_multiple_of(OWN_BYTES)
}

impl Drop for Spent {
    fn drop(&mut self) {
        self.allowance.give_back(self.person(), shared(self.bytes.load(Ordering::Relaxed)));
        if let Some(person) = self.person() {
            self.allowance.end(person);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Allowance, Budget, Exhausted, Id, MAX_BYTES, MAX_PERSON_BYTES, MAX_SHARED_BYTES, MAX_STEPS, MOST_REQUESTS,
        OWN_BYTES,
    };
    #[test]
    fn steps_end_and_do_not_come_back() {
        let budget = Budget::default();
        assert_eq!(budget.steps(MAX_STEPS), Ok(()));
        assert_eq!(budget.clone().steps(1), Err(Exhausted::Request));
        for _ in 0..3 {
            assert_eq!(budget.steps(u64::MAX), Err(Exhausted::Request));
        }
        assert_eq!(budget.bytes(1), Ok(()));
    }

    #[test]
    fn work_that_is_done_again_counts_as_that_of_the_same_person() {
        let allowance = Allowance::default();
        let budget = Budget::of(&allowance);
        budget.belongs_to(Id(1)).expect("a request");
        assert_eq!((budget.steps(MAX_STEPS), budget.bytes(MAX_BYTES)), (Ok(()), Ok(())));
        let again = budget.anew().expect("a request");
        assert_eq!((again.steps(1), again.bytes(MAX_BYTES)), (Ok(()), Err(Exhausted::Process)));
        drop((budget, again));
        assert!(allowance.held().persons.is_empty() && allowance.held().all == 0);
    }

    #[test]
    fn who_asks_for_more_than_a_share_takes_nothing_from_the_others() {
        let budget = Budget::default();
        assert_eq!(budget.share(3, |share| share.steps(MAX_STEPS)), Err(Exhausted::Request));
        assert_eq!(budget.share(2, |share| share.steps(10)), Ok(()));
        assert_eq!(budget.share(1, |share| share.steps(MAX_STEPS / 3 * 2 - 10)), Ok(()));
        assert_eq!(budget.steps(1), Err(Exhausted::Request));
    }

    #[test]
    fn all_requests_share_one_allowance_and_small_ones_need_none_of_it() {
        let allowance = Allowance::default();
        let large: Vec<Budget> = (0..5).map(|_| Budget::of(&allowance)).collect();
        let held = large.iter().filter(|budget| budget.bytes(MAX_BYTES).is_ok()).count();
        assert_eq!(held as u64, MAX_SHARED_BYTES / MAX_BYTES as u64);
        assert_eq!(large[0].bytes(1), Err(Exhausted::Request));
        assert_eq!(large[4].bytes(MAX_BYTES), Err(Exhausted::Process));
        assert_eq!(Budget::of(&allowance).bytes(OWN_BYTES as usize), Ok(()));
        drop(large);
        assert_eq!(allowance.held().all, 0);
    }

    #[test]
    fn one_person_holds_no_more_than_a_share() {
        let allowance = Allowance::default();
        let of = |person| {
            let budget = Budget::of(&allowance);
            budget.belongs_to(Id(person)).map(|()| budget)
        };
        let own: Vec<Budget> = (0..MOST_REQUESTS).map(|_| of(1).expect("a request")).collect();
        assert_eq!(of(1).err(), Some(Exhausted::Process));
        let each = MAX_BYTES / 8;
        let held = own.iter().filter(|budget| budget.bytes(each).is_ok()).count() as u64;
        assert!(held * each as u64 <= MAX_PERSON_BYTES + held * OWN_BYTES && held > 8, "{held}");
        let other = of(2).expect("a request");
        assert_eq!(other.bytes(MAX_BYTES), Ok(()));
        // What is given back, and who has gone, leave room for more.
        own[0].give_back(each);
        assert_eq!(own[MOST_REQUESTS - 1].bytes(each), Ok(()));
        drop((own, other));
        assert!(of(1).is_ok_and(|budget| budget.bytes(each).is_ok()));
        assert!(allowance.held().persons.is_empty() && allowance.held().all == 0);
    }

    #[test]
    fn what_is_sent_counts_no_more() {
        let allowance = Allowance::default();
        let budget = Budget::of(&allowance);
        for _ in 0..100 {
            assert_eq!(budget.bytes(MAX_BYTES / 2), Ok(()));
            budget.give_back(MAX_BYTES / 2);
        }
        assert_eq!(allowance.held().all, 0);
        assert_eq!(budget.bytes(usize::MAX), Err(Exhausted::Request));
    }

    #[test]
    fn what_is_given_up_gets_nothing() {
        let budget = Budget::default();
        budget.clone().give_up();
        assert!(budget.is_given_up());
        assert_eq!((budget.steps(1), budget.bytes(1)), (Err(Exhausted::GivenUp), Err(Exhausted::GivenUp)));
    }
}
