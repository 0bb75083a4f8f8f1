//! Turns: changes of one meeting are planned and made one after the other in this process, so that hardly any has to be
//! planned twice. What another process does meanwhile is found when the plan is carried out.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use tokio::sync::{Mutex, MutexGuard};

/// How many meetings may be changed at once, unless two share a turn by chance.
const TURNS: usize = 64;

/// The turns of a process.
pub struct MeetingTurns {
    meetings: [Mutex<()>; TURNS],
    bookings: Mutex<()>,
}

impl Default for MeetingTurns {
    fn default() -> Self {
        Self { meetings: std::array::from_fn(|_| Mutex::default()), bookings: Mutex::default() }
    }
}

impl MeetingTurns {
    /// Waits for the turn of what books rooms, after that of the meeting.
    pub async fn of_bookings(&self) -> MutexGuard<'_, ()> {
        self.bookings.lock().await
    }

    /// Waits for the turn of a meeting.
    pub async fn of(&self, uid: &str) -> Option<MutexGuard<'_, ()>> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(uid);
        let at = usize::try_from(hash % TURNS as u64).unwrap_or_default();
        match self.meetings.get(at) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        }
    }
}
