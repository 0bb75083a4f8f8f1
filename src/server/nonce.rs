//! Nonces of HTTP Digest: signed with the time, so that what is handed out costs nothing; of those that are used it is
//! known which counts were seen.
//!
//! All processes of one data directory share the key, and so take each other's. A count is taken once by a process; one
//! that begins takes no nonce from before, for it does not know which counts of that were seen.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::model::error::Failure;

/// How long a nonce is good for.
const LIFE: Duration = Duration::from_secs(300);
/// After how long the client is given the next one, before this one is used up.
const HALF_LIFE: Duration = Duration::from_secs(150);
/// So far ahead may the clock of another process be.
const AHEAD: Duration = Duration::from_secs(10);
/// Of so many nonces it is known which counts were seen; each was used by someone who logged in.
const MAX_KNOWN: usize = 16_384;
/// Requests that are sent side by side come in another order: so far behind the greatest count they may be.
const WINDOW: u32 = u128::BITS;

/// Bytes of the time and of chance, which begin a nonce; the seal follows.
const BEGIN: usize = 16;
const SEAL: usize = 16;

/// The time, in milliseconds, and chance: in the order in which they were made.
type NonceBegin = [u8; BEGIN];

/// What a nonce is worth.
#[derive(PartialEq, Eq, Debug)]
pub enum NonceVerdict {
    /// Good.
    Good,
    /// Good, and soon used up.
    Ageing,
    /// Not ours, used up, or shown with this count before.
    Stale,
}

/// Makes nonces and takes them.
pub struct Nonces {
    key: [u8; 32],
    seen: Mutex<SeenNonces>,
}

struct SeenNonces {
    counts: BTreeMap<NonceBegin, SeenCounts>,
    /// Of those made until then nothing is known unless it stands in `counts`.
    forgotten: u64,
}

/// The greatest count of a nonce, and as bits which of those just below it were seen: the lowest is its own.
#[derive(Default)]
struct SeenCounts {
    greatest: u32,
    bits: u128,
}

impl SeenCounts {
    /// Takes a count; `false`: it was seen, or may have been.
    fn take(&mut self, count: u32) -> bool {
        if count > self.greatest {
            self.bits = self.bits.checked_shl(count - self.greatest).unwrap_or(0) | 1;
            self.greatest = count;
            return true;
        }
        let behind = self.greatest - count;
        let bit = 1u128.checked_shl(behind).unwrap_or(0);
        let new = count > 0 && behind < WINDOW && self.bits & bit == 0;
        self.bits |= bit;
        new
    }
}

impl Nonces {
    /// Those of a key, for a process that begins now.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key, seen: Mutex::new(SeenNonces { counts: BTreeMap::new(), forgotten: milliseconds() }) }
    }

    /// A new one.
    pub fn make(&self) -> Result<String, Failure> {
        self.make_at(milliseconds())
    }

    fn make_at(&self, now: u64) -> Result<String, Failure> {
        let mut chance = [0u8; 8];
        getrandom::fill(&mut chance).map_err(|e| Failure::new("making a nonce", e))?;
        let begin = [now.to_be_bytes(), chance].concat();
        Ok(hex::encode([&begin[..], &self.seal(&begin)].concat()))
    }

    /// Hashed twice, so that nothing can be appended to what was sealed.
    fn seal(&self, begin: &[u8]) -> [u8; SEAL] {
        let inner = Sha256::new().chain_update(self.key).chain_update(begin).finalize();
        let outer: [u8; 32] = Sha256::new().chain_update(self.key).chain_update(inner).finalize().into();
        outer.first_chunk().copied().unwrap_or_default()
    }

    /// Takes a nonce that was shown with a count, by someone who knows the password.
    pub fn take(&self, nonce: &str, count: u32) -> NonceVerdict {
        self.take_at(nonce, count, milliseconds())
    }

    fn take_at(&self, nonce: &str, count: u32, now: u64) -> NonceVerdict {
        let mut bytes = [0u8; BEGIN + SEAL];
        let Some((begin, seal)) = hex::decode_to_slice(nonce, &mut bytes).ok().and_then(|()| bytes.split_first_chunk())
        else {
            return NonceVerdict::Stale;
        };
        let made = begin.first_chunk().map_or(0, |time| u64::from_be_bytes(*time));
        let age = Duration::from_millis(now.saturating_sub(made));
        let ahead = Duration::from_millis(made.saturating_sub(now));
        if !bool::from(self.seal(begin).as_slice().ct_eq(seal)) || age > LIFE || ahead > AHEAD {
            return NonceVerdict::Stale;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if made <= seen.forgotten && !seen.counts.contains_key(begin) {
            return NonceVerdict::Stale;
        }
        let taken = seen.counts.entry(*begin).or_default().take(count);
        if seen.counts.len() > MAX_KNOWN {
            seen.forget();
        }
        match taken {
            false => NonceVerdict::Stale,
            true if age > HALF_LIFE => NonceVerdict::Ageing,
            true => NonceVerdict::Good,
        }
    }
}

impl SeenNonces {
    /// Forgets the oldest.
    fn forget(&mut self) {
        if let Some((begin, _)) = self.counts.pop_first() {
            let made = begin.first_chunk().map_or(0, |time| u64::from_be_bytes(*time));
            self.forgotten = self.forgotten.max(made);
        }
    }
}

fn milliseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{MAX_KNOWN, NonceVerdict, Nonces, milliseconds};

    fn shown(nonces: &Nonces, nonce: &str, count: u32) -> bool {
        nonces.take(nonce, count) != NonceVerdict::Stale
    }

    /// One of a process that began an hour ago.
    fn old() -> Nonces {
        let nonces = Nonces::new([7; 32]);
        nonces.seen.lock().expect("a lock").forgotten -= 3_600_000;
        nonces
    }

    #[test]
    fn each_count_is_taken_once_in_whatever_order_they_come() {
        let nonces = old();
        let nonce = nonces.make().expect("a nonce");
        for (count, good) in [
            (1, true),
            (1, false),
            (3, true),
            (2, true),
            (2, false),
            (0, false),
            (40, true),
            (39, true),
            (41, true),
            (39, false),
            (168, true),
            // Too far behind to be known; seen; within the window and not seen.
            (40, false),
            (41, false),
            (42, true),
        ] {
            assert_eq!(shown(&nonces, &nonce, count), good, "{count}");
        }
        assert!(shown(&nonces, &nonce, u32::MAX) && !shown(&nonces, &nonce, 169));
    }

    #[test]
    fn a_nonce_is_good_for_its_time_and_for_who_made_it() {
        let nonces = old();
        let now = milliseconds();
        for (age_s, verdict) in [
            (-30, NonceVerdict::Stale),
            (-5, NonceVerdict::Good),
            (0, NonceVerdict::Good),
            (149, NonceVerdict::Good),
            (151, NonceVerdict::Ageing),
            (299, NonceVerdict::Ageing),
            (301, NonceVerdict::Stale),
        ] {
            let made = now.saturating_add_signed(-age_s * 1000);
            let nonce = nonces.make_at(made).expect("a nonce");
            assert_eq!(nonces.take_at(&nonce, 1, now), verdict, "{age_s}");
        }
        let nonce = nonces.make().expect("a nonce");
        let forged = format!("{}{}", &nonce[..62], if nonce.ends_with("00") { "01" } else { "00" });
        for other in [forged.as_str(), "", "0", &nonce[2..], &format!("{nonce}00"), "zz"] {
            assert!(!shown(&nonces, other, 1), "{other}");
        }
        assert!(!shown(&Nonces::new([8; 32]), &nonce, 1), "another key");
        assert!(shown(&old(), &nonce, 1), "another process");
        assert!(
            !shown(&Nonces::new([7; 32]), &nonces.make_at(now - 1000).expect("a nonce"), 1),
            "one that began later"
        );
    }

    #[test]
    fn what_is_forgotten_is_taken_no_more() {
        let nonces = old();
        let now = milliseconds();
        let all: Vec<String> =
            (0..MAX_KNOWN as u64 + 2).map(|n| nonces.make_at(now - 100_000 + n).expect("a nonce")).collect();
        for nonce in &all {
            assert!(shown(&nonces, nonce, 1));
        }
        assert_eq!(nonces.seen.lock().expect("a lock").counts.len(), MAX_KNOWN);
        for (place, nonce) in all.iter().enumerate() {
            assert_eq!(shown(&nonces, nonce, 2), place >= 2, "{place}");
        }
    }
}
