//! Jobs: work that is done after the change that wants it, at some time, or again and again.

use super::id::Timestamp;

/// A job that is to be entered.
#[derive(Clone, Copy, Debug)]
pub struct NewJob<'a> {
    /// What it is: one that is entered already is not entered again.
    pub key: &'a str,
    /// How it is done.
    pub kind: &'a str,
    /// With what.
    pub payload: &'a str,
    /// Not before.
    pub due_at: Timestamp,
}

/// A job that was entered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Job {
    /// What it is.
    pub key: String,
    /// How it is done.
    pub kind: String,
    /// With what.
    pub payload: String,
    /// When it was entered.
    pub entered_at: Timestamp,
    /// When it is due; while it runs: when its lease ends.
    pub due_at: Timestamp,
    /// How many runs of it were begun since it last succeeded.
    pub tries: i64,
    /// Is a run under way?
    pub running: bool,
    /// When it was given up.
    pub failed_at: Option<Timestamp>,
    /// Why its last run failed.
    pub error: Option<String>,
}

impl Job {
    /// How it stands, as commands spell it.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match (self.failed_at, self.running) {
            (Some(_), _) => "failed",
            (None, true) => "running",
            (None, false) => "waiting",
        }
    }
}

/// The wait after the first run that failed, and the longest, seconds.
const FIRST_WAIT_S: i64 = 30;
const LONGEST_WAIT_S: i64 = 4 * 3_600;

/// How long a job waits after so many runs that failed.
#[must_use]
pub fn wait_s(tries: i64) -> i64 {
    FIRST_WAIT_S.saturating_mul(1 << tries.saturating_sub(1).clamp(0, 20)).min(LONGEST_WAIT_S)
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_WAIT_S, wait_s};

    #[test]
    fn waits_grow_and_have_an_end() {
        assert_eq!([1, 2, 3, 4].map(wait_s), [30, 60, 120, 240]);
        assert_eq!([wait_s(0), wait_s(i64::MIN)], [30, 30]);
        assert_eq!(wait_s(i64::MAX), LONGEST_WAIT_S);
    }
}
