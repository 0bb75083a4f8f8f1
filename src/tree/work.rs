//! Work that takes a processor for long: beside the threads that serve, and fair between people.
//!
//! There are as many workers as processors. Each takes the next person's next piece of work, in turn, and after a slice
//! puts it back: whoever asks for much waits for themselves.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::model::budget::{Budget, Exhausted};
use crate::model::error::{Failure, Result};
use crate::model::id::Id;

/// How long a piece of work has a worker before others have their turn.
const SLICE: Duration = Duration::from_millis(40);
/// Even with one processor a piece of work that is long for its slice keeps not all others waiting.
const LEAST_WORKERS: usize = 2;
/// How much of one person's work may wait: each holds what it works on in memory.
const MOST_WAITING: usize = 64;

/// A piece of work; was it the last of its kind? It is called again until then.
type WorkStep = Box<dyn FnMut(&WorkSlice) -> bool + Send>;

/// The time that a piece of work has.
pub struct WorkSlice(Instant);

impl WorkSlice {
    /// Is it over? What is not done then is done in the next.
    #[must_use]
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.0
    }
}

/// Whose work waits. Who has any is in `turns` once.
#[derive(Default)]
struct Queue {
    turns: VecDeque<Id>,
    waiting: HashMap<Id, VecDeque<WorkStep>>,
    workers: usize,
}

impl Queue {
    fn push(&mut self, person: Id, piece: WorkStep) {
        let waiting = self.waiting.entry(person).or_default();
        if waiting.is_empty() {
            self.turns.push_back(person);
        }
        waiting.push_back(piece);
    }

    fn pop(&mut self) -> Option<(Id, WorkStep)> {
        let person = self.turns.pop_front()?;
        let waiting = self.waiting.get_mut(&person)?;
        let piece = waiting.pop_front()?;
        if waiting.is_empty() {
            self.waiting.remove(&person);
        } else {
            self.turns.push_back(person);
        }
        Some((person, piece))
    }
}

/// Those who work.
pub struct Workers {
    queue: Mutex<Queue>,
    most: usize,
}

impl Default for Workers {
    fn default() -> Self {
        let most = available_parallelism().map_or(LEAST_WORKERS, |processors| processors.get().max(LEAST_WORKERS));
        Self { queue: Mutex::default(), most }
    }
}

impl Workers {
    /// Has work done for a person: `work` is called, slice by slice, until it answers. Refused where too much of theirs
    /// waits; dropped when nobody waits for it any more.
    pub async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        person: Id,
        budget: &Budget,
        mut work: impl FnMut(&WorkSlice) -> Option<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = oneshot::channel();
        let (mut sender, of) = (Some(sender), budget.clone());
        let piece = move |slice: &WorkSlice| {
            if of.is_given_up() || sender.as_ref().is_none_or(oneshot::Sender::is_closed) {
                return true;
            }
            let Some(done) = work(slice) else { return false };
            // Nobody may wait for it.
            let _ = sender.take().map(|sender| sender.send(done));
            true
        };
        self.add(person, Box::new(piece))?;
        receiver.await.map_err(|died| match budget.is_given_up() {
            true => Exhausted::GivenUp.into(),
            false => Failure::new("working on calendar objects", died).into(),
        })
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(self: &Arc<Self>, person: Id, piece: WorkStep) -> std::result::Result<(), Exhausted> {
        let mut queue = self.queue();
        if queue.waiting.get(&person).is_some_and(|waiting| waiting.len() >= MOST_WAITING) {
            return Err(Exhausted::Process);
        }
        queue.push(person, piece);
        if queue.workers < self.most {
            queue.workers += 1;
            let workers = Arc::clone(self);
            tokio::task::spawn_blocking(move || workers.work());
        }
        Ok(())
    }

    /// Works until nothing waits.
    fn work(&self) {
        loop {
            let next = {
                let mut queue = self.queue();
                let next = queue.pop();
                queue.workers -= usize::from(next.is_none());
                next
            };
            let Some((person, mut piece)) = next else { return };
            let slice = WorkSlice(Instant::now() + SLICE);
            // A panic ends the piece; who waits for it learns that it is gone.
            if !catch_unwind(AssertUnwindSafe(|| piece(&slice))).unwrap_or(true) {
                self.queue().push(person, piece);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arc, Budget, Duration, Id, Instant, MOST_WAITING, Workers};
    use crate::model::condition::Condition;
    use crate::model::error::Error;

    /// Work that takes so long, in steps of a millisecond.
    fn busy(for_ms: u64) -> impl FnMut(&super::WorkSlice) -> Option<()> + Send + 'static {
        let mut left = for_ms;
        move |slice| {
            while left > 0 {
                std::thread::sleep(Duration::from_millis(1));
                left -= 1;
                if slice.is_over() {
                    return None;
                }
            }
            Some(())
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_asks_for_much_waits_for_themselves() {
        let workers: Arc<Workers> = Arc::default();
        let flood: Vec<Budget> = (0..MOST_WAITING).map(|_| Budget::default()).collect();
        let running: Vec<_> = flood
            .iter()
            .cloned()
            .map(|budget| {
                let workers = Arc::clone(&workers);
                tokio::spawn(async move { workers.run(Id(1), &budget, busy(60_000)).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let begun = Instant::now();
        workers.run(Id(2), &Budget::default(), busy(5)).await.unwrap();
        assert!(begun.elapsed() < Duration::from_millis(1000), "{:?}", begun.elapsed());
        // What nobody waits for any more is not worked on: the flood ends at once.
        flood.iter().for_each(Budget::give_up);
        for one in running {
            let ended = tokio::time::timeout(Duration::from_secs(5), one).await.unwrap().unwrap();
            assert!(matches!(ended, Err(Error::Refused(refusal)) if refusal.condition == Condition::Busy));
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_panic_ends_one_piece() {
        let workers: Arc<Workers> = Arc::default();
        for _ in 0..10 {
            let ended = workers.run(Id(1), &Budget::default(), |_| -> Option<()> { panic!("as it should") }).await;
            assert!(matches!(ended, Err(Error::Failed(_))));
        }
        assert_eq!(workers.run(Id(1), &Budget::default(), |_| Some(7)).await.unwrap(), 7);
    }
}
