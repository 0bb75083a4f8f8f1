//! Identifiers that we make ourselves, and the two numbers that order changes: sequence and time.

use std::fmt;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

/// Number of a change within one home. Strictly ascending, visible in order (see `store::transaction`).
pub type Seq = i64;

/// Unix seconds, UTC.
pub type Timestamp = i64;

/// A 63-bit identifier: milliseconds since 2024 in the high bits, so that rows made together stand together,
/// then bits of the process, then a counter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Id(pub i64);

const EPOCH_MS: u64 = 1_704_067_200_000;
const COUNTER_BITS: u32 = 12;
const PROCESS_BITS: u32 = 10;

struct Generator {
    process: u64,
    last_ms: u64,
    counter: u64,
}

static GENERATOR: Mutex<Option<Generator>> = Mutex::new(None);

impl Id {
    /// A fresh identifier, unique in this process and, by ten random bits, very likely among all processes on one
    /// database; where two should meet, the primary key refuses the second and its request fails without harm.
    #[must_use]
    pub fn generate() -> Self {
        let mut slot = GENERATOR.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let generator = slot.get_or_insert_with(|| {
            let mut seed = [0u8; 8];
            // Without randomness the process number serves: it, too, differs between processes beside each other.
            if getrandom::fill(&mut seed).is_err() {
                seed = u64::from(std::process::id()).to_le_bytes();
            }
            Generator { process: u64::from_le_bytes(seed) & ((1 << PROCESS_BITS) - 1), last_ms: 0, counter: 0 }
        });
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64);
        let now_ms = elapsed.saturating_sub(EPOCH_MS);
        if now_ms > generator.last_ms {
            generator.last_ms = now_ms;
            generator.counter = 0;
        } else {
            generator.counter += 1;
            if generator.counter >> COUNTER_BITS != 0 {
                generator.last_ms += 1;
                generator.counter = 0;
            }
        }
        let high = generator.last_ms << (COUNTER_BITS + PROCESS_BITS);
        let value = high | (generator.process << COUNTER_BITS) | generator.counter;
        Self((value & (i64::MAX as u64)) as i64)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The present moment in Unix seconds.
#[must_use]
pub fn now() -> Timestamp {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64)
}

/// The last moment that an HTTP date expresses, at the end of the year 9999; the first is 0.
const LAST_HTTP_DATE: Timestamp = 253_402_300_799;

/// The nearest moment that an HTTP date expresses. Clients date documents from 1601 on, and beyond the year 9999.
#[must_use]
pub fn representable(at: Timestamp) -> Timestamp {
    at.clamp(0, LAST_HTTP_DATE)
}

#[cfg(test)]
mod tests {
    use super::Id;

    #[test]
    fn ids_ascend_and_never_repeat() {
        let ids: Vec<Id> = (0..20_000).map(|_| Id::generate()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.iter().all(|id| id.0 > 0));
    }
}
