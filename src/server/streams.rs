//! Requests beside the first of their connection: HTTP/2 carries many at once, each holds its answer until the client takes it, and
//! that takes no log-in. So there are only so many under way, from one address and in all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many one address may have under way beside the first of each of its connections.
const MOST_OF_ONE: usize = 512;
/// How many all may have.
const MOST: usize = 1024;

/// Those under way.
#[derive(Default)]
pub struct Streams(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One of them, until it is dropped.
pub struct Stream {
    streams: Arc<Streams>,
    address: IpAddr,
}

impl Streams {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more of an address; `None`: there are too many.
    pub fn begin(self: &Arc<Self>, address: IpAddr) -> Option<Stream> {
        let mut counts = self.counts();
        let own = counts.by_address.get(&address).copied().unwrap_or(0);
        if own >= MOST_OF_ONE || counts.all >= MOST {
            return None;
        }
        counts.all += 1;
        counts.by_address.insert(address, own + 1);
        drop(counts);
        Some(Stream { streams: Arc::clone(self), address })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut counts = self.streams.counts();
        counts.all -= 1;
        let left = counts.by_address.get(&self.address).map_or(0, |own| own - 1);
        if left == 0 {
            counts.by_address.remove(&self.address);
        } else {
            counts.by_address.insert(self.address, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;

    use super::{MOST, MOST_OF_ONE, Stream, Streams};

    #[test]
    fn one_address_leaves_room_for_others_and_all_comes_back() {
        let streams = Arc::<Streams>::default();
        let address = |last: u8| IpAddr::from([192, 0, 2, last]);
        let begun = |last: u8| -> Vec<Stream> { (0..MOST).map_while(|_| streams.begin(address(last))).collect() };
        let first = begun(1);
        assert_eq!(first.len(), MOST_OF_ONE);
        let others: Vec<Vec<Stream>> = (2..6).map(begun).collect();
        assert_eq!(first.len() + others.iter().map(Vec::len).sum::<usize>(), MOST);
        drop(first);
        assert!(streams.begin(address(9)).is_some());
        drop(others);
        assert!(streams.counts().by_address.is_empty());
        assert_eq!(streams.counts().all, 0);
    }
}
