//! Whose share something counts in, and how much there is of each.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};

/// The bits of an IPv6 address that distinguish networks.
const NETWORK: u128 = u128::MAX << 64;

/// How many there are of each; what counts in no share, as what trusted proxies bring, is not counted.
pub struct Tally<K = IpAddr>(HashMap<K, usize>);

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

/// Whose share an address counts in: a network of IPv6 is one customer's.
pub fn origin(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & NETWORK)),
        address => address,
    }
}

impl<K: Copy + Eq + Hash> Tally<K> {
    /// How many there are of it.
    pub fn of(&self, share: Option<K>) -> usize {
        share.and_then(|share| self.0.get(&share)).copied().unwrap_or(0)
    }

    /// Of how many there is any.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// None is left of it.
    pub fn clear(&mut self, share: K) {
        self.0.remove(&share);
    }

    /// One more.
    pub fn add(&mut self, share: Option<K>) {
        if let Some(share) = share {
            *self.0.entry(share).or_default() += 1;
        }
    }

    /// One less.
    pub fn subtract(&mut self, share: Option<K>) {
        if let Some(share) = share
            && let Some(count @ 2..) = self.0.remove(&share)
        {
            self.0.insert(share, count - 1);
        }
    }
}
