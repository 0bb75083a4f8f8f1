//! How often something may happen within an hour to each of many who cause it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::id::Timestamp;

const HOUR_S: i64 = 3_600;
/// So many are counted; when there are more, new ones wait for the next hour.
const MAX_COUNTED: usize = 20_000;

/// What has happened in this hour, by who caused it.
#[derive(Debug)]
pub struct HourlyRate {
    most: u32,
    counted: Mutex<HourlyCounts>,
}

#[derive(Debug, Default)]
struct HourlyCounts {
    hour: Timestamp,
    counts: HashMap<String, u32>,
}

impl HourlyRate {
    /// It may happen so often to each.
    #[must_use]
    pub fn of(most: u32) -> Self {
        Self { most, counted: Mutex::default() }
    }

    /// Counts once more; may it happen now?
    pub fn admits(&self, who: String, at: Timestamp) -> bool {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let HourlyCounts { hour, counts } = &mut *counted;
        if *hour != at.div_euclid(HOUR_S) {
            *hour = at.div_euclid(HOUR_S);
            counts.clear();
        }
        if counts.len() >= MAX_COUNTED && !counts.contains_key(&who) {
            return false;
        }
        let count = counts.entry(who).or_default();
        *count = count.saturating_add(1);
        *count <= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::{HOUR_S, HourlyRate, MAX_COUNTED};

    #[test]
    fn each_has_an_hour() {
        let rate = HourlyRate::of(100);
        let admits = |who: &str, at| rate.admits(who.to_owned(), at);
        assert_eq!((0..1_000).filter(|_| admits("eve", 50)).count(), 100);
        assert!(!admits("eve", 60) && admits("jean", 60));
        assert!(admits("eve", HOUR_S));
        for number in 0..2 * MAX_COUNTED {
            admits(&number.to_string(), HOUR_S);
        }
        assert!(rate.counted.lock().unwrap().counts.len() <= MAX_COUNTED);
        assert!(admits("eve", HOUR_S), "who was counted goes on");
    }
}
