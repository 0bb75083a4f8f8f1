//! How many statements went to the database, and what each write held the others up for: counted, so that a test can
//! hold it to a rule on any machine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many statements went to the database, and how much it answered: what a request costs, measured without a clock.
#[derive(Default, Debug)]
pub struct Counters {
    statements: AtomicU64,
    rows: AtomicU64,
    /// Steps of the writing connection.
    steps: AtomicU64,
    most: Mutex<WriterHold>,
}

/// What one slice of long work may hold the others up for, but for its last piece.
const SLICE: WriterHold = WriterHold { time: Duration::from_millis(15), statements: 1_000, steps: 300_000 };

/// For how long, and for how much, one writer keeps the others waiting: from when it has the connection until another
/// may have it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct WriterHold {
    /// By the clock.
    pub time: Duration,
    /// Statements.
    pub statements: u64,
    /// Steps of the database, about: they show how much a statement looked at.
    pub steps: u64,
}

impl Counters {
    pub(super) fn add(&self, statements: usize, rows: usize) {
        self.statements.fetch_add(statements as u64, Ordering::Relaxed);
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
    }

    pub(super) fn stepped(&self, steps: u64) {
        self.steps.fetch_add(steps, Ordering::Relaxed);
    }

    /// Statements, and rows of their answers, since the database was opened.
    pub fn so_far(&self) -> (u64, u64) {
        (self.statements.load(Ordering::Relaxed), self.rows.load(Ordering::Relaxed))
    }

    /// The most that a writer has held the others up for since this was called last: of the time, the statements and
    /// the steps each.
    pub fn most_held(&self) -> WriterHold {
        std::mem::take(&mut *self.most.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A writer at its work; what it held is noted when this is dropped.
pub struct HoldTimer {
    counters: Arc<Counters>,
    since: Instant,
    steps: u64,
    /// Statements that it ran.
    pub statements: u64,
}

impl HoldTimer {
    /// A writer has the connection from now on.
    pub fn begin(counters: &Arc<Counters>) -> Self {
        let steps = counters.steps.load(Ordering::Relaxed);
        Self { counters: Arc::clone(counters), since: Instant::now(), steps, statements: 0 }
    }

    fn so_far(&self) -> WriterHold {
        let steps = self.counters.steps.load(Ordering::Relaxed).saturating_sub(self.steps);
        WriterHold { time: self.since.elapsed(), statements: self.statements, steps }
    }

    /// Is it time to let others write?
    pub fn is_long(&self) -> bool {
        let WriterHold { time, statements, steps } = self.so_far();
        time >= SLICE.time || statements >= SLICE.statements || steps >= SLICE.steps
    }
}

impl Drop for HoldTimer {
    fn drop(&mut self) {
        let held = self.so_far();
        let mut most = self.counters.most.lock().unwrap_or_else(PoisonError::into_inner);
        most.time = most.time.max(held.time);
        most.statements = most.statements.max(held.statements);
        most.steps = most.steps.max(held.steps);
    }
}
