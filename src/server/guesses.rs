//! Who guesses addresses that are secrets. A right one is answered whoever asks, for behind one address there may be
//! others; who names many that are none has to come back later, and learns no less and no more by it.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::tally::origin;

/// So many wrong ones a minute are answered from one address.
const A_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);

/// How many wrong addresses were named, and by whom.
pub struct Guesses(DefaultKeyedRateLimiter<IpAddr>);

impl Guesses {
    /// None so far.
    pub fn new() -> Self {
        Self(RateLimiter::keyed(Quota::per_minute(A_MINUTE)))
    }

    /// One more from an address: is it one too many?
    pub fn is_one_too_many(&self, address: IpAddr) -> bool {
        self.0.check_key(&origin(address)).is_err()
    }

    /// Lets go of those who have stopped.
    pub fn forget(&self) {
        self.0.retain_recent();
        self.0.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{A_MINUTE, Guesses};

    #[test]
    fn each_address_has_a_minute_of_its_own() {
        let guesses = Guesses::new();
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse::<IpAddr>().unwrap());
        assert!((0..A_MINUTE.get()).all(|_| !guesses.is_one_too_many(one)));
        assert!(guesses.is_one_too_many(one) && !guesses.is_one_too_many(other));
        guesses.forget();
        assert!(guesses.is_one_too_many(one));
    }
}
