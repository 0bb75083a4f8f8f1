//! Requests beside the first of their connection: HTTP/2 carries many at once, each holds its answer until the client
//! takes it, and that takes no log-in. So there are only so many under way, from one address and in all.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::tally::Tally;

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
    held: Tally,
}

/// One of them, until it is dropped.
pub struct Stream {
    streams: Arc<Streams>,
    origin: Option<IpAddr>,
}

impl Streams {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more in a share, or of a trusted proxy; `None`: there are too many.
    pub fn begin(self: &Arc<Self>, origin: Option<IpAddr>) -> Option<Stream> {
        let mut counts = self.counts();
        if counts.held.of(origin) >= MOST_OF_ONE || counts.all >= MOST {
            return None;
        }
        counts.all += 1;
        counts.held.add(origin);
        drop(counts);
        Some(Stream { streams: Arc::clone(self), origin })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut counts = self.streams.counts();
        counts.all -= 1;
        counts.held.subtract(self.origin);
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
        let origin = |last: u8| Some(IpAddr::from([192, 0, 2, last]));
        let begun = |last: u8| -> Vec<Stream> { (0..MOST).map_while(|_| streams.begin(origin(last))).collect() };
        let first = begun(1);
        assert_eq!(first.len(), MOST_OF_ONE);
        let others: Vec<Vec<Stream>> = (2..6).map(begun).collect();
        assert_eq!(first.len() + others.iter().map(Vec::len).sum::<usize>(), MOST);
        drop(first);
        assert!(streams.begin(origin(9)).is_some());
        drop(others);
        // A trusted proxy speaks for many.
        let proxied: Vec<Stream> = (0..=MOST).map_while(|_| streams.begin(None)).collect();
        assert_eq!(proxied.len(), MOST);
        drop(proxied);
        assert_eq!(streams.counts().all, 0);
        assert_eq!((1..=9).map(|last| streams.counts().held.of(origin(last))).sum::<usize>(), 0);
    }
}
