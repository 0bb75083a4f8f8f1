//! Whose programs use their calendars. It is kept in memory, and written beside the requests: reading a calendar writes
//! nothing, and what a crash loses of some minutes matters to nobody.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::model::id::{Id, Timestamp};

/// How exactly it is known, seconds.
const GRAIN_S: i64 = 86_400;

/// The day of a moment.
pub(super) fn day_of(at: Timestamp) -> Timestamp {
    at - at.rem_euclid(GRAIN_S)
}

/// How many are written in one change.
const SLICE: usize = 500;

/// Whose programs used their calendars on this day, and whether that is written.
#[derive(Default)]
pub(super) struct CalendarUse {
    people: Mutex<HashMap<Id, UsedDay>>,
}

#[derive(Clone, Copy)]
struct UsedDay {
    day: Timestamp,
    is_written: bool,
}

impl CalendarUse {
    /// Is it known that a program of a person used their calendars on a day?
    pub fn is_known(&self, person: Id, day: Timestamp) -> bool {
        let people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        people.get(&person).is_some_and(|used| used.day == day)
    }

    /// Notes it.
    pub fn note(&self, person: Id, day: Timestamp) {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        people.insert(person, UsedDay { day, is_written: false });
    }

    /// On which day a program of a person used their calendars, as far as this process knows.
    pub fn of(&self, person: Id) -> Option<Timestamp> {
        let people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        people.get(&person).map(|used| used.day)
    }

    /// Some that are not written; what is, and is of a former day, is forgotten.
    pub fn unwritten(&self, day: Timestamp) -> Vec<(Id, Timestamp)> {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        people.retain(|_, used| !used.is_written || used.day == day);
        people.iter().filter(|(_, used)| !used.is_written).map(|(id, used)| (*id, used.day)).take(SLICE).collect()
    }

    /// These are written.
    pub fn written(&self, noted: &[(Id, Timestamp)]) {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        for (person, day) in noted {
            if let Some(used) = people.get_mut(person).filter(|used| used.day == *day) {
                used.is_written = true;
            }
        }
    }
}
