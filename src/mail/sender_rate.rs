//! How many messages about meetings one author may send within an hour: what is more waits at the mail server before
//! us. An author is who a mail says that it is from, for that is who is acted for.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::model::id::Timestamp;
use crate::model::mailbox::MailAddress;

const HOUR_S: i64 = 3_600;
/// What someone answers who was away for long.
const PER_HOUR: u32 = 100;
/// So many authors are counted; when there are more, new ones wait for the next hour.
const MAX_AUTHORS: usize = 20_000;

/// The messages of this hour, by author.
#[derive(Default)]
pub(super) struct SenderRate(Mutex<(Timestamp, HashMap<String, u32>)>);

impl SenderRate {
    /// Counts a message; may it be taken now?
    pub fn admits(&self, author: &MailAddress, at: Timestamp) -> bool {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (hour, counts) = &mut *counted;
        if *hour != at.div_euclid(HOUR_S) {
            *hour = at.div_euclid(HOUR_S);
            counts.clear();
        }
        let author = author.as_str().to_ascii_lowercase();
        if counts.len() >= MAX_AUTHORS && !counts.contains_key(&author) {
            return false;
        }
        let count = counts.entry(author).or_default();
        *count = count.saturating_add(1);
        *count <= PER_HOUR
    }
}

#[cfg(test)]
mod tests {
    use super::{HOUR_S, MAX_AUTHORS, PER_HOUR, SenderRate};

    #[test]
    fn each_author_has_an_hour() {
        let (rate, eve, jean) = (SenderRate::default(), "eve@x.fr".parse().unwrap(), "jean@x.fr".parse().unwrap());
        let admitted = (0..1_000).filter(|_| rate.admits(&eve, 50)).count();
        assert_eq!(admitted, usize::try_from(PER_HOUR).unwrap());
        assert!(!rate.admits(&"EVE@x.fr".parse().unwrap(), 60) && rate.admits(&jean, 60));
        assert!(rate.admits(&eve, HOUR_S));
        for number in 0..2 * MAX_AUTHORS {
            rate.admits(&format!("a{number}@x.fr").parse().unwrap(), HOUR_S);
        }
        assert!(rate.0.lock().unwrap().1.len() <= MAX_AUTHORS);
        assert!(rate.admits(&eve, HOUR_S), "who was counted goes on");
    }
}
