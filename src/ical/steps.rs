//! Steps through the rules and lists of one object, of which it has so many and no more.

use std::cell::Cell;

use crate::model::budget::{Budget, Exhausted};

/// The most steps through its rules and lists that one object may take.
pub(super) const OBJECT_STEPS: u64 = 50_000;

/// What an object has left. Its steps go from the budget of the request, too.
pub(super) struct Steps {
    left: Cell<u64>,
    cut: Cell<bool>,
    budget: Option<Budget>,
}

impl Steps {
    /// So many.
    pub fn new(number: u64) -> Self {
        Self { left: Cell::new(number), cut: Cell::new(false), budget: None }
    }

    /// For a request with a budget.
    pub fn within(self, budget: &Budget) -> Self {
        Self { budget: Some(budget.clone()), ..self }
    }

    /// To be called before so many steps. When there are no more, what follows is cut short.
    pub fn take(&self, number: u64) -> bool {
        let enough = self.left.get() >= number && self.work(number).is_ok();
        if !enough {
            self.cut();
        }
        self.left.set(self.left.get().saturating_sub(number));
        enough
    }

    /// Steps that were taken before anybody could know how many.
    pub fn spend(&self, number: u64) {
        let _ = self.work(number);
        self.left.set(self.left.get().saturating_sub(number));
    }

    /// Work on this object that is no step through its rules: it goes from the budget of the request alone.
    pub fn work(&self, steps: u64) -> Result<(), Exhausted> {
        self.budget.as_ref().map_or(Ok(()), |budget| budget.steps(steps))
    }

    /// To be called before so many bytes are built.
    pub fn bytes(&self, number: usize) -> Result<(), Exhausted> {
        self.budget.as_ref().map_or(Ok(()), |budget| budget.bytes(number))
    }

    /// So many bytes are held no more.
    pub fn give_back(&self, number: usize) {
        if let Some(budget) = &self.budget {
            budget.give_back(number);
        }
    }

    /// Not all has been looked at.
    pub fn cut(&self) {
        self.cut.set(true);
    }

    /// Was anything cut short?
    pub fn is_cut(&self) -> bool {
        self.cut.get()
    }
}
