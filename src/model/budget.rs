//! What one request may cost: memory for what is built for it, and steps of work. One place for both, so that whatever is
//! made of what clients stored has an end *while* it is made.
//!
//! A [`Budget`] is made for each request and goes with it; its memory is drawn from the [`Allowance`] that all requests of
//! the process share, and comes back to it when the last who holds the budget lets go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::condition::Condition;
use super::error::Error;

/// A step is about a microsecond of a processor: an instance that is found, a property that is looked at, some lines that
/// are read. So a request takes some three seconds at most, and in slices; ten thousand plain events take a tenth of that.
pub const MAX_STEPS: u64 = 3_000_000;
/// What is built for one request, bytes: the largest calendars that people have are told in some 30 MiB.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// What is built for all requests together, bytes. With what the process remembers, and with the room that a growing answer
/// takes for a moment, it stays well below 512 MiB.
pub const MAX_SHARED_BYTES: u64 = 160 * 1024 * 1024;
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

/// Memory that all requests of a process share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Allowance(Arc<AtomicU64>);

impl Default for Allowance {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(MAX_SHARED_BYTES)))
    }
}

impl Allowance {
    fn take(&self, bytes: u64) -> Result<(), Exhausted> {
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        taken.map(drop).map_err(|_| Exhausted::Process)
    }

    fn give_back(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Spent {
    steps: AtomicU64,
    bytes: AtomicU64,
    given_up: AtomicBool,
    allowance: Allowance,
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

    /// To be asked before so much work is done.
    pub fn steps(&self, number: u64) -> Result<(), Exhausted> {
        if self.is_given_up() {
            return Err(Exhausted::GivenUp);
        }
        let before = self.0.steps.fetch_add(number.min(MAX_STEPS), Ordering::Relaxed);
        if before.saturating_add(number) > MAX_STEPS { Err(Exhausted::Request) } else { Ok(()) }
    }

    /// To be asked before so many bytes are built. What is refused is not counted.
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
            self.0.allowance.take(drawn)?;
            match self.0.bytes.compare_exchange(before, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => before = now,
            }
            self.0.allowance.give_back(drawn);
        }
    }

    /// So many bytes that were counted are held no more: a piece of the answer has been sent.
    pub fn give_back(&self, number: usize) {
        let less = |held: u64| held.saturating_sub(number as u64);
        let before = self.0.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| Some(less(held)));
        let before = before.unwrap_or_default();
        self.0.allowance.give_back(shared(before) - shared(less(before)));
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

/// What a request that holds so many bytes has drawn from what all share.
fn shared(held: u64) -> u64 {
    held.saturating_sub(OWN_BYTES)
}

impl Drop for Spent {
    fn drop(&mut self) {
        self.allowance.give_back(shared(*self.bytes.get_mut()));
    }
}

#[cfg(test)]
mod tests {
    use super::{Allowance, Budget, Exhausted, MAX_BYTES, MAX_SHARED_BYTES, MAX_STEPS, OWN_BYTES};
    use std::sync::atomic::Ordering;

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
    fn all_requests_share_one_allowance_and_small_ones_need_none_of_it() {
        let allowance = Allowance::default();
        let large: Vec<Budget> = (0..5).map(|_| Budget::of(&allowance)).collect();
        let held = large.iter().filter(|budget| budget.bytes(MAX_BYTES).is_ok()).count();
        assert_eq!(held as u64, MAX_SHARED_BYTES / MAX_BYTES as u64);
        assert_eq!(large[0].bytes(1), Err(Exhausted::Request));
        assert_eq!(large[4].bytes(MAX_BYTES), Err(Exhausted::Process));
        assert_eq!(Budget::of(&allowance).bytes(OWN_BYTES as usize), Ok(()));
        drop(large);
        assert_eq!(allowance.0.load(Ordering::Relaxed), MAX_SHARED_BYTES);
    }

    #[test]
    fn what_is_sent_counts_no_more() {
        let allowance = Allowance::default();
        let budget = Budget::of(&allowance);
        for _ in 0..100 {
            assert_eq!(budget.bytes(MAX_BYTES / 2), Ok(()));
            budget.give_back(MAX_BYTES / 2);
        }
        assert_eq!(allowance.0.load(Ordering::Relaxed), MAX_SHARED_BYTES);
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
